//! What a file says, and of whom.

use jiff::Timestamp;
use models::{AccountId, Coverage, Region};

use crate::layout::Layout;
use crate::repeats::Seen;
use crate::statistics::Statistics;

/// Whose evidence it is.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The object or file, for messages.
    pub object: String,
    pub run_id: String,
    /// When the report was made.
    pub observed_at: Option<Timestamp>,
}

/// What a file says.
#[derive(Debug)]
pub struct Evidence {
    pub layout: Layout,
    /// Records under the header.
    pub records: u64,
    /// Rows of the table.
    pub rows: u64,
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) regions: Vec<Region>,
    pub(crate) attributes: Vec<String>,
    pub(crate) seen: Seen,
    pub(crate) statistics: Statistics,
    /// What could not be read, before anybody has said what was expected.
    pub(crate) gaps: Coverage,
    /// Rows or cells that came more than once.
    pub repeated: u64,
}
