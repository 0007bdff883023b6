//! What a role or user did, of what it may do.

use jiff::Timestamp;

use super::Member;
use crate::organization::Organization;
use crate::services::{Activity, Service, Statements, actions_of, is_open, services};

/// A service that a role or user may use, and its last use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub namespace: &'static str,
    /// `None` if no use is known.
    pub last: Option<Timestamp>,
    /// Where that was.
    pub region: Option<String>,
    /// Of a service that was used, the actions that it may use and that show one by one, by name; of
    /// most services none do.
    pub actions: Vec<UsedAction>,
}

/// An action that a role or user may use, and its last use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedAction {
    pub name: &'static str,
    /// `None` if no use is known.
    pub last: Option<Timestamp>,
    /// Whether IAM says when it was.
    pub tracked: bool,
}

impl Member {
    /// Every service that its policies allow, by namespace, and its last use as of `now`. Boundaries,
    /// policies of the organization and of resources do not count.
    pub fn uses(&self, organization: &Organization, now: Timestamp) -> Vec<Use> {
        let held = self.policies(organization);
        let statements = [Statements::all(held.iter().map(|policy| policy.document.as_str()))];
        services()
            .iter()
            .filter(|service| is_open(std::iter::once(statements.as_slice()), service.namespace))
            .map(|service| self.use_of(service, &statements[0], organization, now))
            .collect()
    }

    /// When it was last used at all, as of `now`, and where.
    pub fn last_used(&self, organization: &Organization, now: Timestamp) -> Option<(Timestamp, String)> {
        let activity = Activity::of_principal(self.key, self.created, self.idle, now);
        let mut times: Vec<_> =
            services().iter().filter_map(|service| Some((activity.last(service)?, service))).collect();
        if times.is_empty() {
            return None;
        }
        times.sort_unstable_by_key(|(at, service)| (std::cmp::Reverse(*at), service.namespace));
        let held = self.policies(organization);
        let statements = [Statements::all(held.iter().map(|policy| policy.document.as_str()))];
        let allowed = |namespace: &str| is_open(std::iter::once(statements.as_slice()), namespace);
        let (at, service) = times.into_iter().find(|(_, service)| allowed(service.namespace))?;
        Some((Timestamp::from_second(at).ok()?, activity.region(organization, service).to_owned()))
    }

    fn use_of(
        &self,
        service: &Service,
        statements: &Statements,
        organization: &Organization,
        now: Timestamp,
    ) -> Use {
        let namespace = service.namespace;
        let activity = Activity::of_principal(self.key, self.created, self.idle, now);
        let moment = |second: i64| Timestamp::from_second(second).ok();
        let Some(last) = activity.last(service) else {
            return Use { namespace, last: None, region: None, actions: Vec::new() };
        };
        let may = |name: &str| statements.grants_action(namespace, name);
        let actions: Vec<_> = actions_of(namespace).iter().filter(|it| may(it.name)).copied().collect();
        let times = activity.last_of_actions(service, last, &actions);
        let used = actions.iter().zip(times).map(|(action, at)| UsedAction {
            name: action.name,
            last: at.and_then(moment),
            tracked: action.tracked,
        });
        Use {
            namespace,
            last: moment(last),
            region: Some(activity.region(organization, service).to_owned()),
            actions: used.collect(),
        }
    }
}
