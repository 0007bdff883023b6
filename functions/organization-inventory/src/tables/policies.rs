//! The tables `policies` and `policy_attachments`.

use errors::JobError;
use models::TargetId;
use organizations::quotas;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use crate::gather::Inventory;

pub(super) const POLICIES: Table = Table {
    name: "policies",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("policy_id", Kind::Text),
        Column::required("arn", Kind::Text),
        Column::required("name", Kind::Text),
        Column::required("description", Kind::Text),
        Column::required("type", Kind::Text),
        Column::required("aws_managed", Kind::Boolean),
        Column::optional("content", Kind::Text),
        // In characters, as AWS counts them.
        Column::optional("size", Kind::Integer),
        // The most characters of its type; nothing where AWS documents none.
        Column::optional("size_quota", Kind::Integer),
        Column::optional("targets", Kind::Integer),
        // Why content or targets are not known.
        Column::optional("error", Kind::Text),
        Column::required("schema_version", Kind::Integer),
    ],
};

pub(super) const ATTACHMENTS: Table = Table {
    name: "policy_attachments",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("policy_id", Kind::Text),
        Column::required("type", Kind::Text),
        Column::required("target_id", Kind::Text),
        // `ROOT`, `ORGANIZATIONAL_UNIT` or `ACCOUNT`.
        Column::required("target_type", Kind::Text),
        Column::required("schema_version", Kind::Integer),
    ],
};

const SCHEMA_VERSION: i64 = 1;

pub(super) async fn policies(
    store: &Store,
    run: RunContext<'_>,
    inventory: &Inventory,
) -> Result<Part, JobError> {
    let mut table = TableFile::new(POLICIES.name, POLICIES.columns)?;
    for read in &inventory.policies {
        let policy = &read.policy;
        let content = read.content.as_ref().ok();
        let error = read.content.as_ref().err().or(read.targets.as_ref().err());
        table.push(&[
            run.run_id.as_str().into(),
            policy.id.as_str().into(),
            (&policy.arn).into(),
            (&policy.name).into(),
            (&policy.description).into(),
            (&policy.kind).into(),
            policy.aws_managed.into(),
            content.into(),
            content.map(|content| content.chars().count() as u64).into(),
            quotas::policy_characters(&policy.kind).into(),
            read.targets.as_ref().ok().map(|targets| targets.len() as u64).into(),
            error.into(),
            SCHEMA_VERSION.into(),
        ])?;
    }
    table.finish(store, run).await
}

pub(super) async fn attachments(
    store: &Store,
    run: RunContext<'_>,
    inventory: &Inventory,
) -> Result<Part, JobError> {
    let mut table = TableFile::new(ATTACHMENTS.name, ATTACHMENTS.columns)?;
    for read in &inventory.policies {
        for target in read.targets.iter().flatten() {
            let of = match target {
                TargetId::Root(_) => "ROOT",
                TargetId::OrganizationalUnit(_) => "ORGANIZATIONAL_UNIT",
                TargetId::Account(_) => "ACCOUNT",
            };
            table.push(&[
                run.run_id.as_str().into(),
                read.policy.id.as_str().into(),
                (&read.policy.kind).into(),
                target.as_str().into(),
                of.into(),
                SCHEMA_VERSION.into(),
            ])?;
        }
    }
    table.finish(store, run).await
}
