//! What a lane leaves, in parts: few of them, for whoever gathers reads each of every lane.

use errors::JobError;
use models::{LanePart, LaneTicket, keys};

use super::Lanes;
use super::lane::Lane;

/// A part of fewer bytes is small. By bytes, and not by lines: one line may be all that an account may
/// do, and would be copied again with every few that follow it.
const SMALL: u64 = 64 * 1024;
/// So many small parts, one after the other, are joined.
const MANY: usize = 8;

impl<L: Lanes> Lane<'_, L> {
    /// Writes what has come together as a part.
    pub(super) async fn flush(&mut self) -> Result<(), JobError> {
        if self.count == 0 {
            return Ok(());
        }
        // Kept until they are written: what is committed after an error counts on them.
        let part = self.put(self.lines.clone(), self.count).await?;
        self.lines.clear();
        self.count = 0;
        self.record.value.parts.push(part);
        self.join().await
    }

    /// Joins the last parts if they are many and small. Those that are joined stay where they are: a
    /// record that is not committed names them still.
    async fn join(&mut self) -> Result<(), JobError> {
        let parts = &self.record.value.parts;
        let small = parts.iter().rev().take_while(|part| part.bytes < SMALL).count();
        if small < MANY {
            return Ok(());
        }
        let from = parts.len() - small;
        let (mut lines, mut count) = (Vec::new(), 0);
        for part in &parts[from..] {
            let mut read = self.store.lines(&part.key, Some(&part.etag)).await?;
            while let Some(line) = read.next_line().await? {
                lines.extend_from_slice(line);
                lines.push(b'\n');
            }
            count += part.lines;
        }
        let joined = self.put(lines, count).await?;
        self.record.value.parts.truncate(from);
        self.record.value.parts.push(joined);
        Ok(())
    }

    /// Each has a key of its own: of two invocations that work on the lane, one is counted.
    async fn put(&mut self, bytes: Vec<u8>, lines: u64) -> Result<LanePart, JobError> {
        let LaneTicket { run_id, lane, .. } = self.ticket;
        let name = format!("{}-{}.jsonl", self.record.value.done, self.written);
        let key = keys::part(run_id, lane, &self.invocation.request_id, &name);
        let length = bytes.len() as u64;
        let etag = self.store.put(&key, bytes).await?;
        self.written += 1;
        Ok(LanePart { key, etag, lines, bytes: length })
    }
}
