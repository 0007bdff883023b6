use serde_json::json;

use crate::organization::api::testing::{Tested, id, many_tags, tags};
use crate::organization::quotas;

const SCP: &str = "SERVICE_CONTROL_POLICY";

fn scp() -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}]})
        .to_string()
}

#[test]
fn a_policy_is_made_changed_and_deleted() {
    let mut tested = Tested::new();
    let body = json!({"Name": "n", "Description": "d", "Type": SCP, "Content": scp(),
        "Tags": [{"Key": "owner", "Value": ""}]});
    let made = tested.ok("CreatePolicy", body);
    let policy = id(&made);
    let described = || json!({"PolicyId": policy});
    assert_eq!(tested.ok("DescribePolicy", described()), made);
    let tags = tested.ok("ListTagsForResource", json!({"ResourceId": policy}));
    assert_eq!(tags["Tags"], json!([{"Key": "owner", "Value": ""}]));

    let changed = tested.ok("UpdatePolicy", json!({"PolicyId": policy, "Name": "m", "Description": ""}));
    let summary = &changed["Policy"]["PolicySummary"];
    assert_eq!((&summary["Name"], &summary["Description"]), (&json!("m"), &json!("d")), "an empty one stays");
    assert_eq!(changed["Policy"]["Content"], made["Policy"]["Content"]);
    let other = scp().replace("ec2", "s3");
    let body = json!({"PolicyId": policy, "Description": "e", "Content": other});
    let changed = tested.ok("UpdatePolicy", body);
    assert_eq!(changed["Policy"]["Content"], json!(other));
    assert_eq!(changed["Policy"]["PolicySummary"]["Name"], "m");

    assert_eq!(tested.ok("DeletePolicy", described()), json!({}));
    for operation in ["DescribePolicy", "UpdatePolicy", "DeletePolicy"] {
        assert_eq!(tested.refused(operation, described()), "PolicyNotFoundException");
    }
    assert_eq!(
        tested.refused("ListTagsForResource", json!({"ResourceId": policy})),
        "TargetNotFoundException"
    );
}

#[test]
fn a_policy_that_is_made_is_of_its_type_and_has_a_name_of_its_own() {
    let mut tested = Tested::new();
    let of = |name: &str, kind: &str, content: &str| json!({"Name": name, "Description": "", "Type": kind, "Content": content});
    tested.ok("CreatePolicy", of("n", SCP, &scp()));
    // A name is of one type.
    tested.ok("CreatePolicy", of("n", "TAG_POLICY", &tags(&["a"])));
    let long = |length: usize| format!("{}{}", scp(), " ".repeat(length - scp().len()));
    tested.ok("CreatePolicy", of("as long as can be", SCP, &long(10_240)));
    let malformed = "MalformedPolicyDocumentException";
    for (body, refusal) in [
        (of("n", SCP, &scp()), "DuplicatePolicyException"),
        (of("m", SCP, &tags(&["a"])), malformed),
        (of("m", "TAG_POLICY", &scp()), malformed),
        (of("m", "TAG_POLICY", "{"), malformed),
        (of("m", SCP, &long(10_241)), "ConstraintViolationException/POLICY_CONTENT_LIMIT_EXCEEDED"),
        (of("m", "NONE", &scp()), "InvalidInputException/INVALID_ENUM_POLICY_TYPE"),
        (of("", SCP, &scp()), "InvalidInputException/MIN_LENGTH_EXCEEDED"),
        (of(&"m".repeat(129), SCP, &scp()), "InvalidInputException/MAX_LENGTH_EXCEEDED"),
        (of("m", SCP, ""), "InvalidInputException/MIN_LENGTH_EXCEEDED"),
        (json!({"Name": "m", "Type": SCP, "Content": scp()}), "InvalidInputException/INPUT_REQUIRED"),
        (json!({"Name": 1, "Type": SCP}), "SerializationException"),
    ] {
        assert_eq!(tested.refused("CreatePolicy", body.clone()), refusal, "{body}");
    }
    let mut tagged = of("m", SCP, &scp());
    tagged["Tags"] = many_tags(51);
    assert_eq!(tested.refused("CreatePolicy", tagged), "ConstraintViolationException/MAX_TAG_LIMIT_EXCEEDED");
    assert!(tested.organization.policies.iter().all(|it| it.name != "m"), "it is made whole or not at all");
}

#[test]
fn a_policy_that_is_changed_stays_one_of_its_type() {
    let mut tested = Tested::new();
    let policy = tested.tag_policy("one", &["a"]);
    tested.tag_policy("two", &["a"]);
    for (members, refusal) in [
        (json!({"Name": "two"}), "DuplicatePolicyException"),
        (json!({"Name": ""}), "InvalidInputException/MIN_LENGTH_EXCEEDED"),
        (json!({"Content": scp()}), "MalformedPolicyDocumentException"),
        (json!({"Description": "d".repeat(513)}), "InvalidInputException/MAX_LENGTH_EXCEEDED"),
        (
            json!({"Content": " ".repeat(10_001)}),
            "ConstraintViolationException/POLICY_CONTENT_LIMIT_EXCEEDED",
        ),
    ] {
        let mut body = members;
        body["PolicyId"] = json!(policy);
        assert_eq!(tested.refused("UpdatePolicy", body.clone()), refusal, "{body}");
    }
    // To its own name it may change.
    tested.ok("UpdatePolicy", json!({"PolicyId": policy, "Name": "one"}));
}

#[test]
fn awss_own_policies_stay_as_they_are() {
    let mut tested = Tested::new();
    for policy in ["p-FullAWSAccess", "p-RCPFullAWSAccess"] {
        for operation in ["UpdatePolicy", "DeletePolicy"] {
            let body = json!({"PolicyId": policy, "Name": "mine"});
            assert_eq!(tested.refused(operation, body), "InvalidInputException/IMMUTABLE_POLICY");
        }
    }
}

#[test]
fn a_policy_that_is_attached_is_not_deleted_and_types_have_so_many_policies() {
    let mut tested = Tested::new();
    let root = tested.organization.root.clone();
    let policy = tested.tag_policy("n", &["a"]);
    tested.ok("AttachPolicy", json!({"PolicyId": policy, "TargetId": root}));
    assert_eq!(tested.refused("DeletePolicy", json!({"PolicyId": policy})), "PolicyInUseException");
    tested.ok("DetachPolicy", json!({"PolicyId": policy, "TargetId": root}));
    tested.ok("DeletePolicy", json!({"PolicyId": policy}));

    let there = tested.organization.policies.iter().filter(|it| it.kind == "TAG_POLICY").count();
    for number in there..quotas::policies("TAG_POLICY") {
        tested.tag_policy(&format!("policy {number}"), &["a"]);
    }
    let body = json!({"Name": "m", "Description": "", "Type": "TAG_POLICY", "Content": tags(&["a"])});
    assert_eq!(
        tested.refused("CreatePolicy", body),
        "ConstraintViolationException/POLICY_NUMBER_LIMIT_EXCEEDED"
    );
}
