//! Hundreds of accounts for an organization of 1,000.

use std::time::Duration;

use local_stack::Topology;
use muster_tests::Scenario;
use serde_json::json;

use super::{make, plain};

/// What somebody else uses of the rates.
const TENANT: f64 = 0.4;

#[test]
fn two_hundred_accounts_are_made_beside_a_thousand_and_each_once() {
    for topology in [Topology::Management, Topology::Delegated] {
        let mut scenario = Scenario { accounts: 1_000, topology, ..plain() };
        scenario.settings.request_latency = Duration::from_millis(80);
        let of = make(&scenario, 200, |stack| stack.aws.admit_tenant(TENANT));
        let result = of.result();
        assert_eq!((&result["created"], &result["complete"]), (&json!(200), &json!(true)), "{result}");
        let context = format!("{topology:?}");
        of.all_are_there(200, &context);
        of.nobody_is_asked_for_twice(&context);
        of.kept_to_the_rates(20, &context);
    }
}
