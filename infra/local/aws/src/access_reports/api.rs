//! The two operations, in IAM's Query protocol.

use jiff::Timestamp;

use super::content::{Entity, Row, Subject};
use super::jobs::{AccessReport, AccessReportState, AccessReports, Order, duration, failed};
use super::settings::{AccessReportOutcome, AccessReportSettings, WithoutPolicies};
use super::sorting::SortKey;
use crate::iam::{Gate, Principal, Question, dependents};
use crate::markers::Paged;
use crate::organization::policies::{SCP, is_id};
use crate::organization::{Organization, mix_text};
use crate::wire::ApiError;
use crate::wire::form::{self, constraint, invalid, member};
use crate::wire::query::Form;
use crate::wire::xml::Element;

pub(crate) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

const GENERATE: &str = "GenerateOrganizationsAccessReport";
const GET: &str = "GetOrganizationsAccessReport";

/// What the operations work on.
pub(crate) struct Iam<'a> {
    pub(crate) reports: &'a mut AccessReports,
    pub(crate) organization: &'a Organization,
    pub(crate) settings: &'a mut AccessReportSettings,
    pub(crate) gate: &'a Gate,
    pub(crate) partition: &'a str,
    pub(crate) now: Timestamp,
}

/// Who calls, and with which credentials.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) access_key: &'a str,
}

impl Caller<'_> {
    /// The credentials, where they are a session's.
    pub(crate) fn session(&self) -> Option<&str> {
        self.principal.role.is_some().then_some(self.access_key)
    }
}

impl<'a> Iam<'a> {
    /// Answers one operation with the members of its result.
    pub(crate) fn call(
        &mut self,
        caller: Caller<'_>,
        operation: &str,
        form: &Form,
    ) -> Result<Vec<Element>, ApiError> {
        let known: &[&str] = match operation {
            GENERATE => &["EntityPath", "OrganizationsPolicyId"],
            GET => &["JobId", "MaxItems", "Marker", "SortKey"],
            other => return Err(form::unknown_operation(other)),
        };
        form::only(form, known)?;
        match operation {
            GENERATE => self.generate(caller, form),
            _ => self.get(caller, form),
        }
    }

    fn authorize(&self, principal: &Principal, question: &Question<'_>) -> Result<(), ApiError> {
        self.gate
            .check(principal, question)
            .map_err(|denied| ApiError::new(403, "AccessDenied", denied.to_string()))?;
        if self.organization.exists && principal.account == self.organization.management_account {
            return Ok(());
        }
        Err(denied(principal, question.action, "it is not of the organization's management account"))
    }

    fn generate(&mut self, caller: Caller<'_>, form: &Form) -> Result<Vec<Element>, ApiError> {
        let path = member(form, "EntityPath")?;
        if !(19..=427).contains(&path.len()) || !is_path(path) {
            return Err(constraint("entityPath", path, "a path of an organization's entity, 19 to 427 long"));
        }
        let policy = form.get("OrganizationsPolicyId");
        if let Some(policy) = policy.filter(|policy| !is_id(policy)) {
            return Err(constraint("organizationsPolicyId", policy, "^p-[0-9a-zA-Z_]{8,128}$"));
        }
        let principal = caller.principal;
        let action = format!("iam:{GENERATE}");
        let resource = format!("arn:{}:iam::{}:access-report/{path}", self.partition, principal.account);
        let question = Question::new(&action, &resource);
        let question = match policy {
            None => question,
            Some(policy) => question.with("iam:OrganizationsPolicyId", policy),
        };
        self.authorize(principal, &question)?;
        if path.split('/').next() != Some(self.organization.id.as_str()) {
            return Err(denied(principal, &action, "the entity is of another organization"));
        }
        let enabled = self.organization.all_features
            && self.organization.policy_type(SCP).is_some_and(|it| it.status == "ENABLED");
        if !enabled && self.settings.without_policies == WithoutPolicies::Refused {
            return Err(denied(principal, &action, "service control policies are not enabled"));
        }
        let order = Order {
            caller: principal.arn.clone(),
            session: caller.session().map(str::to_owned),
            entity_path: path.to_owned(),
            policy: policy.map(str::to_owned),
        };
        if let Some(id) = self.reports.same(&order, self.settings.readers, self.now) {
            return Ok(vec![Element::text("JobId", id)]);
        }
        let busy = || {
            let message = "Maximum number of concurrent jobs exceeded";
            ApiError::new(409, "ReportGenerationLimitExceeded", message)
        };
        if self.reports.is_busy() {
            return Err(busy());
        }
        let (state, services) = match enabled {
            true => self.prospect(principal, path, policy),
            false => (failed(), 0),
        };
        let outcome = self.outcome(path, policy);
        let (seed, now) = (self.organization.seed, self.now);
        let duration = duration(services, seed, self.reports.all().len());
        let id = self.reports.start(order, state, outcome, duration, seed, now).map_err(|_| busy())?;
        Ok(vec![Element::text("JobId", id)])
    }

    /// What an order comes to by itself, and the number of services it is about. What is wrong with an
    /// order shows only when its job has failed: observed, with these codes.
    fn prospect(
        &self,
        principal: &Principal,
        path: &str,
        policy: Option<&str>,
    ) -> (AccessReportState, usize) {
        let failed = |code, message| (AccessReportState::Failed { code, message }, 0);
        // Each is asked for, so that what a role used is known whole.
        let needed = dependents("iam:GenerateOrganizationsAccessReport").flat_map(|row| &row.needs);
        let lacking = needed
            .filter(|action| self.gate.check(principal, &Question::new(action, "*").dependent()).is_err());
        if lacking.count() > 0 {
            return failed(
                "ORGANIZATIONS_REPORT_ACCESS_DENIED",
                "The caller lacks a permission of AWS Organizations that the report needs.",
            );
        }
        match self.subject(path, policy) {
            Ok(subject) => (AccessReportState::Completed, subject.services().len()),
            Err(Unknown::Entity) => {
                failed("INVALID_ORGANIZATIONS_ENTITY_PATH", "The entity path is not valid.")
            }
            Err(Unknown::Policy) => failed("INVALID_ORGANIZATIONS_POLICY", "The policy is not valid."),
        }
    }

    fn subject(&self, path: &str, policy: Option<&str>) -> Result<Subject<'a>, Unknown> {
        let organization = self.organization;
        let entity = Entity::find(organization, path).ok_or(Unknown::Entity)?;
        let policy = match policy {
            // Ignored.
            Some(_) if matches!(entity, Entity::Management(_)) => None,
            Some(id) => {
                let found = organization.policy(id).filter(|policy| policy.kind == SCP);
                Some(found.ok_or(Unknown::Policy)?)
            }
            None => None,
        };
        Ok(Subject { organization, entity, policy, deny_only: self.settings.deny_only })
    }

    /// How the next job is told to end.
    fn outcome(&mut self, path: &str, policy: Option<&str>) -> AccessReportOutcome {
        if !self.settings.outcomes.is_empty() {
            return self.settings.outcomes.remove(0);
        }
        let entity = path.rsplit('/').next().unwrap_or_default();
        let named = |(id, _): &&(String, AccessReportOutcome)| id == entity || Some(id.as_str()) == policy;
        if let Some((_, outcome)) = self.settings.outcome_of.iter().find(named) {
            return *outcome;
        }
        let hash = mix_text(0, entity);
        match self.settings.failing_one_in {
            0 => AccessReportOutcome::Complete,
            one_in if hash.is_multiple_of(one_in) => AccessReportOutcome::Failed,
            _ => AccessReportOutcome::Complete,
        }
    }

    fn get(&mut self, caller: Caller<'_>, form: &Form) -> Result<Vec<Element>, ApiError> {
        let id = form::job_id(form)?;
        let most = form::max_items(form, 100)?;
        let marker = form::marker(form)?;
        let sort = match form.get("SortKey") {
            None => SortKey::default(),
            Some(name) => form::one_of("sortKey", name, SortKey::NAMES)?,
        };
        self.authorize(caller.principal, &Question::new(&format!("iam:{GET}"), "*"))?;
        let reader = (&caller.principal.arn, caller.session());
        let job = self.reports.find(id, reader.0, reader.1, self.settings.readers).cloned();
        let job = job.ok_or_else(|| {
            ApiError::new(404, "NoSuchEntity", format!("Report with job id {id} was not found."))
        })?;
        let mut members = head(&job);
        match &job.state {
            AccessReportState::Completed => members.extend(self.page(&job, sort, marker, most)?),
            // Observed: no more than this while a job is in progress.
            state => {
                members.push(Element::text("IsTruncated", false));
                if let AccessReportState::Failed { code, message } = state {
                    let details = [Element::text("Message", message), Element::text("Code", code)];
                    members.push(Element::new("ErrorDetails").children(details));
                }
            }
        }
        Ok(members)
    }

    fn page(
        &mut self,
        job: &AccessReport,
        sort: SortKey,
        marker: Option<&str>,
        most: usize,
    ) -> Result<Vec<Element>, ApiError> {
        // What has been taken out of the organization since then has no rows any more.
        let subject = self.subject(&job.entity_path, job.policy.as_deref()).ok();
        let rows = self.reports.rows(&job.id, || subject.map(|it| it.rows(job.started)).unwrap_or_default());
        let sorted = sort.sorted(&rows);
        let list = Paged::new([job.id.as_str(), sort.name()]);
        let page = list.page(marker, sorted.len(), most, self.settings.short_pages);
        let page =
            page.ok_or_else(|| invalid("Invalid Marker: it is not of this report, or of another SortKey"))?;
        let shown = sorted.get(page.items).unwrap_or_default().iter().map(|row| detail(row));
        let mut members = vec![
            Element::text("NumberOfServicesAccessible", rows.len()),
            Element::text(
                "NumberOfServicesNotAccessed",
                rows.iter().filter(|row| row.last.is_none()).count(),
            ),
            Element::members("AccessDetails", shown),
            Element::text("IsTruncated", page.next.is_some()),
        ];
        members.extend(page.next.map(|marker| Element::text("Marker", marker)));
        Ok(members)
    }
}

/// What an order names and the organization has not.
enum Unknown {
    Entity,
    Policy,
}

/// What every answer begins with.
fn head(job: &AccessReport) -> Vec<Element> {
    let status = match job.state {
        AccessReportState::InProgress | AccessReportState::Vanished => "IN_PROGRESS",
        AccessReportState::Completed => "COMPLETED",
        AccessReportState::Failed { .. } => "FAILED",
    };
    let moment = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let mut members =
        vec![Element::text("JobStatus", status), Element::text("JobCreationDate", moment(job.started))];
    members.extend(job.ended.map(|ended| Element::text("JobCompletionDate", moment(ended))));
    members
}

fn detail(row: &Row) -> Vec<Element> {
    let mut members = vec![
        Element::text("ServiceName", row.service.name),
        Element::text("ServiceNamespace", row.service.namespace),
    ];
    members.extend(row.region.as_ref().map(|region| Element::text("Region", region)));
    if let Some((at, path)) = &row.last {
        members.push(Element::text("EntityPath", path));
        members.push(Element::text("LastAuthenticatedTime", at.strftime("%Y-%m-%dT%H:%M:%SZ")));
    }
    members.push(Element::text("TotalAuthenticatedEntities", row.accounts));
    members
}

fn denied(principal: &Principal, action: &str, because: &str) -> ApiError {
    let message = format!("User: {} is not authorized to perform: {action} because {because}", principal.arn);
    ApiError::new(403, "AccessDenied", message)
}

/// `^o-[0-9a-z]{10,32}\/r-[0-9a-z]{4,32}[0-9a-z-\/]*`, and nothing after it.
fn is_path(text: &str) -> bool {
    let Some((organization, rest)) = text.split_once('/') else { return false };
    let lower = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    let organization = organization.strip_prefix("o-").unwrap_or_default();
    let root = rest.strip_prefix("r-").unwrap_or_default();
    (10..=32).contains(&organization.len())
        && organization.bytes().all(lower)
        && root.bytes().take_while(|byte| lower(*byte)).count() >= 4
        && root.bytes().all(|byte| lower(byte) || byte == b'-' || byte == b'/')
}
