//! The roles of all accounts: those that were made one by one, and those that many accounts have alike.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::policy::{Effect, PolicyDocument, Statement};

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Role {
    /// What it may do.
    pub policy: Arc<PolicyDocument>,
    /// Who may take it on.
    pub trust: Arc<PolicyDocument>,
}

/// Roles that many accounts have alike, as a StackSet makes them. They are kept once, with
/// [`RoleSet::ACCOUNT`] for the id of whichever account it is, so that 50,000 accounts have them at no
/// cost.
#[derive(Debug, Clone, Default)]
pub struct RoleSet {
    /// By ARN.
    pub roles: BTreeMap<String, Role>,
    /// The ids of the accounts that have them.
    pub accounts: HashSet<String>,
}

impl RoleSet {
    /// Stands for the account's id in ARNs and policies.
    pub const ACCOUNT: &'static str = "<account>";

    /// The role of this ARN in this account.
    fn get(&self, account: &str, arn: &str) -> Option<Role> {
        if !self.accounts.contains(account) {
            return None;
        }
        self.roles.get(&in_account(arn, Self::ACCOUNT)).map(|role| role.of_account(account))
    }
}

impl Role {
    /// A role that may do everything in its account, and that an account can take on, as a new account of
    /// an organization has one for the management account.
    pub(crate) fn administering(partition: &str, account: &str) -> Self {
        let allowed = |action: &str, resources: &[&str], principals: Vec<String>| {
            let statement = Statement {
                effect: Effect::Allow,
                actions: vec![action.to_owned()],
                resources: resources.iter().map(|&it| it.to_owned()).collect(),
                principals,
                conditions: Vec::new(),
            };
            Arc::new(PolicyDocument { statements: vec![statement] })
        };
        Self {
            policy: allowed("*", &["*"], Vec::new()),
            trust: allowed("sts:AssumeRole", &[], vec![format!("arn:{partition}:iam::{account}:root")]),
        }
    }

    fn of_account(&self, account: &str) -> Self {
        let written = |document: &Arc<PolicyDocument>| match document.replaced(RoleSet::ACCOUNT, account) {
            Some(document) => Arc::new(document),
            None => Arc::clone(document),
        };
        Self { policy: written(&self.policy), trust: written(&self.trust) }
    }
}

/// The account that an ARN names.
fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The ARN of the same role in another account.
fn in_account(arn: &str, account: &str) -> String {
    let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
    if let Some(part) = parts.get_mut(4) {
        *part = account;
    }
    parts.join(":")
}

#[derive(Debug, Default)]
struct Kept {
    /// Made one by one, by ARN.
    single: BTreeMap<String, Role>,
    sets: Vec<RoleSet>,
    /// Of the sets, those that somebody has deleted.
    deleted: BTreeSet<String>,
    /// Of the sets, those that were asked for, so that all sessions of a role share its policy.
    written: HashMap<String, Role>,
}

/// The roles of all accounts.
#[derive(Debug, Default)]
pub struct Roles(Mutex<Kept>);

impl Roles {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a role, or changes it.
    pub fn put(&self, arn: &str, role: Role) {
        self.lock().single.insert(arn.to_owned(), role);
    }

    /// Makes the same roles in many accounts.
    pub fn put_set(&self, set: RoleSet) {
        self.lock().sets.push(set);
    }

    /// Deletes a role.
    pub fn delete(&self, arn: &str) {
        let mut kept = self.lock();
        kept.single.remove(arn);
        kept.written.remove(arn);
        kept.deleted.insert(arn.to_owned());
    }

    /// The role of this ARN.
    pub fn get(&self, arn: &str) -> Option<Role> {
        let mut guard = self.lock();
        let kept = &mut *guard;
        if let Some(role) = kept.single.get(arn).or_else(|| kept.written.get(arn)) {
            return Some(role.clone());
        }
        if kept.deleted.contains(arn) {
            return None;
        }
        let role = kept.sets.iter().find_map(|set| set.get(account(arn), arn))?;
        kept.written.insert(arn.to_owned(), role.clone());
        Some(role)
    }

    /// The ARNs of an account's roles.
    pub fn in_account(&self, id: &str) -> Vec<String> {
        let kept = self.lock();
        let single = kept.single.keys().filter(|arn| account(arn) == id).cloned();
        let sets = kept.sets.iter().filter(|set| set.accounts.contains(id));
        let of_sets = sets.flat_map(|set| set.roles.keys().map(|arn| in_account(arn, id)));
        let of_sets = of_sets.filter(|arn| !kept.deleted.contains(arn));
        single.chain(of_sets).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Those that were made one by one, by ARN.
    pub fn single(&self) -> BTreeMap<String, Role> {
        self.lock().single.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{Context, Effect};
    use serde_json::{Value, json};

    const ONE: &str = "000000000001";
    const OTHER: &str = "000000000002";

    fn document(statement: Value) -> Arc<PolicyDocument> {
        Arc::new(PolicyDocument::parse(&json!({"Statement": [statement]})).unwrap())
    }

    fn arn(account: &str, name: &str) -> String {
        format!("arn:aws:iam::{account}:role/{name}")
    }

    fn set() -> RoleSet {
        let caller = Role {
            policy: document(json!({"Effect": "Allow", "Action": "iam:PassRole",
                "Resource": arn(RoleSet::ACCOUNT, "access")})),
            trust: document(json!({"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": "arn:aws:iam::000000000009:root"}})),
        };
        RoleSet {
            roles: [(arn(RoleSet::ACCOUNT, "caller"), caller)].into(),
            accounts: [ONE.to_owned(), OTHER.to_owned()].into(),
        }
    }

    fn roles() -> Roles {
        let roles = Roles::default();
        roles.put_set(set());
        roles
    }

    #[test]
    fn a_set_has_its_roles_in_each_of_its_accounts_and_nowhere_else() {
        let roles = roles();
        for account in [ONE, OTHER] {
            let role = roles.get(&arn(account, "caller")).unwrap();
            for (other, allowed) in [(ONE, account == ONE), (OTHER, account == OTHER)] {
                let decision = role.policy.decide("", "iam:PassRole", &arn(other, "access"), &Context::new());
                assert_eq!(decision == Some(Effect::Allow), allowed, "{account} passes that of {other}");
            }
            assert_eq!(roles.in_account(account), [arn(account, "caller")]);
        }
        assert_eq!(roles.get(&arn("000000000003", "caller")), None);
        assert_eq!(roles.get(&arn(ONE, "nobody")), None);
        assert_eq!(roles.get(&arn(RoleSet::ACCOUNT, "caller")), None, "it is no account");
        assert_eq!(roles.get("caller"), None);
        assert!(roles.single().is_empty());
    }

    #[test]
    fn what_names_no_account_is_shared_by_all_and_a_policy_by_all_sessions_of_its_role() {
        let roles = roles();
        let [one, again, other] =
            [ONE, ONE, OTHER].map(|account| roles.get(&arn(account, "caller")).unwrap());
        assert!(Arc::ptr_eq(&one.policy, &again.policy));
        assert!(Arc::ptr_eq(&one.trust, &other.trust));
        assert!(!Arc::ptr_eq(&one.policy, &other.policy));
    }

    #[test]
    fn a_role_of_a_set_can_be_changed_and_deleted_in_one_account() {
        let roles = roles();
        let caller = arn(ONE, "caller");
        assert!(roles.get(&caller).is_some());
        roles.delete(&caller);
        assert_eq!((roles.get(&caller), roles.in_account(ONE)), (None, Vec::new()));
        assert!(roles.get(&arn(OTHER, "caller")).is_some());
        roles.put(&caller, Role::default());
        assert_eq!(roles.get(&caller), Some(Role::default()));
        assert_eq!(roles.in_account(ONE), [caller]);
    }

    #[test]
    fn fifty_thousand_accounts_cost_no_more_than_their_ids() {
        let accounts: Vec<String> = (0..50_000).map(|number| format!("{number:012}")).collect();
        let roles = Roles::default();
        roles.put_set(RoleSet { accounts: accounts.iter().cloned().collect(), ..set() });
        assert!(roles.get(&arn(&accounts[49_999], "caller")).is_some());
        assert_eq!(roles.lock().written.len(), 1);
    }
}
