//! A plan in the making: objects as they are, and what changes make of them, one after the other.

use std::collections::BTreeMap;

use errors::JobError;
use models::{Kind, RunId};
use serde_json::Value;

use crate::object::{ObjectId, State, same};
use crate::operation::Operation;
use crate::plan::{Bake, Change, Plan, Read, Wave};

/// A plan in the making.
#[derive(Debug, Default)]
pub struct Draft {
    read: BTreeMap<ObjectId, State>,
    now: BTreeMap<ObjectId, State>,
    waves: Vec<Wave>,
    changes: u32,
    pub warnings: Vec<String>,
    pub unknown: u64,
    pub details: Value,
    pub rolls_back: Option<RunId>,
}

impl Draft {
    pub fn new() -> Self {
        Self { waves: vec![Wave::default()], ..Self::default() }
    }

    /// An object as it was read, which must be so when the plan is applied.
    pub fn read(&mut self, id: ObjectId, state: State) {
        self.now.insert(id.clone(), state.clone());
        self.read.insert(id, state);
    }

    /// Whether the object has been read.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.read.contains_key(id)
    }

    /// The object after the changes so far.
    pub fn state(&self, id: &ObjectId) -> Result<&State, JobError> {
        self.now
            .get(id)
            .ok_or_else(|| JobError::defect(format!("{id} was not read before it was to be changed")))
    }

    /// What AWS makes of an object by itself, once the changes so far are made.
    pub(crate) fn expect(&mut self, id: ObjectId, state: State) {
        self.now.insert(id, state);
    }

    /// Adds a change of an object that was [read](Self::read), unless it would change nothing.
    pub fn change(&mut self, call: Operation, why: impl Into<String>) -> Result<(), JobError> {
        let id = call.object();
        let before = self.state(&id)?.clone();
        let after = call.on(&before);
        if same(&before, &after) {
            return Ok(());
        }
        self.now.insert(id, after.clone());
        self.changes += 1;
        let change = Change { number: self.changes, call, why: why.into(), before, after };
        if let Some(wave) = self.waves.last_mut() {
            wave.changes.push(change);
        }
        Ok(())
    }

    /// The waves that have changes, as the plan will have them.
    pub fn waves(&self) -> impl Iterator<Item = &Wave> {
        self.waves.iter().filter(|wave| !wave.changes.is_empty())
    }

    /// The objects that were read, and what they were like.
    pub fn objects(&self) -> impl Iterator<Item = (&ObjectId, &State)> {
        self.read.iter()
    }

    /// How many changes there are so far.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// Ends the present wave, which is left alone for so long.
    pub fn end_wave(&mut self, bake: Bake) {
        if let Some(wave) = self.waves.last_mut() {
            wave.bake = bake;
        }
        self.waves.push(Wave::default());
    }

    pub(crate) fn seal(
        mut self,
        kind: Kind,
        run_id: RunId,
        made_at: jiff::Timestamp,
    ) -> Result<Plan, JobError> {
        self.waves.retain(|wave| !wave.changes.is_empty());
        let objects = self.read.into_iter().map(|(id, state)| Read::new(id, state));
        let mut plan = Plan {
            schema_version: Plan::VERSION,
            kind,
            run_id,
            made_at,
            rolls_back: self.rolls_back,
            objects: objects.collect::<Result<_, _>>()?,
            waves: self.waves,
            warnings: self.warnings,
            unknown: self.unknown,
            details: self.details,
            digest: String::new(),
        };
        plan.digest = plan.sealed()?;
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn trust(service: &str) -> Operation {
        Operation::EnableServiceAccess { service: service.into() }
    }

    fn sealed(draft: Draft) -> Plan {
        let run = "20261130T000000Z-9f86d081".parse().unwrap();
        draft.seal(Kind::OrganizationSetup, run, "2026-11-30T00:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        let mut draft = Draft::new();
        draft.read(trust("ec2.amazonaws.com").object(), json!(true));
        draft.read(trust("sso.amazonaws.com").object(), Value::Null);
        draft.change(trust("ec2.amazonaws.com"), "asked for").unwrap();
        draft.change(trust("sso.amazonaws.com"), "asked for").unwrap();
        draft.change(trust("sso.amazonaws.com"), "asked for twice").unwrap();
        let plan = sealed(draft);
        let changes: Vec<_> = plan.changes().collect();
        assert_eq!(changes.len(), 1);
        assert_eq!(
            (changes[0].number, &changes[0].before, &changes[0].after),
            (1, &Value::Null, &json!(true))
        );
        assert_eq!(plan.waves.len(), 1);
    }

    #[test]
    fn nothing_is_changed_that_was_not_read() {
        assert!(Draft::new().change(trust("ec2.amazonaws.com"), "asked for").is_err());
    }

    #[test]
    fn a_digest_changes_with_every_part_of_a_plan() {
        let plan = |state: Value, warning: Option<&str>| {
            let mut draft = Draft::new();
            draft.read(trust("ec2.amazonaws.com").object(), state);
            draft.warnings.extend(warning.map(str::to_owned));
            sealed(draft).digest
        };
        let one = plan(json!(true), None);
        assert_eq!(one, plan(json!(true), None));
        assert_ne!(one, plan(Value::Null, None));
        assert_ne!(one, plan(json!(true), Some("look out")));
    }

    #[test]
    fn waves_without_changes_are_left_out() {
        let mut draft = Draft::new();
        draft.end_wave(Bake { hours: 1, ..Bake::default() });
        draft.read(trust("ec2.amazonaws.com").object(), Value::Null);
        draft.change(trust("ec2.amazonaws.com"), "asked for").unwrap();
        draft.end_wave(Bake { hours: 2, ..Bake::default() });
        let plan = sealed(draft);
        assert_eq!(plan.waves.iter().map(|wave| wave.bake.hours).collect::<Vec<_>>(), [2]);
    }
}
