//! Items that a lane finds out about as it works: what an account has shows only there.

use std::collections::BTreeSet;

use errors::JobError;
use models::{AddedItems, ItemName, keys};

use super::Lanes;
use super::items::Items;
use super::lane::Lane;

impl<L: Lanes> Lane<'_, L> {
    /// Adds items behind those that there are. One that the lane has had before is not added again: it
    /// has its outcome, or a resume has asked for it. Counts with the next [`Lane::commit`].
    pub async fn add(&mut self, items: Vec<L::Item>) -> Result<(), JobError> {
        let mut all = Items::<L::Item>::read(self.store, self.every_item()).await?;
        let known: Result<BTreeSet<ItemName>, _> =
            all.iter().map(|item| item.map(|item| L::name(&item).clone())).collect();
        let known = known?;
        let mut count = 0;
        for item in items.iter().filter(|item| !known.contains(L::name(item))) {
            all.push(item)?;
            self.items.push(item)?;
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        let (run, writer) = (&self.ticket.run_id, &self.invocation.request_id);
        let number = self.record.value.done;
        let key =
            |what: &str| keys::plan(run, writer, &format!("{}-{number}-{what}.jsonl", self.ticket.lane));
        let (every, now) = (key("all"), key("items"));
        self.store.put(&every, all.to_lines()).await?;
        self.store.put(&now, self.items.to_lines()).await?;
        let record = &mut self.record.value;
        let before = record.added.as_ref().map_or(0, |added| added.count);
        record.added = Some(AddedItems { all: every, count: before + count });
        record.items = now;
        record.total = self.items.len();
        self.turn_to_present()
    }

    /// The key of all items that the lane has ever had.
    pub(super) fn every_item(&self) -> &str {
        self.record.value.added.as_ref().map_or(&self.ticket.items, |added| &added.all)
    }
}
