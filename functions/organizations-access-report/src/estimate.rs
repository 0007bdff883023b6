//! What working on the reports would take.

use std::collections::BTreeMap;

use runtime::{Estimate, prices};

use crate::item::Item;
use crate::request::Request;

/// Seconds of one report with the calls around it: 10 to 12 s were observed of one about all services.
const REPORT: u64 = 11;
/// Calls for one: its order, a look every second, and a page.
const CALLS: u64 = 13;
/// Seconds that an invocation orders reports for.
const INVOCATION: u64 = 770;
/// MiB of its function.
const MEMORY: u32 = 512;

pub(crate) fn estimate<'a>(request: &Request, items: impl Iterator<Item = &'a Item>) -> Estimate {
    let (mut at_once, mut by_turns) = (0, 0);
    for item in items.filter(|item| item.excluded.is_none()) {
        *if item.takes_turns() { &mut by_turns } else { &mut at_once } += 1;
    }
    // Accounts that do not fit are the next run's.
    let hours = u64::try_from(request.budget().as_secs()).unwrap_or(0);
    let by_turns: u64 = u64::min(by_turns, hours.saturating_sub(at_once * REPORT) / REPORT);
    let items: u64 = at_once + by_turns;
    let seconds = items * REPORT;
    let invocations = seconds.div_ceil(INVOCATION) + 2;
    // A step and the choice after it, and what begins and ends the run and its lane.
    let state_transitions = invocations * 2 + 10;
    let busy = f64::from(u32::try_from(seconds).unwrap_or(u32::MAX));
    Estimate {
        items,
        calls: items * CALLS + invocations,
        seconds,
        state_transitions,
        usd: prices::usd(state_transitions, invocations, busy, MEMORY),
        of: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn items(entity: &str, count: usize) -> Vec<Item> {
        let item = json!({"name": entity, "entityId": entity, "entityPath": null, "accounts": 1});
        vec![serde_json::from_value(item).unwrap(); count]
    }

    #[test]
    fn two_thousand_units_take_six_hours_and_accounts_no_more_than_their_hours() {
        let units = items("ou-ab12-c3d4e5f6", 2_000);
        let estimated = estimate(&Request::default(), units.iter());
        assert_eq!((estimated.items, estimated.seconds), (2_000, 22_000));
        assert!(estimated.usd < 0.2 && estimated.state_transitions < 100, "{estimated:?}");
        let accounts = items("012345678901", 50_000);
        let request: Request =
            serde_json::from_value(json!({"targets": ["accounts"], "maxHours": 11})).unwrap();
        assert_eq!(estimate(&request, accounts.iter()).items, 3_600);
        let mut excluded = items("012345678901", 3);
        excluded[0].excluded = Some("why".into());
        assert_eq!(estimate(&request, excluded.iter()).items, 2);
    }
}
