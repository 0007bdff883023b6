//! From what the lanes left to the table, the counts and the warnings.

use std::collections::BTreeMap;

use errors::JobError;
use models::{Coverage, ItemName, ItemOutcome};
use runtime::lanes::Results;
use runtime::{Collected, RunContext};
use serde_json::{Value, json};
use store::Store;

use crate::entry::{Entry, Known};
use crate::item::Item;
use crate::plan::{self, Basis};
use crate::table::{AccountCreations, Row, Status};

/// Reasons that a result counts one by one.
const REASONS: usize = 20;

pub(crate) async fn gather(
    store: &Store,
    run: RunContext<'_>,
    results: &Results<'_>,
) -> Result<Collected, JobError> {
    let basis: Basis = results.basis()?;
    let mut known: BTreeMap<ItemName, Known> = BTreeMap::new();
    results
        .all_entries(|entry: Entry| {
            known.insert(entry.item, entry.known);
            Ok(())
        })
        .await?;
    let ended: BTreeMap<ItemName, ItemOutcome> = results
        .outcomes()
        .await?
        .values()
        .flat_map(|lane| lane.iter())
        .map(|outcome| (outcome.item.clone(), outcome.clone()))
        .collect();
    let mut gathering = Gathering::new(run)?;
    let mut items = store.lines(&basis.items, None).await?;
    while let Some(item) = items.next::<Item>().await? {
        let known = known.remove(&item.name).unwrap_or_default();
        gathering.add(&item, &known, ended.get(&item.name))?;
    }
    gathering.finish(store, &basis).await
}

struct Gathering<'a> {
    table: AccountCreations<'a>,
    run: RunContext<'a>,
    coverage: Coverage,
    accounts: u64,
    statuses: BTreeMap<Status, u64>,
    because: BTreeMap<String, u64>,
}

impl<'a> Gathering<'a> {
    fn new(run: RunContext<'a>) -> Result<Self, JobError> {
        Ok(Self {
            table: AccountCreations::new(run)?,
            run,
            coverage: Coverage::default(),
            accounts: 0,
            statuses: BTreeMap::new(),
            because: BTreeMap::new(),
        })
    }

    fn add(&mut self, item: &Item, known: &Known, ended: Option<&ItemOutcome>) -> Result<(), JobError> {
        let ended =
            ended.ok_or_else(|| JobError::defect(format!("{} was planned and has no outcome", item.name)))?;
        let failure = ended.failure.as_ref();
        let status = Status::of(ended.status, failure, known);
        self.accounts += 1;
        *self.statuses.entry(status).or_default() += 1;
        match status {
            Status::Created | Status::Found => self.coverage.seen_accounts += 1,
            _ => self.missing(item, known, status, ended),
        }
        let is_there = matches!(status, Status::Created | Status::Found);
        if is_there && item.wished.gov_cloud && known.gov_cloud_account.is_none() {
            let reason = "nothing tells the id of an account in AWS GovCloud (US) any more";
            self.coverage.gap(reason, || item.name.to_string());
        }
        self.table.push(&Row { item, status, known, failure, ended_at: ended.at })
    }

    fn missing(&mut self, item: &Item, known: &Known, status: Status, ended: &ItemOutcome) {
        let error = ended.failure.as_ref().map_or("", |failure| failure.error.as_str());
        let reason = match status {
            Status::Overdue => "accounts were not there and active at the deadline".to_owned(),
            _ => format!("accounts could not be had: {error}"),
        };
        self.coverage.gap(&reason, || {
            let why = ended.failure.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{}: {why}", item.name)
        });
        // AWS's word where it said one: it may be of the future, so how many are told is bounded.
        let because = known.failure_reason.clone().unwrap_or_else(|| error.to_owned());
        let because: String = because.chars().filter(|it| it.is_ascii_graphic()).take(100).collect();
        if self.because.len() < REASONS || self.because.contains_key(&because) {
            *self.because.entry(because).or_default() += 1;
        }
    }

    async fn finish(mut self, store: &Store, basis: &Basis) -> Result<Collected, JobError> {
        self.coverage.expected_accounts = Some(self.accounts);
        let count = |status| self.statuses.get(&status).copied().unwrap_or(0);
        let gaps: serde_json::Map<_, _> =
            self.coverage.gaps.iter().map(|(why, gap)| (why.clone(), json!(gap.count))).collect();
        let warnings: Vec<String> = basis.control_tower.then(plan::warning).into_iter().collect();
        let enrolment = match basis.control_tower {
            true => "none, though Control Tower has trusted access",
            false => "none, for Control Tower has no trusted access",
        };
        let result = json!({
            "accounts": self.accounts,
            "created": count(Status::Created),
            "found": count(Status::Found),
            "alreadyExist": count(Status::AlreadyExists),
            "failed": count(Status::Failed),
            "overdue": count(Status::Overdue),
            "because": self.because,
            "enrolment": enrolment,
            "warnings": warnings,
            "gaps": Value::Object(gaps),
        });
        let part = self.table.finish(store).await?;
        tracing::info!(accounts = self.accounts, created = count(Status::Created), "gathered");
        let observed_at = Some(self.run.now);
        Ok(Collected { parts: vec![part], observed_at, coverage: self.coverage, result })
    }
}
