//! What has changed since the last run, and what nobody can say any more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local_aws::Settings;
use local_aws::access_reports::AccessReportOutcome;
use local_aws::organization::Organization;
use local_aws::principals::PrincipalSettings;
use local_aws::settings::Unreadable;
use local_stack::LocalStack;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use super::{Found, all, find, text, without_principals};

/// Runs once more, everything refreshed, before anybody has done anything: what is used changes over the
/// days.
async fn soon(stack: &LocalStack) -> Found {
    stack.aws.clock().sleep(Duration::from_secs(2 * 3_600)).await;
    find(stack, json!({"maxAgeHours": 1})).await
}

/// Runs once more, everything refreshed.
async fn again(stack: &LocalStack) -> Found {
    stack.aws.clock().sleep(Duration::from_secs(8 * 86_400)).await;
    all(stack).await
}

#[test]
fn an_account_that_cannot_be_read_any_more_resolves_nothing() {
    for unreadable in [Unreadable::Omitted, Unreadable::Blank, Unreadable::ErrorText] {
        on_virtual_time(async {
            let stack = stack(&Scenario { accounts: 24, ..without_principals() });
            let first = all(&stack).await;
            let ready = first.of("attribute_ready").len();
            assert!(ready > 0);
            // Every second account, so that every unit has some.
            stack.aws.change(|settings, organization| {
                settings.unreadable = unreadable;
                for account in organization.accounts.iter_mut().step_by(2) {
                    account.unreadable = Some("AccessDenied");
                }
            });
            let second = again(&stack).await;
            assert!(second.kinds_with("resolved").is_empty(), "{:#?}", second.findings);
            assert_eq!(second.of("account_unreadable").len(), 12);
            let open = second.of("attribute_ready");
            assert!(open.iter().all(|it| it["status"] != "new"), "{open:#?}");
            assert!(open.iter().any(|it| it["status"] == "not_observed"), "{open:#?}");
            assert_eq!(open.len(), ready, "none is lost");
            // How long an account has been out of reach is told.
            let third = again(&stack).await;
            assert!(third.of("account_unreadable").iter().all(|it| it["runs"] == 2));
            stack.aws.change(|_, organization| {
                organization.accounts.iter_mut().for_each(|account| account.unreadable = None);
            });
            let fourth = again(&stack).await;
            let unreadable = fourth.of("account_unreadable");
            assert!(unreadable.len() == 12 && unreadable.iter().all(|it| it["status"] == "resolved"));
            let ready_again = fourth.of("attribute_ready");
            assert_eq!(ready_again.len(), ready);
            assert!(ready_again.iter().all(|it| it["status"] == "unchanged"), "{ready_again:#?}");
            assert!(ready_again.iter().all(|it| it["first_seen_at"] == first.findings[0]["first_seen_at"]));
        });
    }
}

#[test]
fn what_the_organization_does_away_with_is_resolved_and_what_it_brings_is_new() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let first = all(&stack).await;
        assert!(first.of("quota_nearly_reached").is_empty());
        let policy = stack.aws.organization().policies.iter().find(|it| !it.aws_managed).unwrap().id.clone();
        let resized = |size: usize| {
            stack.aws.change(|_, organization| {
                let it = organization.policies.iter_mut().find(|it| it.id == policy).unwrap();
                it.content =
                    format!("{}{}", it.content.trim_end(), " ".repeat(size - it.content.trim_end().len()));
            });
        };
        resized(9_900);
        let second = again(&stack).await;
        let [near] = second.of("quota_nearly_reached")[..] else { panic!("{:#?}", second.findings) };
        assert_eq!((text(near, "status"), text(near, "entity_id")), ("new", policy.as_str()));
        resized(9_950);
        let third = again(&stack).await;
        assert_eq!(text(third.of("quota_nearly_reached")[0], "status"), "changed");
        resized(2_000);
        let fourth = again(&stack).await;
        assert_eq!(text(fourth.of("quota_nearly_reached")[0], "status"), "resolved");
        let fifth = again(&stack).await;
        assert!(fifth.of("quota_nearly_reached").is_empty(), "what is resolved is told once");
    });
}

#[test]
fn without_its_source_a_finding_is_not_observed_and_is_carried_on_for_ninety_days() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        let first = all(&stack).await;
        let unused = first.of("service_unused").len();
        assert!(unused > 0);
        for key in stack.aws.storage().keys(stack.bucket(), "published/organizations-access-report/") {
            stack.aws.storage().delete(stack.bucket(), &key).unwrap();
        }
        let second = find(&stack, json!({"refresh": "none"})).await;
        let carried = second.of("service_unused");
        assert_eq!(carried.len(), unused);
        assert!(carried.iter().all(|it| it["status"] == "not_observed" && it["excepted"] == false));
        assert_eq!(second.of("evidence_missing").len(), 1);
        let exceptions = json!({"exceptions": [{"kind": "service_unused", "entity": "*", "reason": "r", "owner": "o", "expires": "2030-01-01"}]});
        let storage = stack.aws.storage();
        storage.deliver(stack.bucket(), "exceptions.json", |out| write!(out, "{exceptions}")).unwrap();
        let excepted = find(&stack, json!({"refresh": "none"})).await;
        let carried = excepted.of("service_unused");
        assert!(
            carried.iter().all(|it| it["exception_reason"] == "r" && it["exception_expires"] == "2030-01-01")
        );
        stack.aws.clock().sleep(Duration::from_secs(91 * 86_400)).await;
        let third = find(&stack, json!({"refresh": "none"})).await;
        assert!(third.of("service_unused").is_empty());
    });
}

#[test]
fn what_was_said_of_an_account_that_has_left_is_resolved() {
    on_virtual_time(async {
        let stack = stack(&without_principals());
        stack.aws.change(|_, organization| {
            organization.accounts.iter_mut().last().unwrap().unreadable = Some("AccessDenied");
        });
        let first = all(&stack).await;
        assert_eq!(first.of("account_unreadable").len(), 1);
        stack.aws.change(|_, organization| drop(organization.accounts.pop()));
        let second = again(&stack).await;
        assert_eq!(text(second.of("account_unreadable")[0], "status"), "resolved");
    });
}

/// The root and the units above one.
fn above(organization: &Organization, unit: &str) -> Vec<String> {
    let path =
        organization.units.iter().find(|it| it.id == unit).map(|it| it.path.clone()).unwrap_or_default();
    path.split('/').filter(|it| !it.is_empty() && *it != unit).map(str::to_owned).collect()
}

#[test]
fn what_is_not_used_in_a_unit_is_said_of_it_and_of_no_unit_within_it() {
    on_virtual_time(async {
        let stack = stack(&Scenario { accounts: 40, ..without_principals() });
        let found = all(&stack).await;
        let organization = stack.aws.organization();
        let said: BTreeSet<(&str, &str)> = found
            .of("service_unused")
            .iter()
            .map(|it| (text(it, "entity_id"), text(it, "attribute")))
            .collect();
        assert!(said.iter().any(|(unit, _)| *unit == organization.root));
        let of_units = said.iter().filter(|(unit, _)| *unit != organization.root);
        assert!(of_units.clone().count() > 0, "some are used elsewhere");
        for (unit, service) in of_units {
            for higher in above(&organization, unit) {
                assert!(!said.contains(&(higher.as_str(), service)), "{service} of {unit} and of {higher}");
            }
        }
    });
}

#[test]
fn what_a_unit_above_says_as_well_now_is_neither_resolved_nor_carried_on() {
    on_virtual_time(async {
        let stack = stack(&Scenario { accounts: 40, ..without_principals() });
        let first = all(&stack).await;
        let organization = stack.aws.organization();
        let root = organization.root.clone();
        let unit = first.of("service_unused").iter().map(|it| text(it, "entity_id")).find(|it| *it != root);
        let unit = unit.unwrap().to_owned();
        let of_unit: BTreeSet<&str> = first
            .of("service_unused")
            .iter()
            .filter(|it| it["entity_id"] == *unit)
            .map(|it| text(it, "attribute"))
            .collect();
        // Whoever is not below the unit leaves: what is used at the root is what is used in the unit.
        stack.aws.change(|_, organization| {
            let management = organization.management_account.clone();
            organization.accounts.retain(|it| it.id == management || it.path.contains(&unit));
        });
        let second = again(&stack).await;
        let of = |entity: &str| -> BTreeMap<&str, &str> {
            let of_entity = second.of("service_unused").into_iter().filter(|it| it["entity_id"] == *entity);
            of_entity.map(|it| (text(it, "attribute"), text(it, "status"))).collect()
        };
        let (at_root, at_unit) = (of(&root), of(&unit));
        let implied: Vec<_> = of_unit.iter().filter(|service| at_root.contains_key(*service)).collect();
        assert!(!implied.is_empty(), "{of_unit:?}: {at_root:?}");
        for service in implied {
            assert_eq!(at_root[service], "new", "{service}");
            assert_eq!(at_unit.get(service), None, "{service}");
        }
    });
}

/// The principals of the least-privilege proposal of a run.
fn proposed(stack: &LocalStack, found: &Found) -> BTreeSet<String> {
    let read = |key: &str| -> Value {
        serde_json::from_slice(&stack.aws.storage().read(stack.bucket(), key).unwrap()).unwrap()
    };
    let index = read(found.result["proposals"]["index"].as_str().unwrap());
    let of_principals = index.as_array().unwrap().iter().filter(|it| it["kind"] == "least_privilege");
    let files = of_principals.map(|it| read(text(it, "file")));
    let principals = files.flat_map(|it| it["principals"].as_array().unwrap().clone());
    principals.map(|it| text(&it, "principal").to_owned()).collect()
}

#[test]
fn a_policy_of_an_earlier_run_that_still_counts_is_judged_and_proposed_as_it_was() {
    on_virtual_time(async {
        let principals = PrincipalSettings { number: 4, ..PrincipalSettings::default() };
        let settings = Settings { principals, ..Settings::default() };
        let stack = stack(&Scenario { accounts: 6, settings, ..Scenario::default() });
        let first = all(&stack).await;
        let incomplete = first.of("generated_policy_incomplete");
        assert!(!incomplete.is_empty());
        let of_first = proposed(&stack, &first);
        assert!(!of_first.is_empty());
        let second = soon(&stack).await;
        assert_ne!(first.result["sources"][3]["runId"], second.result["sources"][3]["runId"]);
        for before in incomplete {
            let all = second.of("generated_policy_incomplete");
            let now = all.into_iter().find(|it| it["finding_id"] == before["finding_id"]).unwrap();
            assert_eq!(text(now, "status"), "unchanged", "{now:#}");
            assert_eq!(now["evidence_run_id"], before["evidence_run_id"], "where it was generated");
        }
        assert_eq!(proposed(&stack, &second), of_first);
        // Without that run's rows nobody can say it any more, and nothing is resolved.
        let run = text(first.of("generated_policy_incomplete")[0], "evidence_run_id").to_owned();
        for key in stack.aws.storage().keys(stack.bucket(), "tables/generated_policies/") {
            if key.contains(&run) {
                stack.aws.storage().delete(stack.bucket(), &key).unwrap();
            }
        }
        let third = find(&stack, json!({"refresh": "none"})).await;
        let gone = third.of("generated_policy_incomplete");
        assert!(gone.iter().all(|it| it["status"] == "not_observed"), "{gone:#?}");
        assert!(proposed(&stack, &third).is_empty());
    });
}

#[test]
fn what_a_unit_above_cannot_say_any_more_is_nothing_new_of_the_units_within_it() {
    on_virtual_time(async {
        let stack = stack(&Scenario { accounts: 40, ..without_principals() });
        let first = all(&stack).await;
        let root = stack.aws.organization().root.clone();
        let at_root: BTreeMap<&str, &str> = first
            .of("service_unused")
            .into_iter()
            .filter(|it| it["entity_id"] == *root)
            .map(|it| (text(it, "attribute"), text(it, "first_seen_at")))
            .collect();
        assert!(!at_root.is_empty());
        stack.aws.change(|settings, _| {
            settings.access_reports.outcome_of = vec![(root.clone(), AccessReportOutcome::Failed)];
        });
        let second = soon(&stack).await;
        let of_units = second.of("service_unused").into_iter().filter(|it| it["entity_id"] != *root);
        let said_above: Vec<_> = of_units.filter(|it| at_root.contains_key(text(it, "attribute"))).collect();
        assert!(!said_above.is_empty());
        for finding in said_above {
            assert_eq!(text(finding, "status"), "unchanged", "{finding:#}");
            assert_eq!(text(finding, "first_seen_at"), at_root[text(finding, "attribute")]);
        }
        let of_root = second.of("service_unused").into_iter().filter(|it| it["entity_id"] == *root);
        assert!(of_root.clone().count() > 0 && of_root.clone().all(|it| it["status"] == "not_observed"));
        // And when it can say it again, it is what it was.
        stack.aws.change(|settings, _| settings.access_reports.outcome_of.clear());
        let third = soon(&stack).await;
        let of_root: Vec<_> =
            third.of("service_unused").into_iter().filter(|it| it["entity_id"] == *root).collect();
        assert!(of_root.iter().all(|it| it["status"] == "unchanged"), "{of_root:#?}");
        assert_eq!(of_root.len(), at_root.len());
        assert!(third.of("service_unused").iter().all(|it| it["status"] != "resolved"));
    });
}
