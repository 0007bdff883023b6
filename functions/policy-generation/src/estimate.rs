//! What working on the accounts would take.
//!
//! Only the accounts themselves tell how many principals they have, so some are asked: reading only.

use errors::JobError;
use models::{AccountId, ErrorName};
use runtime::lanes::LanePlan;
use runtime::{Estimate, RunContext, prices};

use crate::config::Config;
use crate::discover::discover;
use crate::iam::Iam;
use crate::item::{Item, Work};
use crate::request::Request;

/// Accounts that are asked.
const SAMPLE: usize = 5;
/// Seconds of a generation: AWS publishes none, minutes are what people report.
const GENERATION: u64 = 300;
/// Seconds in which the access of one principal is read.
const ACCESS: u64 = 4;
/// Calls for the access of a principal, and for a generation.
const CALLS: (u64, u64) = (5, 14);
/// Invocations of a generation: its order, looks, its documents.
const TURNS: u64 = 6;
/// State transitions of a turn: the step, the choice after it, and a wait.
const TRANSITIONS: u64 = 3;
/// MiB of the functions.
const MEMORY: u32 = 512;

/// `None` where none of the accounts that were asked let us in.
pub(crate) async fn estimate(
    config: &Config,
    run: RunContext<'_>,
    request: &Request,
    lanes: &[LanePlan<Item>],
) -> Result<Option<Estimate>, JobError> {
    let accounts: Vec<&AccountId> = lanes.iter().filter_map(account).collect();
    let step = accounts.len().div_ceil(SAMPLE).max(1);
    let (mut counts, mut refused) = (Vec::new(), 0);
    for account in accounts.iter().step_by(step) {
        match principals(config, run, request, account).await {
            Ok(count) => counts.push(count),
            Err(error) if error.name() == ErrorName::Denied => {
                tracing::warn!("{error}");
                refused += 1;
            }
            Err(error) => return Err(error),
        }
    }
    let asked = Asked { counts, refused };
    Ok(of(&asked, accounts.len() as u64, config.daily_quota(), u64::from(config.concurrency)))
}

/// The accounts that were asked.
struct Asked {
    /// Principals of each.
    counts: Vec<u64>,
    /// How many did not let us in.
    refused: u64,
}

fn account(lane: &LanePlan<Item>) -> Option<&AccountId> {
    match &lane.items.first()?.work {
        Work::Discover { account, excluded: None } => Some(account),
        _ => None,
    }
}

async fn principals(
    config: &Config,
    run: RunContext<'_>,
    request: &Request,
    account: &AccountId,
) -> Result<u64, JobError> {
    let session = config.session(account, run.run_id).await?;
    let described = Iam::new(&session).described().await?;
    let found = discover(request, account, described, &config.own_roles(), run.now);
    Ok(found.chosen.len() as u64)
}

/// From the principals of some accounts to all: the mean for how many there are, the most for how long
/// it takes. Those without activity need no generation, and how many these are shows only in the run.
fn of(asked: &Asked, accounts: u64, quota: u64, concurrency: u64) -> Option<Estimate> {
    let Asked { counts, refused } = asked;
    let most = *counts.iter().max()?;
    let sum: u64 = counts.iter().sum();
    let principals = (sum * accounts).div_ceil(counts.len() as u64);
    let days = most.div_ceil(quota).max(1);
    let waves = accounts.div_ceil(concurrency.max(1));
    let seconds = waves * (most * ACCESS + most.min(quota) * GENERATION);
    let invocations = principals * TURNS + accounts * 2;
    let state_transitions = invocations * TRANSITIONS + 10;
    // Of what does not fit into a day, the next run goes on.
    let with_concurrency = days * seconds.div_ceil(24 * 3_600);
    let busy = principals * (ACCESS + TURNS) + accounts * 2;
    let busy = f64::from(u32::try_from(busy).unwrap_or(u32::MAX));
    Some(Estimate {
        items: principals,
        calls: principals * (CALLS.0 + CALLS.1) + accounts * 2,
        seconds,
        state_transitions,
        usd: prices::usd(state_transitions, invocations, busy, MEMORY),
        of: [
            ("accounts that were asked", counts.len() as u64 + refused),
            ("accounts that refused, as without the member role", *refused),
            ("principals", principals),
            ("generations at the most", principals),
            ("days by the quota", days),
            ("days with this concurrency", with_concurrency),
        ]
        .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(counts: &[u64]) -> Asked {
        Asked { counts: counts.into(), refused: 3 }
    }

    #[test]
    fn sixty_principals_take_two_days_of_fifty_generations_and_twelve_of_five() {
        let days = |quota, concurrency| {
            let of = of(&asked(&[60, 50]), 2_000, quota, concurrency).unwrap().of;
            [of["days by the quota"], of["days with this concurrency"]]
        };
        assert_eq!([days(50, 2_000), days(5, 2_000)], [[2, 2], [12, 12]]);
        // Twenty waves of four hours and a quarter.
        assert_eq!(days(50, 100), [2, 8]);
        let estimate = of(&asked(&[60, 50]), 2_000, 50, 2_000).unwrap();
        assert_eq!((estimate.items, estimate.seconds), (110_000, 15_240));
        assert_eq!(estimate.of["accounts that were asked"], 5);
        assert_eq!(of(&asked(&[]), 2_000, 50, 100), None);
    }
}
