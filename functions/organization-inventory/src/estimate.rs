//! What an inventory would take, by what the newest one found.

use std::collections::BTreeMap;

use errors::JobError;
use jiff::SignedDuration;
use models::Kind;
use organizations::rates::{self, Operation};
use runtime::lanes::LanePlan;
use runtime::{Estimate, RunContext, prices};
use store::{Store, published};

use crate::inventory::Item;
use crate::lanes::{EFFECTIVE, POLICIES};
use crate::request::{EffectivePolicies, Request};

/// How old an inventory may be to be estimated by.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Items of a page of Organizations' lists.
const PAGE: u64 = 20;
/// Of accounts in classes, one in so many is read.
const SAMPLE_OF: u64 = 20;
/// MiB of the read function.
const MEMORY: u32 = 512;
/// Seconds of one of its invocations.
const INVOCATION: u64 = 770;

/// `None` before the first inventory: nothing tells how large the organization is.
pub(crate) async fn estimate(
    store: &Store,
    share: f64,
    run: RunContext<'_>,
    request: &Request,
    lanes: &[LanePlan<Item>],
) -> Result<Option<Estimate>, JobError> {
    let newest = published::newest(store, Kind::OrganizationInventory, run.now, OLDEST, |_| true).await?;
    let Some(newest) = newest else { return Ok(None) };
    let found = |name: &str| newest.result[name].as_u64().unwrap_or(0);
    let (accounts, units, policies) = (found("accounts"), found("organizationalUnits"), found("policies"));
    let count =
        |lane: &str| lanes.iter().find(|it| it.name.as_str() == lane).map_or(0, |it| it.items.len() as u64);
    let types = count(POLICIES);
    let read = match (request.effective_policies, request.targets.len() as u64) {
        (EffectivePolicies::None, _) => 0,
        (_, targets @ 1..) => targets,
        (EffectivePolicies::All, 0) => accounts,
        (EffectivePolicies::Classes, 0) => accounts.div_ceil(SAMPLE_OF),
    };
    let calls: [(Operation, u64); 8] = [
        (rates::LIST_ACCOUNTS, accounts.div_ceil(PAGE).max(1)),
        (rates::LIST_TAGS_FOR_RESOURCE, if request.tags { accounts } else { 0 }),
        (rates::LIST_ORGANIZATIONAL_UNITS_FOR_PARENT, units + 1),
        (rates::LIST_POLICIES, types + policies / PAGE),
        (rates::DESCRIBE_POLICY, policies),
        (rates::LIST_TARGETS_FOR_POLICY, policies),
        (rates::LIST_CREATE_ACCOUNT_STATUS, found("accountRequests").div_ceil(PAGE).max(1)),
        (rates::DESCRIBE_EFFECTIVE_POLICY, read * count(EFFECTIVE)),
    ];
    // Operations go on side by side, each at our share of its rate.
    let seconds = |(operation, calls): &(Operation, u64)| {
        let calls = u32::try_from(*calls).unwrap_or(u32::MAX);
        f64::from(calls) / (operation.per_second * share)
    };
    let all: f64 = calls.iter().map(seconds).sum();
    let longest = calls.iter().map(seconds).fold(0.0, f64::max);
    let whole = |seconds: f64| std::time::Duration::from_secs_f64(seconds).as_secs();
    let invocations = lanes.len() as u64 + whole(all) / INVOCATION + 2;
    // A step and the choice after it; and what begins and ends the run and each lane.
    let state_transitions = invocations * 2 + lanes.len() as u64 * 2 + 8;
    Ok(Some(Estimate {
        items: lanes.iter().map(|lane| lane.items.len() as u64).sum(),
        calls: calls.iter().map(|(_, calls)| calls).sum(),
        seconds: whole(longest).max(1),
        state_transitions,
        usd: prices::usd(state_transitions, invocations, all, MEMORY),
        of: BTreeMap::new(),
    }))
}
