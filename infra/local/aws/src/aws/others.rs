//! Somebody else in the management account, who writes to the organization too.

use jiff::Timestamp;
use serde_json::Value;

use super::{Aws, Inner, World};
use crate::iam::Principal;
use crate::organization::{self, Organizations};
use crate::wire::ApiError;

/// When somebody else writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    At(Timestamp),
    /// Right before so manieth call of an operation is answered, whoever makes it, from now on; the first
    /// is 1. A call that is throttled or that IAM denies is none.
    Before {
        operation: String,
        call: usize,
    },
}

/// A write of somebody else's, as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignWrite {
    pub at: Timestamp,
    pub operation: String,
    pub body: Value,
    pub answer: Result<Value, ApiError>,
}

#[derive(Debug)]
struct Planned {
    moment: Moment,
    operation: String,
    body: Value,
}

/// What others will write, and what they have written.
#[derive(Debug, Default)]
pub(super) struct Others {
    planned: Vec<Planned>,
    written: Vec<ForeignWrite>,
}

impl Aws {
    /// Somebody else in the management account makes a request to Organizations, with their own rates:
    /// `organization_changed_by_others("UpdatePolicy", json!({"PolicyId": …}))`.
    pub fn organization_changed_by_others(&self, operation: &str, body: Value) -> Result<Value, ApiError> {
        let now = self.0.clock.now();
        self.0.write_of_others(&mut self.0.settle(), now, operation.to_owned(), body)
    }

    /// Lets somebody else make such a request later.
    pub fn organization_will_be_changed_by_others(&self, moment: Moment, operation: &str, body: Value) {
        let planned = Planned { moment, operation: operation.to_owned(), body };
        self.0.settle().others.planned.push(planned);
    }

    /// What others asked for up to now, and how it was answered.
    pub fn changes_by_others(&self) -> Vec<ForeignWrite> {
        self.0.settle().others.written.clone()
    }
}

impl Inner {
    pub(super) fn write_of_others(
        &self,
        world: &mut World,
        at: Timestamp,
        operation: String,
        body: Value,
    ) -> Result<Value, ApiError> {
        let account = world.organization.management_account.clone();
        let arn = format!("arn:{}:iam::{account}:user/SomebodyElse", self.partition);
        let caller = Principal { account, arn, ..self.person("SomebodyElse") };
        let mut service = Organizations {
            organization: &mut world.organization,
            settings: &mut world.settings,
            partition: &self.partition,
            now: at,
        };
        let answer = organization::call(&mut service, &caller, &operation, &body);
        if answer.is_ok() {
            world.keep(&operation, &body);
        }
        let written = ForeignWrite { at, operation, body, answer: answer.clone() };
        world.others.written.push(written);
        answer
    }

    /// Makes the requests whose time has come, in their order.
    pub(super) fn settle_others(&self, world: &mut World, now: Timestamp) {
        let due = |it: &Planned| match it.moment {
            Moment::At(at) if at <= now => Some(at),
            _ => None,
        };
        loop {
            let planned = world.others.planned.iter().enumerate();
            let next = planned.filter_map(|(place, it)| Some((due(it)?, place))).min();
            let Some((at, place)) = next else { return };
            let Planned { operation, body, .. } = world.others.planned.remove(place);
            // How it is answered is kept.
            let _ = self.write_of_others(world, at, operation, body);
        }
    }

    /// Makes the requests that come right before this call.
    pub(super) fn others_before(&self, world: &mut World, called: &str, now: Timestamp) {
        for planned in &mut world.others.planned {
            if let Moment::Before { operation, call } = &mut planned.moment
                && operation == called
            {
                *call = call.saturating_sub(1);
            }
        }
        let is_due = |it: &mut Planned| matches!(it.moment, Moment::Before { call: 0, .. });
        let due: Vec<Planned> = world.others.planned.extract_if(.., is_due).collect();
        for Planned { operation, body, .. } in due {
            let _ = self.write_of_others(world, now, operation, body);
        }
    }
}

#[cfg(test)]
mod tests;
