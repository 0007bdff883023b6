//! What a report holds: the services that are open to an entity, and who last used them.

use jiff::Timestamp;

use super::settings::DenyOnly;
use crate::organization::policies::SCP;
use crate::organization::{Account, Organization, Policy};
use crate::services::{Activity, GLOBAL, Service, Statements, is_open, services, shuts};

/// What a path names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entity<'a> {
    Root,
    /// A unit, by its path with a slash at the end.
    Unit(&'a str),
    Account(&'a Account),
    /// No policy limits it.
    Management(&'a Account),
}

impl<'a> Entity<'a> {
    /// The entity of a path, which has no slash at its end and every parent in its place.
    pub(super) fn find(organization: &'a Organization, path: &str) -> Option<Self> {
        if path == format!("{}/{}", organization.id, organization.root) {
            return Some(Self::Root);
        }
        let named = |own: &str| own.strip_suffix('/') == Some(path);
        if let Some(unit) = organization.units.iter().find(|unit| named(&unit.path)) {
            return Some(Self::Unit(&unit.path));
        }
        let account = organization.accounts.iter().find(|account| named(&account.path))?;
        Some(match account.id == organization.management_account {
            true => Self::Management(account),
            false => Self::Account(account),
        })
    }

    /// Its path, with a slash at the end.
    fn path(&self, organization: &Organization) -> String {
        match self {
            Self::Root => format!("{}/{}/", organization.id, organization.root),
            Self::Unit(path) => (*path).to_owned(),
            Self::Account(account) | Self::Management(account) => account.path.clone(),
        }
    }
}

/// What a job is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) organization: &'a Organization,
    pub(super) entity: Entity<'a>,
    /// The policy, unless it is about all of the entity's.
    pub(super) policy: Option<&'a Policy>,
    pub(super) deny_only: DenyOnly,
}

/// A service of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) service: &'static Service,
    pub(super) region: Option<String>,
    /// The moment of the last use, and the path of the account.
    pub(super) last: Option<(Timestamp, String)>,
    /// How many accounts have used it.
    pub(super) accounts: usize,
}

impl<'a> Subject<'a> {
    /// The services that are open, by namespace.
    pub(super) fn services(&self) -> Vec<&'static Service> {
        let open: Box<dyn Fn(&str) -> bool> = match (self.entity, self.policy) {
            // AWS: all services, and a policy is ignored.
            (Entity::Management(_), _) => Box::new(|_| true),
            (_, Some(policy)) => {
                let policy = [Statements::parse(&policy.content)];
                let denials = self.deny_only == DenyOnly::TheRest && !policy[0].allows_something();
                Box::new(move |service| match denials {
                    true => !shuts(&policy, service),
                    false => is_open(std::iter::once(policy.as_slice()), service),
                })
            }
            (_, None) => {
                let levels = self.levels();
                Box::new(move |service| is_open(levels.iter().map(Vec::as_slice), service))
            }
        };
        services().iter().filter(|service| open(service.namespace)).collect()
    }

    /// The policies at each level, from the root to the entity.
    fn levels(&self) -> Vec<Vec<Statements>> {
        let path = self.entity.path(self.organization);
        let way = path.trim_end_matches('/').split('/').skip(1);
        way.map(|target| {
            self.organization.attached(SCP, target).map(|policy| Statements::parse(&policy.content)).collect()
        })
        .collect()
    }

    /// The accounts whose use counts.
    fn accounts(&self) -> Vec<&'a Account> {
        let organization = self.organization;
        match self.entity {
            Entity::Management(account) => return vec![account],
            Entity::Account(account) => {
                let attached = |policy: &Policy| policy.targets.contains(&account.id);
                return self.policy.is_none_or(attached).then_some(account).into_iter().collect();
            }
            Entity::Root | Entity::Unit(_) => {}
        }
        let path = self.entity.path(organization);
        let within: Vec<_> = organization
            .accounts
            .iter()
            .filter(|it| it.id != organization.management_account && it.path.starts_with(&path))
            .collect();
        let Some(policy) = self.policy else { return within };
        // AWS: a list without data, unless the policy is attached to the entity or below it.
        let targets: std::collections::HashSet<&str> = policy.targets.iter().map(String::as_str).collect();
        let own =
            |path: &str| path.trim_end_matches('/').rsplit('/').next().is_some_and(|id| targets.contains(id));
        let units = organization.units.iter().map(|unit| unit.path.as_str());
        let accounts = within.iter().map(|account| account.path.as_str());
        let attached = own(&path) || units.chain(accounts).any(|it| it.starts_with(&path) && own(it));
        if !attached {
            return Vec::new();
        }
        let applies = |account: &&Account| account.path.split('/').any(|id| targets.contains(id));
        within.into_iter().filter(applies).collect()
    }

    /// The rows, by namespace, as of a moment.
    pub(super) fn rows(&self, now: Timestamp) -> Vec<Row> {
        let accounts: Vec<_> = self
            .accounts()
            .into_iter()
            .map(|account| (account, Activity::of_account(self.organization, account, now)))
            .collect();
        self.services().into_iter().map(|service| self.row(service, &accounts)).collect()
    }

    fn row(&self, service: &'static Service, accounts: &[(&Account, Activity)]) -> Row {
        let mut newest: Option<(i64, usize)> = None;
        let mut used = 0;
        // Most services are used by nobody, which is not worth asking everybody.
        let asked = if service.percent == 0 { &[] } else { accounts };
        for (number, (_, activity)) in asked.iter().enumerate() {
            if let Some(at) = activity.last(service) {
                used += 1;
                if newest.is_none_or(|(newest, _)| at > newest) {
                    newest = Some((at, number));
                }
            }
        }
        let newest =
            newest.and_then(|(at, number)| Some((Timestamp::from_second(at).ok()?, accounts.get(number)?)));
        // Observed: IAM's own row has its Region although nobody has used it.
        let without_use = || (service.namespace == "iam").then(|| GLOBAL.to_owned());
        Row {
            service,
            region: newest
                .map(|(_, (_, activity))| activity.region(self.organization, service).to_owned())
                .or_else(without_use),
            last: newest.map(|(at, (account, _))| (at, account.path.trim_end_matches('/').to_owned())),
            accounts: used,
        }
    }
}
