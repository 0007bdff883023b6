//! How far the lanes of a run have come.

use models::{ItemName, LaneRecord, RunId, keys};

use super::{Seen, Stack};
use crate::{Done, Problem};

/// The state in which lanes are worked on.
const STATE: &str = "Lanes";
/// Of so many lanes the records are read; of all of more it would take too many calls at each look.
const READ: usize = 12;

/// The lanes of a run that are being worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lanes {
    /// How many were planned.
    pub lanes: u64,
    /// How many items were planned in them.
    pub items: u64,
    /// How many have begun.
    pub begun: u64,
    /// Those that have begun, or some of them where they are many: name, items that have an outcome,
    /// and all of its items.
    pub looked_at: Vec<(ItemName, u64, u64)>,
}

impl Lanes {
    /// Whether all lanes that have begun were looked at.
    pub(crate) fn is_whole(&self) -> bool {
        self.looked_at.len() as u64 == self.begun
    }

    /// Items that have an outcome, and all items, of the lanes that were looked at. Of a run that is
    /// resumed for some of its items, these.
    pub(crate) fn done(&self) -> (u64, u64) {
        let done = self.looked_at.iter().map(|(_, done, _)| done).sum();
        let total: u64 = self.looked_at.iter().map(|(_, _, total)| total).sum();
        let waiting = self.lanes.saturating_sub(self.begun);
        // Each lane that has not begun has an item at least; and lanes may find more as they work.
        let all = if waiting == 0 { total } else { self.items.max(total + waiting) };
        (done, if self.is_whole() { all } else { total })
    }

    /// How far the run is, as a part and the whole: where not all lanes were looked at, as those that
    /// were.
    pub(crate) fn far(&self) -> (u64, u64) {
        match (self.done(), self.is_whole()) {
            ((done, total), true) => (done, total.max(1)),
            ((done, total), false) => (done * self.begun, (total * self.lanes).max(1)),
        }
    }
}

/// At most so many of them, from all over; others in another turn, for those that are short end first.
fn spread<T>(of: Vec<T>, most: usize, turn: usize) -> impl Iterator<Item = T> {
    let step = of.len().div_ceil(most).max(1);
    of.into_iter().skip(turn % step).step_by(step)
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
        let objects = self.objects()?;
        let records = objects.keys(&keys::lanes(&run), usize::MAX).await?;
        let begun = records.len() as u64;
        let mut looked_at = Vec::new();
        let turn = usize::try_from(seen.now.as_second() / 60).unwrap_or(0);
        for key in spread(records, READ, turn) {
            let Some(record) = objects.document::<LaneRecord>(&key).await? else { continue };
            looked_at.push((record.lane, record.done, record.total));
        }
        Ok(Some(Lanes { lanes, items, begun, looked_at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_lanes_some_from_all_over_are_looked_at() {
        let looked_at = |count: usize, turn| spread((0..count).collect(), 12, turn).collect::<Vec<_>>();
        assert_eq!(looked_at(12, 5), (0..12).collect::<Vec<_>>());
        assert_eq!(looked_at(13, 0), [0, 2, 4, 6, 8, 10, 12]);
        assert_eq!(looked_at(13, 7), [1, 3, 5, 7, 9, 11]);
        assert_eq!((looked_at(0, 3), looked_at(2_000, 3).len()), (Vec::new(), 12));
    }

    #[test]
    fn lanes_that_find_items_as_they_work_are_never_past_their_end() {
        let lane = |done, total| ("012345678901".parse().unwrap(), done, total);
        let planned = |begun, looked_at| Lanes { lanes: 4, items: 4, begun, looked_at };
        assert_eq!(planned(2, vec![lane(9, 16), lane(0, 1)]).done(), (9, 19));
        let some = planned(4, vec![lane(8, 16), lane(16, 16)]);
        assert_eq!((some.done(), some.far()), ((24, 32), (96, 128)));
        assert_eq!(planned(0, vec![]).far(), (0, 4));
    }
}
