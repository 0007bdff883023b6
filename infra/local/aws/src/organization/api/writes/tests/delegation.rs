use serde_json::{Value, json};

use crate::organization::api::testing::{Tested, code, tags};

/// A resource policy's text.
fn policy(principal: &Value, actions: &Value, condition: Value) -> Value {
    let statement = json!({"Sid": "Delegated", "Effect": "Allow", "Principal": principal,
        "Action": actions, "Resource": "*", "Condition": condition});
    json!({"Content": json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()})
}

fn everything() -> Value {
    json!([
        "organizations:*Policy",
        "organizations:*PolicyType",
        "organizations:*agResource",
        "organizations:List*",
        "organizations:Describe*"
    ])
}

#[test]
fn a_member_does_what_the_resource_policy_lets_its_account_do_and_no_more() {
    let mut tested = Tested::new();
    let (member, other) =
        (tested.organization.accounts[7].id.clone(), tested.organization.accounts[8].id.clone());
    let root = tested.organization.root.clone();
    let create =
        |name: &str| json!({"Name": name, "Description": "", "Type": "TAG_POLICY", "Content": tags(&["a"])});
    let denied = |tested: &mut Tested, account: &str, operation: &str, body: Value| {
        let answer = tested.call_as(account, operation, body);
        answer.map(drop).map_err(|error| code(&error)) == Err("AccessDeniedException".to_owned())
    };
    assert!(denied(&mut tested, &member, "CreatePolicy", create("n")));
    let only_tags = json!({"StringLikeIfExists": {"organizations:PolicyType": "TAG_POLICY"}});
    let principal = json!({"AWS": format!("arn:aws:iam::{member}:root")});
    tested.ok("PutResourcePolicy", policy(&principal, &everything(), only_tags));

    let made = tested.call_as(&member, "CreatePolicy", create("n")).unwrap();
    let id = made["Policy"]["PolicySummary"]["Id"].as_str().unwrap();
    let attachment = json!({"PolicyId": id, "TargetId": root});
    for (operation, body) in [
        ("ListRoots", json!({})),
        ("DescribeResourcePolicy", json!({})),
        ("UpdatePolicy", json!({"PolicyId": id, "Name": "m"})),
        ("AttachPolicy", attachment.clone()),
        ("DetachPolicy", attachment),
        ("TagResource", json!({"ResourceId": id, "Tags": [{"Key": "k", "Value": "v"}]})),
        ("UntagResource", json!({"ResourceId": id, "TagKeys": ["k"]})),
        ("DisablePolicyType", json!({"RootId": root, "PolicyType": "TAG_POLICY"})),
    ] {
        assert!(denied(&mut tested, &other, operation, body.clone()), "{operation}");
        tested.call_as(&member, operation, body).unwrap_or_else(|error| panic!("{operation}: {error}"));
    }
    for (operation, body) in [
        ("EnablePolicyType", json!({"RootId": root, "PolicyType": "BACKUP_POLICY"})),
        ("UpdatePolicy", json!({"PolicyId": "p-FullAWSAccess"})),
        ("CreateAccount", json!({})),
        ("MoveAccount", json!({})),
        ("PutResourcePolicy", json!({})),
        ("DeleteResourcePolicy", json!({})),
        ("EnableAWSServiceAccess", json!({})),
        ("RegisterDelegatedAdministrator", json!({})),
    ] {
        assert!(denied(&mut tested, &member, operation, body), "{operation}");
    }
    tested.ok("DeleteResourcePolicy", json!({}));
    assert!(denied(&mut tested, &member, "DeletePolicy", json!({"PolicyId": id})));
}

#[test]
fn an_account_that_administers_a_service_reads_and_does_not_write() {
    let mut tested = Tested::new();
    let delegated = tested.organization.delegated[0].0.clone();
    tested.call_as(&delegated, "ListRoots", json!({})).unwrap();
    let id = tested.tag_policy("n", &["a"]);
    let refused = tested.call_as(&delegated, "DeletePolicy", json!({"PolicyId": id})).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
}

#[test]
fn there_is_one_resource_policy_that_is_replaced() {
    let mut tested = Tested::new();
    let member = json!({"AWS": tested.organization.accounts[7].id});
    for operation in ["DescribeResourcePolicy", "DeleteResourcePolicy"] {
        assert_eq!(tested.refused(operation, json!({})), "ResourcePolicyNotFoundException");
    }
    let mut first = policy(&member, &json!("organizations:ListRoots"), json!({}));
    first["Tags"] = json!([{"Key": "k", "Value": "v"}]);
    let made = tested.ok("PutResourcePolicy", first.clone());
    assert_eq!(tested.ok("DescribeResourcePolicy", json!({})), made);
    let summary = &made["ResourcePolicy"]["ResourcePolicySummary"];
    let id = summary["Id"].as_str().unwrap();
    assert!(summary["Arn"].as_str().unwrap().ends_with(&format!("/{id}")) && id.starts_with("rp-"));
    let tags = tested.ok("ListTagsForResource", json!({"ResourceId": id}));
    assert_eq!(tags["Tags"], json!([{"Key": "k", "Value": "v"}]));
    // Tags are for the first one.
    assert_eq!(tested.refused("PutResourcePolicy", first), "InvalidInputException/TARGET_NOT_SUPPORTED");
    let second = policy(&member, &everything(), json!({}));
    let changed = tested.ok("PutResourcePolicy", second.clone());
    assert_eq!(changed["ResourcePolicy"]["ResourcePolicySummary"], *summary);
    assert_eq!(changed["ResourcePolicy"]["Content"], second["Content"]);
    assert_eq!(tested.ok("DeleteResourcePolicy", json!({})), json!({}));
}

#[test]
fn a_resource_policy_names_accounts_and_what_can_be_delegated() {
    let mut tested = Tested::new();
    let member = json!({"AWS": "012345678901"});
    let list = json!("organizations:ListRoots");
    for (body, reason) in [
        (json!({}), "INPUT_REQUIRED"),
        (json!({"Content": ""}), "MIN_LENGTH_EXCEEDED"),
        (json!({"Content": " ".repeat(40_001)}), "MAX_LENGTH_EXCEEDED"),
        (json!({"Content": "{"}), "INVALID_RESOURCE_POLICY_JSON"),
        (json!({"Content": "{}"}), "INVALID_RESOURCE_POLICY_JSON"),
        (policy(&json!({"AWS": "somebody"}), &list, json!({})), "INVALID_PRINCIPAL"),
        (policy(&json!(null), &list, json!({})), "INVALID_PRINCIPAL"),
        (policy(&member, &json!("ec2:*"), json!({})), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        (
            policy(&member, &json!("organizations:CreateAccount"), json!({})),
            "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY",
        ),
    ] {
        let refusal = tested.refused("PutResourcePolicy", body.clone());
        assert_eq!(refusal, format!("InvalidInputException/{reason}"), "{body}");
    }
}
