//! The request of a policy generation.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use jiff::{SignedDuration, Timestamp};
use models::{AccountId, RoleArn};
use organizations::selection::Selection;
use serde::{Deserialize, Serialize};

use crate::principal::PrincipalKind;

/// Access Analyzer reads at most so many days.
pub(crate) const MOST_DAYS: u32 = 90;

/// For which principals policies are generated, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Roles and users by ARN; those of the accounts are discovered where it is empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub principals: BTreeSet<PrincipalArn>,
    /// In which accounts, by id, subtree and tag; in all where it is empty.
    #[serde(default, skip_serializing_if = "Selection::is_empty")]
    pub accounts: Selection,
    /// Counts before `accounts`.
    #[serde(default, skip_serializing_if = "Selection::is_empty")]
    pub exclude_accounts: Selection,
    /// Whether the management account is worked on: it needs the roles of its own, for a service-managed
    /// StackSet leaves it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub management_account: bool,
    /// Which of the principals that are discovered; all where it is empty.
    #[serde(default, skip_serializing_if = "Filter::is_empty")]
    pub include: Filter,
    /// Counts before `include`: left out by any of its members.
    #[serde(default, skip_serializing_if = "Filter::is_empty")]
    pub exclude: Filter,
    /// Days without activity after which no policy is generated, and the longest that CloudTrail is read,
    /// 1 to 90.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
    /// Days for which a generated policy counts, 0 to 365: the principal is not asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_days: Option<u32>,
    /// What Access Analyzer reads, as its API takes it: instead of what is learned for each account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_trail_details: Option<CloudTrailDetails>,
    /// Asks for policies without CloudTrail: from service-last-accessed data alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_cloud_trail: bool,
    /// Used as given, for the one principal of `principals`: a step that is repeated is as idempotent as
    /// this token is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// Whether each policy is checked against the present ones by CheckNoNewAccess, which AWS charges for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check_no_new_access: bool,
    /// How old the inventory may be that is planned from, 0 to 720: 0 asks for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory_max_age_hours: Option<u32>,
}

/// Principals by what is known of them: those that fit all of its members. For `exclude`, any of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kinds: BTreeSet<PrincipalKind>,
    /// IAM paths, such as `/team/`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub path_prefixes: BTreeSet<String>,
    /// Names, with `*` and `?`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<String>,
    /// By key and values of a tag; any value where none is given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, BTreeSet<String>>,
    /// Made at least so many days ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than_days: Option<u32>,
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `CloudTrailDetails` of StartPolicyGeneration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudTrailDetails {
    pub trails: Vec<Trail>,
    /// The access role of the template where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_role: Option<RoleArn>,
    pub start_time: Timestamp,
    /// The moment of the call where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
}

/// `Trail` of StartPolicyGeneration: `regions` or `allRegions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trail {
    pub cloud_trail_arn: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_regions: Option<bool>,
}

/// The ARN of a role or user: `arn:PARTITION:iam::ACCOUNT:role/…` or `…:user/…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrincipalArn(String);

impl PrincipalArn {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn account(&self) -> Option<AccountId> {
        self.0.split(':').nth(4)?.parse().ok()
    }

    pub(crate) fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
}

impl TryFrom<String> for PrincipalArn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let valid = matches!(parts.as_slice(), ["arn", partition, "iam", "", account, resource]
            if partition.starts_with("aws")
                && account.parse::<AccountId>().is_ok()
                && resource
                    .strip_prefix("role/")
                    .or_else(|| resource.strip_prefix("user/"))
                    .is_some_and(|rest| (1..=576).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_graphic())));
        let shown: String = text.chars().take(128).collect();
        if valid {
            Ok(Self(text))
        } else {
            Err(format!("{shown:?} is not the ARN of a role or user (arn:aws:iam::012345678901:role/reader)"))
        }
    }
}

impl From<PrincipalArn> for String {
    fn from(arn: PrincipalArn) -> Self {
        arn.0
    }
}

/// The result repeats the request, and a ticket is bounded.
const MOST_BYTES: usize = 3_000;

impl Request {
    pub(crate) fn window_days(&self) -> u32 {
        self.window_days.unwrap_or(MOST_DAYS)
    }

    /// What is asked of CloudTrail, at the time of the run.
    pub(crate) fn check_times(&self, now: Timestamp) -> Result<(), JobError> {
        let Some(details) = &self.cloud_trail_details else { return Ok(()) };
        let age = now.duration_since(details.start_time);
        if age <= SignedDuration::ZERO {
            return Err(JobError::invalid("cloudTrailDetails.startTime is not in the past"));
        }
        if details.end_time.is_none() && age > SignedDuration::from_hours(24 * i64::from(MOST_DAYS)) {
            return Err(JobError::invalid(format!(
                "from startTime until now, for there is no endTime, there are more than {MOST_DAYS} days"
            )));
        }
        Ok(())
    }

    /// Whether no principal of a member account is left out on request.
    pub(crate) fn is_of_all(&self) -> bool {
        self.principals.is_empty()
            && self.accounts.is_empty()
            && self.exclude_accounts.is_empty()
            && self.include.is_empty()
            && self.exclude.is_empty()
    }

    /// Whether Muster chooses what is read of CloudTrail.
    pub(crate) fn is_window_chosen(&self) -> bool {
        self.cloud_trail_details.is_none() && !self.without_cloud_trail
    }

    pub(crate) fn valid(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.valid_days.unwrap_or(30)))
    }

    pub(crate) fn inventory_max_age(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.inventory_max_age_hours.unwrap_or(24)))
    }

    /// Whether the inventory has to tell the accounts' tags.
    pub(crate) fn needs_tags(&self) -> bool {
        !self.accounts.tags.is_empty() || !self.exclude_accounts.tags.is_empty()
    }

    /// The checks that need no configuration but the partition.
    pub(crate) fn check(&self, partition: &str) -> Result<(), JobError> {
        let invalid = |text: String| Err(JobError::invalid(text));
        if self.window_days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
            return invalid(format!("windowDays must be 1 to {MOST_DAYS}"));
        }
        if self.valid_days.is_some_and(|days| days > 365) {
            return invalid("validDays must be 0 to 365".to_owned());
        }
        if self.inventory_max_age_hours.is_some_and(|hours| hours > 720) {
            return invalid("inventoryMaxAgeHours must be 0 to 720".to_owned());
        }
        if let Some(other) = self.principals.iter().find(|arn| arn.partition() != partition) {
            return invalid(format!("{} is not of the partition {partition}", other.as_str()));
        }
        let discovers = !self.include.is_empty() || !self.exclude.is_empty();
        if !self.principals.is_empty() && discovers {
            return invalid("principals are given by ARN, so include and exclude have no meaning".to_owned());
        }
        match (&self.client_token, self.principals.len()) {
            (None, _) => {}
            (Some(token), 1)
                if (1..=64).contains(&token.len()) && token.bytes().all(|it| it.is_ascii_graphic()) => {}
            (Some(_), 1) => return invalid("clientToken must have 1 to 64 visible characters".to_owned()),
            (Some(_), _) => return invalid("clientToken needs exactly one ARN in principals".to_owned()),
        }
        if let Some(details) = &self.cloud_trail_details {
            if self.without_cloud_trail {
                return invalid("withoutCloudTrail contradicts cloudTrailDetails".to_owned());
            }
            details.check(partition)?;
            self.check_access_role(details, partition)?;
        }
        let bytes = serde_json::to_vec(self).map_err(JobError::defect)?.len();
        if bytes > MOST_BYTES {
            return invalid(format!(
                "the request has {bytes} bytes, {MOST_BYTES} are the most: choose by filters, subtrees or tags instead \
                 of single principals"
            ));
        }
        Ok(())
    }
}

impl Request {
    /// A role is one account's, so all principals have to be of that account.
    fn check_access_role(&self, details: &CloudTrailDetails, partition: &str) -> Result<(), JobError> {
        let Some(role) = &details.access_role else { return Ok(()) };
        let parts: Vec<&str> = role.as_str().splitn(6, ':').collect();
        let (of, account) =
            (parts.get(1).copied().unwrap_or_default(), parts.get(4).copied().unwrap_or_default());
        let is_own = |arn: &PrincipalArn| arn.account().is_some_and(|it| it.as_str() == account);
        if of != partition {
            return Err(JobError::invalid(format!("{} is not of the partition {partition}", role.as_str())));
        }
        if self.principals.is_empty() || !self.principals.iter().all(is_own) {
            return Err(JobError::invalid(format!(
                "accessRole is a role of account {account}: give the ARNs of principals of that account, or leave it \
                 out for the stack's own in every account"
            )));
        }
        Ok(())
    }
}

impl CloudTrailDetails {
    fn check(&self, partition: &str) -> Result<(), JobError> {
        let invalid = |text: String| Err(JobError::invalid(text));
        if self.trails.is_empty() {
            return invalid("cloudTrailDetails.trails is empty".to_owned());
        }
        for trail in &self.trails {
            let arn = &trail.cloud_trail_arn;
            if !is_trail(arn, partition) {
                let shown: String = arn.chars().take(128).collect();
                return invalid(format!(
                    "{shown:?} is not the ARN of a trail of the partition {partition} \
                     (arn:{partition}:cloudtrail:eu-central-1:012345678901:trail/organization)"
                ));
            }
            match (trail.regions.is_empty(), trail.all_regions) {
                (false, Some(_)) => {
                    return invalid(format!("of {arn}, both regions and allRegions are given: give one"));
                }
                (true, None | Some(false)) => {
                    return invalid(format!("of {arn}, neither regions nor allRegions is given: give one"));
                }
                _ => {}
            }
        }
        if let Some(end) = self.end_time {
            let span = end.duration_since(self.start_time);
            if span <= SignedDuration::ZERO || span > SignedDuration::from_hours(24 * i64::from(MOST_DAYS)) {
                return invalid(format!(
                    "from startTime to endTime there must be more than nothing and at most {MOST_DAYS} days"
                ));
            }
        }
        Ok(())
    }
}

/// `arn:[^:]*:cloudtrail:[^:]*:[^:]*:trail/.{1,576}`, of this partition.
pub(crate) fn is_trail(arn: &str, partition: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", of, "cloudtrail", region, account, resource]
        if *of == partition
            && !region.is_empty()
            && account.parse::<AccountId>().is_ok()
            && resource.strip_prefix("trail/").is_some_and(|name| (1..=576).contains(&name.len())))
}
