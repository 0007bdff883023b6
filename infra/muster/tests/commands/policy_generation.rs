//! Policy generation: lanes that find their items as they work.

use crate::support::{Ended, Place, Variables, built_binaries, row};

const KIND: &str = "policy-generation";

fn run(place: &Place, more: &[&str], variables: &Variables) -> Ended {
    let small = ["run", KIND, "--accounts=5", "--regions=2", "--speed=max"];
    place.muster(&[&small, more].concat(), variables)
}

fn is_whole(ended: Ended) {
    let followed = ended.err.clone();
    assert!(followed.contains("making the run that has to come first"), "{followed}");
    assert!(followed.contains(" items in 5 lanes done; "), "{followed}");
    let result = ended.succeeded();
    assert!(result.contains(&format!("{KIND}: succeeded in ")), "{result}");
    assert_eq!(row(&result, "management"), "excluded");
    assert!(row(&result, "seen").starts_with("4 accounts, 4 could be read, "), "{result}");
    assert!(row(&result, "policies").contains(" generated"), "{result}");
    assert!(row(&result, "access").contains(" not_used"), "{result}");
    for table in ["generated_policies", "principal_access"] {
        assert!(result.contains(&format!("  {table}/run_date=")), "{result}");
    }
}

#[test]
fn policies_are_generated_for_the_principals_of_all_accounts() {
    for topology in ["management", "delegated"] {
        is_whole(run(&Place::new(), &["--topology", topology], &Variables::new()));
    }
}

#[test]
fn policies_are_generated_the_same_by_the_binaries_that_are_deployed() {
    is_whole(run(&Place::new(), &["--lambda=processes"], &built_binaries()));
}

#[test]
fn an_estimate_tells_principals_generations_and_days_once_there_is_an_inventory() {
    let place = Place::new();
    let first = run(&place, &["--estimate"], &Variables::new()).succeeded();
    assert!(row(&first, "estimate").starts_with("none: an inventory comes first"), "{first}");
    run(&place, &[], &Variables::new()).succeeded();
    let second = run(&place, &["--estimate"], &Variables::new()).succeeded();
    for count in ["principals: ", "generations at the most: ", "days by the quota: 1"] {
        assert!(second.contains(count), "{count} in {second}");
    }
    assert!(row(&second, "cost").starts_with("about $0."), "{second}");
}

#[test]
fn nothing_that_is_shown_is_wider_than_a_terminal_but_for_names_of_files() {
    let result = run(&Place::new(), &[], &Variables::new()).succeeded();
    for line in result.lines().filter(|line| !line.contains('/')) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}
