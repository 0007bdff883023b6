use std::time::Duration;

use serde_json::{Value, json};

use crate::organization::api::testing::{Tested, many_tags};
use crate::organization::{AccountCreation, FAILURES, TooManyInProgress, WrongSource};

fn wanted(name: &str) -> Value {
    json!({"Email": format!("{name}@example.com"), "AccountName": name})
}

/// A request's id.
fn create(tested: &mut Tested, name: &str) -> String {
    let answer = tested.ok("CreateAccount", wanted(name));
    answer["CreateAccountStatus"]["Id"].as_str().unwrap().to_owned()
}

fn request(tested: &mut Tested, id: &str) -> Value {
    tested.ok("DescribeCreateAccountStatus", json!({"CreateAccountRequestId": id}))["CreateAccountStatus"]
        .clone()
}

#[test]
fn an_account_is_in_progress_then_there_and_then_active() {
    let mut tested = Tested::new();
    let mut body = wanted("new");
    body["Tags"] = json!([{"Key": "team", "Value": "new"}]);
    body["RoleName"] = json!("Admin");
    body["IamUserAccessToBilling"] = json!("DENY");
    let answer = tested.ok("CreateAccount", body)["CreateAccountStatus"].clone();
    let id = answer["Id"].as_str().unwrap().to_owned();
    let asked = tested.now.as_second();
    assert_eq!(
        answer,
        json!({"Id": id, "AccountName": "new", "State": "IN_PROGRESS", "RequestedTimestamp": asked})
    );
    tested.pass(119);
    assert_eq!(request(&mut tested, &id), answer);
    assert!(tested.organization.accounts.iter().all(|account| account.name != "new"));
    tested.pass(1);
    let done = request(&mut tested, &id);
    assert_eq!((&done["State"], &done["CompletedTimestamp"]), (&json!("SUCCEEDED"), &json!(asked + 120)));
    assert!(done.get("GovCloudAccountId").is_none());
    let account = done["AccountId"].as_str().unwrap().to_owned();
    let listed = tested.ok("ListCreateAccountStatus", json!({"States": ["SUCCEEDED"], "MaxResults": 20}));
    assert!(listed["CreateAccountStatuses"].as_array().unwrap().len() > 1);

    let describe = json!({"AccountId": account});
    let shown = tested.ok("DescribeAccount", describe.clone())["Account"].clone();
    assert_eq!(shown["State"], "PENDING_ACTIVATION");
    assert_eq!((&shown["Email"], &shown["JoinedMethod"]), (&json!("new@example.com"), &json!("CREATED")));
    let root = tested.organization.root.clone();
    assert_eq!(shown["Paths"], json!([format!("{}/{root}/{account}/", tested.organization.id)]));
    let parents = tested.ok("ListParents", json!({"ChildId": account}));
    assert_eq!(parents["Parents"], json!([{"Id": root, "Type": "ROOT"}]));
    let tags = tested.ok("ListTagsForResource", json!({"ResourceId": account}));
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "new"}]));
    for kind in ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"] {
        let policies = tested.ok("ListPoliciesForTarget", json!({"TargetId": account, "Filter": kind}));
        assert_eq!(policies["Policies"].as_array().unwrap().len(), 1, "{kind}");
        assert_eq!(policies["Policies"][0]["AwsManaged"], json!(true));
    }
    tested.pass(60);
    assert_eq!(tested.ok("DescribeAccount", describe)["Account"]["State"], "ACTIVE");
}

#[test]
fn requests_end_as_they_are_told_to_in_their_order() {
    let mut tested = Tested::new();
    let after = Duration::from_secs;
    tested.settings.organization.accounts_in_progress = 100;
    let mut outcomes: Vec<_> =
        FAILURES.iter().map(|reason| AccountCreation::Fails(reason, after(5))).collect();
    outcomes.extend([AccountCreation::Vanishes(after(7)), AccountCreation::Succeeds(after(9))]);
    tested.settings.organization.account_creations = outcomes;
    let ids: Vec<String> = (0..18).map(|number| create(&mut tested, &format!("new-{number}"))).collect();
    tested.pass(6);
    for (id, reason) in ids.iter().zip(FAILURES) {
        let request = request(&mut tested, id);
        assert_eq!((&request["State"], &request["FailureReason"]), (&json!("FAILED"), &json!(reason)));
        assert!(request.get("AccountId").is_none() && request["CompletedTimestamp"].is_number());
    }
    assert_eq!(request(&mut tested, &ids[15])["State"], "IN_PROGRESS");
    tested.pass(1);
    let vanished = json!({"CreateAccountRequestId": ids[15]});
    let refusal = tested.refused("DescribeCreateAccountStatus", vanished);
    assert_eq!(refusal, "CreateAccountStatusNotFoundException");
    tested.pass(2);
    assert_eq!(request(&mut tested, &ids[16])["State"], "SUCCEEDED");
    assert_eq!(request(&mut tested, &ids[17])["State"], "IN_PROGRESS", "it takes as long as usual");
}

#[test]
fn an_address_is_of_one_account_here_and_elsewhere() {
    let mut tested = Tested::new();
    tested.settings.organization.emails_elsewhere = vec!["Far@Example.com".to_owned()];
    let there = tested.organization.accounts[2].email.clone();
    let taken = |tested: &mut Tested, email: &str| {
        let answer = tested.ok("CreateAccount", json!({"Email": email, "AccountName": "n"}));
        answer["CreateAccountStatus"]["Id"].as_str().unwrap().to_owned()
    };
    let ids = ["far@example.com", &there, "twice@example.com", "twice@example.com"]
        .map(|email| taken(&mut tested, email));
    tested.pass(120);
    let reasons: Vec<Value> =
        ids.iter().map(|id| request(&mut tested, id)["FailureReason"].clone()).collect();
    let exists = json!("EMAIL_ALREADY_EXISTS");
    assert_eq!(reasons, [exists.clone(), exists.clone(), json!(null), exists]);
}

#[test]
fn no_more_accounts_are_in_progress_or_there_than_may_be() {
    for (switch, reason) in [
        (TooManyInProgress::CreationRate, "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED"),
        (TooManyInProgress::AccountNumber, "ACCOUNT_NUMBER_LIMIT_EXCEEDED"),
    ] {
        let mut tested = Tested::new();
        tested.settings.organization.too_many_in_progress = switch;
        // Somebody else's is in progress already.
        for number in 0..4 {
            create(&mut tested, &format!("new-{number}"));
        }
        let refusal = tested.refused("CreateAccount", wanted("one-more"));
        assert_eq!(refusal, format!("ConstraintViolationException/{reason}"));
        tested.pass(120);
        create(&mut tested, "one-more");
    }
    let mut tested = Tested::new();
    tested.settings.organization.account_quota = tested.organization.accounts.len() + 2;
    create(&mut tested, "last");
    for _ in 0..2 {
        let refusal = tested.refused("CreateAccount", wanted("one-more"));
        assert_eq!(refusal, "ConstraintViolationException/ACCOUNT_NUMBER_LIMIT_EXCEEDED");
        tested.pass(120);
    }
}

#[test]
fn what_an_account_is_asked_for_with_is_looked_at_at_once() {
    let mut tested = Tested::new();
    let with = |name: &str, value: Value| {
        let mut body = wanted("new");
        body[name] = value;
        body
    };
    for (body, reason) in [
        (json!({"AccountName": "n"}), "INPUT_REQUIRED"),
        (json!({"Email": "a@b.c1"}), "INPUT_REQUIRED"),
        (with("Email", json!("a@b.c")), "MIN_LENGTH_EXCEEDED"),
        (with("Email", json!(format!("{}@example.com", "a".repeat(53)))), "MAX_LENGTH_EXCEEDED"),
        (with("Email", json!("example.com")), "INVALID_PATTERN"),
        (with("Email", json!("a@b@example.com")), "INVALID_PATTERN"),
        (with("Email", json!("a@example")), "INVALID_PATTERN"),
        (with("Email", json!("a b@example.com")), "INVALID_PATTERN"),
        (with("AccountName", json!("")), "MIN_LENGTH_EXCEEDED"),
        (with("AccountName", json!("n".repeat(51))), "MAX_LENGTH_EXCEEDED"),
        (with("AccountName", json!("n\u{e9}")), "INVALID_PATTERN"),
        (with("RoleName", json!("a role")), "INVALID_PATTERN"),
        (with("RoleName", json!("AWSServiceRoleForMe")), "INVALID_ROLE_NAME"),
        (with("IamUserAccessToBilling", json!("MAYBE")), "INVALID_ENUM"),
        (with("Tags", json!([{"Key": "aws:x", "Value": "v"}])), "INVALID_SYSTEM_TAGS_PARAMETER"),
        (with("Tags", json!([{"Key": "x"}])), "INPUT_REQUIRED"),
    ] {
        for operation in ["CreateAccount", "CreateGovCloudAccount"] {
            let refusal = tested.refused(operation, body.clone());
            assert_eq!(refusal, format!("InvalidInputException/{reason}"), "{body}");
        }
    }
    let refusal = tested.refused("CreateAccount", with("Tags", many_tags(51)));
    assert_eq!(refusal, "ConstraintViolationException/MAX_TAG_LIMIT_EXCEEDED");
}

#[test]
fn an_account_in_govcloud_has_one_here_beside_it() {
    let mut tested = Tested::new();
    let answer = tested.ok("CreateGovCloudAccount", wanted("new"));
    tested.pass(120);
    let done = request(&mut tested, answer["CreateAccountStatus"]["Id"].as_str().unwrap());
    let (here, there) = (done["AccountId"].as_str().unwrap(), done["GovCloudAccountId"].as_str().unwrap());
    assert!(tested.organization.account(here).is_some() && tested.organization.account(there).is_none());
    assert_eq!(there.len(), 12);

    tested.settings.organization.govcloud = false;
    let refusal = tested.refused("CreateGovCloudAccount", wanted("other"));
    assert_eq!(refusal, "ConstraintViolationException/MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED");
    tested.partition = "aws-us-gov";
    let refusal = tested.refused("CreateGovCloudAccount", wanted("other"));
    assert_eq!(refusal, "UnsupportedAPIEndpointException");
}

#[test]
fn an_account_moves_from_where_it_lies_to_another_place() {
    let mut tested = Tested::new();
    let account = tested.organization.accounts.iter().find(|it| it.parent.starts_with("ou-")).unwrap();
    let (account, from) = (account.id.clone(), account.parent.clone());
    let root = tested.organization.root.clone();
    let to = tested.organization.units.iter().find(|unit| unit.id != from).unwrap().id.clone();
    let request = |source: &str, destination: &str| json!({"AccountId": account, "SourceParentId": source, "DestinationParentId": destination});
    for (body, refusal) in [
        (request("ou-zzzz-00000000", &to), "SourceParentNotFoundException"),
        (request(&from, "ou-zzzz-00000000"), "DestinationParentNotFoundException"),
        (request(&from, &from), "DuplicateAccountException"),
        (request(&to, &from), "AccountNotFoundException"),
        (request(&account, &to), "InvalidInputException/INVALID_PATTERN"),
        (
            json!({"AccountId": "999999999999", "SourceParentId": from, "DestinationParentId": to}),
            "AccountNotFoundException",
        ),
    ] {
        assert_eq!(tested.refused("MoveAccount", body.clone()), refusal, "{body}");
    }
    tested.settings.organization.wrong_source = WrongSource::SourceNotFound;
    assert_eq!(tested.refused("MoveAccount", request(&to, &from)), "SourceParentNotFoundException");

    assert_eq!(tested.ok("MoveAccount", request(&from, &to)), json!({}));
    let path = tested.organization.account(&account).unwrap().path.clone();
    assert!(path.ends_with(&format!("/{to}/{account}/")), "{path}");
    tested.ok("MoveAccount", request(&to, &root));
    let shown = tested.ok("DescribeAccount", json!({"AccountId": account}));
    assert_eq!(shown["Account"]["Paths"], json!([format!("{}/{root}/{account}/", tested.organization.id)]));
}
