use serde_json::json;

use super::*;
use crate::organization::{Shape, generate};

/// An answer to somebody of an account who may do everything there.
fn call(
    organization: &Organization,
    settings: &Settings,
    account: &str,
    operation: &str,
    body: &Value,
) -> Result<Value, ApiError> {
    let mut service = Organizations {
        organization: &mut organization.clone(),
        settings: &mut settings.clone(),
        partition: "aws",
        now: Timestamp::UNIX_EPOCH,
    };
    super::call(&mut service, &Principal::administrator(account), operation, body)
}

fn organization() -> Organization {
    generate(&Shape { accounts: 90, ..Shape::default() }, Timestamp::UNIX_EPOCH)
}

fn all(
    settings: &Settings,
    organization: &Organization,
    operation: &str,
    member: &str,
    body: Value,
) -> Vec<Value> {
    let (mut items, mut body) = (Vec::new(), body);
    loop {
        let page = call(organization, settings, &organization.management_account, operation, &body).unwrap();
        items.extend(page[member].as_array().unwrap().clone());
        match page.get("NextToken") {
            Some(token) => body["NextToken"] = token.clone(),
            None => return items,
        }
    }
}

#[test]
fn every_account_is_listed_once_with_and_without_empty_pages() {
    let organization = organization();
    for empty_pages in [false, true] {
        let settings = Settings { empty_pages, ..Settings::default() };
        let accounts = all(&settings, &organization, "ListAccounts", "Accounts", json!({"MaxResults": 7}));
        assert_eq!(accounts.len(), 90);
        assert!(accounts.iter().all(|it| it["Paths"][0].as_str().unwrap().ends_with('/')));
    }
}

#[test]
fn only_administrators_may_list_and_page_sizes_are_bounded() {
    let organization = organization();
    let settings = Settings::default();
    let member = organization.accounts[3].id.clone();
    let code = |caller: &str, operation: &str, body: Value| {
        call(&organization, &settings, caller, operation, &body).map(drop).map_err(|it| it.code)
    };
    assert_eq!(code(&member, "ListRoots", json!({})), Err("AccessDeniedException".into()));
    assert_eq!(code(&member, "DescribeOrganization", json!({})), Ok(()));
    assert_eq!(code("999999999999", "ListRoots", json!({})), Err("AWSOrganizationsNotInUseException".into()));
    for (body, reason) in [
        (json!({"MaxResults": 0}), "MIN_VALUE_EXCEEDED"),
        (json!({"MaxResults": 21}), "MAX_VALUE_EXCEEDED"),
        (json!({"NextToken": ""}), "INVALID_NEXT_TOKEN"),
    ] {
        let management = &organization.management_account;
        let refused = call(&organization, &settings, management, "ListAccounts", &body).unwrap_err();
        assert_eq!((refused.code.as_str(), refused.reason), ("InvalidInputException", Some(reason)));
    }
}

#[test]
fn a_delegated_administrator_is_shown_once_with_its_date_and_without_its_place() {
    let mut organization = organization();
    let delegated = organization.accounts[2].id.clone();
    organization.delegated = vec![
        (delegated.clone(), "guardduty.amazonaws.com".into()),
        (delegated.clone(), "ec2.amazonaws.com".into()),
    ];
    let list = |body| {
        let settings = Settings::default();
        all(&settings, &organization, "ListDelegatedAdministrators", "DelegatedAdministrators", body)
    };
    let shown = list(json!({}));
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["Id"], delegated);
    assert!(shown[0]["DelegationEnabledDate"].is_number() && shown[0].get("Paths").is_none());
    assert_eq!(list(json!({"ServicePrincipal": "ec2.amazonaws.com"})), shown);
    assert!(list(json!({"ServicePrincipal": "config.amazonaws.com"})).is_empty());
}

#[test]
fn a_token_goes_on_with_its_own_list_alone_and_whatever_the_page_size() {
    let organization = organization();
    let settings = Settings::default();
    let ask = |operation: &str, body: Value| {
        call(&organization, &settings, &organization.management_account, operation, &body)
    };
    let first = ask("ListPolicies", json!({"Filter": "SERVICE_CONTROL_POLICY", "MaxResults": 2})).unwrap();
    let token = &first["NextToken"];
    let again = |filter: &str, size: u64| json!({"Filter": filter, "MaxResults": size, "NextToken": token});
    let second = ask("ListPolicies", again("SERVICE_CONTROL_POLICY", 3)).unwrap();
    assert_eq!(second["Policies"].as_array().unwrap().len(), 3);
    for refused in [
        ask("ListPolicies", again("TAG_POLICY", 2)),
        ask("ListAccounts", json!({"NextToken": token})),
        ask("ListAccounts", json!({"NextToken": format!("{}-full", usize::MAX)})),
    ] {
        assert_eq!(refused.unwrap_err().reason, Some("INVALID_NEXT_TOKEN"));
    }
}

#[test]
fn ids_of_another_form_are_invalid_and_unknown_ones_are_not_found() {
    let organization = organization();
    let account = &organization.accounts[1].id;
    for (operation, body, expected) in [
        ("DescribePolicy", json!({"PolicyId": "p-short"}), Err(Some("INVALID_SYNTAX_POLICY_ID"))),
        ("DescribePolicy", json!({"PolicyId": "p-unknown123"}), Ok("PolicyNotFoundException")),
        ("ListTargetsForPolicy", json!({"PolicyId": "p-unknown123"}), Ok("PolicyNotFoundException")),
        ("ListChildren", json!({"ParentId": account, "ChildType": "ACCOUNT"}), Err(Some("INVALID_PATTERN"))),
        (
            "ListChildren",
            json!({"ParentId": "ou-zzzz-00000000", "ChildType": "ACCOUNT"}),
            Ok("ParentNotFoundException"),
        ),
        ("ListParents", json!({"ChildId": organization.root}), Err(Some("INVALID_PATTERN"))),
        ("ListParents", json!({"ChildId": "ou-zzzz-00000000"}), Ok("ChildNotFoundException")),
        (
            "ListPoliciesForTarget",
            json!({"TargetId": "r-UPPER", "Filter": "TAG_POLICY"}),
            Err(Some("INVALID_PATTERN_TARGET_ID")),
        ),
        (
            "ListPoliciesForTarget",
            json!({"TargetId": "r-zzzz", "Filter": "TAG_POLICY"}),
            Ok("TargetNotFoundException"),
        ),
        (
            "ListPoliciesForTarget",
            json!({"TargetId": account, "Filter": "NONE"}),
            Err(Some("INVALID_ENUM_POLICY_TYPE")),
        ),
        (
            "DescribeEffectivePolicy",
            json!({"TargetId": "999999999999", "PolicyType": "TAG_POLICY"}),
            Ok("TargetNotFoundException"),
        ),
        (
            "DescribeEffectivePolicy",
            json!({"PolicyType": "SERVICE_CONTROL_POLICY"}),
            Err(Some("INVALID_ENUM_POLICY_TYPE")),
        ),
        ("DescribeCreateAccountStatus", json!({"CreateAccountRequestId": "x"}), Err(Some("INVALID_PATTERN"))),
        ("DescribeAccount", json!({"AccountId": null}), Err(Some("INPUT_REQUIRED"))),
        ("DescribeAccount", json!({"AccountId": 1}), Ok("SerializationException")),
        ("ListAccounts", json!({"MaxResults": -1}), Err(Some("MIN_VALUE_EXCEEDED"))),
        ("ListAccounts", json!({"MaxResults": u64::MAX}), Err(Some("MAX_VALUE_EXCEEDED"))),
        ("ListTagsForResource", json!({"ResourceId": "p-unknown123"}), Ok("TargetNotFoundException")),
    ] {
        let settings = Settings::default();
        let refused =
            call(&organization, &settings, &organization.management_account, operation, &body).unwrap_err();
        match expected {
            Ok(code) => assert_eq!(refused.code, code, "{operation} {body}"),
            Err(reason) => assert_eq!(
                (refused.code.as_str(), refused.reason),
                ("InvalidInputException", reason),
                "{operation} {body}"
            ),
        }
    }
}

#[test]
fn an_effective_policy_is_there_empty_or_not_found_by_its_type() {
    let mut organization = organization();
    let on = |name: &str, status| crate::organization::PolicyType { name: name.to_owned(), status };
    organization.policy_types.push(on("BACKUP_POLICY", "ENABLED"));
    organization.policy_types.push(on("CHATBOT_POLICY", "PENDING_ENABLE"));
    let settings = Settings::default();
    let ask = |caller: &str, body: Value| {
        let answer = call(&organization, &settings, caller, "DescribeEffectivePolicy", &body);
        answer.map(|it| it["EffectivePolicy"]["PolicyContent"].clone()).map_err(|it| it.code)
    };
    let management = organization.management_account.clone();
    assert_eq!(ask(&management, json!({"PolicyType": "BACKUP_POLICY"})), Ok(json!("{}")));
    assert_ne!(ask(&management, json!({"PolicyType": "TAG_POLICY"})), Ok(json!("{}")));
    for kind in ["CHATBOT_POLICY", "S3_POLICY"] {
        let not_found = Err("EffectivePolicyNotFoundException".to_owned());
        assert_eq!(ask(&management, json!({"PolicyType": kind})), not_found, "{kind}");
    }
    // A member asks for itself, in either way, and for nobody else.
    let (member, other) = (&organization.accounts[1].id, &organization.accounts[2].id);
    for (target, allowed) in [(json!(null), true), (json!(member), true), (json!(other), false)] {
        let answer =
            ask(&organization.accounts[1].id, json!({"PolicyType": "TAG_POLICY", "TargetId": target}));
        assert_eq!(answer.is_ok(), allowed || organization.delegated[0].0 == *member, "{target}");
    }
}

#[test]
fn an_invalid_effective_policy_names_the_policies_on_the_way_to_its_account() {
    let organization = organization();
    let account = &organization.accounts[5];
    let settings = Settings {
        invalid_effective_policies: vec![("DECLARATIVE_POLICY_EC2".into(), account.id.clone())],
        ..Settings::default()
    };
    let body = json!({"PolicyType": "DECLARATIVE_POLICY_EC2"});
    let accounts =
        all(&settings, &organization, "ListAccountsWithInvalidEffectivePolicy", "Accounts", body.clone());
    assert_eq!(accounts.len(), 1);
    let mut of_account = body;
    of_account["AccountId"] = json!(account.id);
    let errors = all(
        &settings,
        &organization,
        "ListEffectivePolicyValidationErrors",
        "EffectivePolicyValidationErrors",
        of_account,
    );
    assert_eq!(errors[0]["PathToError"], "ec2_attributes");
    for id in errors[0]["ContributingPolicies"].as_array().unwrap() {
        let policy = organization.policy(id.as_str().unwrap()).unwrap();
        assert_eq!(policy.kind, "DECLARATIVE_POLICY_EC2");
        assert!(policy.targets.iter().any(|target| account.path.contains(target.as_str())));
    }
}

#[test]
fn a_state_that_the_retired_status_has_no_word_for_is_shown_without_it() {
    let mut organization = organization();
    organization.accounts[3].state = "PENDING_ACTIVATION";
    let body = json!({"AccountId": organization.accounts[3].id});
    let settings = Settings::default();
    let shown =
        call(&organization, &settings, &organization.management_account, "DescribeAccount", &body).unwrap();
    assert_eq!(shown["Account"]["State"], "PENDING_ACTIVATION");
    assert_eq!(shown["Account"].get("Status"), None);
}

#[test]
fn policies_have_arns_of_the_models_form_and_awss_own_have_no_tags() {
    let organization = organization();
    let settings = Settings::default();
    for kind in ["SERVICE_CONTROL_POLICY", "TAG_POLICY"] {
        let listed = all(&settings, &organization, "ListPolicies", "Policies", json!({"Filter": kind}));
        for policy in listed {
            let id = policy["Arn"].as_str().unwrap().rsplit_once("/p-").unwrap().1.to_owned();
            assert!((10..=32).contains(&id.len()), "{policy}");
            let tags = all(
                &settings,
                &organization,
                "ListTagsForResource",
                "Tags",
                json!({"ResourceId": policy["Id"]}),
            );
            assert_eq!(tags.is_empty(), policy["AwsManaged"] == json!(true));
        }
    }
}
