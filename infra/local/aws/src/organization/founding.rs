//! The beginning of an organization: before it the account is in none.

use jiff::Timestamp;

use super::Organization;
use super::policies::{self, PolicyType, SCP};

impl Organization {
    /// Makes the one account's organization, with its root and AWS's own policies (API reference,
    /// `CreateOrganization`).
    pub(crate) fn found(&mut self, all_features: bool, now: Timestamp) {
        self.exists = true;
        self.founded = Some(now);
        self.all_features = all_features;
        self.policies = policies::managed(&self.root, &self.accounts, all_features);
        // With all features, SCPs are on from the beginning; with billing alone, no type is.
        let on = PolicyType { name: SCP.to_owned(), status: "ENABLED" };
        self.policy_types = all_features.then_some(on).into_iter().collect();
        for account in &mut self.accounts {
            account.joined = now;
        }
        // Nothing that it begins with has tags.
        for id in [self.root.clone(), self.management_account.clone()] {
            self.set_tags(&id, Vec::new());
        }
    }
}

/// Leaves of an organization that was generated what its management account is without it.
pub(super) fn undo(organization: Organization) -> Organization {
    let mut accounts = organization.accounts;
    accounts.truncate(1);
    for account in &mut accounts {
        account.parent.clone_from(&organization.root);
        account.path = format!("{}/{}/{}/", organization.id, organization.root, account.id);
    }
    Organization {
        exists: false,
        all_features: false,
        delegated: Vec::new(),
        trusted: Vec::new(),
        units: Vec::new(),
        accounts,
        policy_types: Vec::new(),
        policies: Vec::new(),
        requests: Vec::new(),
        ..organization
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Shape, generate};
    use super::*;

    #[test]
    fn an_account_in_no_organization_is_alone_until_it_makes_one() {
        let shape = Shape { accounts: 50, standalone: true, ..Shape::default() };
        let mut organization = generate(&shape, Timestamp::UNIX_EPOCH);
        assert!(!organization.exists && organization.accounts.len() == 1 && organization.units.is_empty());
        assert!(
            !organization.is_administrator(&organization.management_account.clone(), "ec2.amazonaws.com")
        );
        organization.found(true, Timestamp::UNIX_EPOCH);
        assert!(organization.is_administrator(&organization.management_account.clone(), "ec2.amazonaws.com"));
        let targets: Vec<_> = organization.policies.iter().map(|it| it.targets.len()).collect();
        assert_eq!(targets, [2, 0], "SCPs are on, RCPs are not");
    }
}
