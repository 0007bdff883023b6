//! How long ago anything was published.

use errors::JobError;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use models::keys;
use store::Store;

/// The table with one row, in one object, for each published run.
const TABLE: &str = "runs";

/// A partition is the day a run began. The state machine's own TimeoutSeconds lets it publish this
/// many days later at most.
const LONGEST_RUN_DAYS: i64 = 8;

/// Hours since the newest run was published; `None` before the first.
///
/// Only the newest partitions are listed. A run that is resumed after more days than that publishes
/// into an older one and does not count: the figure is then too high, never too low.
pub(crate) async fn hours_since(store: &Store, now: Timestamp) -> Result<Option<f64>, JobError> {
    let prefix = keys::table_prefix(TABLE);
    let folders = store.folders(&prefix).await?;
    let Some(newest) = folders.iter().rev().find_map(|folder| date(&prefix, folder)) else { return Ok(None) };
    let from = newest.saturating_sub(SignedDuration::from_hours(24 * LONGEST_RUN_DAYS));
    let mut listing = store.list(&prefix).after(format!("{prefix}run_date={from}"));
    let mut published: Option<Timestamp> = None;
    while let Some(page) = listing.next_page().await? {
        published = page.into_iter().filter_map(|entry| entry.modified).chain(published).max();
    }
    Ok(published.map(|at| now.duration_since(at).as_secs_f64().max(0.0) / 3_600.0))
}

/// The day of `PREFIXrun_date=2026-11-21/`; `None` for anything else that lies there.
fn date(prefix: &str, folder: &str) -> Option<Date> {
    folder.strip_prefix(prefix)?.strip_prefix("run_date=")?.strip_suffix('/')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_partition_has_a_date() {
        let of = |folder| date("tables/runs/", folder);
        assert_eq!(of("tables/runs/run_date=2026-11-21/"), Some(jiff::civil::date(2026, 11, 21)));
        for other in ["tables/runs/old/", "tables/runs/run_date=2026-13-01/", "tables/run_date=2026-11-21/"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
