//! What AWS's pages show is accepted.

use management_policies::{PolicyKind, ProblemKind, check, check_allowing_not_established};
use serde_json::{Value, json};

fn accepted(kind: PolicyKind, sample: &Value) {
    if let Err(problems) = check(kind, &sample.to_string()) {
        panic!("{sample:#}: {problems:#?}");
    }
}

fn attributes(attributes: Value) -> Value {
    json!({ "ec2_attributes": attributes })
}

/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_ec2_syntax.html>: the
/// first two are the page's own, the others are made of the fields and values that it documents.
#[test]
fn every_sample_of_an_ec2_policy_is_accepted() {
    let samples = [
        json!({ "exception_message": { "@@assign": "Your custom error message.https://myURL" } }),
        json!({
            "vpc_block_public_access": {
                "internet_gateway_block": {
                    "mode": { "@@assign": "block_ingress" },
                    "exclusions_allowed": { "@@assign": "enabled" }
                }
            }
        }),
        json!({ "serial_console_access": { "status": { "@@assign": "enabled" } } }),
        json!({ "image_block_public_access": { "state": { "@@assign": "block_new_sharing" } } }),
        json!({ "snapshot_block_public_access": { "state": { "@@assign": "block_new_sharing" } } }),
        json!({
            "allowed_images_settings": {
                "state": { "@@assign": "enabled" },
                "image_criteria": {
                    "criteria_1": {
                        "allowed_image_providers": { "@@append": ["amazon", "123456789012"] },
                        "image_names": { "@@assign": ["golden-*", "al2023-ami-?"] },
                        "marketplace_product_codes": { "@@assign": ["abcdefg1234567890"] },
                        "creation_date_condition": { "maximum_days_since_created": { "@@assign": 300 } },
                        "deprecation_time_condition": {
                            "maximum_days_since_deprecated": { "@@assign": "0" }
                        }
                    },
                    "criteria_10": { "allowed_image_providers": { "@@assign": ["aws_backup_vault"] } }
                }
            }
        }),
        json!({
            "instance_metadata_defaults": {
                "http_tokens": { "@@assign": "required" },
                "http_put_response_hop_limit": { "@@assign": "4" },
                "http_endpoint": { "@@assign": "enabled" },
                "instance_metadata_tags": { "@@assign": "enabled" }
            }
        }),
        json!({
            "instance_metadata_defaults": {
                "http_tokens_enforced": { "@@assign": "enabled" },
                "http_put_response_hop_limit": { "@@assign": -1 }
            }
        }),
    ];
    for sample in samples {
        accepted(PolicyKind::DeclarativeEc2, &attributes(sample));
    }
}

/// <https://docs.aws.amazon.com/controltower/latest/controlreference/declarative-controls.html>: the
/// artifacts of the controls that are EC2 policies.
#[test]
fn every_artifact_of_a_declarative_control_is_accepted() {
    let all = json!(["@@all"]);
    let leaf = |value: &str| json!({ "@@assign": value, "@@operators_allowed_for_child_policies": all });
    let samples = [
        json!({
            "vpc_block_public_access": {
                "internet_gateway_block": {
                    "mode": leaf("block_bidirectional"),
                    "exclusions_allowed": leaf("disabled")
                }
            }
        }),
        json!({ "serial_console_access": { "status": leaf("disabled") } }),
        json!({ "image_block_public_access": { "state": leaf("block_new_sharing") } }),
        json!({ "snapshot_block_public_access": { "state": leaf("block_all_sharing") } }),
    ];
    for sample in samples {
        accepted(PolicyKind::DeclarativeEc2, &attributes(sample));
    }
}

/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html>
/// in its present and its older form.
#[test]
fn every_sample_of_a_tag_policy_is_accepted() {
    let none = json!(["@@none"]);
    let samples = [
        json!({
            "costcenter": {
                "tag_key": { "@@assign": "CostCenter" },
                "tag_value": { "@@assign": ["100", "200", "300*"] },
                "enforced_for": { "@@assign": ["secretsmanager:ALL_SUPPORTED"] }
            }
        }),
        json!({
            "CostCenter": {
                "tag_key": { "@@assign": "CostCenter" },
                "tag_value": { "@@assign": ["100", "200"] },
                "enforced_for": { "@@assign": ["secretsmanager:*"] }
            }
        }),
        json!({
            "CostCenter": {
                "tag_key": { "@@assign": "CostCenter", "@@operators_allowed_for_child_policies": none }
            },
            "Project": {
                "tag_key": { "@@assign": "Project", "@@operators_allowed_for_child_policies": none }
            }
        }),
        json!({
            "CostCenter": { "tag_value": { "@@assign": ["Production", "Test"] } },
            "Project": { "tag_value": { "@@assign": ["A", "B"] } }
        }),
        json!({
            "Color": {
                "tag_key": { "@@operators_allowed_for_child_policies": none, "@@assign": "Color" },
                "tag_value": { "@@operators_allowed_for_child_policies": none, "@@assign": [] },
                "enforced_for": { "@@assign": ["dynamodb:table"] }
            }
        }),
        json!({
            "Environment": {
                "tag_key": { "@@assign": "Environment", "@@operators_allowed_for_child_policies": none },
                "tag_value": {
                    "@@assign": ["Prod", "Non-prod"],
                    "@@operators_allowed_for_child_policies": none
                },
                "enforced_for": { "@@assign": ["ec2:ALL_SUPPORTED"] }
            }
        }),
        json!({
            "example-inc:cost-allocation:ApplicationId": {
                "tag_key": { "@@assign": "example-inc:cost-allocation:ApplicationId" },
                "tag_value": { "@@assign": ["DataLakeX", "RetailSiteX", "*@example.com"] },
                "report_required_tag_for": { "@@assign": ["ec2:instance", "rds:ALL_SUPPORTED"] }
            }
        }),
    ];
    for sample in samples {
        accepted(PolicyKind::Tag, &json!({ "tags": sample }));
    }
}

#[test]
fn child_controls_are_accepted_at_every_level_of_a_policy() {
    let control = json!(["@@append", "@@remove"]);
    accepted(
        PolicyKind::Tag,
        &json!({
            "tags": {
                "@@operators_allowed_for_child_policies": control,
                "Team": {
                    "@@operators_allowed_for_child_policies": control,
                    "tag_value": { "@@operators_allowed_for_child_policies": control }
                }
            }
        }),
    );
    accepted(
        PolicyKind::DeclarativeEc2,
        &attributes(json!({
            "@@operators_allowed_for_child_policies": control,
            "instance_metadata_defaults": {
                "@@operators_allowed_for_child_policies": control,
                "http_tokens": {
                    "@@operators_allowed_for_child_policies": control,
                    "@@assign": "required"
                }
            }
        })),
    );
}

#[test]
fn what_is_not_established_passes_when_it_is_asked_for() {
    let content = attributes(json!({
        "vpc_encryption_control": { "mode": { "@@assign": "attempt_enforce" } },
        "serial_console_access": { "status": { "@@assign": "disabled" } }
    }));
    let refused = check(PolicyKind::DeclarativeEc2, &content.to_string()).unwrap_err();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].kind, ProblemKind::NotEstablished);
    assert_eq!(refused[0].path, "/ec2_attributes/vpc_encryption_control");
    let (_, told) = check_allowing_not_established(PolicyKind::DeclarativeEc2, &content.to_string()).unwrap();
    assert_eq!(told, refused);
}

#[test]
fn what_is_wrong_does_not_pass_with_what_is_not_established() {
    let content = attributes(json!({
        "vpc_encryption_control": { "mode": { "@@assign": "attempt_enforce" } },
        "serial_console_access": { "status": { "@@assign": "off" } }
    }));
    let told = check_allowing_not_established(PolicyKind::DeclarativeEc2, &content.to_string()).unwrap_err();
    let kinds: Vec<ProblemKind> = told.iter().map(|problem| problem.kind).collect();
    assert!(kinds.contains(&ProblemKind::Wrong) && kinds.contains(&ProblemKind::NotEstablished));
}
