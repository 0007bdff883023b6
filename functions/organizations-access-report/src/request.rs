//! The request of an access report.

use std::collections::BTreeSet;

use errors::JobError;
use jiff::SignedDuration;
use organizations::selection::Selection;
use serde::{Deserialize, Serialize};

/// What is to be reported on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    #[serde(default = "usual_targets", skip_serializing_if = "are_usual")]
    pub targets: BTreeSet<Target>,
    /// Whether policies that AWS manages, such as FullAWSAccess, are reported on as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aws_managed_policies: bool,
    /// Nothing else; everything where it is empty.
    #[serde(default, skip_serializing_if = "Selection::is_empty")]
    pub include: Selection,
    /// Counts before `include`.
    #[serde(default, skip_serializing_if = "Selection::is_empty")]
    pub exclude: Selection,
    /// Hours after which a run leaves the accounts that it has not come to for the next, 1 to 160.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hours: Option<u32>,
    /// How old the inventory may be that is planned from, 0 to 720: 0 asks for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory_max_age_hours: Option<u32>,
}

/// A sort of entities to report on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    Root,
    OrganizationalUnits,
    /// Each service control policy, at each entity that it is attached to.
    Policies,
    /// Each account by itself, in turns.
    Accounts,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            targets: usual_targets(),
            aws_managed_policies: false,
            include: Selection::default(),
            exclude: Selection::default(),
            max_hours: None,
            inventory_max_age_hours: None,
        }
    }
}

/// The result repeats the request, and a ticket is bounded.
const MOST_BYTES: usize = 3_000;

impl Request {
    /// Hours of accounts in one run.
    pub(crate) fn budget(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.max_hours.unwrap_or(20)))
    }

    pub(crate) fn inventory_max_age(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.inventory_max_age_hours.unwrap_or(24)))
    }

    pub(crate) fn asks_for(&self, target: Target) -> bool {
        self.targets.contains(&target)
    }

    /// Whether the inventory has to tell the accounts' tags.
    pub(crate) fn needs_tags(&self) -> bool {
        !self.include.tags.is_empty() || !self.exclude.tags.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), JobError> {
        if self.targets.is_empty() {
            return Err(JobError::invalid("targets is empty: nothing would be reported on"));
        }
        if self.max_hours.is_some_and(|hours| !(1..=160).contains(&hours)) {
            return Err(JobError::invalid("maxHours must be 1 to 160"));
        }
        if self.inventory_max_age_hours.is_some_and(|hours| hours > 720) {
            return Err(JobError::invalid("inventoryMaxAgeHours must be 0 to 720"));
        }
        let bytes = serde_json::to_vec(self).map_err(JobError::defect)?.len();
        if bytes > MOST_BYTES {
            return Err(JobError::invalid(format!(
                "the request has {bytes} bytes, {MOST_BYTES} are the most: choose by subtrees or tags instead of ids"
            )));
        }
        Ok(())
    }
}

fn usual_targets() -> BTreeSet<Target> {
    [Target::Root, Target::OrganizationalUnits, Target::Policies].into()
}

fn are_usual(targets: &BTreeSet<Target>) -> bool {
    *targets == usual_targets()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(request: Value) -> Result<Request, String> {
        let request: Request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        request.check().map_err(|error| error.to_string())?;
        Ok(request)
    }

    #[test]
    fn every_member_is_read_and_written_back_and_none_is_needed() {
        let request = json!({
            "targets": ["organizationalUnits", "accounts"],
            "awsManagedPolicies": true,
            "include": {"subtrees": ["ou-ab12-c3d4e5f6"], "tags": {"stage": ["prod", "test"], "team": []}},
            "exclude": {"ids": ["012345678901", "p-a1b2c3d4"]},
            "maxHours": 6,
            "inventoryMaxAgeHours": 0,
        });
        assert_eq!(serde_json::to_value(parse(request.clone()).unwrap()).unwrap(), request);
        assert_eq!(parse(json!({})), Ok(Request::default()));
        assert_eq!(serde_json::to_value(Request::default()).unwrap(), json!({}));
        assert!(!Request::default().asks_for(Target::Accounts));
    }

    #[test]
    fn unknown_malformed_and_unbounded_members_are_refused() {
        let many: Vec<String> = (0..300).map(|number| format!("{number:012}")).collect();
        for request in [
            json!({"targets": []}),
            json!({"targets": ["users"]}),
            json!({"accounts": true}),
            json!({"include": {"id": ["r-ab12"]}}),
            json!({"include": {"ids": ["everything"]}}),
            json!({"exclude": {"subtrees": ["012345678901"]}}),
            json!({"exclude": {"tags": {"stage": "prod"}}}),
            json!({"maxHours": 0}),
            json!({"maxHours": 161}),
            json!({"inventoryMaxAgeHours": 721}),
            json!({"exclude": {"ids": many}}),
        ] {
            assert!(parse(request.clone()).is_err(), "{request}");
        }
    }
}
