//! ARNs of an organization's own, all of the management account.

use super::{Organization, Policy};

impl Organization {
    /// The ARN of a root, unit, account or policy.
    pub(crate) fn arn_of(&self, id: &str) -> String {
        if let Some(policy) = self.policy(id) {
            return self.arn_of_policy(policy);
        }
        let kind = match self.target(id).0 {
            "ROOT" => "root",
            "ORGANIZATIONAL_UNIT" => "ou",
            _ => "account",
        };
        self.arn(&format!("{kind}/{}/{id}", self.id))
    }

    /// The ARN of a policy of the organization's, or of AWS's.
    pub(crate) fn arn_of_policy(&self, policy: &Policy) -> String {
        let (kind, id) = (policy.kind.to_lowercase(), &policy.id);
        match policy.aws_managed {
            true => format!("arn:aws:organizations::aws:policy/{kind}/{id}"),
            false => self.arn(&format!("policy/{}/{kind}/{id}", self.id)),
        }
    }

    pub(crate) fn arn(&self, resource: &str) -> String {
        format!("arn:aws:organizations::{}:{resource}", self.management_account)
    }
}
