use serde_json::{Value, json};

use crate::organization::api::testing::{Tested, id};

const FULL: &str = "p-FullAWSAccess";

fn to(policy: &str, target: &str) -> Value {
    json!({"PolicyId": policy, "TargetId": target})
}

fn scp(tested: &mut Tested, name: &str) -> String {
    let statement = json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"});
    let content = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let body = json!({"Name": name, "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": content});
    id(&tested.ok("CreatePolicy", body))
}

#[test]
fn a_policy_is_attached_once_to_each_place_that_there_is() {
    let mut tested = Tested::new();
    let policy = tested.tag_policy("n", &["a"]);
    let targets = [
        tested.organization.root.clone(),
        tested.organization.units[0].id.clone(),
        tested.organization.accounts[3].id.clone(),
    ];
    for target in &targets {
        assert_eq!(tested.refused("DetachPolicy", to(&policy, target)), "PolicyNotAttachedException");
        assert_eq!(tested.ok("AttachPolicy", to(&policy, target)), json!({}));
        assert_eq!(tested.refused("AttachPolicy", to(&policy, target)), "DuplicatePolicyAttachmentException");
        let listed = tested.ok("ListPoliciesForTarget", json!({"TargetId": target, "Filter": "TAG_POLICY"}));
        assert!(listed["Policies"].as_array().unwrap().iter().any(|it| it["Id"] == json!(policy)));
    }
    let listed = tested.ok("ListTargetsForPolicy", json!({"PolicyId": policy}));
    let listed: Vec<_> = listed["Targets"].as_array().unwrap().iter().map(|it| &it["TargetId"]).collect();
    assert_eq!(listed, targets.iter().map(|it| json!(it)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    tested.ok("DetachPolicy", to(&policy, &targets[1]));
    let listed = tested.ok("ListTargetsForPolicy", json!({"PolicyId": policy}));
    assert_eq!(listed["Targets"].as_array().unwrap().len(), 2);

    for (body, refusal) in [
        (to("p-unknown123", &targets[0]), "PolicyNotFoundException"),
        (to(&policy, "ou-zzzz-00000000"), "TargetNotFoundException"),
        (to(&policy, "x"), "InvalidInputException/INVALID_PATTERN_TARGET_ID"),
        (to("x", &targets[0]), "InvalidInputException/INVALID_SYNTAX_POLICY_ID"),
    ] {
        for operation in ["AttachPolicy", "DetachPolicy"] {
            assert_eq!(tested.refused(operation, body.clone()), refusal, "{body}");
        }
    }
}

#[test]
fn every_place_has_an_scp_and_no_more_than_ten_and_awss_own_rcp() {
    let mut tested = Tested::new();
    let account = tested.organization.accounts[40].id.clone();
    let attached = |tested: &Tested| tested.organization.attached("SERVICE_CONTROL_POLICY", &account).count();
    for number in 0.. {
        if attached(&tested) == 10 {
            break;
        }
        let policy = scp(&mut tested, &format!("policy {number}"));
        tested.ok("AttachPolicy", to(&policy, &account));
    }
    let one_more = scp(&mut tested, "one more");
    let refusal = tested.refused("AttachPolicy", to(&one_more, &account));
    assert_eq!(refusal, "ConstraintViolationException/MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");
    let policies: Vec<String> =
        tested.organization.attached("SERVICE_CONTROL_POLICY", &account).map(|it| it.id.clone()).collect();
    for policy in policies.iter().filter(|it| *it != FULL) {
        tested.ok("DetachPolicy", to(policy, &account));
    }
    let refusal = tested.refused("DetachPolicy", to(FULL, &account));
    assert_eq!(refusal, "ConstraintViolationException/MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");
    // Another one first, and AWS's own can go.
    tested.ok("AttachPolicy", to(&one_more, &account));
    tested.ok("DetachPolicy", to(FULL, &account));

    let refusal = tested.refused("DetachPolicy", to("p-RCPFullAWSAccess", &account));
    assert_eq!(refusal, "InvalidInputException/NON_DETACHABLE_POLICY");
}

#[test]
fn the_policy_that_was_attached_first_is_the_first_one_at_its_place() {
    let mut tested = Tested::new();
    let account = tested.organization.accounts[40].id.clone();
    let (first, second) = (tested.tag_policy("first", &["first"]), tested.tag_policy("second", &["second"]));
    tested.settings.organization.effective_policy_lag = std::time::Duration::ZERO;
    tested.ok("AttachPolicy", to(&second, &account));
    tested.ok("AttachPolicy", to(&first, &account));
    assert_eq!(tested.effective(&account), json!(["second"]));
    // "To change which policy is evaluated first, you can detach a policy and then reattach it."
    tested.ok("DetachPolicy", to(&second, &account));
    tested.ok("AttachPolicy", to(&second, &account));
    assert_eq!(tested.effective(&account), json!(["first"]));
    let whole = tested.organization.effective_policy("TAG_POLICY", &tested.organization.accounts[40]);
    assert_eq!(whole["tags"]["new"]["tag_value"], json!(["first"]));
}
