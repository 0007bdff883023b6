//! EC2's declarative policies (user guide, "EC2 policy syntax and examples").
//!
//! The page calls some fields required. Whether a policy must have them itself, or what it comes to, is
//! not established; neither is looked at. The syntax of VPC encryption control is not established.

use serde_json::Value;

use super::Checked;
use super::management::{self, Node};

pub(super) fn check(document: &Value) -> Checked {
    management::check(document, &POLICY)
}

const POLICY: Node = Node::Members(&[("ec2_attributes", Node::Members(ATTRIBUTES))]);

const SWITCH: Node = Node::Word(&["enabled", "disabled"]);
const PREFERENCE: Node = Node::Word(&["no_preference", "enabled", "disabled"]);

const ATTRIBUTES: &[(&str, Node)] = &[
    ("exception_message", Node::Text),
    ("vpc_block_public_access", Node::Members(&[("internet_gateway_block", INTERNET_GATEWAY)])),
    ("serial_console_access", Node::Members(&[("status", SWITCH)])),
    (
        "image_block_public_access",
        Node::Members(&[("state", Node::Word(&["unblocked", "block_new_sharing"]))]),
    ),
    (
        "snapshot_block_public_access",
        Node::Members(&[("state", Node::Word(&["unblocked", "block_new_sharing", "block_all_sharing"]))]),
    ),
    ("allowed_images_settings", ALLOWED_IMAGES),
    ("instance_metadata_defaults", METADATA),
    ("vpc_encryption_control", Node::Anything),
];

const INTERNET_GATEWAY: Node = Node::Members(&[
    ("mode", Node::Word(&["off", "block_ingress", "block_bidirectional"])),
    ("exclusions_allowed", SWITCH),
]);

const METADATA: Node = Node::Members(&[
    ("http_tokens", Node::Word(&["no_preference", "required", "optional"])),
    ("http_put_response_hop_limit", Node::Number(-1..=64)),
    ("http_endpoint", PREFERENCE),
    ("instance_metadata_tags", PREFERENCE),
    ("http_tokens_enforced", PREFERENCE),
]);

const ALLOWED_IMAGES: Node = Node::Members(&[
    ("state", Node::Word(&["enabled", "disabled", "audit_mode"])),
    ("image_criteria", Node::Each("criteria_", &CRITERION)),
]);

const DAYS: Node = Node::Number(0..=2_147_483_647);

const CRITERION: Node = Node::Members(&[
    ("allowed_image_providers", Node::List(is_provider)),
    ("image_names", Node::List(is_image_name)),
    ("marketplace_product_codes", Node::List(is_product_code)),
    ("creation_date_condition", Node::Members(&[("maximum_days_since_created", DAYS)])),
    ("deprecation_time_condition", Node::Members(&[("maximum_days_since_deprecated", DAYS)])),
]);

fn is_provider(text: &str) -> bool {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_account || ["amazon", "aws_marketplace", "aws_backup_vault"].contains(&text)
}

fn is_image_name(text: &str) -> bool {
    let least = if text.contains('?') { 3 } else { 1 };
    (least..=128).contains(&text.chars().count())
}

fn is_product_code(text: &str) -> bool {
    (1..=25).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
