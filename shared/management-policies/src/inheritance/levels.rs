//! The policies that apply to an account.

use std::collections::BTreeSet;

use crate::document::Document;
use crate::effective::Effective;
use crate::inheritance::merge;
use crate::kind::PolicyKind;

/// A policy that is attached to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The policy's id, or whatever else names it among all policies of the organization.
    pub policy: String,
    /// Its content.
    pub document: Document,
}

/// A root, an organizational unit or an account, with the policies of one type that are attached
/// directly to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// The id of the root, unit or account.
    pub target: String,
    /// What is attached, in any order: AWS does not tell in which order it was attached.
    pub attached: Vec<Attached>,
}

/// All levels of one account, from the root down to the account itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    kind: PolicyKind,
    levels: Vec<Level>,
}

/// Why levels are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelsError {
    /// A policy of another type is among them.
    #[error("the policy {policy} at {target} is a {found:?} policy, not a {expected:?} policy")]
    OtherKind {
        /// The policy.
        policy: String,
        /// Where it is attached.
        target: String,
        /// Its type.
        found: PolicyKind,
        /// The type of the levels.
        expected: PolicyKind,
    },
    /// One target comes twice.
    #[error("the target {0} comes twice on the way from the root to the account")]
    TargetTwice(String),
    /// One policy is attached to one target twice.
    #[error("the policy {policy} is attached to {target} twice")]
    PolicyTwice {
        /// The policy.
        policy: String,
        /// Where it is attached.
        target: String,
    },
}

impl Levels {
    /// Levels from the root to the account, of policies of one type.
    ///
    /// # Errors
    ///
    /// When a document is of another type, when a target comes twice, or a policy twice at a target.
    pub fn new(kind: PolicyKind, mut levels: Vec<Level>) -> Result<Self, LevelsError> {
        let mut targets = BTreeSet::new();
        for level in &mut levels {
            if !targets.insert(level.target.clone()) {
                return Err(LevelsError::TargetTwice(level.target.clone()));
            }
            // an order of its own, so that the given one cannot matter
            level.attached.sort_by(|one, other| one.policy.cmp(&other.policy));
            let mut policies = BTreeSet::new();
            for attached in &level.attached {
                let found = attached.document.kind();
                if found != kind {
                    let (policy, target) = (attached.policy.clone(), level.target.clone());
                    return Err(LevelsError::OtherKind { policy, target, found, expected: kind });
                }
                if !policies.insert(attached.policy.as_str()) {
                    let (policy, target) = (attached.policy.clone(), level.target.clone());
                    return Err(LevelsError::PolicyTwice { policy, target });
                }
            }
        }
        Ok(Self { kind, levels })
    }

    /// The type of the policies.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The levels, from the root.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// The effective policy of the account, as far as it can be known without asking AWS.
    pub fn effective(&self) -> Effective {
        merge::merge(self).effective()
    }
}
