//! Evidence is hidden at random, and nothing may be said that the whole evidence contradicts.
//!
//! An organization stays as it is while runs see more or less of it. Whatever a run concludes with less
//! evidence, the run with all of it has concluded too; and nothing is resolved, for nothing has changed.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use local_aws::Settings;
use local_aws::principals::PrincipalSettings;
use local_aws::settings::{ReportOutcome, Unreadable};
use local_stack::LocalStack;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use super::{Found, all, find, text, without_principals};

/// What is said of evidence itself, and so differs with it.
const OF_EVIDENCE: [&str; 6] = [
    "account_unreadable",
    "region_unreadable",
    "evidence_missing",
    "evidence_incomplete",
    "evidence_too_old",
    "policy_not_generated",
];

/// Hides some of the evidence of the next runs; answers what, for whoever reads a failure.
fn hide(stack: &LocalStack, rng: &mut Rng) -> String {
    let mut hidden = Vec::new();
    stack.aws.change(|settings, organization| {
        if rng.bool() {
            let every = rng.usize(1..5);
            settings.unreadable =
                [Unreadable::Omitted, Unreadable::Blank, Unreadable::ErrorText][rng.usize(0..3)];
            for account in organization.accounts.iter_mut().step_by(every) {
                account.unreadable = Some("AccessDenied");
            }
            hidden.push(format!("every {every}. account is unreadable, {:?}", settings.unreadable));
        }
        if rng.u8(0..4) == 0 {
            settings.report_outcomes = vec![ReportOutcome::Error];
            hidden.push("the report fails".to_owned());
        }
        if rng.bool() {
            settings.empty_pages = true;
            hidden.push("pages are empty".to_owned());
        }
        if rng.u8(0..3) == 0 {
            settings.account_paths = false;
            hidden.push("accounts have no paths".to_owned());
        }
        if rng.u8(0..3) == 0 {
            settings.iam_accounts.failing_one_in = 3;
            hidden.push("jobs of IAM fail".to_owned());
        }
    });
    for operation in [
        "organizations:ListTagsForResource",
        "organizations:DescribePolicy",
        "organizations:ListTargetsForPolicy",
        "organizations:DescribeEffectivePolicy",
        "organizations:ListCreateAccountStatus",
        "iam:GenerateOrganizationsAccessReport",
        "iam:GetOrganizationsAccessReport",
        "iam:GetAccountAuthorizationDetails",
        "iam:GetServiceLastAccessedDetails",
        "access-analyzer:StartPolicyGeneration",
    ] {
        if rng.u8(0..4) == 0 {
            let nth = 1 + rng.u64(0..4);
            let times = 1 + rng.u64(0..6);
            let rule = local_aws::FaultRule {
                fault: local_aws::Fault::Deny,
                operation: Some(operation.to_owned()),
                nth,
                times,
            };
            stack.aws.faults().add(rule);
            hidden.push(format!("{operation} is denied {times} times"));
        }
    }
    hidden.join("; ")
}

/// What a run says, by the finding's id.
fn said(found: &Found) -> BTreeMap<&str, &Value> {
    let now = found.findings.iter().filter(|it| !["resolved", "not_observed"].contains(&text(it, "status")));
    let of_world = now.filter(|it| !OF_EVIDENCE.contains(&text(it, "kind")));
    of_world.map(|it| (text(it, "finding_id"), it)).collect()
}

/// Details that less evidence may make smaller, and never larger.
fn is_part(less: &Value, whole: &Value) -> bool {
    match (less, whole) {
        (Value::Number(less), Value::Number(whole)) => less.as_f64() <= whole.as_f64(),
        _ => true,
    }
}

#[test]
fn nothing_is_said_of_hidden_evidence_that_the_whole_evidence_contradicts() {
    let mut concluded = 0;
    for seed in 0..24 {
        on_virtual_time(async {
            let mut rng = Rng::with_seed(seed);
            let principals = PrincipalSettings { number: 4, ..PrincipalSettings::default() };
            let scenario = match seed % 3 {
                0 => Scenario {
                    accounts: 6,
                    settings: Settings { principals, ..Settings::default() },
                    ..Scenario::default()
                },
                _ => Scenario { accounts: 20, ..without_principals() },
            };
            let stack = stack(&Scenario { seed: seed + 1, ..scenario });
            let whole = all(&stack).await;
            assert_eq!(whole.result["complete"], true, "seed {seed}: {:#}", whole.result);
            let truth = said(&whole);
            for turn in 0..2 {
                // Not for long: what principals use changes over the days.
                stack.aws.clock().sleep(Duration::from_secs(2 * 3_600)).await;
                let hidden = hide(&stack, &mut rng);
                let less = find(&stack, json!({"maxAgeHours": 1})).await;
                let context = format!("seed {seed}, turn {turn}: {hidden}");
                for (id, finding) in said(&less) {
                    let Some(true_one) = truth.get(id) else { panic!("{context}: {finding:#}") };
                    for (name, value) in finding["details"].as_object().unwrap() {
                        let of_truth = &true_one["details"][name];
                        assert!(is_part(value, of_truth), "{context}: {name} of {finding:#} is {of_truth}");
                    }
                    concluded += 1;
                }
                let resolved: Vec<_> = less
                    .findings
                    .iter()
                    .filter(|it| it["status"] == "resolved" && !OF_EVIDENCE.contains(&text(it, "kind")))
                    .collect();
                assert!(resolved.is_empty(), "{context}: {resolved:#?}");
            }
        });
    }
    assert!(concluded > 500, "less evidence still says something: {concluded}");
}
