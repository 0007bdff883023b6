//! IAM's access report over the organization: a run that an inventory has to come before.

use crate::support::{Ended, Place, Variables, built_binaries, row};

const KIND: &str = "organizations-access-report";

fn run(place: &Place, more: &[&str], variables: &Variables) -> Ended {
    let small = ["run", KIND, "--accounts=20", "--regions=2", "--speed=max"];
    place.muster(&[&small, more].concat(), variables)
}

fn is_whole(ended: Ended) {
    let followed = ended.err.clone();
    assert!(followed.contains("making the run that has to come first"), "{followed}");
    assert!(followed.contains(" items in 1 lane done; management-account "), "{followed}");
    let result = ended.succeeded();
    assert!(result.contains(&format!("{KIND}: succeeded in ")), "{result}");
    assert_eq!(row(&result, "mode"), "session");
    assert!(row(&result, "seen").contains(" reports were due, "), "{result}");
    assert!(row(&result, "services").contains(" not_used"), "{result}");
    assert!(result.contains("  service_access/run_date="), "{result}");
}

#[test]
fn an_access_report_makes_its_inventory_and_says_what_nobody_uses() {
    for topology in ["management", "delegated"] {
        is_whole(run(&Place::new(), &["--topology", topology], &Variables::new()));
    }
}

#[test]
fn an_access_report_is_the_same_by_the_binaries_that_are_deployed() {
    is_whole(run(&Place::new(), &["--lambda=processes"], &built_binaries()));
}

#[test]
fn an_estimate_needs_an_inventory_to_plan_from() {
    let place = Place::new();
    let first = run(&place, &["--estimate"], &Variables::new()).succeeded();
    assert!(row(&first, "why").contains("organization-inventory would come first"), "{first}");
    assert!(row(&first, "estimate").starts_with("none: an inventory comes first"), "{first}");
    run(&place, &[], &Variables::new()).succeeded();
    let second = run(&place, &["--estimate"], &Variables::new()).succeeded();
    assert!(row(&second, "time").starts_with("about "), "{second}");
}
