//! Buckets, and who may do what with them.

use crate::iam::{Denied, Gate, PolicyDocument, Principal, Question, dependents};

/// What a bucket is besides its objects.
#[derive(Debug, Clone, Default)]
pub struct Bucket {
    pub owner: String,
    pub region: String,
    pub policy: Option<PolicyDocument>,
    /// The ARN of the KMS key that objects are encrypted with; S3's own keys without it.
    pub kms_key: Option<String>,
}

impl Bucket {
    /// Whether the caller may do this. Where the bucket has a key, S3 uses it in the caller's name, so
    /// the caller needs the key's permissions too.
    pub(crate) fn authorize(
        &self,
        gate: &Gate,
        principal: &Principal,
        action: &str,
        arn: &str,
    ) -> Result<(), Denied> {
        gate.check(principal, &Question::new(action, arn).resource_policy(self.policy.as_ref()))?;
        let Some(key) = &self.kms_key else { return Ok(()) };
        for row in dependents(action).filter(|row| row.when.as_deref() == Some("kms")) {
            for needed in &row.needs {
                gate.check(principal, &Question::new(needed, key).dependent())?;
            }
        }
        Ok(())
    }
}
