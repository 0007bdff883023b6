use serde_json::json;

use super::*;

fn accepted(kind: &str, document: &Value) -> bool {
    check(kind, &document.to_string()).is_ok()
}

fn statement(members: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [members]})
}

#[test]
fn generated_policies_are_documents_of_their_types() {
    let shape = crate::organization::Shape::default();
    let organization = crate::organization::generate(&shape, jiff::Timestamp::UNIX_EPOCH);
    for policy in organization.policies.iter().filter(|it| !it.aws_managed) {
        assert_eq!(check(&policy.kind, &policy.content), Ok(()), "{}", policy.name);
    }
}

#[test]
fn a_control_policy_has_a_version_and_statements_of_its_kind() {
    let deny = json!({"Effect": "Deny", "Action": "ec2:*", "Resource": "*"});
    let of_resources = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    assert!(accepted(SCP, &statement(deny.clone())));
    assert!(accepted(SCP, &json!({"Version": "2012-10-17", "Statement": deny})));
    assert!(accepted(RCP, &statement(of_resources.clone())));
    for (kind, other) in [(SCP, of_resources), (RCP, deny.clone())] {
        assert!(!accepted(kind, &statement(other)), "{kind}");
    }
    for refused in [
        json!({"Statement": [deny]}),
        json!({"Version": "2008-10-17", "Statement": [deny]}),
        json!({"Version": "2012-10-17", "Statement": []}),
        json!({"Version": "2012-10-17"}),
        json!({"Version": "2012-10-17", "Statement": [deny], "Other": 1}),
        json!("text"),
        statement(json!({"Action": "*", "Resource": "*"})),
        statement(json!({"Effect": "Maybe", "Action": "*", "Resource": "*"})),
        statement(json!({"Effect": "Deny", "Resource": "*"})),
        statement(json!({"Effect": "Deny", "Action": "*"})),
        statement(json!({"Effect": "Deny", "Action": "*", "NotAction": "*", "Resource": "*"})),
        statement(json!({"Effect": "Deny", "Action": [], "Resource": "*"})),
        statement(json!({"Effect": "Deny", "Action": "ec2", "Resource": "*"})),
        statement(json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": []})),
    ] {
        assert!(!accepted(SCP, &refused), "{refused}");
    }
    for refused in [
        json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}),
        json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}),
        json!({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": "*"}),
    ] {
        assert!(!accepted(RCP, &statement(refused.clone())), "{refused}");
    }
    assert!(check(SCP, "{").is_err());
}

#[test]
fn a_tag_policy_has_tags_with_a_key_values_and_resource_types() {
    let tag = |members: Value| json!({"tags": {"costcenter": members}});
    for members in [
        json!({"tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["100", "20*"]},
            "enforced_for": {"@@assign": ["ec2:instance", "secretsmanager:ALL_SUPPORTED"]},
            "report_required_for": {"@@append": ["s3:*"]}}),
        json!({"tag_value": {"@@operators_allowed_for_child_policies": ["@@append"]}}),
        json!({"@@operators_allowed_for_child_policies": ["@@none"], "tag_key": {"@@assign": "costcenter"}}),
    ] {
        assert!(accepted(TAG, &tag(members.clone())), "{members}");
    }
    for refused in [
        tag(json!({})),
        tag(json!({"tag_key": "CostCenter"})),
        tag(json!({"tag_key": {"@@assign": "Other"}})),
        tag(json!({"tag_key": {"@@append": ["CostCenter"]}})),
        tag(json!({"tag_value": {"@@assign": "100"}})),
        tag(json!({"tag_value": {"@@assign": ["*@*"]}})),
        tag(json!({"tag_value": {"@@replace": ["100"]}})),
        tag(json!({"tag_value": {"@@remove": ["100"], "enforced_for": {"@@remove": ["ec2:*"]}}})),
        tag(json!({"enforced_for": {"@@assign": ["ec2"]}})),
        tag(json!({"values": {"@@assign": ["100"]}})),
        tag(json!({"tag_value": {"@@operators_allowed_for_child_policies": ["@@some"]}})),
        tag(json!({"@@assign": {}})),
        json!({"tags": {}}),
        json!({"tag": {"costcenter": {"tag_key": {"@@assign": "CostCenter"}}}}),
    ] {
        assert!(!accepted(TAG, &refused), "{refused}");
    }
}

#[test]
fn an_ec2_policy_has_attributes_with_the_values_that_the_page_lists() {
    let of = |attributes: Value| json!({"ec2_attributes": attributes});
    for attributes in [
        json!({"exception_message": {"@@assign": "ask us"}}),
        json!({"vpc_block_public_access": {"internet_gateway_block":
            {"mode": {"@@assign": "block_ingress"}, "exclusions_allowed": {"@@assign": "enabled"}}}}),
        json!({"instance_metadata_defaults": {"http_tokens": {"@@assign": "required"},
            "http_put_response_hop_limit": {"@@assign": "4"}}}),
        json!({"instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": 64}}}),
        json!({"allowed_images_settings": {"state": {"@@assign": "audit_mode"}, "image_criteria": {
            "criteria_1": {"allowed_image_providers": {"@@append": ["amazon", "012345678901"]},
                "image_names": {"@@assign": ["base-*"]}, "marketplace_product_codes": {"@@assign": ["ab12"]},
                "creation_date_condition": {"maximum_days_since_created": {"@@assign": 300}},
                "deprecation_time_condition": {"maximum_days_since_deprecated": {"@@assign": 0}}}}}}),
        json!({"snapshot_block_public_access": {"state": {"@@assign": "block_all_sharing",
            "@@operators_allowed_for_child_policies": ["@@none"]}}}),
        json!({"vpc_encryption_control": {"mode": {"@@assign": "monitor"}}}),
    ] {
        assert!(accepted(DECLARATIVE, &of(attributes.clone())), "{attributes}");
    }
    for refused in [
        of(json!({"serial_console_access": {"status": {"@@assign": "off"}}})),
        of(json!({"serial_console_access": {"status": "enabled"}})),
        of(json!({"serial_console_access": {"status": {"@@append": ["enabled"]}}})),
        of(json!({"image_block_public_access": {"state": {"@@assign": "block_all_sharing"}}})),
        of(json!({"instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": 65}}})),
        of(json!({"allowed_images_settings": {"image_criteria": {"first": {}}}})),
        of(json!({"unknown": {"@@assign": "x"}})),
        of(json!({})),
        json!({"vpc_attributes": {"x": {"@@assign": "y"}}}),
    ] {
        assert!(!accepted(DECLARATIVE, &refused), "{refused}");
    }
}

#[test]
fn a_policy_of_another_type_has_settings_with_operators() {
    let backup = json!({"plans": {"daily": {"regions": {"@@append": ["eu-central-1"]},
        "rules": {"r": {"start_backup_window_minutes": {"@@assign": "60"}}}}}});
    assert!(accepted("BACKUP_POLICY", &backup));
    for refused in [
        json!({"plans": {}}),
        json!({"plans": {"daily": "x"}}),
        json!([]),
        json!({"plans": {"@@assign": {"x": 1}}}),
        json!({"plans": {"@@append": "eu-central-1"}}),
    ] {
        assert!(!accepted("BACKUP_POLICY", &refused), "{refused}");
    }
}
