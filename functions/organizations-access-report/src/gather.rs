//! From what the lane left to the table, what was left out, whose turn it was, and how much is missing.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use jiff::Timestamp;
use models::{AccountId, Coverage, ItemName, ItemOutcome, OutcomeStatus, keys};
use organizations::snapshot::Snapshot;
use runtime::lanes::{Outcomes, Results};
use runtime::{Collected, RunContext};
use serde_json::{Value, json};
use store::Store;

use crate::cursor::Turns;
use crate::entry::Entry;
use crate::plan::{Basis, LANE};
use crate::request::{Request, Target};
use crate::table::{ServiceAccess, Unknown};

/// Examples in the result; the whole list is an object of its own.
const EXAMPLES: usize = 10;

/// What the lane left besides the reports themselves.
#[derive(Default)]
struct Left {
    /// How many reports there are of each item: of one that was done again the last counts.
    reports: BTreeMap<ItemName, u32>,
    /// When the report of each account was ordered last.
    ordered: BTreeMap<AccountId, Timestamp>,
    /// Since when one invocation did it all, and from which item on.
    single: Option<(Timestamp, ItemName)>,
}

pub(crate) async fn gather(
    store: &Store,
    run: RunContext<'_>,
    request: &Request,
    results: &Results<'_>,
) -> Result<Collected, JobError> {
    let basis: Basis = results.basis()?;
    let lane: ItemName = LANE.parse().map_err(JobError::defect)?;
    let mut coverage = Coverage::default();
    for (reason, (count, examples)) in &basis.gaps {
        coverage.gap_many(reason, *count, examples.iter().cloned());
    }
    let (mut left, outcomes) = look(results, &lane).await?;
    let has_data: BTreeSet<ItemName> = left.reports.keys().cloned().collect();
    let (mut table, mut observed_at) = (ServiceAccess::new(run)?, None::<Timestamp>);
    results
        .entries(&lane, |entry| {
            let Entry::Report(report) = entry else { return Ok(()) };
            if let Some(again) = left.reports.get_mut(&report.item) {
                *again -= 1;
                if *again > 0 {
                    return Ok(());
                }
            }
            observed_at = Some(observed_at.map_or(report.completed, |at| at.min(report.completed)));
            for (because, rows) in table.push(&report)? {
                // Where nobody is, AWS has told all that there is.
                if because != Unknown::NoAccounts {
                    let reason = format!("rows that conclude nothing: {}", because.as_str());
                    coverage.gap_many(&reason, rows, [report.item.to_string()]);
                }
            }
            Ok(())
        })
        .await?;
    let counted = count(&outcomes, &has_data, &mut coverage);
    let excluded = exclusions(store, run, &outcomes).await?;
    let cursor = match request.asks_for(Target::Accounts) {
        true => Some(turns(store, run, &basis, &left.ordered).await?),
        false => None,
    };
    let gaps: serde_json::Map<_, _> =
        coverage.gaps.iter().map(|(why, gap)| (why.clone(), json!(gap.count))).collect();
    let unknown: BTreeMap<_, _> = table.unknown.iter().map(|(why, rows)| (why.as_str(), rows)).collect();
    let result = json!({
        "inventory": {"runId": basis.inventory, "observedAt": basis.inventory_observed_at},
        "expectedItems": counted.expected,
        "itemsWithData": counted.with_data,
        "carriedOver": counted.carried_over,
        "rows": table.conclusions,
        "unknownBecause": unknown,
        "mode": if left.single.is_some() { "single-invocation" } else { "session" },
        "singleInvocationSince": left.single.as_ref().map(|(at, item)| json!({"at": at, "item": item})),
        "excluded": excluded,
        "unmatched": basis.unmatched,
        "cursor": cursor,
        "gaps": gaps,
    });
    let part = table.finish(store).await?;
    tracing::info!(items = counted.expected, with_data = counted.with_data, rows = part.rows, "gathered");
    Ok(Collected { parts: vec![part], observed_at, coverage, result })
}

/// What the lane left, but for the reports themselves, and how its items ended.
async fn look(results: &Results<'_>, lane: &ItemName) -> Result<(Left, Outcomes), JobError> {
    let mut left = Left::default();
    let outcomes = results
        .lane(lane, |entry| {
            match entry {
                Entry::Report(report) => *left.reports.entry(report.item).or_default() += 1,
                // An account's own report: a policy at an account has another name.
                Entry::Ordered { item, at } => {
                    if let Ok(account) = item.as_str().parse() {
                        left.ordered.insert(account, at);
                    }
                }
                Entry::SingleInvocation { item, at } => {
                    left.single.get_or_insert((at, item));
                }
            }
            Ok(())
        })
        .await?;
    Ok((left, outcomes))
}

#[derive(Default)]
struct Counted {
    expected: u64,
    with_data: u64,
    carried_over: u64,
}

/// Counts what was to be reported on, and what was not, by the reason.
fn count(outcomes: &Outcomes, has_data: &BTreeSet<ItemName>, coverage: &mut Coverage) -> Counted {
    let mut counted = Counted::default();
    let (mut accounts, mut seen) = (0, 0);
    for outcome in outcomes.iter().filter(|it| it.status != OutcomeStatus::Skipped) {
        let is_account = outcome.item.as_str().parse::<AccountId>().is_ok();
        let is_there = outcome.status == OutcomeStatus::Succeeded && has_data.contains(&outcome.item);
        counted.expected += 1;
        accounts += u64::from(is_account);
        if is_there {
            counted.with_data += 1;
            seen += u64::from(is_account);
            continue;
        }
        counted.carried_over += u64::from(outcome.status == OutcomeStatus::CarriedOver);
        coverage.gap(&reason(outcome), || {
            let why = outcome.failure.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{}: {why}", outcome.item)
        });
    }
    coverage.expected_accounts = Some(accounts);
    coverage.seen_accounts = seen;
    counted
}

fn reason(outcome: &ItemOutcome) -> String {
    let error = outcome.failure.as_ref().map_or("", |failure| failure.error.as_str());
    match outcome.status {
        OutcomeStatus::CarriedOver => "reports were left to the next run".to_owned(),
        OutcomeStatus::Overdue => "reports were not complete at the deadline".to_owned(),
        _ => format!("reports could not be had: {error}"),
    }
}

/// Lists what was left out, and why: all of it in an object, some of it in the result.
async fn exclusions(store: &Store, run: RunContext<'_>, outcomes: &Outcomes) -> Result<Value, JobError> {
    let (mut lines, mut by_reason, mut examples) = (Vec::new(), BTreeMap::<&str, u64>::new(), Vec::new());
    let mut count = 0_u64;
    for outcome in outcomes.iter().filter(|it| it.status == OutcomeStatus::Skipped) {
        let why = outcome.failure.as_ref().map_or("", |failure| failure.cause.as_str());
        let line = json!({"item": outcome.item, "because": why});
        serde_json::to_writer(&mut lines, &line).map_err(JobError::defect)?;
        lines.push(b'\n');
        count += 1;
        // Ids and tags of the request make reasons many.
        if by_reason.len() < EXAMPLES || by_reason.contains_key(why) {
            *by_reason.entry(why).or_default() += 1;
        }
        if examples.len() < EXAMPLES {
            examples.push(outcome.item.as_str());
        }
    }
    if count == 0 {
        return Ok(json!({"count": 0}));
    }
    let key = keys::part(run.run_id, run.item, run.writer, "excluded.jsonl");
    store.put(&key, lines).await?;
    Ok(json!({"count": count, "because": by_reason, "examples": examples, "list": key}))
}

/// Writes whose turn it was; the key is where [`cursor::advance`](crate::cursor::advance) finds it.
async fn turns(
    store: &Store,
    run: RunContext<'_>,
    basis: &Basis,
    ordered: &BTreeMap<AccountId, Timestamp>,
) -> Result<String, JobError> {
    let snapshot = Snapshot::read(store, &basis.snapshot).await?;
    let turn = |account: AccountId| {
        let at = ordered.get(&account).map(|at| at.as_second());
        (account, at)
    };
    let turns = Turns { accounts: snapshot.accounts.into_keys().map(turn).collect() };
    let key = keys::part(run.run_id, run.item, run.writer, "turns.json");
    store.put(&key, serde_json::to_vec(&turns).map_err(JobError::defect)?).await?;
    Ok(key)
}
