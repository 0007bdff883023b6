//! Items that a lane finds out about as it works: what an account has shows only there.

use std::collections::BTreeSet;

use errors::JobError;
use models::{AddedItems, ItemName, keys};

use super::lane::{Lane, read_items};
use super::{Lanes, plan};

impl<L: Lanes> Lane<'_, L> {
    /// Adds items behind those that there are. One that the lane has had before is not added again: it
    /// has its outcome, or a resume has asked for it. Counts with the next [`Lane::commit`].
    pub async fn add(&mut self, items: Vec<L::Item>) -> Result<(), JobError> {
        let mut all = read_items::<L>(self.store, self.every_item()).await?;
        let known: BTreeSet<ItemName> = all.iter().map(|item| L::name(item).clone()).collect();
        let (mut present, mut count) = (std::mem::take(&mut self.items), 0);
        for item in items.into_iter().filter(|item| !known.contains(L::name(item))) {
            // Two owned values of one item: as it is written and read.
            all.push(copy::<L>(&item)?);
            present.push(item);
            count += 1;
        }
        self.items = present;
        if count == 0 {
            return Ok(());
        }
        let (run, writer) = (&self.ticket.run_id, &self.invocation.request_id);
        let number = self.record.value.done;
        let key =
            |what: &str| keys::plan(run, writer, &format!("{}-{number}-{what}.jsonl", self.ticket.lane));
        let (every, now) = (key("all"), key("items"));
        self.store.put(&every, plan::lines(&all)?).await?;
        self.store.put(&now, plan::lines(&self.items)?).await?;
        let record = &mut self.record.value;
        let before = record.added.as_ref().map_or(0, |added| added.count);
        record.added = Some(AddedItems { all: every, count: before + count });
        record.items = now;
        record.total = self.items.len() as u64;
        Ok(())
    }

    /// The key of all items that the lane has ever had.
    pub(super) fn every_item(&self) -> &str {
        self.record.value.added.as_ref().map_or(&self.ticket.items, |added| &added.all)
    }
}

fn copy<L: Lanes>(item: &L::Item) -> Result<L::Item, JobError> {
    let value = serde_json::to_value(item).map_err(JobError::defect)?;
    serde_json::from_value(value).map_err(JobError::defect)
}
