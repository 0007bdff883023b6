//! The four operations, in EC2's Query protocol.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::reports::{Accepted, Report, Reports, Status};
use super::summary;
use crate::iam::{Gate, Principal, Question, dependents};
use crate::organization::Organization;
use crate::s3::Storage;
use crate::settings::{ReportOutcome, Settings, UnknownReport};
use crate::wire::ApiError;
use crate::wire::query::Form;
use crate::wire::xml::Element;

/// What the operations work on.
pub(crate) struct Ec2<'a> {
    pub(crate) reports: &'a mut Reports,
    pub(crate) organization: &'a Organization,
    pub(crate) settings: &'a mut Settings,
    pub(crate) storage: &'a Storage,
    pub(crate) gate: &'a Gate,
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    pub(crate) now: Timestamp,
}

/// Answers one operation with the members of its answer.
pub(crate) fn call(
    ec2: &mut Ec2<'_>,
    principal: &Arc<Principal>,
    operation: &str,
    form: &Form,
) -> Result<Vec<Element>, ApiError> {
    let known: &[&str] = match operation {
        "StartDeclarativePoliciesReport" => {
            &["DryRun", "S3Bucket", "S3Prefix", "TargetId", "TagSpecification"]
        }
        "DescribeDeclarativePoliciesReports" => &["DryRun", "NextToken", "MaxResults", "ReportId"],
        "GetDeclarativePoliciesReportSummary" | "CancelDeclarativePoliciesReport" => &["DryRun", "ReportId"],
        other => {
            return Err(ApiError::new(400, "InvalidAction", format!("The action {other} is not simulated")));
        }
    };
    let mut all = vec!["Action", "Version"];
    all.extend_from_slice(known);
    if let Some(name) = form.unknown(&all) {
        return Err(ApiError::new(
            400,
            "UnknownParameter",
            format!("The parameter {name} is not recognized"),
        ));
    }
    match operation {
        "StartDeclarativePoliciesReport" => ec2.start(principal, form),
        "DescribeDeclarativePoliciesReports" => ec2.describe(principal, form),
        "GetDeclarativePoliciesReportSummary" => ec2.summary(principal, form),
        _ => ec2.cancel(principal, form),
    }
}

impl Ec2<'_> {
    /// An error of the report operations: with the suffix of AWS's pages, or without.
    fn error(&self, code: &str, message: &str) -> ApiError {
        let suffix = if self.settings.exception_suffix { "Exception" } else { "" };
        ApiError::new(400, format!("{code}{suffix}"), message)
    }

    fn authorize(&self, principal: &Principal, action: &str, resource: &str) -> Result<(), ApiError> {
        self.gate.check(principal, &Question::new(action, resource)).map_err(|denied| {
            ApiError::new(
                403,
                "UnauthorizedOperation",
                format!("You are not authorized to perform this operation. {denied}"),
            )
        })
    }

    fn report_arn(&self, principal: &Principal, id: &str) -> String {
        format!(
            "arn:{}:ec2:{}:{}:declarative-policies-report/{id}",
            self.partition, self.region, principal.account
        )
    }

    fn dry_run(&self, form: &Form) -> Result<(), ApiError> {
        match form.flag("DryRun") {
            true => Err(ApiError::new(
                412,
                "DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
            )),
            false => Ok(()),
        }
    }

    /// Management account or delegated administrator for EC2.
    fn administrator(&self, principal: &Principal) -> Result<(), ApiError> {
        match self.organization.is_administrator(&principal.account, "ec2.amazonaws.com") {
            true => Ok(()),
            false => Err(self.error(
                "DeclarativePoliciesAccessDenied",
                "The caller is not the management account or delegated administrator for the organization",
            )),
        }
    }

    fn start(&mut self, principal: &Arc<Principal>, form: &Form) -> Result<Vec<Element>, ApiError> {
        // The service authorization reference knows no resource type for it.
        self.authorize(principal, "ec2:StartDeclarativePoliciesReport", "*")?;
        let (bucket, target) = (form.required("S3Bucket")?, form.required("TargetId")?);
        let prefix = form.get("S3Prefix").unwrap_or_default().trim_matches('/');
        let tags = tags(form)?;
        self.administrator(principal)?;
        if !self.organization.trusted.iter().any(|service| service == "ec2.amazonaws.com") {
            return Err(self.error(
                "DeclarativePoliciesNotEnabled",
                "Trusted access is not enabled for the organization",
            ));
        }
        if self.organization.below(target).is_none() {
            return Err(self.error(
                "DeclarativePoliciesAccessDenied",
                "The specified target does not exist or does not belong to the organization",
            ));
        }
        self.dependents(principal, bucket, prefix, !tags.is_empty())?;
        let another = self.reports.running().then(|| {
            self.error("IncorrectState", "Another report is already being generated for the organization")
        });
        if !self.settings.dry_run_looks_at_reports {
            self.dry_run(form)?;
        }
        another.map_or(Ok(()), Err)?;
        self.dry_run(form)?;
        let accepted = Accepted {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            target: target.to_owned(),
            tags,
            caller: Arc::clone(principal),
        };
        let outcome = match self.settings.report_outcomes.is_empty() {
            true => ReportOutcome::Complete,
            false => self.settings.report_outcomes.remove(0),
        };
        let duration = SignedDuration::try_from(self.settings.report_duration).unwrap_or(SignedDuration::MAX);
        let lag = SignedDuration::try_from(self.settings.describe_lag).unwrap_or_default();
        let id = self.reports.start(accepted, outcome, duration, lag, self.organization.seed, self.now);
        Ok(vec![Element::text("reportId", id)])
    }

    /// What AWS requires of the caller besides the action: the organization's reads, and that the
    /// object may be written where it is to go.
    fn dependents(
        &self,
        principal: &Principal,
        bucket: &str,
        prefix: &str,
        tagged: bool,
    ) -> Result<(), ApiError> {
        let inaccessible = || {
            self.error("InaccessibleStorageLocation", "The specified Amazon S3 location cannot be accessed")
        };
        let place = self.storage.bucket(bucket).ok_or_else(inaccessible)?;
        if place.owner != principal.account || place.region != self.region {
            return Err(inaccessible());
        }
        for row in dependents("ec2:StartDeclarativePoliciesReport") {
            let applies = match row.when.as_deref() {
                Some("tags") => tagged,
                Some("kms") => place.kms_key.is_some(),
                _ => true,
            };
            for needed in row.needs.iter().filter(|_| applies) {
                let checked = match row.on.as_str() {
                    "bucket" => {
                        let object = format!("arn:{}:s3:::{bucket}/{prefix}/ec2_report.csv", self.partition);
                        let question = Question::new(needed, &object)
                            .dependent()
                            .with("aws:CalledViaLast", self.settings.called_via_last.as_str())
                            .resource_policy(place.policy.as_ref());
                        self.gate.check(principal, &question).map_err(|_| inaccessible())
                    }
                    on => {
                        let resource = match on {
                            "report" => self.report_arn(principal, "*"),
                            "key" => place.kms_key.clone().unwrap_or_default(),
                            _ => "*".to_owned(),
                        };
                        let question = Question::new(needed, &resource)
                            .dependent()
                            .with("ec2:CreateAction", "StartDeclarativePoliciesReport");
                        // Which error AWS gives for a missing dependent permission is not established.
                        self.gate.check(principal, &question).map_err(|denied| {
                            ApiError::new(
                                403,
                                "UnauthorizedOperation",
                                format!("You are not authorized to perform this operation. {denied}"),
                            )
                        })
                    }
                };
                checked?;
            }
        }
        Ok(())
    }

    fn describe(&mut self, principal: &Principal, form: &Form) -> Result<Vec<Element>, ApiError> {
        self.authorize(principal, "ec2:DescribeDeclarativePoliciesReports", "*")?;
        self.administrator(principal)?;
        self.dry_run(form)?;
        let size = match form.get("MaxResults") {
            None => 1_000,
            Some(text) => match text.parse() {
                Ok(size @ 1..=1_000) => size,
                _ => {
                    return Err(ApiError::new(
                        400,
                        "InvalidMaxResults",
                        format!("Value ({text}) for parameter maxResults is invalid"),
                    ));
                }
            },
        };
        let from: usize = match form.get("NextToken") {
            None => 0,
            Some(token) => token
                .strip_prefix("page-")
                .and_then(|from| from.parse().ok())
                .ok_or_else(|| ApiError::new(400, "InvalidNextToken", "The token is not valid"))?,
        };
        let ids = form.list("ReportId");
        for id in &ids {
            let known = self.reports.find(id).is_some_and(|report| report.is_visible(self.now));
            if !known && self.settings.unknown_report != UnknownReport::Empty {
                return Err(self.unknown(id));
            }
        }
        let shown: Vec<&Report> = self
            .reports
            .all()
            .iter()
            .filter(|report| {
                report.is_visible(self.now) && (ids.is_empty() || ids.contains(&report.id.as_str()))
            })
            .collect();
        let page = shown.iter().skip(from).take(size).map(|report| describe(report, self.settings));
        let mut members = vec![Element::list("reportSet", page)];
        if from + size < shown.len() {
            members.push(Element::text("nextToken", format!("page-{}", from + size)));
        }
        Ok(members)
    }

    fn unknown(&self, id: &str) -> ApiError {
        match self.settings.unknown_report {
            UnknownReport::InvalidParameter | UnknownReport::Empty => {
                ApiError::new(400, "InvalidParameter", format!("The report {id} does not exist"))
            }
            UnknownReport::NotFound => ApiError::new(
                400,
                "InvalidDeclarativePoliciesReportId.NotFound",
                format!("The report {id} does not exist"),
            ),
        }
    }

    /// The report that Cancel or Summary is about.
    fn named(&self, principal: &Principal, operation: &str, form: &Form) -> Result<Report, ApiError> {
        let id = form.required("ReportId")?;
        self.authorize(principal, &format!("ec2:{operation}"), &self.report_arn(principal, id))?;
        self.administrator(principal)?;
        let well_formed = id
            .strip_prefix("p-")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_alphanumeric()));
        if !well_formed {
            return Err(ApiError::new(
                400,
                "InvalidDeclarativePoliciesReportId.Malformed",
                format!("Invalid id: \"{id}\" (expecting \"p-...\")"),
            ));
        }
        self.dry_run(form)?;
        self.reports
            .find(id)
            .filter(|report| report.is_visible(self.now))
            .cloned()
            .ok_or_else(|| self.unknown(id))
    }

    fn summary(&mut self, principal: &Principal, form: &Form) -> Result<Vec<Element>, ApiError> {
        let report = self.named(principal, "GetDeclarativePoliciesReportSummary", form)?;
        if report.status != Status::Complete {
            return Err(self.error("IncorrectState", "The report is not complete"));
        }
        let mut members = common(&report);
        members.extend(summary::members(self.organization, self.settings, &report.target));
        Ok(members)
    }

    fn cancel(&mut self, principal: &Principal, form: &Form) -> Result<Vec<Element>, ApiError> {
        let report = self.named(principal, "CancelDeclarativePoliciesReport", form)?;
        match self.reports.cancel(&report.id, self.now) {
            true => Ok(vec![Element::text("return", true)]),
            false => Err(self.error("IncorrectState", "The report is not running")),
        }
    }
}

/// What a report's description and its summary both begin with.
fn common(report: &Report) -> Vec<Element> {
    let mut members = vec![
        Element::text("reportId", &report.id),
        Element::text("s3Bucket", &report.bucket),
        Element::text("s3Prefix", &report.prefix),
        Element::text("targetId", &report.target),
        Element::text("startTime", milliseconds(report.started)),
    ];
    members.extend(report.ended.map(|ended| Element::text("endTime", milliseconds(ended))));
    members
}

fn describe(report: &Report, settings: &Settings) -> Vec<Element> {
    let mut members = common(report);
    members.push(Element::text(
        "status",
        match report.status {
            Status::Running => settings.running_word,
            ended => ended.as_str(),
        },
    ));
    let tags =
        report.tags.iter().map(|(key, value)| vec![Element::text("key", key), Element::text("value", value)]);
    members.push(Element::list("tagSet", tags));
    members
}

fn milliseconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The tags of `TagSpecification.N.Tag.M`.
fn tags(form: &Form) -> Result<Vec<(String, String)>, ApiError> {
    let invalid = |message: &str| Err(ApiError::new(400, "InvalidParameterValue", message));
    let mut tags = Vec::new();
    for n in (1..).take_while(|n| form.has(&format!("TagSpecification.{n}."))) {
        let specification = format!("TagSpecification.{n}");
        if form.get(&format!("{specification}.ResourceType")) != Some("declarative-policies-report") {
            return invalid("The resource type must be declarative-policies-report");
        }
        for m in (1..).take_while(|m| form.has(&format!("{specification}.Tag.{m}."))) {
            let member = |name: &str| {
                form.get(&format!("{specification}.Tag.{m}.{name}")).unwrap_or_default().to_owned()
            };
            let (key, value) = (member("Key"), member("Value"));
            if key.is_empty() || key.chars().count() > 127 || value.chars().count() > 256 {
                return invalid("A tag's key has 1 to 127 characters, its value at most 256");
            }
            if key.starts_with("aws:") {
                return invalid("Tag keys starting with 'aws:' are reserved for internal use");
            }
            if tags.iter().any(|(there, _)| *there == key) {
                return invalid("Duplicate tag key");
            }
            tags.push((key, value));
        }
    }
    if tags.len() > 50 {
        return Err(ApiError::new(400, "TagLimitExceeded", "The maximum number of tags is 50"));
    }
    Ok(tags)
}
