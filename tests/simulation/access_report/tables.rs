//! Every row of the table, against what AWS says.

use std::collections::{BTreeMap, BTreeSet};

use local_aws::access_reports::{AccessReportSettings, DenyOnly};
use local_stack::Topology;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use super::truth::truth;
use super::{Access, after, inventoried, run, scenario};
use crate::inventory::Row;

/// Compares the table of a run with what AWS answers of its jobs; answers how many rows were compared.
async fn compare(of: &Access) -> usize {
    let truth = truth(&of.stack, &of.run_id()).await;
    let organization = of.stack.aws.organization();
    let mut rows: BTreeMap<(String, Option<String>), Vec<Row>> = BTreeMap::new();
    for row in of.rows("service_access") {
        assert_eq!(row["run_id"], json!(of.run_id()));
        let about =
            (row["entity_path"].as_str().unwrap().to_owned(), row["policy_id"].as_str().map(str::to_owned));
        rows.entry(about).or_default().push(row);
    }
    let with_rows: BTreeSet<_> =
        truth.iter().filter(|(_, (_, details))| !details.is_empty()).map(|(it, _)| it).collect();
    assert_eq!(rows.keys().collect::<BTreeSet<_>>(), with_rows);
    let mut compared = 0;
    for ((path, policy), (job, details)) in &truth {
        let Some(rows) = rows.get(&(path.clone(), policy.clone())) else { continue };
        assert_eq!(rows.len(), details.len(), "{path}");
        let has_data = details.iter().any(|it| it.last_authenticated_time().is_some());
        let id = path.rsplit('/').next().unwrap();
        let management = id == organization.management_account;
        let within = |account: &local_aws::organization::Account| match account.id
            == organization.management_account
        {
            true => id == account.id,
            false => account.path.split('/').any(|part| part == id),
        };
        let in_scope = organization.accounts.iter().filter(|it| within(it)).count();
        for row in rows {
            let namespace = row["service_namespace"].as_str().unwrap();
            let detail = details.iter().find(|it| it.service_namespace() == namespace).unwrap();
            let context = format!("{path} {policy:?} {namespace}: {row:?} {detail:?}");
            let at = detail.last_authenticated_time().map(|at| at.to_millis().unwrap());
            assert_eq!(row["service_name"], detail.service_name(), "{context}");
            assert_eq!(row["last_authenticated_at"], json!(at), "{context}");
            assert_eq!(row["last_authenticated_region"], json!(detail.region()), "{context}");
            assert_eq!(row["last_authenticated_entity_path"], json!(detail.entity_path()), "{context}");
            assert_eq!(row["accounts_used"], json!(detail.total_authenticated_entities()), "{context}");
            assert_eq!(row["accounts_in_scope"], json!(in_scope), "{context}");
            assert_eq!(row["job_id"], job.id.as_str(), "{context}");
            let ended = job.ended.unwrap().as_millisecond();
            assert_eq!(row["observed_at"], json!(ended), "{context}");
            assert_eq!(row["policy_ignored"], json!(management && policy.is_some()), "{context}");
            let kind = match id {
                _ if management => "management_account",
                _ if id.starts_with("r-") => "root",
                _ if id.starts_with("ou-") => "organizational_unit",
                _ => "account",
            };
            assert_eq!(row["entity_type"], kind, "{context}");
            let expected = match at {
                Some(_) => ("used", Value::Null),
                None if in_scope == 0 => ("unknown", json!("no_accounts")),
                None if policy.is_some() && !management && !has_data => {
                    ("unknown", json!("policy_may_not_be_attached"))
                }
                None => ("not_used", Value::Null),
            };
            assert_eq!(
                (&row["conclusion"], &row["unknown_because"]),
                (&json!(expected.0), &expected.1),
                "{context}"
            );
            let account =
                detail.entity_path().map(|path| path.trim_end_matches('/').rsplit('/').next().unwrap());
            assert_eq!(row["last_authenticated_account_id"], json!(account), "{context}");
            let caveats: Vec<String> = serde_json::from_str(row["caveats"].as_str().unwrap()).unwrap();
            let has = |caveat: &str| caveats.iter().any(|it| it == caveat);
            assert!(
                has("scp_logic_only") && has("denied_attempts_count") && has("activity_lag_4_hours"),
                "{context}"
            );
            let members = matches!(kind, "root" | "organizational_unit");
            assert_eq!(has("management_account_not_included"), members, "{context}");
            assert_eq!(has("policy_ignored"), management && policy.is_some(), "{context}");
            compared += 1;
        }
    }
    compared
}

/// The reports that are due for an organization as it is.
fn due(of: &Access, accounts: bool, aws_managed: bool) -> BTreeSet<String> {
    let organization = of.stack.aws.organization();
    let suspended = |id: &String| organization.accounts.iter().any(|it| it.id == *id && it.state != "ACTIVE");
    let mut due: BTreeSet<String> = [organization.root.clone()].into();
    due.extend(organization.units.iter().map(|unit| unit.id.clone()));
    for policy in organization.policies.iter().filter(|it| it.kind == "SERVICE_CONTROL_POLICY") {
        if policy.aws_managed && !aws_managed {
            continue;
        }
        let targets = policy.targets.iter().filter(|target| !suspended(target));
        due.extend(targets.map(|target| format!("{target}.{}", policy.id)));
    }
    if accounts {
        due.extend(organization.accounts.iter().map(|it| it.id.clone()).filter(|id| !suspended(id)));
    }
    due
}

fn done(of: &Access) -> BTreeSet<String> {
    let outcomes = of.outcomes().into_iter();
    outcomes.filter(|(_, (status, _))| status == "succeeded").map(|(item, _)| item).collect()
}

#[test]
fn an_organization_is_reported_on_as_aws_says_in_both_topologies() {
    for topology in [Topology::Management, Topology::Delegated] {
        on_virtual_time(async {
            let stack = stack(&Scenario { topology, ..scenario(AccessReportSettings::default()) });
            inventoried(&stack).await;
            let of = run(stack, json!({})).await;
            let result = of.result();
            assert_eq!(done(&of), due(&of, false, false), "{topology:?}");
            assert_eq!(result["mode"], "session", "{result}");
            assert_eq!(result["itemsWithData"], result["expectedItems"], "{result}");
            assert!(compare(&of).await > 400);
            let caller = &of.jobs()[0].caller;
            assert!(caller.ends_with(of.run_id().as_str()), "the session's name is the run's id: {caller}");
            let management = of.stack.aws.organization().management_account;
            assert!(of.jobs().iter().all(|job| job.caller.contains(&management)));
        });
    }
}

#[test]
fn accounts_and_policies_of_aws_are_reported_on_where_they_are_asked_for() {
    on_virtual_time(async {
        let stack = stack(&scenario(AccessReportSettings::default()));
        // A policy at the management account limits nobody, and AWS ignores it.
        stack.aws.change(|_, organization| {
            let management = organization.management_account.clone();
            let policy = organization
                .policies
                .iter_mut()
                .find(|it| it.kind == "SERVICE_CONTROL_POLICY" && !it.aws_managed);
            policy.unwrap().targets.push(management);
        });
        let targets = json!(["root", "organizationalUnits", "policies", "accounts"]);
        let request = json!({"targets": targets, "awsManagedPolicies": true});
        inventoried(&stack).await;
        let of = run(stack, request).await;
        assert_eq!(done(&of), due(&of, true, true));
        compare(&of).await;
        let ignored =
            of.rows("service_access").into_iter().filter(|row| row["policy_ignored"] == json!(true));
        assert!(ignored.count() > 100);
    });
}

#[test]
fn pages_that_are_shorter_than_they_might_be_are_followed_to_the_end() {
    on_virtual_time(async {
        let settings = AccessReportSettings { short_pages: true, ..AccessReportSettings::default() };
        let stack = stack(&scenario(settings));
        inventoried(&stack).await;
        let of = run(stack, json!({})).await;
        assert_eq!(done(&of), due(&of, false, false));
        assert!(compare(&of).await > 400);
    });
}

#[test]
fn policies_that_only_deny_may_leave_open_nothing_or_the_rest() {
    for (deny_only, more) in [(DenyOnly::Nothing, false), (DenyOnly::TheRest, true)] {
        on_virtual_time(async {
            let settings = AccessReportSettings { deny_only, ..AccessReportSettings::default() };
            let stack = stack(&scenario(settings));
            inventoried(&stack).await;
            let of = run(stack, json!({"targets": ["policies"]})).await;
            assert_eq!(of.result()["itemsWithData"], of.result()["expectedItems"]);
            assert_eq!(compare(&of).await > 400, more);
        });
    }
}

#[test]
fn a_policy_that_is_not_attached_any_more_concludes_nothing() {
    let of = after(&scenario(AccessReportSettings::default()), json!({"targets": ["policies"]}), |stack| {
        stack.aws.change(|_, organization| {
            for policy in &mut organization.policies {
                if policy.name == "allow-approved-services" {
                    policy.targets.clear();
                }
            }
        });
    });
    let policies = of.stack.aws.organization().policies;
    let detached = &policies.iter().find(|it| it.name == "allow-approved-services").unwrap().id;
    let rows: Vec<_> =
        of.rows("service_access").into_iter().filter(|row| row["policy_id"] == json!(detached)).collect();
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(row["conclusion"], "unknown", "{row:?}");
        assert!(
            row["unknown_because"] == "policy_may_not_be_attached" || row["accounts_in_scope"] == json!(0),
            "{row:?}"
        );
    }
    assert!(of.result()["gaps"]["rows that conclude nothing: policy_may_not_be_attached"].as_u64() > Some(0));
    assert_eq!(of.result()["complete"], json!(false));
}

#[test]
fn a_report_that_is_young_enough_is_used_again() {
    on_virtual_time(async {
        let stack = stack(&scenario(AccessReportSettings::default()));
        // What concludes nothing leaves a report incomplete, which is not used again.
        let request = json!({"targets": ["root"], "maxAgeHours": 2});
        inventoried(&stack).await;
        let first = run(stack, request.clone()).await;
        assert_eq!(first.result()["complete"], json!(true), "{}", first.result());
        let (jobs, run_id) = (first.jobs().len(), first.run_id());
        let again = run(first.stack, request).await;
        assert_eq!(again.result()["reused"], json!(run_id));
        assert_eq!(again.jobs().len(), jobs);
    });
}
