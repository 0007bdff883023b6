//! Reads objects of an organization as they are now.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use models::{AccountId, ErrorName, PolicyId, RootId, TargetId, digest};
use organizations::{Account, DescribedPolicy, Organization};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::object::{ObjectId, PolicyKey, State};

/// Reads objects. It remembers which ids the policies have got that a plan makes.
#[derive(Debug)]
pub struct Observer {
    organization: Organization,
    made: BTreeMap<(String, String), PolicyId>,
    root: Option<RootId>,
    accounts: Option<BTreeMap<AccountId, Account>>,
    in_force: BTreeMap<String, InForce>,
}

/// Every policy of a type that is not AWS's own, and where each is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    pub policies: BTreeMap<PolicyId, DescribedPolicy>,
    /// By root, unit or account; AWS's own policies among them.
    pub attachments: BTreeMap<String, BTreeSet<PolicyId>>,
}

impl InForce {
    /// What a policy is attached to.
    pub fn targets(&self, id: &PolicyId) -> BTreeSet<String> {
        let attached = self.attachments.iter().filter(|(_, policies)| policies.contains(id));
        attached.map(|(target, _)| target.clone()).collect()
    }

    /// The state of [`ObjectId::InForce`].
    pub fn state(&self) -> State {
        let policy = |(id, policy): (&PolicyId, &DescribedPolicy)| {
            let content = digest::sha256_of_json(&policy.content);
            (id.to_string(), json!({"name": policy.policy.name, "content": content}))
        };
        let policies: BTreeMap<_, _> = self.policies.iter().map(policy).collect();
        json!({"policies": policies, "attachments": self.attachments})
    }
}

impl Observer {
    pub fn new(organization: Organization) -> Self {
        Self { organization, made: BTreeMap::new(), root: None, accounts: None, in_force: BTreeMap::new() }
    }

    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// The state of an object.
    pub async fn observe(&mut self, id: &ObjectId) -> Result<State, JobError> {
        Ok(match id {
            ObjectId::Organization => self.organization_state().await?,
            ObjectId::PolicyType { policy_type } => {
                let root = self.organization.root().await?;
                json!(root.policy_types.into_iter().find(|it| it.name == *policy_type).map(|it| it.status))
            }
            ObjectId::InForce { policy_type } => self.in_force(policy_type).await?.state(),
            ObjectId::Placement { target } => {
                let mut lines = Sha256::new();
                let mut count = 0;
                for account in self.accounts_at(target).await? {
                    count += 1;
                    lines.update(format!("{} {}\n", account.id, account.path.as_deref().unwrap_or("?")));
                }
                json!({"accounts": count, "digest": digest::hexadecimal(lines.finalize())})
            }
            ObjectId::TrustedAccess { service } => {
                there(self.organization.trusted_services().await?.contains(service))
            }
            ObjectId::DelegatedAdministrator { account, service } => {
                there(self.organization.services_of(account).await?.contains(service))
            }
            ObjectId::ResourcePolicy => match self.organization.resource_policy().await? {
                None => Value::Null,
                Some(policy) => {
                    json!({"content": policy.content, "tags": self.organization.tags_on(&policy.id).await?})
                }
            },
            ObjectId::Policy { policy_type, policy } => match self.find(policy_type, policy).await? {
                None => Value::Null,
                Some(id) => self.policy(&id).await?,
            },
            ObjectId::Attachments { policy_type, target } => {
                let policies = self.organization.policies_on(target, policy_type).await?;
                let keys: BTreeSet<_> =
                    policies.iter().map(|policy| self.key(policy_type, &policy.id).to_string()).collect();
                json!(keys)
            }
        })
    }

    /// The accounts at or below a root, unit or account, by id. All are listed once, and kept. Of accounts
    /// whose path AWS does not tell, those are left out that may lie below a unit.
    pub async fn accounts_at(&mut self, target: &TargetId) -> Result<Vec<&Account>, JobError> {
        let segment = format!("/{}/", target.as_str());
        let is_at = |account: &&Account| match target {
            TargetId::Root(_) => true,
            TargetId::Account(id) => account.id == *id,
            TargetId::OrganizationalUnit(_) => {
                account.path.as_ref().is_some_and(|path| path.contains(&segment))
            }
        };
        Ok(self.accounts().await?.values().filter(is_at).collect())
    }

    /// The root, as a target.
    pub async fn root_target(&mut self) -> Result<TargetId, JobError> {
        Ok(TargetId::Root(self.root().await?))
    }

    /// Forgets what was kept of an object, so that it is read again.
    pub(crate) fn forget(&mut self, id: &ObjectId) {
        if let ObjectId::InForce { policy_type } = id {
            self.in_force.remove(policy_type);
        }
    }

    /// Accounts whose path AWS does not tell: they may lie below any unit.
    pub async fn unplaced(&mut self) -> Result<Vec<&Account>, JobError> {
        Ok(self.accounts().await?.values().filter(|account| account.path.is_none()).collect())
    }

    async fn accounts(&mut self) -> Result<&BTreeMap<AccountId, Account>, JobError> {
        let accounts = match self.accounts.take() {
            Some(accounts) => accounts,
            None => {
                let root = self.root_target().await?;
                self.organization.accounts(&root).await?
            }
        };
        Ok(self.accounts.insert(accounts))
    }

    /// Everything of a type that is not AWS's own: read once, and kept.
    pub async fn in_force(&mut self, policy_type: &str) -> Result<&InForce, JobError> {
        let in_force = match self.in_force.remove(policy_type) {
            Some(in_force) => in_force,
            None => self.read_in_force(policy_type).await?,
        };
        Ok(self.in_force.entry(policy_type.to_owned()).or_insert(in_force))
    }

    async fn read_in_force(&self, policy_type: &str) -> Result<InForce, JobError> {
        let mut force = InForce { policies: BTreeMap::new(), attachments: BTreeMap::new() };
        for policy in self.organization.policies(policy_type).await? {
            if policy.aws_managed {
                continue;
            }
            // It may be removed at this moment: then it is not in force.
            let Some(described) = self.organization.policy(&policy.id).await? else { continue };
            for target in self.organization.targets(&policy.id).await? {
                force.attachments.entry(target.as_str().to_owned()).or_default().insert(policy.id.clone());
            }
            force.policies.insert(policy.id, described);
        }
        if AWS_MANAGED.contains(&policy_type) {
            for (target, attached) in &mut force.attachments {
                let policies = self.organization.policies_on(target, policy_type).await?;
                attached.extend(policies.into_iter().map(|policy| policy.id));
            }
        }
        Ok(force)
    }

    /// The id that a policy of a plan has; `None` while there is none.
    pub(crate) async fn find(
        &mut self,
        policy_type: &str,
        policy: &PolicyKey,
    ) -> Result<Option<PolicyId>, JobError> {
        let name = match policy {
            PolicyKey::Id(id) => return Ok(Some(id.clone())),
            PolicyKey::New(name) => name,
        };
        let key = (policy_type.to_owned(), name.clone());
        if let Some(id) = self.made.get(&key) {
            return Ok(Some(id.clone()));
        }
        let policies = self.organization.policies(policy_type).await?;
        let id = policies.into_iter().find(|it| it.name == *name).map(|it| it.id);
        if let Some(id) = &id {
            self.made(policy_type, name, id.clone());
        }
        Ok(id)
    }

    /// As [`Self::find`], where the policy must be there.
    pub(crate) async fn id(&mut self, policy_type: &str, policy: &PolicyKey) -> Result<PolicyId, JobError> {
        self.find(policy_type, policy).await?.ok_or_else(|| {
            JobError::new(
                ErrorName::Outdated,
                format!("the {policy_type} {policy} is gone"),
                "Somebody removed it since. Plan again.",
            )
        })
    }

    /// Remembers the id that a new policy has got.
    pub(crate) fn made(&mut self, policy_type: &str, name: &str, id: PolicyId) {
        self.made.insert((policy_type.to_owned(), name.to_owned()), id);
    }

    /// The organization's root.
    pub(crate) async fn root(&mut self) -> Result<RootId, JobError> {
        if self.root.is_none() {
            self.root = Some(self.organization.root().await?.id);
        }
        self.root.clone().ok_or_else(|| JobError::defect("the root was read and is not there"))
    }

    fn key(&self, policy_type: &str, id: &PolicyId) -> PolicyKey {
        let made = self.made.iter().find(|((of, _), made)| of == policy_type && *made == id);
        made.map_or_else(|| PolicyKey::Id(id.clone()), |((_, name), _)| PolicyKey::New(name.clone()))
    }

    async fn organization_state(&self) -> Result<State, JobError> {
        match self.organization.describe().await {
            Ok(it) => Ok(json!({
                "id": it.id,
                "featureSet": it.feature_set,
                "managementAccount": it.management_account,
            })),
            Err(error) if error.aws().is_some_and(|aws| aws.is("AWSOrganizationsNotInUse")) => {
                Ok(Value::Null)
            }
            Err(error) => Err(error),
        }
    }

    async fn policy(&self, id: &PolicyId) -> Result<State, JobError> {
        let Some(described) = self.organization.policy(id).await? else { return Ok(Value::Null) };
        // AWS's own have none, and refuse to tell.
        let tags = match described.policy.aws_managed {
            true => BTreeMap::new(),
            false => self.organization.tags_on(id.as_str()).await?,
        };
        Ok(json!({
            "name": described.policy.name,
            "description": described.policy.description,
            "content": described.content,
            "tags": tags,
        }))
    }
}

/// The types of which AWS attaches a policy of its own.
const AWS_MANAGED: [&str; 2] = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];

fn there(is_there: bool) -> State {
    if is_there { json!(true) } else { Value::Null }
}
