//! What can be asked for, and what is told before anything is.

use local_aws::organization::OrganizationSettings;
use local_states::ExecutionStatus;
use muster_tests::{Scenario, on_virtual_time, stack};
use serde_json::{Value, json};

use super::{CREATE, asked, batch, make, one, plain, requests, run, scenario};

#[test]
fn a_batch_is_refused_whole_with_all_of_its_problems_before_anything_is_asked_for() {
    let request = json!({"accounts": [
        {"email": "new-1@example.com", "name": "New 1"},
        {"email": "new 2", "name": "New 2", "tags": {"muster:run-id": "mine"}},
        {"email": "NEW-1@example.com", "name": "New 1"},
    ]});
    let of = asked(&plain(), request, |_| {});
    let (error, cause) = of.error();
    assert_eq!(error, "InvalidRequest", "{cause}");
    for problem in
        ["account 2: email", "account 2: tag 1", "account 3: email is that", "account 3: name is that"]
    {
        assert!(cause.contains(problem), "{problem}: {cause}");
    }
    assert!(!cause.contains('@'), "{cause}");
    assert_eq!(of.calls(CREATE), 0);
}

#[test]
fn units_that_are_not_there_are_told_before_anything_is_asked_for() {
    let request = json!({"accounts": [
        {"email": "new-1@example.com", "name": "New 1"},
        {"email": "new-2@example.com", "name": "New 2", "parent": "ou-zzzz-c3d4e5f6"},
        {"email": "new-3@example.com", "name": "New 3", "parent": "r-zzzz"},
    ]});
    let of = asked(&plain(), request, |_| {});
    let (error, cause) = of.error();
    assert_eq!(error, "InvalidRequest", "{cause}");
    assert!(cause.contains("account 2") && cause.contains("account 3"), "{cause}");
    assert_eq!(of.calls(CREATE), 0);
}

#[test]
fn a_batch_may_be_a_csv_in_the_stacks_bucket() {
    let of = on_virtual_time(async {
        let stack = stack(&plain());
        let unit = stack.aws.organization().units[0].id.clone();
        let row = |number| format!("new-{number}@example.com,New {number},{unit},data\n");
        let text = format!("email,name,parent,tag:team\n{}{}", row(1), row(2));
        let write = |sink: &mut dyn std::io::Write| sink.write_all(text.as_bytes());
        stack.aws.storage().deliver(stack.bucket(), "requests/new.csv", write).unwrap();
        run(stack, json!({"accountsKey": "requests/new.csv"})).await
    });
    assert_eq!(of.result()["created"], 2, "{}", of.result());
    assert_eq!(of.result()["request"], json!({"accountsKey": "requests/new.csv"}));
    of.all_are_there(2, "csv");
    let missing = asked(&plain(), json!({"accountsKey": "requests/none.csv"}), |_| {});
    assert_eq!(missing.error().0, "InvalidRequest");
}

#[test]
fn a_batch_of_hundreds_fits_into_the_tickets_and_shows_no_address() {
    let of = asked(&plain(), json!({"dryRun": true, "accounts": hundreds()}), |_| {});
    assert_eq!(of.execution.status(), ExecutionStatus::Succeeded, "{:?}", of.execution.error());
    let output = of.execution.output().unwrap();
    assert!(output.to_string().len() < 8 * 1024 && !output.to_string().contains("example.com"), "{output}");
}

fn hundreds() -> Value {
    let account =
        |number| json!({"email": format!("new-{number}@example.com"), "name": format!("New {number}")});
    (1..=400).map(account).collect()
}

#[test]
fn an_estimate_says_what_would_be_made_and_found_and_asks_for_nothing() {
    on_virtual_time(async {
        let stack = stack(&plain());
        let request = batch(&stack, 1);
        let first = run(stack, request).await;
        let existing = first.stack.aws.organization().accounts[1].email.clone();
        let mut request = batch(&first.stack, 3);
        request["accounts"].as_array_mut().unwrap().push(json!({"email": existing, "name": "New 4"}));
        request["dryRun"] = json!(true);
        let of = run(first.stack, request).await;
        let estimate = of.result()["estimate"].clone();
        let expected = json!({"toCreate": 2, "found": 1, "refused": 1});
        assert_eq!((&estimate["items"], &estimate["of"]), (&json!(4), &expected), "{estimate}");
        assert!(estimate["seconds"].as_u64() > Some(120), "{estimate}");
        assert_eq!(of.calls(CREATE), 1);
    });
}

#[test]
fn where_control_tower_manages_accounts_a_run_warns() {
    let of = make(&plain(), 1, |stack| {
        stack.aws.change(|_, organization| organization.trusted.push("controltower.amazonaws.com".into()));
    });
    let result = of.result();
    let warning = result["warnings"][0].as_str().unwrap();
    assert!(warning.contains("not enrolled"), "{warning}");
    assert_eq!((&result["created"], &result["complete"]), (&json!(1), &json!(true)), "{result}");
}

#[test]
fn an_account_in_govcloud_beside_it_is_told_and_told_again() {
    on_virtual_time(async {
        let of = run(stack(&plain()), one(json!({"govCloud": true}))).await;
        assert_eq!(of.result()["created"], 1, "{}", of.result());
        assert_eq!((of.calls(CREATE), of.calls("organizations:CreateGovCloudAccount")), (0, 1));
        let first = of.row(1)["gov_cloud_account_id"].clone();
        assert!(first.is_string());
        let of = run(of.stack, one(json!({"govCloud": true}))).await;
        assert_eq!((&of.result()["found"], &of.result()["complete"]), (&json!(1), &json!(true)));
        assert_eq!(of.row(1)["gov_cloud_account_id"], first);
        // AWS has forgotten the request, and nothing else tells the id.
        of.stack.aws.change(|_, organization| organization.requests.clear());
        let of = run(of.stack, one(json!({"govCloud": true}))).await;
        let result = of.result();
        assert_eq!((&result["found"], &result["complete"]), (&json!(1), &json!(false)), "{result}");
    });
}

#[test]
fn without_an_account_in_govcloud_beside_the_management_account_an_operator_is_told_what_to_do() {
    let settings = OrganizationSettings { govcloud: false, ..OrganizationSettings::default() };
    let of = asked(&scenario(settings), one(json!({"govCloud": true})), |_| {});
    let row = of.row(1);
    assert_eq!(row["failure_reason"], "MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED", "{row:?}");
    assert_eq!(row["failure_class"], "operator");
    assert!(requests(&of.stack, "New").is_empty());
}

#[test]
fn an_account_without_a_place_stays_where_aws_puts_it() {
    let of = asked(&plain(), one(json!({})), |_| {});
    let row = of.row(1);
    assert_eq!(
        (&row["status"], &row["parent"]),
        (&json!("created"), &json!(of.stack.aws.organization().root))
    );
    assert_eq!(of.calls("organizations:MoveAccount"), 0);
}

#[test]
fn an_organization_too_large_for_the_plan_is_looked_through_by_the_lanes() {
    let mut scenario = Scenario { accounts: 600, ..plain() };
    scenario.parameters.insert("OrganizationsRateShare".into(), "0.02".into());
    on_virtual_time(async {
        let stack = stack(&scenario);
        let request = batch(&stack, 1);
        let of = run(stack, request.clone()).await;
        assert_eq!(of.result()["created"], 1, "{}", of.result());
        let pages = of.calls("organizations:ListAccounts");
        assert!(pages > 35, "{pages} pages are fewer than a whole look and a part of one");
        let of = run(of.stack, request).await;
        assert_eq!(of.result()["found"], 1, "{}", of.result());
    });
}
