//! Policy types on their way to being on, or from it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::policies::{PolicyType, RCP, SCP};
use super::{Organization, OrganizationSettings, span};

/// Changes of policy types that are not done, and types that were turned on.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypeChanges {
    pending: Vec<TypeChange>,
    /// From when on the policies of a type that was turned on can be attached.
    attachable_from: BTreeMap<String, Timestamp>,
}

#[derive(Debug, Clone)]
struct TypeChange {
    kind: String,
    due: Timestamp,
    on: bool,
}

impl Organization {
    /// Begins to turn on a type that is off.
    pub(crate) fn enable_type(&mut self, kind: &str, now: Timestamp, settings: &OrganizationSettings) {
        self.policy_types.push(PolicyType { name: kind.to_owned(), status: "PENDING_ENABLE" });
        self.change_type(kind, true, now, settings);
    }

    /// Begins to turn off a type that is on.
    pub(crate) fn disable_type(&mut self, kind: &str, now: Timestamp, settings: &OrganizationSettings) {
        if let Some(it) = self.policy_types.iter_mut().find(|it| it.name == kind) {
            it.status = "PENDING_DISABLE";
        }
        self.change_type(kind, false, now, settings);
    }

    fn change_type(&mut self, kind: &str, on: bool, now: Timestamp, settings: &OrganizationSettings) {
        let due = now + span(settings.policy_type_duration);
        self.type_changes.pending.push(TypeChange { kind: kind.to_owned(), due, on });
        self.publication.changed(kind, now);
    }

    /// Whether policies of a type can be attached.
    pub(crate) fn is_attachable(&self, kind: &str, now: Timestamp) -> bool {
        let from = self.type_changes.attachable_from.get(kind);
        self.policy_type(kind).is_some_and(|it| it.status == "ENABLED")
            && from.is_none_or(|from| *from <= now)
    }

    /// Ends the changes of types that are due.
    pub(super) fn settle_types(&mut self, now: Timestamp, settling: SignedDuration) {
        if self.type_changes.pending.iter().all(|change| change.due > now) {
            return;
        }
        let (due, pending) =
            std::mem::take(&mut self.type_changes.pending).into_iter().partition(|change| change.due <= now);
        self.type_changes.pending = pending;
        let due: Vec<TypeChange> = due;
        for TypeChange { kind, due, on } in due {
            match on {
                true => self.enabled(&kind, due + settling),
                false => self.disabled(&kind),
            }
        }
    }

    fn enabled(&mut self, kind: &str, attachable_from: Timestamp) {
        if let Some(it) = self.policy_types.iter_mut().find(|it| it.name == kind) {
            it.status = "ENABLED";
        }
        self.type_changes.attachable_from.insert(kind.to_owned(), attachable_from);
        // Every root, unit and account begins with AWS's own policy, and with no other (user guide,
        // "Enabling a policy type" for SCPs and for RCPs).
        if [SCP, RCP].contains(&kind) {
            let units = self.units.iter().map(|unit| &unit.id);
            let accounts = self.accounts.iter().map(|account| &account.id);
            let everywhere = std::iter::once(&self.root).chain(units).chain(accounts).cloned().collect();
            if let Some(own) = self.policies.iter_mut().find(|it| it.aws_managed && it.kind == kind) {
                own.targets = everywhere;
            }
        }
    }

    /// The policies stay, and are attached to nothing (user guide, "Disabling a policy type").
    fn disabled(&mut self, kind: &str) {
        self.policy_types.retain(|it| it.name != kind);
        self.type_changes.attachable_from.remove(kind);
        self.publication.forget(kind, &self.policies);
        for policy in self.policies.iter_mut().filter(|it| it.kind == kind) {
            policy.targets.clear();
        }
    }
}
