//! What a generation comes to: whether its order can be carried out, how much it reads, and how long
//! that takes. AWS publishes hardly any of the messages: they say here what is wrong.

use jiff::{SignedDuration, Timestamp};

use super::jobs::{Ending, PolicyGenerationState, Shape};
use super::logs::{Account, Logs};
use super::settings::{AccessAnalyzerSettings, JobErrorCode, PolicyGenerationOutcome, TrailSettings};
use super::start::{CloudTrail, Order};
use crate::iam::{Context, Effect, Gate, Principal, Question, Role, Roles, like};
use crate::organization::{Organization, mix};
use crate::principals::{self, Member, PrincipalSettings};

/// Access Analyzer itself, in trust policies and where a role is handed to it.
pub(super) const SERVICE: &str = "access-analyzer.amazonaws.com";

/// The ARN of the organization's trail.
pub fn trail(settings: &TrailSettings, organization: &Organization, partition: &str, region: &str) -> String {
    let home = &organization.management_account;
    settings
        .arn
        .clone()
        .unwrap_or_else(|| format!("arn:{partition}:cloudtrail:{region}:{home}:trail/organization-trail"))
}

/// The Regions whose files are read; `None` is all of the organization's.
pub(super) fn regions<'a>(cloud_trail: &'a CloudTrail, settings: &'a TrailSettings) -> Option<Vec<&'a str>> {
    let mut named = Vec::new();
    let logged = |region: &str| settings.regions.is_empty() || settings.regions.iter().any(|it| it == region);
    for trail in &cloud_trail.trails {
        match trail.wanted() {
            None if settings.regions.is_empty() => return None,
            None => named.extend(settings.regions.iter().map(String::as_str)),
            Some(wanted) => named.extend(wanted.into_iter().filter(|region| logged(region))),
        }
    }
    named.sort_unstable();
    named.dedup();
    Some(named)
}

/// A role or user that a policy can be generated for: one of the account's own, or one that was
/// deployed into it.
pub(super) fn principal(
    organization: &Organization,
    settings: &PrincipalSettings,
    roles: &Roles,
    arn: &str,
) -> Option<Member> {
    principals::find(organization, arn, settings).or_else(|| {
        let role = roles.get(arn).filter(|_| !settings.deleted.iter().any(|it| it == arn))?;
        let id = arn.split(':').nth(4)?;
        let account = organization.accounts.iter().find(|account| account.id == id)?;
        Member::deployed(organization, account, arn, &role)
    })
}

/// What decides on a generation.
pub(super) struct Judge<'a> {
    pub(super) organization: &'a Organization,
    pub(super) settings: &'a AccessAnalyzerSettings,
    pub(super) principals: &'a PrincipalSettings,
    pub(super) roles: &'a Roles,
    pub(super) gate: &'a Gate,
    pub(super) partition: &'a str,
    pub(super) home_region: &'a str,
    pub(super) account: &'a str,
    pub(super) now: Timestamp,
}

type Failure = (JobErrorCode, String);

impl Judge<'_> {
    /// What the order comes to with this outcome; `draw` is the generation's own number.
    pub(super) fn ending(&self, order: &Order, outcome: PolicyGenerationOutcome, draw: u64) -> Ending {
        let logs = order.cloud_trail.as_ref().map(|it| self.logs(it));
        let whole = self.duration(logs, draw);
        let natural = || match self.failure(order, logs) {
            Some((code, message)) => {
                (PolicyGenerationState::Failed { code, message }, self.duration(None, draw))
            }
            None => (PolicyGenerationState::Succeeded, whole),
        };
        let forced = |code| {
            let message = "The policy could not be generated.".to_owned();
            (PolicyGenerationState::Failed { code, message }, whole)
        };
        let (end, shape) = match outcome {
            PolicyGenerationOutcome::Complete => (Some(natural()), Shape::Usual),
            PolicyGenerationOutcome::Failed(code) => (Some(forced(code)), Shape::Usual),
            PolicyGenerationOutcome::Slow(slow) => {
                let slow = SignedDuration::try_from(slow).unwrap_or(SignedDuration::MAX);
                (Some((natural().0, slow)), Shape::Usual)
            }
            PolicyGenerationOutcome::Never => (None, Shape::Usual),
            PolicyGenerationOutcome::Vanish => {
                (Some((PolicyGenerationState::Vanished, whole / 2)), Shape::Usual)
            }
            PolicyGenerationOutcome::Incomplete => (Some(natural()), Shape::Incomplete),
            PolicyGenerationOutcome::SeveralDocuments => (Some(natural()), Shape::Several),
            PolicyGenerationOutcome::WithoutPolicies => (Some(natural()), Shape::Without),
        };
        Ending { end, shape }
    }

    fn duration(&self, logs: Option<Logs>, draw: u64) -> SignedDuration {
        let least = self.settings.duration.as_micros();
        let files = u128::from(logs.map_or(0, |logs| logs.files));
        let reading = self.settings.duration_per_thousand_files.as_micros() * files / 1_000;
        let drawn = (least + reading) * u128::from(100 + mix(draw) % 25) / 100;
        SignedDuration::from_micros(i64::try_from(drawn).unwrap_or(i64::MAX))
    }

    fn logs(&self, cloud_trail: &CloudTrail) -> Logs {
        let regions = regions(cloud_trail, &self.settings.trail);
        let span = cloud_trail.end.unwrap_or(self.now).min(self.now).duration_since(cloud_trail.start);
        let account = Account::new(self.organization, self.account);
        account.logs(self.organization, regions.as_deref(), span)
    }

    fn failure(&self, order: &Order, logs: Option<Logs>) -> Option<Failure> {
        let not_found = |message| Some((JobErrorCode::ResourceNotFound, message));
        if let Some(cloud_trail) = &order.cloud_trail {
            if let Some(message) = self.lacks_access(cloud_trail, &order.principal) {
                return Some((JobErrorCode::Authorization, message));
            }
            let own = trail(&self.settings.trail, self.organization, self.partition, self.home_region);
            if let Some(other) = cloud_trail.trails.iter().find(|it| it.arn != own) {
                return not_found(format!("The trail {} was not found.", other.arn));
            }
            if let Some(message) = self.lacks_bucket(cloud_trail) {
                return Some((JobErrorCode::Authorization, message));
            }
        }
        if principal(self.organization, self.principals, self.roles, &order.principal).is_none() {
            return not_found(format!("The principal {} was not found.", order.principal));
        }
        let logs = logs.filter(|logs| logs.are_too_many())?;
        let message = format!(
            "The CloudTrail logs exceed the quota of 100,000 files or 25 GB: {} files, {} MB.",
            logs.files,
            logs.bytes / 1_000_000
        );
        Some((JobErrorCode::ServiceQuotaExceeded, message))
    }

    /// Why Access Analyzer cannot work with the access role, if it cannot.
    fn lacks_access(&self, cloud_trail: &CloudTrail, of: &str) -> Option<String> {
        let arn = &cloud_trail.access_role;
        let Some(role) = self.roles.get(arn) else { return Some(format!("The role {arn} was not found.")) };
        let mut context = Context::new();
        if self.settings.source_account {
            context.insert("aws:SourceAccount", self.account.to_owned());
        }
        if role.trust.decide(SERVICE, "sts:AssumeRole", arn, &context) != Some(Effect::Allow) {
            return Some(format!("The role {arn} does not trust {SERVICE}."));
        }
        let session = self.session(arn, &role);
        let bucket = &self.settings.trail.bucket;
        let folder = format!("AWSLogs/{}/{}/", self.organization.id, self.account);
        let bucket_arn = format!("arn:{}:s3:::{}", self.partition, bucket.name);
        let objects = format!("{bucket_arn}/{folder}CloudTrail/{}/log.json.gz", self.home_region);
        let trails = cloud_trail.trails.iter().map(|trail| ("cloudtrail:GetTrail", trail.arn.as_str(), None));
        let others = [
            ("iam:GenerateServiceLastAccessedDetails", of, None),
            ("iam:GetServiceLastAccessedDetails", "*", None),
            ("s3:ListBucket", &bucket_arn, Some(&folder)),
            ("s3:GetObject", &objects, None),
        ];
        let key = bucket.key.iter().map(|key| ("kms:Decrypt", key.as_str(), None));
        for (action, resource, prefix) in trails.chain(others).chain(key) {
            let mut question = Question::new(action, resource).dependent();
            if let Some(prefix) = prefix {
                question = question.with("s3:prefix", prefix.as_str());
            }
            if let Err(denied) = self.gate.check(&session, &question) {
                return Some(denied.to_string());
            }
        }
        None
    }

    /// Access Analyzer in the access role.
    fn session(&self, arn: &str, role: &Role) -> Principal {
        let name = arn.rsplit('/').next().unwrap_or_default();
        Principal {
            account: self.account.to_owned(),
            arn: format!("arn:{}:sts::{}:assumed-role/{name}/access-analyzer", self.partition, self.account),
            policy: Some(role.policy.clone()),
            role: Some(arn.to_owned()),
            sandbox: None,
            function: None,
        }
    }

    /// Whether the log bucket and its key refuse the access role. The message is AWS's.
    fn lacks_bucket(&self, cloud_trail: &CloudTrail) -> Option<String> {
        let bucket = &self.settings.trail.bucket;
        let name = cloud_trail.access_role.rsplit('/').next().unwrap_or_default();
        let reads = bucket.readers.as_ref().is_some_and(|pattern| like(pattern, name));
        let decrypts = bucket.key.is_none() || bucket.key_statement;
        (!reads || !decrypts)
            .then(|| "Incorrect permissions assigned to access CloudTrail S3 bucket".to_owned())
    }
}
