//! Pages of a report: its order, and the markers between them.

use super::content::Row;
use crate::organization::mix;

/// The order of a report's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum SortKey {
    #[default]
    NamespaceAscending,
    NamespaceDescending,
    TimeAscending,
    TimeDescending,
}

impl SortKey {
    pub(super) const NAMES: [(&'static str, Self); 4] = [
        ("SERVICE_NAMESPACE_ASCENDING", Self::NamespaceAscending),
        ("SERVICE_NAMESPACE_DESCENDING", Self::NamespaceDescending),
        ("LAST_AUTHENTICATED_TIME_ASCENDING", Self::TimeAscending),
        ("LAST_AUTHENTICATED_TIME_DESCENDING", Self::TimeDescending),
    ];

    /// The rows, which are by namespace, in this order. Where those without a time stand is not
    /// documented: they count as the oldest.
    pub(super) fn sorted(self, rows: &[Row]) -> Vec<&Row> {
        let mut sorted: Vec<_> = rows.iter().collect();
        let time = |row: &&Row| row.last.as_ref().map(|(at, _)| *at);
        match self {
            Self::NamespaceAscending => {}
            Self::NamespaceDescending => sorted.reverse(),
            Self::TimeAscending => sorted.sort_by_key(time),
            Self::TimeDescending => sorted.sort_by_key(|row| std::cmp::Reverse(time(row))),
        }
        sorted
    }
}

/// Where a page begins: of one job and one order, whatever the size of the pages.
pub(super) fn marker(job: &str, sort: SortKey, from: usize) -> String {
    format!("{from:04}{:016x}", digest(job, sort, from))
}

/// Where a marker says that its page begins, if it is one of this job and this order.
pub(super) fn place(job: &str, sort: SortKey, given: &str) -> Option<usize> {
    let from = given.get(..given.len().checked_sub(16)?)?.parse().ok()?;
    (marker(job, sort, from) == given).then_some(from)
}

/// How many rows a page has that may have so many: fewer now and then, and never none.
pub(super) fn short(job: &str, sort: SortKey, from: usize, most: usize) -> usize {
    match digest(job, sort, from) % 3 {
        0 => most,
        1 => most.div_ceil(2),
        _ => most - most / 4,
    }
}

fn digest(job: &str, sort: SortKey, from: usize) -> u64 {
    job.bytes().fold(mix(from as u64 ^ ((sort as u64) << 32)), |hash, byte| mix(hash ^ u64::from(byte)))
}
