//! EC2 policies, formerly declarative policies.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_ec2_syntax.html>,
//! before that `orgs_manage_policies_declarative_syntax.html`, as read in November 2026.
//!
//! Not here, because the spelling of its key and values was found in no page of AWS: the attribute
//! for VPC encryption controls.

use crate::syntax::items::Items;
use crate::syntax::shape::{Member, Range, Shape};

/// What stands below `ec2_attributes`.
pub(crate) static EC2_ATTRIBUTES: Shape = Shape::Group(&[
    Member::optional("exception_message", Shape::Text),
    Member::optional(
        "vpc_block_public_access",
        Shape::Group(&[Member::optional(
            "internet_gateway_block",
            Shape::Group(&[
                Member::required("mode", Shape::Choice(&["off", "block_ingress", "block_bidirectional"])),
                Member::required("exclusions_allowed", ENABLED_OR_DISABLED),
            ]),
        )]),
    ),
    Member::optional(
        "serial_console_access",
        Shape::Group(&[Member::required("status", ENABLED_OR_DISABLED)]),
    ),
    Member::optional(
        "image_block_public_access",
        Shape::Group(&[Member::required("state", Shape::Choice(&["unblocked", "block_new_sharing"]))]),
    ),
    Member::optional(
        "snapshot_block_public_access",
        Shape::Group(&[Member::required(
            "state",
            Shape::Choice(&["block_all_sharing", "block_new_sharing", "unblocked"]),
        )]),
    ),
    Member::optional(
        "allowed_images_settings",
        Shape::Group(&[
            Member::required("state", Shape::Choice(&["enabled", "disabled", "audit_mode"])),
            Member::optional("image_criteria", Shape::Numbered),
        ]),
    ),
    Member::optional(
        "instance_metadata_defaults",
        Shape::Group(&[
            Member::optional("http_tokens", Shape::Choice(&["no_preference", "required", "optional"])),
            Member::optional(
                "http_put_response_hop_limit",
                // EC2's API takes 1 to 64 and -1; the guide gives -1 to 64
                Shape::Integer(Range { least: -1, most: 64, doubtful: Some(0) }),
            ),
            Member::optional("http_endpoint", PREFERENCE),
            Member::optional("instance_metadata_tags", PREFERENCE),
            // the values are those of EC2's API, in the spelling of the members beside it
            Member::optional("http_tokens_enforced", PREFERENCE),
        ]),
    ),
]);

/// One of the criteria of allowed images.
pub(crate) static CRITERIA: Shape = Shape::Group(&[
    Member::optional("allowed_image_providers", Shape::List(Items::ImageProviders)),
    Member::optional("image_names", Shape::List(Items::ImageNames)),
    Member::optional("marketplace_product_codes", Shape::List(Items::ProductCodes)),
    Member::optional(
        "creation_date_condition",
        Shape::Group(&[Member::optional("maximum_days_since_created", DAYS)]),
    ),
    Member::optional(
        "deprecation_time_condition",
        Shape::Group(&[Member::optional("maximum_days_since_deprecated", DAYS)]),
    ),
]);

const ENABLED_OR_DISABLED: Shape = Shape::Choice(&["enabled", "disabled"]);
const PREFERENCE: Shape = Shape::Choice(&["no_preference", "enabled", "disabled"]);
const DAYS: Shape = Shape::Integer(Range { least: 0, most: 2_147_483_647, doubtful: None });
