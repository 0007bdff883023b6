//! What a batch would take: how many accounts are there, how many would be made, and for how long.

use std::collections::BTreeMap;

use errors::JobError;
use jiff::SignedDuration;
use organizations::Organization;
use runtime::lanes::LanePlan;
use runtime::{Estimate, prices};

use crate::item::Item;
use crate::lane::IN_FLIGHT;
use crate::wished::DIGEST_TAG;

/// Seconds that an account takes with AWS, until it is active: some minutes, AWS says.
const ACCOUNT: u64 = 240;
/// Turns of the machine for one, and transitions for each: a step, a choice, a wait.
const TURNS: u64 = 16;
const TRANSITIONS: u64 = 3;
/// Calls for one.
const CALLS: u64 = 24;
/// Seconds of a turn.
const TURN: u64 = 2;
/// MiB of its function.
const MEMORY: u32 = 512;
/// Accounts whose tags are looked at: a call for each.
const MOST_LOOKS: usize = 100;

pub(crate) async fn estimate(
    organization: &Organization,
    spacing: SignedDuration,
    lanes: &[LanePlan<Item>],
) -> Result<Estimate, JobError> {
    let mut of = BTreeMap::from([("toCreate", 0_u64), ("found", 0), ("refused", 0)]);
    let mut count = |what| *of.entry(what).or_default() += 1;
    let mut looks = 0;
    for item in lanes.iter().flat_map(|lane| &lane.items) {
        match &item.existing {
            // Those of an organization that is too large may be there all the same.
            None if item.looked => count("toCreate"),
            None => count("toCreateOrFind"),
            Some(_) if looks >= MOST_LOOKS => count("foundOrRefused"),
            Some(account) => {
                looks += 1;
                let tags = organization.tags_of(account).await?;
                let ours = tags.get(DIGEST_TAG).map(String::as_str) == Some(item.digest.as_str());
                count(if ours { "found" } else { "refused" });
            }
        }
    }
    let created = of["toCreate"] + of.get("toCreateOrFind").copied().unwrap_or(0);
    Ok(told(of, created, spacing))
}

fn told(of: BTreeMap<&'static str, u64>, created: u64, spacing: SignedDuration) -> Estimate {
    let items: u64 = of.values().sum();
    let spacing = u64::try_from(spacing.as_secs()).unwrap_or(0);
    // One after the other is asked for, and as many as AWS works on are waited for side by side.
    let seconds = match created {
        0 => TURN * items,
        _ => u64::max(created * spacing, created.div_ceil(IN_FLIGHT as u64) * ACCOUNT) + ACCOUNT,
    };
    let turns = created * TURNS + items;
    let state_transitions = turns * TRANSITIONS + 20;
    let busy = f64::from(u32::try_from(turns * TURN).unwrap_or(u32::MAX));
    Estimate {
        items,
        calls: created * CALLS + items * 3,
        seconds,
        state_transitions,
        usd: prices::usd(state_transitions, turns, busy, MEMORY),
        of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_takes_minutes_and_many_take_their_turns() {
        let of = |created| {
            let of = BTreeMap::from([("toCreate", created), ("found", 2)]);
            told(of, created, SignedDuration::from_secs(10))
        };
        assert_eq!((of(0).items, of(0).seconds), (2, 4));
        assert_eq!(of(1).seconds, 2 * ACCOUNT);
        assert_eq!(of(100).seconds, 21 * ACCOUNT, "five at a time are slower than one in ten seconds");
        assert!(of(100).usd < 0.2, "{:?}", of(100));
    }
}
