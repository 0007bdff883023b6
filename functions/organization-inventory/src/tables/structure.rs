//! The tables `organization_units`, `roots` and `policy_types`.

use std::collections::BTreeMap;

use errors::JobError;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use crate::gather::Inventory;

pub(super) const UNITS: Table = Table {
    name: "organization_units",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("unit_id", Kind::Text),
        Column::required("arn", Kind::Text),
        Column::required("name", Kind::Text),
        Column::required("parent_id", Kind::Text),
        // From the organization to the unit, ended by a slash; nothing where its parent was moved meanwhile.
        Column::optional("path", Kind::Text),
        // Right below it.
        Column::required("accounts", Kind::Integer),
        Column::required("schema_version", Kind::Integer),
    ],
};

pub(super) const ROOTS: Table = Table {
    name: "roots",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("organization_id", Kind::Text),
        Column::required("organization_arn", Kind::Text),
        Column::required("feature_set", Kind::Text),
        Column::required("management_account_id", Kind::Text),
        Column::required("root_id", Kind::Text),
        Column::required("arn", Kind::Text),
        Column::required("name", Kind::Text),
        Column::required("schema_version", Kind::Integer),
    ],
};

pub(super) const POLICY_TYPES: Table = Table {
    name: "policy_types",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("root_id", Kind::Text),
        Column::required("type", Kind::Text),
        // `ENABLED`, `PENDING_ENABLE` or `PENDING_DISABLE`; a type that is off is not listed by AWS.
        Column::required("status", Kind::Text),
        Column::required("schema_version", Kind::Integer),
    ],
};

const SCHEMA_VERSION: i64 = 1;

pub(super) async fn units(
    store: &Store,
    run: RunContext<'_>,
    inventory: &Inventory,
) -> Result<Part, JobError> {
    let mut accounts: BTreeMap<String, u64> = BTreeMap::new();
    for account in inventory.accounts.values() {
        let way = inventory.tree.way_to_account(account, &inventory.parents);
        if let Some(parent) = way.and_then(|way| way.into_iter().rev().nth(1)) {
            *accounts.entry(parent).or_default() += 1;
        }
    }
    let mut table = TableFile::new(UNITS.name, UNITS.columns)?;
    for unit in &inventory.units {
        table.push(&[
            run.run_id.as_str().into(),
            unit.id.as_str().into(),
            (&unit.arn).into(),
            (&unit.name).into(),
            (&unit.parent).into(),
            inventory.tree.path_of(unit.id.as_str()).as_ref().into(),
            accounts.get(unit.id.as_str()).copied().unwrap_or(0).into(),
            SCHEMA_VERSION.into(),
        ])?;
    }
    table.finish(store, run).await
}

pub(super) async fn roots(
    store: &Store,
    run: RunContext<'_>,
    inventory: &Inventory,
) -> Result<Part, JobError> {
    let (organization, root) = (&inventory.organization, &inventory.root);
    let mut table = TableFile::new(ROOTS.name, ROOTS.columns)?;
    table.push(&[
        run.run_id.as_str().into(),
        organization.id.as_str().into(),
        (&organization.arn).into(),
        (&organization.feature_set).into(),
        organization.management_account.as_str().into(),
        root.id.as_str().into(),
        (&root.arn).into(),
        (&root.name).into(),
        SCHEMA_VERSION.into(),
    ])?;
    table.finish(store, run).await
}

pub(super) async fn policy_types(
    store: &Store,
    run: RunContext<'_>,
    inventory: &Inventory,
) -> Result<Part, JobError> {
    let mut table = TableFile::new(POLICY_TYPES.name, POLICY_TYPES.columns)?;
    for policy_type in &inventory.root.policy_types {
        table.push(&[
            run.run_id.as_str().into(),
            inventory.root.id.as_str().into(),
            (&policy_type.name).into(),
            (&policy_type.status).into(),
            SCHEMA_VERSION.into(),
        ])?;
    }
    table.finish(store, run).await
}
