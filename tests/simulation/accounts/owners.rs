//! Addresses that are taken, and accounts that are somebody else's.

use std::time::Duration;

use local_aws::aws::Moment;
use local_aws::organization::{AccountCreation, OrganizationSettings, WrongSource};
use muster_tests::{on_virtual_time, stack};
use serde_json::json;

use super::{CREATE, HOUR, batch, make, one, plain, requests, run, scenario, until};

#[test]
fn an_account_of_the_organization_with_the_address_and_without_our_tag_exists_already() {
    on_virtual_time(async {
        let stack = stack(&plain());
        let email = stack.aws.organization().accounts[2].email.to_uppercase();
        let of = run(
            stack,
            json!({"accounts": [
                {"email": email, "name": "New 1"},
                {"email": "new-2@example.com", "name": "New 2"},
            ]}),
        )
        .await;
        let row = of.row(1);
        assert_eq!(
            (&row["status"], &row["error"]),
            (&json!("already_exists"), &json!("AlreadyExists")),
            "{row:?}"
        );
        assert_eq!(row["account_id"], of.stack.aws.organization().accounts[2].id.as_str());
        assert!(!row["cause"].as_str().unwrap().contains('@'), "{row:?}");
        assert_eq!(of.row(2)["status"], "created");
        assert_eq!((of.calls(CREATE), &of.result()["alreadyExist"]), (1, &json!(1)));
    });
}

#[test]
fn an_account_from_another_wish_exists_already() {
    on_virtual_time(async {
        let of = run(stack(&plain()), one(json!({}))).await;
        let of = run(of.stack, one(json!({"tags": {"team": "web"}}))).await;
        let row = of.row(1);
        assert_eq!(row["status"], "already_exists", "{row:?}");
        assert!(row["cause"].as_str().unwrap().contains("another wish"), "{row:?}");
        assert_eq!(of.calls(CREATE), 1);
    });
}

#[test]
fn an_address_that_is_taken_elsewhere_is_the_operators_to_change() {
    let settings = OrganizationSettings {
        emails_elsewhere: vec!["new-1@example.com".into()],
        ..OrganizationSettings::default()
    };
    let of = make(&scenario(settings), 2, |_| {});
    let row = of.row(1);
    assert_eq!(
        (&row["status"], &row["failure_reason"]),
        (&json!("failed"), &json!("EMAIL_ALREADY_EXISTS")),
        "{row:?}"
    );
    assert_eq!(row["failure_class"], "operator");
    assert!(row["remedy"].as_str().unwrap().contains("another address"), "{row:?}");
    assert_eq!(requests(&of.stack, "New 1").len(), 1);
    assert_eq!(of.row(2)["status"], "created");
}

/// When AWS takes the address of an account that is in progress for taken, it does not say.
#[test]
fn an_address_that_somebody_takes_between_the_look_and_the_request_exists_already() {
    for address_taken_while_made in [false, true] {
        on_virtual_time(async {
            let stack = stack(&scenario(OrganizationSettings {
                address_taken_while_made,
                account_creation_duration: Duration::from_secs(15 * 60),
                ..OrganizationSettings::default()
            }));
            // Somebody else's account of another name, asked for first.
            let theirs = json!({"Email": "new-1@example.com", "AccountName": "Theirs"});
            stack.aws.organization_changed_by_others("CreateAccount", theirs).unwrap();
            let request = batch(&stack, 1);
            let of = run(stack, request).await;
            let row = of.row(1);
            assert_eq!(
                (&row["status"], &row["error"]),
                (&json!("already_exists"), &json!("AlreadyExists")),
                "{row:?}"
            );
            assert_eq!(requests(&of.stack, "New").len(), 1);
        });
    }
}

#[test]
fn somebody_elses_request_of_the_same_name_is_waited_for_and_not_taken_for_ours() {
    on_virtual_time(async {
        let stack = stack(&plain());
        let theirs = json!({"Email": "theirs@example.com", "AccountName": "New 1"});
        stack.aws.organization_changed_by_others("CreateAccount", theirs).unwrap();
        let request = batch(&stack, 1);
        let of = run(stack, request).await;
        assert_eq!(of.result()["created"], 1, "{}", of.result());
        of.all_are_there(1, "beside a namesake");
        let [theirs, ours] = requests(&of.stack, "New").try_into().unwrap();
        assert!(ours.requested >= theirs.completed.unwrap());
        assert_eq!(of.row(1)["account_id"], json!(ours.account));
    });
}

#[test]
fn a_namesakes_request_that_fails_is_not_ours_either() {
    let creations = vec![
        AccountCreation::Fails("INVALID_EMAIL", Duration::from_secs(60)),
        AccountCreation::Succeeds(Duration::from_secs(60)),
    ];
    let settings = OrganizationSettings { account_creations: creations, ..OrganizationSettings::default() };
    on_virtual_time(async {
        let stack = stack(&scenario(settings));
        let theirs = json!({"Email": "theirs@example.com", "AccountName": "New 1"});
        stack.aws.organization_changed_by_others("CreateAccount", theirs).unwrap();
        let request = batch(&stack, 1);
        let of = run(stack, request).await;
        assert_eq!(of.result()["created"], 1, "{}", of.result());
    });
}

#[test]
fn two_runs_with_the_same_batch_make_each_account_once() {
    for delay in [0, 30, 150] {
        on_virtual_time(async {
            let stack = stack(&plain());
            let request = batch(&stack, 4);
            let first = stack.start_accounts(request.clone()).unwrap();
            tokio::time::sleep(Duration::from_secs(delay)).await;
            let mut again = request;
            again["deadlineHours"] = json!(23);
            let second = run(stack, again).await;
            first.finished().await;
            let first = first.output().unwrap()["result"].clone();
            let result = second.result();
            for result in [&first, &result] {
                assert_eq!(result["complete"], true, "{delay}: {result}");
            }
            let sum = |what: &str| first[what].as_u64().unwrap() + result[what].as_u64().unwrap();
            assert_eq!((sum("created"), sum("found")), (4, 4), "{delay}: {first} {result}");
            second.all_are_there(4, "two runs");
            second.nobody_is_asked_for_twice("two runs");
            second.kept_to_the_rates(20, "two runs");
        });
    }
}

#[test]
fn an_account_that_somebody_moved_elsewhere_is_left_there() {
    on_virtual_time(async {
        let stack = stack(&plain());
        let request = batch(&stack, 1);
        let of = run(stack, request.clone()).await;
        let organization = of.stack.aws.organization();
        let account = organization.accounts.iter().find(|it| it.email == "new-1@example.com").unwrap();
        let elsewhere = organization.units[1].id.clone();
        let body = json!({"AccountId": account.id, "SourceParentId": account.parent, "DestinationParentId": elsewhere});
        of.stack.aws.organization_changed_by_others("MoveAccount", body).unwrap();
        let of = run(of.stack, request).await;
        let row = of.row(1);
        assert_eq!((&row["error"], &row["parent"]), (&json!("Outdated"), &json!(elsewhere)), "{row:?}");
        assert_eq!(of.calls("organizations:MoveAccount"), 1);
    });
}

#[test]
fn an_account_that_somebody_moves_to_its_place_meanwhile_is_in_its_place() {
    on_virtual_time(async {
        let stack = stack(&plain());
        let request = batch(&stack, 1);
        let execution = stack.start_accounts(request).unwrap();
        until(&stack, "an account", |stack| requests(stack, "New").iter().any(|it| it.account.is_some()))
            .await;
        let organization = stack.aws.organization();
        let account = organization.accounts.iter().find(|it| it.email == "new-1@example.com").unwrap();
        let body = json!({"AccountId": account.id, "SourceParentId": account.parent, "DestinationParentId": organization.units[0].id});
        stack.aws.organization_changed_by_others("MoveAccount", body).unwrap();
        execution.finished().await;
        let of = super::Made { stack, execution };
        assert_eq!(of.result()["created"], 1, "{}", of.result());
        of.all_are_there(1, "moved by somebody");
    });
}

/// What a move from where an account does not lie is answered, AWS does not say.
#[test]
fn an_account_that_somebody_moves_to_its_place_right_before_us_is_in_its_place() {
    // Ids are drawn from the seed: the same run on the same organization makes the same account.
    let of = make(&plain(), 1, |_| {});
    let made = of.stack.aws.organization();
    let account = made.accounts.iter().find(|it| it.email == "new-1@example.com").unwrap().id.clone();
    for wrong_source in [WrongSource::AccountNotFound, WrongSource::SourceNotFound] {
        let switches = OrganizationSettings { wrong_source, ..OrganizationSettings::default() };
        let of = make(&scenario(switches), 1, |stack| {
            let organization = stack.aws.organization();
            let body = json!({
                "AccountId": account,
                "SourceParentId": organization.root,
                "DestinationParentId": organization.units[0].id,
            });
            let moment = Moment::Before { operation: "MoveAccount".to_owned(), call: 1 };
            stack.aws.organization_will_be_changed_by_others(moment, "MoveAccount", body);
        });
        let others = of.stack.aws.changes_by_others();
        assert!(others.len() == 1 && others[0].answer.is_ok(), "{others:?}");
        assert_eq!(of.result()["created"], 1, "{wrong_source:?}: {}", of.result());
        of.all_are_there(1, "moved by somebody");
    }
}

#[test]
fn an_account_that_is_closed_before_it_is_active_is_told() {
    let settings = OrganizationSettings { activation_duration: 2 * HOUR, ..OrganizationSettings::default() };
    on_virtual_time(async {
        let stack = stack(&scenario(settings));
        let request = batch(&stack, 2);
        let execution = stack.start_accounts(request).unwrap();
        until(&stack, "accounts", |stack| {
            requests(stack, "New").iter().filter(|it| it.account.is_some()).count() == 2
        })
        .await;
        stack.aws.change(|_, organization| {
            organization.accounts.iter_mut().find(|it| it.email == "new-1@example.com").unwrap().state =
                "CLOSED";
        });
        execution.finished().await;
        let of = super::Made { stack, execution };
        let row = of.row(1);
        assert_eq!((&row["status"], &row["error"]), (&json!("failed"), &json!("JobFailed")), "{row:?}");
        assert!(
            row["cause"].as_str().unwrap().contains("CLOSED") && row["account_id"].is_string(),
            "{row:?}"
        );
        assert_eq!(of.row(2)["status"], "created");
    });
}
