//! The order of a report.

use super::content::Row;

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

    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, key)| *key == self).map_or("", |(name, _)| name)
    }

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
