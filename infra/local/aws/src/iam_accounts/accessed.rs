//! What a report on services last accessed holds.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::api::IamAccounts;
use super::jobs::Granularity;
use super::source::Source;
use crate::organization::Account;
use crate::principals::{Member, Use};
use crate::services::{Service, services};
use crate::wire::xml::Element;

/// The last use of a service or an action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Last {
    at: Timestamp,
    entity: String,
    region: String,
}

/// A service of a report.
#[derive(Debug, Clone)]
pub(super) struct Row {
    service: &'static Service,
    last: Option<Last>,
    /// How many principals have used it.
    entities: usize,
    /// The tracked actions, by name, of a service that was used.
    actions: BTreeMap<&'static str, Option<Last>>,
}

impl IamAccounts<'_> {
    /// The services that are allowed, by namespace, as of a moment.
    pub(super) fn rows(&self, account: &Account, source: &Source, now: Timestamp) -> Vec<Row> {
        let allowed = self.allowed(account, source);
        let mut rows: BTreeMap<&str, Row> = services()
            .iter()
            .filter(|service| allowed.has(service.namespace))
            .map(|service| (service.namespace, Row::unused(service)))
            .collect();
        for entity in self.entities(account, source) {
            for of in entity.uses(self.organization, now) {
                if let Some(row) = rows.get_mut(of.namespace) {
                    row.add(&entity, &of);
                }
            }
        }
        rows.into_values().collect()
    }

    /// Those who could have used the service, and when they last did, the newest first.
    pub(super) fn who_used(
        &self,
        account: &Account,
        source: &Source,
        namespace: &str,
        now: Timestamp,
    ) -> Vec<(Member, Option<Timestamp>)> {
        if !self.allowed(account, source).has(namespace) {
            return Vec::new();
        }
        let last = |entity: &Member| {
            let uses = entity.uses(self.organization, now);
            uses.into_iter().find(|it| it.namespace == namespace).and_then(|it| it.last)
        };
        let mut entities: Vec<_> =
            self.entities(account, source).into_iter().map(|it| (last(&it), it)).collect();
        entities.sort_by(|(one, of), (other, than)| other.cmp(one).then_with(|| of.arn.cmp(&than.arn)));
        entities.into_iter().map(|(last, entity)| (entity, last)).collect()
    }
}

impl Row {
    fn unused(service: &'static Service) -> Self {
        Self { service, last: None, entities: 0, actions: BTreeMap::new() }
    }

    fn add(&mut self, entity: &Member, of: &Use) {
        let last = |at: Option<Timestamp>| {
            at.map(|at| Last {
                at,
                entity: entity.arn.clone(),
                region: of.region.clone().unwrap_or_default(),
            })
        };
        let newest = last(of.last);
        self.entities += usize::from(newest.is_some());
        self.last = self.last.take().max(newest);
        for action in of.actions.iter().filter(|action| action.tracked) {
            let known = self.actions.entry(action.name).or_default();
            *known = known.take().max(last(action.last));
        }
    }

    pub(super) fn element(&self, granularity: Granularity) -> Vec<Element> {
        let mut members = vec![
            Element::text("ServiceName", self.service.name),
            Element::text("ServiceNamespace", self.service.namespace),
        ];
        if let Some(last) = &self.last {
            members.push(Element::text("LastAuthenticated", second(last.at)));
            members.push(Element::text("LastAuthenticatedEntity", &last.entity));
            members.push(Element::text("LastAuthenticatedRegion", &last.region));
        }
        members.push(Element::text("TotalAuthenticatedEntities", self.entities));
        if granularity == Granularity::Action && !self.actions.is_empty() {
            let actions = self.actions.iter().map(|(name, last)| {
                let mut members = vec![Element::text("ActionName", name)];
                if let Some(last) = last {
                    members.push(Element::text("LastAccessedEntity", &last.entity));
                    members.push(Element::text("LastAccessedTime", second(last.at)));
                    members.push(Element::text("LastAccessedRegion", &last.region));
                }
                members
            });
            members.push(Element::members("TrackedActionsLastAccessed", actions));
        }
        members
    }
}

/// As IAM writes moments of which it knows the second.
pub(super) fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
