//! From what the lanes left to the tables, what was left out, and how much is missing.
//!
//! Account by account: of no more than [`AT_ONCE`] are the principals in memory.
//!
//! * [`account`]: what the lane of one account left.
//! * [`left_out`]: what is left out; [`result`]: the run's result.

mod account;
mod left_out;
mod result;

use std::collections::BTreeSet;

use errors::JobError;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use models::{Coverage, ItemName, ItemOutcome, OutcomeStatus};
use runtime::lanes::{Outcomes, Results};
use runtime::{Collected, RunContext};
use store::Store;

use crate::entry::Entry;
use crate::plan::Basis;
use crate::principal::Access;
use crate::request::Request;
use crate::tables::status::{self, Evidence, Status};
use crate::tables::{GeneratedPolicies, Owner, PrincipalAccess, Row};
use account::{Account, Known};
use left_out::LeftOut;
use result::Totals;

/// Accounts that are read at once.
const AT_ONCE: usize = 8;
/// What discovering an account that is left out fails with; any other error is a gap.
const EXCLUDED: &str = "Excluded";
const DISCOVER: &str = "discover";
const ORDER: &str = "order";
const ACCESS: &str = "access-";
const GENERATE: &str = "generate-";

const ACCESS_NOT_READ: &str = "access that was not read";
const NOT_VALIDATED: &str = "policies that ValidatePolicy says nothing about";
const NOT_CHECKED: &str = "policies that CheckNoNewAccess says nothing about";
const NOT_FOUND: &str = "principals of the request that were not found";

pub(crate) async fn gather(
    store: &Store,
    run: RunContext<'_>,
    request: &Request,
    results: &Results<'_>,
) -> Result<Collected, JobError> {
    let basis: Basis = results.basis()?;
    let mut gathering = Gathering {
        results,
        request,
        policies: GeneratedPolicies::new(run, request)?,
        access: PrincipalAccess::new(run)?,
        left_out: LeftOut::default(),
        totals: Totals::default(),
        coverage: Coverage { expected_accounts: Some(basis.accounts), ..Coverage::default() },
        observed: None,
        excluded: BTreeSet::new(),
    };
    let accounts: Vec<_> = results.lanes().map(|lane| read(results, lane)).collect();
    let mut accounts = stream::iter(accounts).buffered(AT_ONCE);
    while let Some((lane, account, outcomes)) = accounts.try_next().await? {
        gathering.outcomes(lane, &outcomes)?;
        gathering.account(lane, account, &outcomes).await?;
    }
    drop(accounts);
    // An account that the organization does not have, or that is left out, has no lane that could miss
    // them.
    let read = results.lanes().filter(|lane| !gathering.excluded.contains(*lane));
    let read: BTreeSet<&str> = read.map(ItemName::as_str).collect();
    for arn in &request.principals {
        if arn.account().is_none_or(|account| !read.contains(account.as_str())) {
            gathering.not_found(arn.as_str());
        }
    }
    let Gathering { policies, access, left_out, totals, coverage, observed, .. } = gathering;
    let conclusions = access.conclusions.clone();
    let parts = vec![policies.finish(store).await?, access.finish(store).await?];
    let left_out = left_out.write(store, run).await?;
    let rows = parts.iter().filter_map(|part| Some((part.table()?, part.rows))).collect();
    let result = totals.result(&basis, &coverage, &left_out, &rows, &conclusions);
    tracing::info!(
        accounts = results.lanes().count(),
        principals = totals.principals,
        complete = coverage.is_complete(),
        "gathered"
    );
    Ok(Collected { parts, observed_at: observed, coverage, result })
}

/// Reads what the lane of one account left.
async fn read<'a>(
    results: &Results<'_>,
    lane: &'a ItemName,
) -> Result<(&'a ItemName, Account, Outcomes), JobError> {
    let mut account = Account::default();
    let outcomes = results
        .lane(lane, |entry| {
            account.take(entry);
            Ok(())
        })
        .await?;
    Ok((lane, account, outcomes))
}

struct Gathering<'a> {
    results: &'a Results<'a>,
    request: &'a Request,
    policies: GeneratedPolicies<'a>,
    access: PrincipalAccess<'a>,
    left_out: LeftOut,
    totals: Totals,
    coverage: Coverage,
    /// The oldest of what was observed.
    observed: Option<Timestamp>,
    /// Accounts that are left out.
    excluded: BTreeSet<ItemName>,
}

impl Gathering<'_> {
    /// Counts how the items ended, and what was missed by the reason.
    fn outcomes(&mut self, lane: &ItemName, outcomes: &Outcomes) -> Result<(), JobError> {
        for outcome in outcomes.iter() {
            let name = outcome.item.as_str();
            let has_succeeded = outcome.status == OutcomeStatus::Succeeded;
            if let Some(because) = excluded(outcome) {
                self.left_out.account(lane.as_str(), because)?;
                self.excluded.insert(lane.clone());
                continue;
            }
            self.totals.due += u64::from(name.starts_with(GENERATE));
            if name == DISCOVER && has_succeeded {
                self.coverage.seen_accounts += 1;
            }
            if !has_succeeded {
                self.coverage.gap(&missed(outcome), || {
                    let why = outcome.failure.as_ref().map(ToString::to_string).unwrap_or_default();
                    format!("{lane} {name}: {why}")
                });
            }
        }
        Ok(())
    }

    /// Adds the rows of one account.
    async fn account(
        &mut self,
        lane: &ItemName,
        mut account: Account,
        outcomes: &Outcomes,
    ) -> Result<(), JobError> {
        let results = self.results;
        for (arn, because) in account.left_out.values() {
            self.left_out.principal(lane.as_str(), arn, because)?;
        }
        for arn in &account.not_found {
            self.not_found(arn);
        }
        for known in account.known.values_mut() {
            self.principal(lane, known, outcomes)?;
        }
        let Account { known, mut accesses, .. } = account;
        let mut push = |id: &ItemName, access: &Access| match known.get(id) {
            Some(known) if known.services.is_some() => self.push_access(lane, known, access),
            _ => Ok(()),
        };
        match accesses.held.take() {
            Some(held) => held.iter().try_for_each(|(id, access)| push(id, access)),
            None => {
                results
                    .entries(lane, |entry| match entry {
                        Entry::Access { id, access } if accesses.is_last(&id) => push(&id, &access),
                        _ => Ok(()),
                    })
                    .await
            }
        }
    }

    fn principal(&mut self, lane: &ItemName, known: &mut Known, outcomes: &Outcomes) -> Result<(), JobError> {
        let id = &known.principal.id;
        let outcome = |of: &str| outcomes.get(&format!("{of}{id}"));
        let read = outcome(ACCESS);
        // What was read and not finished is no more than a part.
        known.services =
            known.services.filter(|_| read.is_some_and(|it| it.status == OutcomeStatus::Succeeded));
        if known.services.is_none() && read.is_none_or(|it| it.status == OutcomeStatus::Succeeded) {
            let reason = format!("{ACCESS_NOT_READ}: nothing was left");
            self.coverage.gap(&reason, || known.principal.arn.clone());
        }
        let evidence = Evidence {
            services: known.services.as_ref(),
            last_used: known.principal.last_used,
            not_due: known.not_due.as_ref(),
            generated: known.generated.as_ref(),
        };
        let order = outcomes.get(ORDER);
        let (status, failure) = status::of(status::Outcomes { order, generate: outcome(GENERATE) }, evidence);
        self.totals.principal(status);
        let row = Row {
            account: lane.as_str(),
            principal: &known.principal,
            present: &known.present,
            observed: known.observed,
            services: known.services.as_ref(),
            last_activity: evidence.last_activity(),
            status,
            failure,
            ordered: known.ordered.as_ref(),
        };
        match status {
            Status::Generated(generated) => {
                let example = |why: &str| format!("{}: {why}", known.principal.arn);
                if let Some(why) = &generated.not_validated {
                    self.coverage.gap(NOT_VALIDATED, || example(why));
                }
                if let Some(why) = &generated.new_access_not_checked {
                    self.coverage.gap(NOT_CHECKED, || example(why));
                }
                self.totals.generated(generated, row.covered(self.request));
            }
            // Whatever has an error was counted by the item that ended with it.
            Status::Unknown(because) if failure.is_none() => {
                let reason = format!("principals of whom nothing is concluded: {}", because.as_str());
                self.coverage.gap(&reason, || known.principal.arn.clone());
            }
            _ => {}
        }
        let arn = &known.principal.arn;
        let missing = known.present.without_document;
        self.coverage.gap_many("present policies whose document could not be had", missing, [arn.clone()]);
        let times = [Some(known.observed), known.services.map(|it| it.observed), self.observed];
        self.observed = times.into_iter().flatten().min();
        self.policies.push(&row)
    }

    fn push_access(&mut self, lane: &ItemName, known: &Known, access: &Access) -> Result<(), JobError> {
        let principal = &known.principal;
        let example = || [principal.arn.clone()];
        let unread = known.services.map_or(0, |it| it.granted_by_unread);
        let why = access.granting_not_read.as_ref();
        let why = why.map_or_else(|| principal.arn.clone(), |why| format!("{}: {why}", principal.arn));
        self.coverage.gap_many("services of which no policy is known that grants them", unread, [why]);
        for (because, rows) in self.access.push(Owner { account: lane.as_str(), principal }, access)? {
            if because.is_gap() {
                let reason = format!("rows of access that conclude nothing: {}", because.as_str());
                self.coverage.gap_many(&reason, rows, example());
            }
        }
        Ok(())
    }

    fn not_found(&mut self, arn: &str) {
        self.totals.not_found(arn);
        self.coverage.gap(NOT_FOUND, || arn.to_owned());
    }
}

/// Why an account is left out, if this is the outcome of one that is.
fn excluded(outcome: &ItemOutcome) -> Option<&str> {
    let failure = outcome.failure.as_ref()?;
    let is_excluded = outcome.item.as_str() == DISCOVER
        && outcome.status == OutcomeStatus::Skipped
        && failure.error == EXCLUDED;
    is_excluded.then_some(failure.cause.as_str())
}

/// What was missed by an item that did not succeed, and why.
fn missed(outcome: &ItemOutcome) -> String {
    let what = match outcome.item.as_str() {
        DISCOVER => "accounts that could not be read",
        ORDER => "accounts whose principals were not put into an order",
        name if name.starts_with(ACCESS) => ACCESS_NOT_READ,
        name if name.starts_with(GENERATE) => "policies that were not generated",
        _ => "items that did not succeed",
    };
    let why = match outcome.status {
        OutcomeStatus::CarriedOver => "left to the next run",
        OutcomeStatus::Overdue => "not by the deadline",
        _ => outcome.failure.as_ref().map_or("no reason was given", |failure| &failure.error),
    };
    format!("{what}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::Failure;

    fn outcome(item: &str, status: OutcomeStatus, error: Option<&str>) -> ItemOutcome {
        let failure = error.map(|error| Failure::new(error, "why"));
        ItemOutcome { item: item.parse().unwrap(), status, at: Timestamp::UNIX_EPOCH, failure }
    }

    #[test]
    fn an_account_that_is_excluded_is_left_out_and_one_without_the_role_is_a_gap() {
        let excluded_one = outcome(DISCOVER, OutcomeStatus::Skipped, Some(EXCLUDED));
        assert_eq!(excluded(&excluded_one), Some("why"));
        let denied = outcome(DISCOVER, OutcomeStatus::Skipped, Some("Denied"));
        assert_eq!(excluded(&denied), None);
        assert_eq!(missed(&denied), "accounts that could not be read: Denied");
        for other in [
            outcome(DISCOVER, OutcomeStatus::Failed, Some(EXCLUDED)),
            outcome("generate-AROA1", OutcomeStatus::Skipped, Some(EXCLUDED)),
            outcome(DISCOVER, OutcomeStatus::Skipped, None),
        ] {
            assert_eq!(excluded(&other), None, "{other:?}");
        }
    }

    #[test]
    fn what_was_missed_is_told_by_what_it_was_and_why() {
        for (item, status, error, expected) in [
            ("access-AROA1", OutcomeStatus::Failed, Some("Gone"), "access that was not read: Gone"),
            (
                "generate-AROA1",
                OutcomeStatus::CarriedOver,
                Some("QuotaSpent"),
                "policies that were not generated: left to the next run",
            ),
            (
                "generate-AROA1",
                OutcomeStatus::Overdue,
                Some("Overdue"),
                "policies that were not generated: not by the deadline",
            ),
            (
                "generate-AROA1",
                OutcomeStatus::Failed,
                Some("JobFailed"),
                "policies that were not generated: JobFailed",
            ),
            (
                ORDER,
                OutcomeStatus::Failed,
                None,
                "accounts whose principals were not put into an order: no reason was given",
            ),
        ] {
            assert_eq!(missed(&outcome(item, status, error)), expected);
        }
    }
}
