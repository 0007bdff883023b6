use serde_json::{Value, json};

use crate::organization::api::testing::{Tested, many_tags};

fn tags(tested: &mut Tested, id: &str) -> Vec<(String, String)> {
    let (mut tags, mut body) = (Vec::new(), json!({"ResourceId": id}));
    loop {
        let page = tested.ok("ListTagsForResource", body.clone());
        let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
        tags.extend(page["Tags"].as_array().unwrap().iter().map(|it| (text(it, "Key"), text(it, "Value"))));
        match page.get("NextToken") {
            Some(token) => body["NextToken"] = token.clone(),
            None => return tags,
        }
    }
}

#[test]
fn tags_are_added_to_those_that_there_are_changed_and_removed() {
    let mut tested = Tested::new();
    let resources = [
        tested.organization.root.clone(),
        tested.organization.units[0].id.clone(),
        tested.organization.accounts[4].id.clone(),
        tested.organization.policies[4].id.clone(),
    ];
    for id in &resources {
        let before = tags(&mut tested, id);
        let (key, value) = before[0].clone();
        let more = json!([{"Key": "x", "Value": ""}, {"Key": key, "Value": "changed"}]);
        assert_eq!(tested.ok("TagResource", json!({"ResourceId": id, "Tags": more})), json!({}));
        let mut expected = before.clone();
        expected[0].1 = "changed".to_owned();
        expected.push(("x".to_owned(), String::new()));
        assert_eq!(tags(&mut tested, id), expected, "{id}, which had {value}");
        let keys = json!({"ResourceId": id, "TagKeys": ["x", "not there"]});
        assert_eq!(tested.ok("UntagResource", keys), json!({}));
        expected.pop();
        assert_eq!(tags(&mut tested, id), expected);
    }
    // Others keep theirs.
    let other = tested.organization.accounts[5].id.clone();
    assert_eq!(tags(&mut tested, &other).len(), 2);
}

#[test]
fn a_resource_has_fifty_tags_with_keys_that_are_not_awss() {
    let mut tested = Tested::new();
    let id = tested.organization.accounts[4].id.clone();
    let tag = |tags: Value| json!({"ResourceId": id, "Tags": tags});
    let there = tags(&mut tested, &id).len();
    tested.ok("TagResource", tag(many_tags(50 - there)));
    let refusal = tested.refused("TagResource", tag(json!([{"Key": "one more", "Value": "v"}])));
    assert_eq!(refusal, "ConstraintViolationException/MAX_TAG_LIMIT_EXCEEDED");
    tested.ok("TagResource", tag(json!([{"Key": "k0", "Value": "changed"}])));
    assert_eq!(tags(&mut tested, &id).len(), 50);
    for (tags, reason) in [
        (json!([{"Key": "aws:x", "Value": "v"}]), "INVALID_SYSTEM_TAGS_PARAMETER"),
        (json!([{"Key": "", "Value": "v"}]), "MIN_LENGTH_EXCEEDED"),
        (json!([{"Key": "k".repeat(129), "Value": "v"}]), "MAX_LENGTH_EXCEEDED"),
        (json!([{"Key": "k", "Value": "v".repeat(257)}]), "MAX_LENGTH_EXCEEDED"),
        (json!([{"Key": "k?", "Value": "v"}]), "INVALID_PATTERN"),
        (json!([{"Key": "k", "Value": "<v>"}]), "INVALID_PATTERN"),
        (json!([{"Key": "k", "Value": null}]), "INPUT_REQUIRED"),
        (json!([{"Value": "v"}]), "INPUT_REQUIRED"),
        (json!([{"Key": "k", "Value": "v"}, {"Key": "k", "Value": "w"}]), "DUPLICATE_TAG_KEY"),
        (json!(null), "INPUT_REQUIRED"),
    ] {
        let refusal = tested.refused("TagResource", tag(tags.clone()));
        assert_eq!(refusal, format!("InvalidInputException/{reason}"), "{tags}");
    }
    let system = json!({"ResourceId": id, "TagKeys": ["AWS:x"]});
    assert_eq!(
        tested.refused("UntagResource", system),
        "InvalidInputException/INVALID_SYSTEM_TAGS_PARAMETER"
    );
    for (resource, refusal) in [
        ("p-unknown123", "TargetNotFoundException"),
        ("ou-zzzz-00000000", "TargetNotFoundException"),
        ("rp-unknown", "TargetNotFoundException"),
        ("x", "InvalidInputException/INVALID_PATTERN"),
        ("p-FullAWSAccess", "InvalidInputException/TARGET_NOT_SUPPORTED"),
    ] {
        let tag = json!({"ResourceId": resource, "Tags": [{"Key": "k", "Value": "v"}]});
        assert_eq!(tested.refused("TagResource", tag), refusal);
        let untag = json!({"ResourceId": resource, "TagKeys": ["k"]});
        assert_eq!(tested.refused("UntagResource", untag), refusal);
    }
}
