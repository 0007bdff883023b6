//! What a run is asked for.

use std::collections::BTreeSet;

use errors::JobError;
use models::{ItemName, Kind, TargetId};
use serde::{Deserialize, Serialize};

use crate::sources::SOURCES;

/// The item of runs over the whole organization.
const ORGANIZATION: &str = "organization";
/// Organizations user guide: a tag's key has at most 128 characters.
const TAG_CHARACTERS: usize = 128;

/// The request of a run. All members may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Root, organizational unit or account that the account status is of; without it, the stack's
    /// default target, else the organization's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
    /// Which jobs are run first where their evidence is too old.
    #[serde(default)]
    pub refresh: Refresh,
    /// The tag of an account that tells its owner, in whatever case.
    #[serde(default = "owner")]
    pub owner_tag: String,
}

fn owner() -> String {
    "owner".to_owned()
}

/// Which jobs are run first: `"all"`, `"none"`, or a list of kinds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Refresh {
    Word(Word),
    Kinds(BTreeSet<Kind>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    All,
    None,
}

impl Default for Refresh {
    fn default() -> Self {
        Self::Word(Word::All)
    }
}

impl Refresh {
    pub(crate) fn includes(&self, kind: Kind) -> bool {
        match self {
            Self::Word(word) => *word == Word::All,
            Self::Kinds(kinds) => kinds.contains(&kind),
        }
    }
}

impl Request {
    pub(crate) fn check(&self) -> Result<(), JobError> {
        if let Refresh::Kinds(kinds) = &self.refresh
            && let Some(kind) = kinds.iter().find(|kind| SOURCES.iter().all(|source| source.kind != **kind))
        {
            let sources: Vec<_> = SOURCES.iter().map(|source| source.kind.as_str()).collect();
            return Err(JobError::invalid(format!(
                "refresh names {kind}, which gives no evidence: \"all\", \"none\", or a list of {}",
                sources.join(", ")
            )));
        }
        let length = self.owner_tag.chars().count();
        if !(1..=TAG_CHARACTERS).contains(&length) {
            return Err(JobError::invalid(format!(
                "ownerTag has {length} characters, and must have 1 to {TAG_CHARACTERS}"
            )));
        }
        Ok(())
    }

    /// What the findings are of: runs of one scope are compared with each other.
    pub(crate) fn scope(&self) -> Result<ItemName, JobError> {
        let scope = self.target_id.as_ref().map_or(ORGANIZATION, TargetId::as_str);
        scope.parse().map_err(JobError::defect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(request: Value) -> Result<Request, String> {
        let request: Request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        request.check().map_err(|error| error.to_string())?;
        Ok(request)
    }

    #[test]
    fn a_request_without_members_is_of_the_organization_and_refreshes_everything() {
        let request = read(json!({})).unwrap();
        assert_eq!(request.scope().unwrap().as_str(), "organization");
        assert!(SOURCES.iter().all(|source| request.refresh.includes(source.kind)));
        assert_eq!(request.owner_tag, "owner");
    }

    #[test]
    fn what_is_refreshed_is_all_none_or_a_list_of_sources() {
        let includes = |refresh: Value| {
            let request = read(json!({"refresh": refresh})).unwrap();
            SOURCES.iter().filter(|source| request.refresh.includes(source.kind)).count()
        };
        assert_eq!(includes(json!("none")), 0);
        assert_eq!(includes(json!("all")), SOURCES.len());
        assert_eq!(includes(json!(["policy-generation"])), 1);
        for refused in [json!("some"), json!(["organization-setup"]), json!(["x"]), json!(null)] {
            assert!(read(json!({"refresh": refused})).is_err(), "{refused}");
        }
    }

    #[test]
    fn members_that_nobody_knows_and_values_out_of_bounds_are_refused() {
        for refused in [json!({"target": "r-ab12"}), json!({"targetId": "x"}), json!({"ownerTag": ""})] {
            assert!(read(refused.clone()).is_err(), "{refused}");
        }
    }
}
