//! Evidence is hidden at random, and nothing may be said that the whole evidence contradicts.
//!
//! An organization stays as it is while runs see more or less of it. Whatever a run concludes with less
//! evidence, the run with all of it has concluded too; and nothing is resolved, for nothing has changed.

use std::collections::BTreeMap;
use std::path::Path;
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

/// The report as AWS delivered it, with some of it left out.
fn with_less(csv: &str, rng: &mut Rng) -> (String, String) {
    let lines: Vec<&str> = csv.lines().collect();
    let (header, rows) = lines.split_first().unwrap();
    let keep = |is_kept: &mut dyn FnMut(&str) -> bool| {
        let kept = rows.iter().filter(|row| is_kept(row)).copied();
        [*header].into_iter().chain(kept).collect::<Vec<_>>().join("\n") + "\n"
    };
    match rng.u8(0..4) {
        0 => {
            let region = rows[rng.usize(0..rows.len())].split(',').nth(2).unwrap().to_owned();
            (keep(&mut |row| row.split(',').nth(2) != Some(&region)), format!("no row is of {region}"))
        }
        1 => (keep(&mut |_| rng.u8(0..5) > 0), "rows are missing".to_owned()),
        2 => {
            let end = csv.floor_char_boundary(rng.usize(header.len() + 1..csv.len()));
            (csv[..end].to_owned(), "the report breaks off".to_owned())
        }
        _ => {
            let blank = |cell: (usize, &str)| match cell {
                (column, _) if column > 2 && rng.u8(0..20) == 0 => String::new(),
                (_, text) => text.to_owned(),
            };
            let mut blank = blank;
            let rows = rows
                .iter()
                .map(|row| row.split(',').enumerate().map(&mut blank).collect::<Vec<_>>().join(","));
            let rows: Vec<_> = rows.collect();
            (format!("{header}\n{}\n", rows.join("\n")), "cells are blank".to_owned())
        }
    }
}

/// Hides some of the evidence of the next runs; answers what, for whoever reads a failure.
fn hide(stack: &LocalStack, rng: &mut Rng, folder: &Path) -> String {
    let mut hidden = Vec::new();
    if rng.bool() {
        let raw = stack.aws.storage().keys(stack.bucket(), "raw/declarative-policies-report/");
        let csv = stack.aws.storage().read(stack.bucket(), raw.first().unwrap()).unwrap();
        let (less, what) = with_less(std::str::from_utf8(&csv).unwrap(), rng);
        let path = folder.join("less.csv");
        std::fs::write(&path, less).unwrap();
        stack.aws.change(|settings, _| {
            settings.report_csv = Some(path);
            // AWS counts what there is, and not what was delivered.
            settings.summary_of_csv = false;
        });
        hidden.push(what);
    }
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

/// Whether the whole evidence supports every policy that is proposed.
fn supported(stack: &LocalStack, less: &Found, whole: &Found, context: &str) -> usize {
    let key = less.result["proposals"]["index"].as_str().unwrap();
    let read = |key: &str| -> Value {
        serde_json::from_slice(&stack.aws.storage().read(stack.bucket(), key).unwrap()).unwrap()
    };
    let mut proposed = 0;
    for proposal in read(key).as_array().unwrap() {
        if proposal["isWithheld"] == true || proposal["kind"] == "least_privilege" {
            continue;
        }
        let unit = text(proposal, "target");
        let of = |kind: &str| -> Vec<&Value> {
            whole.of(kind).into_iter().filter(|it| it["entity_id"] == unit).collect()
        };
        for policy in read(text(proposal, "file"))["policies"].as_array().unwrap() {
            assert_eq!(policy["targets"], json!([unit]), "{context}");
            if policy["type"] == "SERVICE_CONTROL_POLICY" {
                for action in policy["content"]["Statement"][0]["Action"].as_array().unwrap() {
                    let service = action.as_str().unwrap().trim_end_matches(":*");
                    let is_unused = of("service_unused").iter().any(|it| it["attribute"] == service);
                    assert!(is_unused, "{context}: {service} is used below {unit}");
                    proposed += 1;
                }
                continue;
            }
            for ready in of("attribute_ready") {
                let setting = text(&ready["details"], "setting");
                let Some(value) = policy["content"].pointer(&format!("{setting}/@@assign")) else { continue };
                let reported = text(&ready["details"], "value").replace('-', "_");
                let means =
                    value.as_str().map(|it| it.replace("enabled", "true").replace("disabled", "false"));
                let is_same = *value == reported.as_str()
                    || means.as_deref() == Some(&reported)
                    || (reported == "allowed" && value == "enabled")
                    || (reported == "not_allowed" && value == "disabled");
                assert!(is_same, "{context}: {setting} of {unit} is {reported}, and {value} is proposed");
            }
            let settings = leaves(&policy["content"]);
            let ready = of("attribute_ready").len();
            assert!(settings <= ready, "{context}: {settings} settings, and {ready} are ready in {unit}");
            proposed += settings;
        }
    }
    proposed
}

/// The values that a policy assigns.
fn leaves(content: &Value) -> usize {
    match content.as_object() {
        Some(members) if members.contains_key("@@assign") => 1,
        Some(members) => members.values().map(leaves).sum(),
        None => 0,
    }
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
    let folder = tempfile::tempdir().unwrap();
    let (mut concluded, mut proposed) = (0, 0);
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
                let hidden = hide(&stack, &mut rng, folder.path());
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
                proposed += supported(&stack, &less, &whole, &context);
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
    assert!(proposed > 100, "and proposes something: {proposed}");
}
