//! What is refused unless it is forced by its name.

use std::collections::BTreeSet;

use errors::JobError;

/// Refusals of one plan.
#[derive(Debug)]
pub(crate) struct Refusals<'a> {
    force: &'a BTreeSet<String>,
    refused: Vec<String>,
    forced: BTreeSet<String>,
}

impl<'a> Refusals<'a> {
    pub(crate) fn new(force: &'a BTreeSet<String>) -> Self {
        Self { force, refused: Vec::new(), forced: BTreeSet::new() }
    }

    /// Refuses something, unless it is forced by this name; answers a warning where it is.
    pub(crate) fn unless_forced(&mut self, name: &str, why: &str) -> Option<String> {
        if self.force.contains(name) {
            self.forced.insert(name.to_owned());
            return Some(format!("{why} (forced as {name})"));
        }
        self.refused.push(format!("{why}: to do it all the same, add {name:?} to force"));
        None
    }

    /// The refusals as one error; also of what is forced and was never in question, which is a mistake.
    pub(crate) fn end(self) -> Result<(), JobError> {
        let mut problems = self.refused;
        let idle = self.force.difference(&self.forced);
        problems.extend(idle.map(|name| format!("{name:?} is forced, and nothing of the plan needs it")));
        if problems.is_empty() {
            return Ok(());
        }
        Err(JobError::invalid(problems.join("; ")))
    }
}
