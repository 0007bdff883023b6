//! The tables `effective_policies` and `effective_policy_errors`, streamed: of the contents each is
//! kept once.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, Coverage, ItemName};
use runtime::lanes::Results;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use crate::entry::{Answer, Derived, Effective, Entry};
use crate::gather::millis;
use crate::lanes::EFFECTIVE;

pub(super) const POLICIES: Table = Table {
    name: "effective_policies",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("account_id", Kind::Text),
        Column::required("type", Kind::Text),
        // `read`, or `derived` from accounts with the same policies attached on their way.
        Column::required("source", Kind::Text),
        Column::optional("derived_from", Kind::Text),
        // `content` (`{}` where no policy is attached), `not_found`, or `unreadable`: told apart.
        Column::required("status", Kind::Text),
        Column::optional("content", Kind::Text),
        Column::optional("updated_at", Kind::Timestamp),
        // `invalid` where AWS says so.
        Column::required("validity", Kind::Text),
        Column::optional("error", Kind::Text),
        Column::required("schema_version", Kind::Integer),
    ],
};

pub(super) const ERRORS: Table = Table {
    name: "effective_policy_errors",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("account_id", Kind::Text),
        Column::required("type", Kind::Text),
        Column::required("code", Kind::Text),
        Column::required("message", Kind::Text),
        Column::required("path", Kind::Text),
        // The ids of the policies that it comes from, a list as JSON.
        Column::required("policies", Kind::Text),
        Column::optional("evaluated_at", Kind::Timestamp),
        Column::required("schema_version", Kind::Integer),
    ],
};

const SCHEMA_VERSION: i64 = 1;

const UNREADABLE: &str = "an effective policy could not be read";

pub(crate) async fn effective(
    store: &Store,
    run: RunContext<'_>,
    results: &Results<'_>,
    coverage: &mut Coverage,
) -> Result<Vec<Part>, JobError> {
    let lane: ItemName = EFFECTIVE.parse().map_err(JobError::defect)?;
    let mut contents = BTreeMap::new();
    let mut invalid: BTreeSet<(String, AccountId)> = BTreeSet::new();
    // An item that was read again, from its beginning or from a commit, has answered an account twice:
    // the last answer counts.
    let mut last: BTreeMap<(String, AccountId), u32> = BTreeMap::new();
    let mut errors = TableFile::new(ERRORS.name, ERRORS.columns)?;
    results
        .entries(&lane, |entry| {
            match entry {
                Entry::Content { digest, content } => drop(contents.insert(digest, content)),
                Entry::Effective(Effective { kind, account, .. }) => {
                    *last.entry((kind, account)).or_default() += 1;
                }
                Entry::Derived(Derived { kind, accounts, .. }) => {
                    for account in accounts {
                        *last.entry((kind.clone(), account)).or_default() += 1;
                    }
                }
                Entry::Invalid { kind, account, errors: found } => {
                    if !invalid.insert((kind.clone(), account.clone())) {
                        return Ok(());
                    }
                    for error in &found {
                        let policies = serde_json::to_string(&error.policies).map_err(JobError::defect)?;
                        errors.push(&[
                            run.run_id.as_str().into(),
                            account.as_str().into(),
                            (&kind).into(),
                            (&error.code).into(),
                            (&error.message).into(),
                            (&error.path).into(),
                            (&policies).into(),
                            millis(error.evaluated).into(),
                            SCHEMA_VERSION.into(),
                        ])?;
                    }
                }
                _ => {}
            }
            Ok(())
        })
        .await?;
    let mut rows = Rows {
        table: TableFile::new(POLICIES.name, POLICIES.columns)?,
        run,
        contents,
        invalid,
        last,
        coverage,
    };
    results
        .entries(&lane, |entry| match entry {
            Entry::Effective(Effective { kind, account, answer, .. }) => {
                rows.push(&kind, &account, None, &answer)
            }
            Entry::Derived(Derived { kind, from, answer, accounts, .. }) => {
                accounts.iter().try_for_each(|account| rows.push(&kind, account, Some(&from), &answer))
            }
            _ => Ok(()),
        })
        .await?;
    Ok(vec![rows.table.finish(store, run).await?, errors.finish(store, run).await?])
}

struct Rows<'a> {
    table: TableFile,
    run: RunContext<'a>,
    contents: BTreeMap<String, String>,
    invalid: BTreeSet<(String, AccountId)>,
    last: BTreeMap<(String, AccountId), u32>,
    coverage: &'a mut Coverage,
}

impl Rows<'_> {
    fn push(
        &mut self,
        kind: &str,
        account: &AccountId,
        from: Option<&AccountId>,
        answer: &Answer,
    ) -> Result<(), JobError> {
        let about = (kind.to_owned(), account.clone());
        if let Some(left) = self.last.get_mut(&about) {
            *left -= 1;
            if *left > 0 {
                return Ok(());
            }
        }
        let (status, content, updated, error): (_, _, Option<Timestamp>, _) = match answer {
            Answer::Content { digest, updated } => {
                let content = self.contents.get(digest);
                let content = content
                    .ok_or_else(|| JobError::defect(format!("the content {digest} was not written")))?;
                ("content", Some(content), *updated, None)
            }
            Answer::NotFound => ("not_found", None, None, None),
            Answer::Unreadable { error } => {
                self.coverage.gap(UNREADABLE, || format!("{kind} of {account}: {error}"));
                ("unreadable", None, None, Some(error))
            }
        };
        // When AWS computed it is known of the account that was read alone.
        let updated = updated.filter(|_| from.is_none());
        self.table.push(&[
            self.run.run_id.as_str().into(),
            account.as_str().into(),
            kind.into(),
            if from.is_some() { "derived" } else { "read" }.into(),
            from.map(|from| from.as_str()).into(),
            status.into(),
            content.into(),
            millis(updated).into(),
            if self.invalid.contains(&about) { "invalid" } else { "not reported" }.into(),
            error.into(),
            SCHEMA_VERSION.into(),
        ])
    }
}
