//! The table `policy_effects`: what a plan's changes come to, an attribute of an account after a wave.

use changes::Plan;
use errors::JobError;
use management_policies::{Attribute, AttributeChange};
use models::Coverage;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use crate::effect::{Effects, kept};

const EFFECTS: Table = Table {
    name: "policy_effects",
    columns: &[
        Column::required("run_id", Kind::Text),
        // The run that made the plan.
        Column::required("plan_run_id", Kind::Text),
        Column::required("type", Kind::Text),
        Column::required("account_id", Kind::Text),
        // Counts from 1; nothing where the account's place is not known.
        Column::optional("wave", Kind::Integer),
        // A JSON Pointer into the effective policy; nothing where nobody can say which.
        Column::optional("attribute", Kind::Text),
        // `known` or `unknown`.
        Column::required("effect", Kind::Text),
        // JSON; nothing where it is absent from the effective policy.
        Column::optional("before", Kind::Text),
        Column::optional("after", Kind::Text),
        // Why it is unknown.
        Column::optional("unknown_because", Kind::Text),
        Column::required("schema_version", Kind::Integer),
    ],
};

const SCHEMA_VERSION: i64 = 1;

/// The tables of this kind besides those of every kind that changes the organization.
pub const TABLES: [Table; 1] = [EFFECTS];

pub(crate) async fn write(
    store: &Store,
    run: RunContext<'_>,
    plan: &Plan,
) -> Result<(Vec<Part>, Coverage), JobError> {
    let effects = match kept(&plan.details)? {
        Some(kept) => kept.read(store).await?,
        None => Effects { types: Vec::new() },
    };
    let mut coverage = Coverage { expected_accounts: Some(0), ..Coverage::default() };
    let mut table = TableFile::new(EFFECTS.name, EFFECTS.columns)?;
    let mut expected = 0;
    for of_type in &effects.types {
        let of = Of { run, plan, kind: of_type.kind.api() };
        for class in &of_type.classes {
            expected += class.accounts.len() as u64;
            let unknown = class.unknown.as_deref();
            match unknown {
                None => coverage.seen_accounts += class.accounts.len() as u64,
                Some(why) => {
                    let examples = class.accounts.iter().map(ToString::to_string);
                    coverage.gap_many(why, class.accounts.len() as u64, examples);
                }
            }
            for (wave, after) in class.waves.iter().enumerate() {
                for change in &after.changes {
                    for account in &class.accounts {
                        of.push(&mut table, account.as_str(), Some((wave, change)), unknown)?;
                    }
                }
            }
        }
        const UNPLACED: &str = "AWS does not tell where the account lies";
        for account in &of_type.unplaced {
            expected += 1;
            coverage.gap(UNPLACED, || account.to_string());
            of.push(&mut table, account.as_str(), None, Some(UNPLACED))?;
        }
    }
    coverage.expected_accounts = Some(expected);
    Ok((vec![table.finish(store, run).await?], coverage))
}

struct Of<'a> {
    run: RunContext<'a>,
    plan: &'a Plan,
    kind: &'static str,
}

impl Of<'_> {
    fn push(
        &self,
        table: &mut TableFile,
        account: &str,
        change: Option<(usize, &AttributeChange)>,
        unknown: Option<&str>,
    ) -> Result<(), JobError> {
        let value = |attribute: Option<&Attribute>| match attribute {
            Some(Attribute::Known(value)) => Some(value.to_json().to_string()),
            _ => None,
        };
        let before = change.and_then(|(_, change)| value(change.before.as_ref()));
        let after = change.and_then(|(_, change)| value(change.after.as_ref()));
        table.push(&[
            self.run.run_id.as_str().into(),
            self.plan.run_id.as_str().into(),
            self.kind.into(),
            account.into(),
            change.map(|(wave, _)| wave as u64 + 1).into(),
            change.map(|(_, change)| change.path.as_str()).into(),
            if unknown.is_some() { "unknown" } else { "known" }.into(),
            before.as_deref().into(),
            after.as_deref().into(),
            unknown.into(),
            SCHEMA_VERSION.into(),
        ])
    }
}
