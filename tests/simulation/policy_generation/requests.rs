//! What a request asks for, through the whole run: what AWS was asked, and what came of it.

use std::collections::BTreeSet;

use local_aws::access_analyzer::{
    AccessAnalyzerSettings, JobErrorCode, PolicyGenerationOutcome as Outcome, TokenReuse,
};
use local_aws::aws::Call;
use local_aws::principals::{self as simulated, MemberKind};
use local_stack::LocalStack;
use muster_tests::{Scenario, begin, on_virtual_time};
use serde_json::{Value, json};

use super::{Generated, generate, inventoried, members, principals_of, run, small};

fn plain() -> Scenario {
    small(AccessAnalyzerSettings::default())
}

/// Runs a request that is made from what the organization has.
fn asked(scenario: &Scenario, request: impl FnOnce(&LocalStack) -> Value) -> Generated {
    on_virtual_time(async {
        let stack = inventoried(scenario).await;
        let request = request(&stack);
        run(stack, request).await
    })
}

/// The ARN of a principal of the first member account.
fn somebody(scenario: &Scenario, stack: &LocalStack) -> String {
    principals_of(scenario, stack, &members(stack)[0])[0].arn.clone()
}

/// What is read of the trail, as the API takes it, from a fixed time on.
fn details(stack: &LocalStack, of: Value) -> Value {
    let mut trail = json!({"cloudTrailArn": stack.aws.organization_trail()});
    trail.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
    json!({"trails": [trail], "startTime": "2026-11-01T00:00:00Z", "endTime": "2026-11-20T12:00:00Z"})
}

fn principals(of: &Generated) -> BTreeSet<String> {
    let rows = of.rows("generated_policies").into_iter();
    rows.map(|row| row["principal_arn"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_learned_is_what_aws_is_asked_and_what_the_rows_say() {
    let of = generate(&plain(), json!({"windowDays": 45}));
    assert_eq!(of.result()["complete"], json!(true));
    for job in of.jobs() {
        let asked = job.cloud_trail.unwrap();
        let row = of.row(&job.principal);
        let [trail] = &asked.trails[..] else { panic!("{asked:?}") };
        assert_eq!((&trail.arn, trail.all_regions), (&of.stack.aws.organization_trail(), None));
        let mut regions = trail.regions.clone().unwrap();
        regions.sort();
        assert_eq!(row["window_regions"], json!(json!(regions).to_string()));
        assert!(regions.contains(&"eu-central-1".to_owned()), "{regions:?}");
        assert!(regions.contains(&"us-east-1".to_owned()), "{regions:?}");
        let span = asked.end.unwrap().duration_since(asked.start);
        assert_eq!(row["window_days"], json!(span.as_hours() / 24));
        assert!(span.as_hours() <= 45 * 24, "{span:#}");
        let role =
            format!("arn:aws:iam::{}:role/service-role/AccessAnalyzerMonitorServiceRole_Muster", job.account);
        assert_eq!(asked.access_role, role);
        assert_eq!(row["job_id"], json!(job.id));
    }
}

#[test]
fn cloud_trail_details_go_to_aws_as_they_are_given() {
    for (given, regions, all) in [
        (json!({"allRegions": true}), None, Some(true)),
        (json!({"regions": ["eu-west-1", "us-east-1"]}), Some(vec!["eu-west-1", "us-east-1"]), None),
    ] {
        let of = asked(&plain(), |stack| json!({"cloudTrailDetails": details(stack, given)}));
        assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
        assert!(!of.jobs().is_empty());
        for job in of.jobs() {
            let asked = job.cloud_trail.unwrap();
            let [trail] = &asked.trails[..] else { panic!("{asked:?}") };
            let named = trail.regions.as_ref().map(|it| it.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!((named, trail.all_regions), (regions.clone(), all));
            assert_eq!(asked.start, "2026-11-01T00:00:00Z".parse().unwrap());
            assert_eq!(asked.end, Some("2026-11-20T12:00:00Z".parse().unwrap()));
        }
    }
}

#[test]
fn without_an_end_the_window_ends_when_aws_is_called() {
    let of = asked(&plain(), |stack| {
        let mut details = details(stack, json!({"allRegions": true}));
        details.as_object_mut().unwrap().remove("endTime");
        json!({"cloudTrailDetails": details})
    });
    assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
    assert!(of.jobs().iter().all(|job| job.cloud_trail.as_ref().unwrap().end.is_none()));
}

#[test]
fn what_is_given_is_not_narrowed_when_it_is_too_much() {
    let outcomes = vec![Outcome::Failed(JobErrorCode::ServiceQuotaExceeded)];
    let scenario = small(AccessAnalyzerSettings { outcomes, ..AccessAnalyzerSettings::default() });
    let of =
        asked(&scenario, |stack| json!({"cloudTrailDetails": details(stack, json!({"allRegions": true}))}));
    assert_eq!((&of.result()["failed"], &of.result()["complete"]), (&json!(1), &json!(false)));
    of.nobody_is_generated_twice("");
    assert!(of.causes("failed")[0].contains("SERVICE_QUOTA_EXCEEDED_ERROR"));
}

#[test]
fn an_access_role_of_ones_own_needs_to_be_passed_and_the_error_says_so() {
    let scenario = plain();
    let of = asked(&scenario, |stack| {
        let arn = somebody(&scenario, stack);
        let account = arn.split(':').nth(4).unwrap();
        let mut details = details(stack, json!({"allRegions": true}));
        details["accessRole"] = json!(format!("arn:aws:iam::{account}:role/service-role/SomebodyElses"));
        json!({"principals": [arn], "cloudTrailDetails": details})
    });
    assert_eq!(of.jobs().len(), 0);
    let cause = &of.causes("failed")[0];
    assert!(cause.contains("iam:PassRole") && cause.contains("SomebodyElses"), "{cause}");
}

#[test]
fn requests_that_contradict_themselves_are_refused_before_anything_is_asked() {
    let scenario = plain();
    let request = |stack: &LocalStack, of: Value| json!({"cloudTrailDetails": details(stack, of)});
    let both = |stack: &LocalStack| request(stack, json!({"regions": ["eu-west-1"], "allRegions": true}));
    let neither = |stack: &LocalStack| request(stack, json!({}));
    let long = |stack: &LocalStack| {
        let mut long = request(stack, json!({"allRegions": true}));
        long["cloudTrailDetails"]["startTime"] = json!("2026-08-20T00:00:00Z");
        long
    };
    let two = |stack: &LocalStack| {
        let mut two = request(stack, json!({"allRegions": true}));
        two["withoutCloudTrail"] = json!(true);
        two
    };
    let token = |_: &LocalStack| json!({"clientToken": "mine"});
    let partition = |_: &LocalStack| json!({"principals": ["arn:aws-cn:iam::012345678901:role/x"]});
    let unknown = |_: &LocalStack| json!({"windowDay": 3});
    let requests: [&dyn Fn(&LocalStack) -> Value; 7] =
        [&both, &neither, &long, &two, &token, &partition, &unknown];
    on_virtual_time(async {
        let mut stack = inventoried(&scenario).await;
        for request in requests {
            let request = request(&stack);
            let before = stack.aws.calls().len();
            let of = run(stack, request.clone()).await;
            assert_eq!(of.execution.error().unwrap().error, "InvalidRequest", "{request}");
            let calls = of.stack.aws.calls().split_off(before);
            let own = |call: &Call| ["lambda:", "s3:"].iter().any(|of| call.action.starts_with(of));
            assert!(calls.iter().all(own), "{request}: {calls:?}");
            stack = of.stack;
        }
    });
}

#[test]
fn a_client_token_is_used_as_it_is_given_so_that_aws_knows_the_order_again() {
    let scenario = plain();
    on_virtual_time(async {
        let stack = inventoried(&scenario).await;
        let cloud_trail = details(&stack, json!({"regions": ["eu-west-1"]}));
        let arn = somebody(&scenario, &stack);
        let request = json!({"principals": [arn], "clientToken": "mine", "cloudTrailDetails": cloud_trail});
        let first = run(stack, request.clone()).await;
        assert_eq!((&first.result()["generated"], first.jobs().len()), (&json!(1), 1));
        let job = first.jobs()[0].id.clone();
        let second = run(first.stack, request).await;
        assert_eq!((&second.result()["generated"], second.jobs().len()), (&json!(1), 1));
        let rows = second.rows("generated_policies");
        assert!(rows.len() == 2 && rows.iter().all(|row| row["job_id"] == json!(job)), "{rows:?}");
    });
}

#[test]
fn a_client_token_that_came_with_another_order_ends_in_an_error_and_not_in_waiting() {
    for token_reuse in [TokenReuse::Conflict, TokenReuse::Validation] {
        let scenario = small(AccessAnalyzerSettings { token_reuse, ..AccessAnalyzerSettings::default() });
        on_virtual_time(async {
            let stack = inventoried(&scenario).await;
            // The window ends when it is ordered, so that the second order is another.
            let request = json!({"principals": [somebody(&scenario, &stack)], "clientToken": "mine"});
            let first = run(stack, request.clone()).await;
            assert_eq!(first.result()["generated"], json!(1));
            let begun = first.stack.aws.clock().now();
            let second = run(first.stack, request).await;
            let took = second.stack.aws.clock().now().duration_since(begun);
            assert_eq!(second.result()["failed"], json!(1), "{token_reuse:?}: {}", second.result());
            assert!(took.as_hours() < 3, "{took:#}");
        });
    }
}

#[test]
fn with_a_client_token_a_window_that_is_too_much_fails_and_does_not_wait_for_itself() {
    let outcomes = vec![Outcome::Failed(JobErrorCode::ServiceQuotaExceeded)];
    let scenario = small(AccessAnalyzerSettings { outcomes, ..AccessAnalyzerSettings::default() });
    on_virtual_time(async {
        let stack = inventoried(&scenario).await;
        let request = json!({"principals": [somebody(&scenario, &stack)], "clientToken": "mine"});
        let of = run(stack, request).await;
        assert_eq!((&of.result()["failed"], of.jobs().len()), (&json!(1), 1), "{}", of.result());
        let took = of.stack.aws.clock().now().duration_since(begin());
        assert!(took.as_hours() < 3, "{took:#}");
    });
}

#[test]
fn without_cloudtrail_none_of_it_is_asked_for_and_the_rows_say_so() {
    let of = generate(&plain(), json!({"withoutCloudTrail": true}));
    assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
    assert!(!of.jobs().is_empty() && of.jobs().iter().all(|job| job.cloud_trail.is_none()));
    for row in of.rows("generated_policies").into_iter().filter(|row| row["status"] == "generated") {
        assert_eq!((&row["window_days"], &row["window_regions"]), (&Value::Null, &Value::Null));
        assert!(row["caveats"].as_str().unwrap().contains("made_without_cloudtrail"), "{row:?}");
    }
    assert_eq!(of.result()["windows"]["days"], Value::Null);
}

#[test]
fn new_access_is_checked_only_when_it_is_asked_for() {
    const CHECK: &str = "access-analyzer:CheckNoNewAccess";
    let without = generate(&plain(), json!({}));
    assert_eq!(without.calls(CHECK), 0);
    assert!(without.rows("generated_policies").iter().all(|row| row["no_new_access"].is_null()));
    let of = generate(&plain(), json!({"checkNoNewAccess": true}));
    assert_eq!(of.result()["complete"], json!(true), "{}", of.result());
    let mut rows = of.rows("generated_policies");
    rows.retain(|row| row["status"] == "generated");
    let said =
        rows.iter().filter(|row| row["no_new_access"] == "PASS" || row["no_new_access"] == "FAIL").count();
    let known = rows.iter().filter(|row| row["present_without_document"] == json!(0)).count();
    assert!(said > 0, "{rows:?}");
    assert_eq!(said, known);
    assert!(of.calls(CHECK) >= said);
}

/// A filter takes exactly the members of which this is true, in every account.
fn takes(filter: Value, is: impl Fn(&simulated::Member) -> bool) {
    let mut scenario = plain();
    scenario.settings.principals.number = 8;
    for (request, wanted) in [(json!({"include": filter}), true), (json!({"exclude": filter}), false)] {
        let of = asked(&scenario, |_| request.clone());
        let mut expected = BTreeSet::new();
        for account in members(&of.stack) {
            let all = principals_of(&scenario, &of.stack, &account).into_iter();
            expected.extend(all.filter(|it| is(it) == wanted).map(|it| it.arn));
        }
        assert!(!expected.is_empty(), "{request}");
        assert_eq!(principals(&of), expected, "{request}");
        // What was left out is listed.
        let list = of.result()["leftOut"]["list"].as_str().unwrap().to_owned();
        let text = of.stack.aws.storage().read(of.stack.bucket(), &list).unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(expected.iter().all(|arn| !text.contains(&json!(arn).to_string())), "{text}");
        assert_eq!(of.result()["principals"], json!(expected.len()));
    }
}

#[test]
fn principals_are_chosen_by_kind_and_path() {
    takes(json!({"kinds": ["user"]}), |it| it.kind == MemberKind::User);
    takes(json!({"pathPrefixes": ["/machines/", "/people&/"]}), |it| {
        it.path.starts_with("/machines/") || it.path.starts_with("/people&/")
    });
}

#[test]
fn principals_are_chosen_by_name_and_tag() {
    takes(json!({"names": ["*-instance-?", "jane.d+*"]}), |it| {
        it.name.contains("-instance-") || it.name.starts_with("jane.d+")
    });
    let has = |it: &simulated::Member, value: &str| {
        it.tags.iter().any(|(key, of)| key == "Cost Center:größe" && (value.is_empty() || of == value))
    };
    takes(json!({"tags": {"Cost Center:größe": []}}), |it| has(it, ""));
    takes(json!({"tags": {"Cost Center:größe": ["1/2 + x=y@z", "other"]}}), |it| has(it, "1/2 + x=y@z"));
}

#[test]
fn principals_are_chosen_by_age() {
    let scenario = plain();
    let ages: BTreeSet<i64> = on_virtual_time(async {
        let stack = inventoried(&scenario).await;
        let all = members(&stack).into_iter().flat_map(|account| principals_of(&scenario, &stack, &account));
        all.map(|it| begin().duration_since(it.created).as_hours() / 24).collect()
    });
    // Between the youngest and the oldest.
    let days = ages.iter().nth(ages.len() / 2).unwrap() + 1;
    takes(json!({"olderThanDays": days}), |it| begin().duration_since(it.created).as_hours() >= days * 24);
}

#[test]
fn accounts_are_chosen_by_id_and_tag_and_left_out_with_the_reason() {
    let scenario = Scenario { accounts: 6, ..plain() };
    let of = asked(&scenario, |stack| json!({"excludeAccounts": {"ids": [members(stack)[0]]}}));
    let excluded = members(&of.stack)[0].clone();
    assert_eq!(of.result()["accountsRead"], json!(members(&of.stack).len() - 1));
    assert!(of.jobs().iter().all(|job| job.account != excluded));
    let one = asked(&scenario, |stack| json!({"accounts": {"ids": [members(stack)[0], "999999999999"]}}));
    assert_eq!(
        (&one.result()["accountsRead"], &one.result()["unmatched"]),
        (&json!(1), &json!(["999999999999"]))
    );
    assert!(one.jobs().iter().all(|job| job.account == excluded));
}
