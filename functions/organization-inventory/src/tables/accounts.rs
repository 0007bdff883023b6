//! The tables `accounts` and `account_requests`.

use errors::JobError;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use crate::gather::{Inventory, millis};

pub(super) const ACCOUNTS: Table = Table {
    name: "accounts",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("account_id", Kind::Text),
        Column::required("arn", Kind::Text),
        Column::required("name", Kind::Text),
        Column::required("email", Kind::Text),
        // AWS's `State`, else its older `Status`; nothing where it told neither, or a word of the future.
        Column::optional("state", Kind::Text),
        Column::required("is_management_account", Kind::Boolean),
        // From the organization to the account, ended by a slash.
        Column::optional("path", Kind::Text),
        Column::optional("parent_id", Kind::Text),
        Column::optional("joined_at", Kind::Timestamp),
        Column::optional("joined_method", Kind::Text),
        // An object as JSON; nothing where tags were not read.
        Column::optional("tags", Kind::Text),
        Column::required("read_at", Kind::Timestamp),
        Column::required("schema_version", Kind::Integer),
    ],
};

pub(super) const REQUESTS: Table = Table {
    name: "account_requests",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("request_id", Kind::Text),
        Column::required("account_name", Kind::Text),
        Column::required("state", Kind::Text),
        Column::optional("requested_at", Kind::Timestamp),
        Column::optional("completed_at", Kind::Timestamp),
        Column::optional("account_id", Kind::Text),
        Column::optional("gov_cloud_account_id", Kind::Text),
        Column::optional("failure_reason", Kind::Text),
        Column::required("schema_version", Kind::Integer),
    ],
};

const SCHEMA_VERSION: i64 = 1;

pub(super) async fn accounts(
    store: &Store,
    run: RunContext<'_>,
    inventory: &Inventory,
) -> Result<Part, JobError> {
    let mut table = TableFile::new(ACCOUNTS.name, ACCOUNTS.columns)?;
    for account in inventory.accounts.values() {
        let way = inventory.tree.way_to_account(account, &inventory.parents);
        let path = inventory.tree.path_of_account(account, &inventory.parents);
        let parent = way.as_deref().and_then(|way| way.iter().rev().nth(1));
        let tags = inventory.tags.get(&account.id).map(serde_json::to_string).transpose();
        let tags = tags.map_err(JobError::defect)?;
        table.push(&[
            run.run_id.as_str().into(),
            account.id.as_str().into(),
            (&account.arn).into(),
            (&account.name).into(),
            (&account.email).into(),
            account.state.word().into(),
            (account.id == inventory.organization.management_account).into(),
            path.as_ref().into(),
            parent.into(),
            millis(account.joined).into(),
            account.joined_method.as_ref().into(),
            tags.as_ref().into(),
            run.now.as_millisecond().into(),
            SCHEMA_VERSION.into(),
        ])?;
    }
    table.finish(store, run).await
}

pub(super) async fn requests(
    store: &Store,
    run: RunContext<'_>,
    inventory: &Inventory,
) -> Result<Part, JobError> {
    let mut table = TableFile::new(REQUESTS.name, REQUESTS.columns)?;
    for request in &inventory.requests {
        table.push(&[
            run.run_id.as_str().into(),
            request.id.as_str().into(),
            (&request.account_name).into(),
            (&request.state).into(),
            millis(request.requested).into(),
            millis(request.completed).into(),
            request.account.as_ref().map(AsRef::<str>::as_ref).into(),
            request.gov_cloud_account.as_ref().map(AsRef::<str>::as_ref).into(),
            request.failure_reason.as_ref().into(),
            SCHEMA_VERSION.into(),
        ])?;
    }
    table.finish(store, run).await
}
