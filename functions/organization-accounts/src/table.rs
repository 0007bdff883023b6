//! The table `account_creations`: one row for each account that was wished for.

use errors::JobError;
use jiff::Timestamp;
use models::{Failure, OutcomeStatus};
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use crate::entry::Known;
use crate::item::Item;

const NAME: &str = "account_creations";
const SCHEMA_VERSION: i64 = 1;

/// Columns are only ever added.
const COLUMNS: [Column; 22] = [
    Column::required("run_id", Kind::Text),
    Column::required("item", Kind::Text),
    Column::required("email", Kind::Text),
    Column::required("name", Kind::Text),
    Column::required("gov_cloud", Kind::Boolean),
    // The root or unit that was wished for.
    Column::optional("wished_parent", Kind::Text),
    // See [`Status`].
    Column::required("status", Kind::Text),
    Column::optional("request_id", Kind::Text),
    Column::optional("account_id", Kind::Text),
    Column::optional("gov_cloud_account_id", Kind::Text),
    // The root or unit that it lies in, as it was seen last.
    Column::optional("parent", Kind::Text),
    // AWS's own word for why there is none, and `retry`, `wait`, `operator` or `permanent`.
    Column::optional("failure_reason", Kind::Text),
    Column::optional("failure_class", Kind::Text),
    Column::optional("error", Kind::Text),
    Column::optional("cause", Kind::Text),
    Column::optional("remedy", Kind::Text),
    // Of everything that was wished: the account's tag muster:digest.
    Column::required("digest", Kind::Text),
    Column::optional("requested_at", Kind::Timestamp),
    Column::optional("completed_at", Kind::Timestamp),
    Column::optional("active_at", Kind::Timestamp),
    Column::required("ended_at", Kind::Timestamp),
    Column::required("schema_version", Kind::Integer),
];

/// What is published.
pub const TABLES: [Table; 1] = [Table { name: NAME, columns: &COLUMNS }];

/// What came of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// This run made it, it lies in its place and is active.
    Created,
    /// An earlier run made it from the same wish.
    Found,
    /// The organization has an account of this address that is not from this wish.
    AlreadyExists,
    Failed,
    /// The deadline came first.
    Overdue,
}

impl Status {
    pub(crate) fn of(status: OutcomeStatus, failure: Option<&Failure>, known: &Known) -> Self {
        match status {
            OutcomeStatus::Succeeded if known.found => Self::Found,
            OutcomeStatus::Succeeded => Self::Created,
            OutcomeStatus::Overdue => Self::Overdue,
            _ if failure.is_some_and(|it| it.error == "AlreadyExists") => Self::AlreadyExists,
            _ => Self::Failed,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Found => "found",
            Self::AlreadyExists => "already_exists",
            Self::Failed => "failed",
            Self::Overdue => "overdue",
        }
    }
}

/// A row, but for what the run itself tells.
pub(crate) struct Row<'a> {
    pub(crate) item: &'a Item,
    pub(crate) status: Status,
    pub(crate) known: &'a Known,
    pub(crate) failure: Option<&'a Failure>,
    pub(crate) ended_at: Timestamp,
}

/// The table being written.
pub(crate) struct AccountCreations<'a> {
    run: RunContext<'a>,
    file: TableFile,
}

impl<'a> AccountCreations<'a> {
    pub(crate) fn new(run: RunContext<'a>) -> Result<Self, JobError> {
        Ok(Self { run, file: TableFile::new(NAME, &COLUMNS)? })
    }

    pub(crate) fn push(&mut self, row: &Row<'_>) -> Result<(), JobError> {
        let Row { item, status, known, failure, ended_at } = row;
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        self.file.push(&[
            self.run.run_id.as_str().into(),
            item.name.as_str().into(),
            (&item.wished.email).into(),
            (&item.wished.name).into(),
            item.wished.gov_cloud.into(),
            item.wished.parent.as_ref().into(),
            status.as_str().into(),
            known.request.as_ref().map(models::AccountRequestId::as_str).into(),
            known.account.as_ref().map(models::AccountId::as_str).into(),
            known.gov_cloud_account.as_ref().map(models::AccountId::as_str).into(),
            known.parent.as_ref().into(),
            known.failure_reason.as_ref().into(),
            known.failure_class.map(crate::reasons::Class::as_str).into(),
            failure.map(|it| &it.error).into(),
            failure.map(|it| &it.cause).into(),
            known.remedy.as_ref().into(),
            (&item.digest).into(),
            millis(known.requested_at).into(),
            millis(known.completed_at).into(),
            millis(known.active_at).into(),
            ended_at.as_millisecond().into(),
            SCHEMA_VERSION.into(),
        ])
    }

    pub(crate) async fn finish(self, store: &Store) -> Result<Part, JobError> {
        self.file.finish(store, self.run).await
    }
}
