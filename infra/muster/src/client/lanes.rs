//! How far the lanes of a run have come.

use models::{ItemName, LaneRecord, RunId, keys};

use super::{Seen, Stack};
use crate::{Done, Problem};

/// The state in which lanes are worked on.
const STATE: &str = "Lanes";
/// Of so many lanes the records are read; of more it would take too many calls at each look.
const READ: usize = 12;

/// The lanes of a run that are being worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lanes {
    /// How many were planned.
    pub lanes: u64,
    /// How many items were planned in them.
    pub items: u64,
    /// Those that have begun: name, items that have an outcome, and all of its items. Nothing where
    /// there are too many lanes to look at each.
    pub begun: Option<Vec<(ItemName, u64, u64)>>,
}

impl Lanes {
    /// Items that have an outcome, where that is known, and all items. Of a run that is resumed for
    /// some of its items, these.
    pub(crate) fn done(&self) -> Option<(u64, u64)> {
        let begun = self.begun.as_ref()?;
        let done = begun.iter().map(|(_, done, _)| done).sum();
        let total = begun.iter().map(|(_, _, total)| total).sum();
        Some((done, if begun.len() as u64 == self.lanes { total } else { self.items }))
    }
}

impl Stack {
    /// The lanes that a run is working on; `None` when it is at something else.
    pub(crate) async fn lanes(&self, seen: &Seen) -> Done<Option<Lanes>> {
        let plan = &seen.ticket["handle"];
        let (Some(lanes), Some(items)) = (plan["lanes"].as_u64(), plan["items"].as_u64()) else {
            return Ok(None);
        };
        let Some(run) = seen.run.as_deref().filter(|_| seen.state == STATE) else { return Ok(None) };
        let run: RunId = run.parse().map_err(|error| Problem::other(format!("{run}: {error}")))?;
        let mut begun = None;
        if lanes <= READ as u64 {
            let mut standing = Vec::new();
            let objects = self.objects()?;
            for key in objects.keys(&keys::lanes(&run), READ).await? {
                let Some(record) = objects.document::<LaneRecord>(&key).await? else { continue };
                standing.push((record.lane, record.done, record.total));
            }
            begun = Some(standing);
        }
        Ok(Some(Lanes { lanes, items, begun }))
    }
}
