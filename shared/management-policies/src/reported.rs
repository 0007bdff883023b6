//! What the declarative policies report says, as settings of a policy.
//!
//! AWS documents neither the names of the report's attributes nor the form of their values. So a name
//! counts as a policy's setting when it is spelled the same but for the characters between words, and a
//! value when it is one of those that the setting can have. Everything else is unknown.

use std::collections::BTreeSet;

use crate::kind::PolicyKind;
use crate::syntax::{settings_of, spelled, value_of};
use crate::value::Scalar;

/// How the report may call a setting, by its pointer in the effective policy: by the attribute, the
/// setting, or both.
pub fn reported_names(path: &str) -> BTreeSet<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).skip(1).collect();
    let (Some(attribute), Some(setting)) = (parts.first(), parts.last()) else { return BTreeSet::new() };
    let both = spelled(&parts.concat());
    // A setting that is called as in other attributes, such as `state`, does not tell which it is.
    let single = matches!(*setting, "state" | "status" | "mode");
    [spelled(if single { attribute } else { setting }), both].into()
}

/// The value of a setting that a value of the report stands for, if it is one that the setting can have.
pub fn reported_value(path: &str, reported: &str) -> Option<Scalar> {
    let reported = match reported {
        // EC2 answers the serial console's status so.
        "true" | "allowed" => "enabled",
        "false" | "not-allowed" => "disabled",
        other => other,
    };
    value_of(PolicyKind::DeclarativeEc2, path, reported)
}

/// The one setting that an attribute of the report is, by its pointer; `None` where it could be several.
pub fn reported_setting(attribute: &str) -> Option<String> {
    let name = spelled(attribute);
    let mut found = settings_of(PolicyKind::DeclarativeEc2)
        .into_iter()
        .filter(|path| reported_names(path).contains(&name));
    match (found.next(), found.next()) {
        (Some(path), None) => Some(path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_of_the_report_is_a_setting_where_the_name_tells_which() {
        for (attribute, path) in [
            ("image_block_public_access", "/ec2_attributes/image_block_public_access/state"),
            ("Serial Console Access", "/ec2_attributes/serial_console_access/status"),
            ("http_tokens", "/ec2_attributes/instance_metadata_defaults/http_tokens"),
            (
                "exclusions_allowed",
                "/ec2_attributes/vpc_block_public_access/internet_gateway_block/exclusions_allowed",
            ),
        ] {
            assert_eq!(reported_setting(attribute).as_deref(), Some(path), "{attribute}");
        }
        for attribute in ["state", "mode", "exception_message_of_somebody", ""] {
            assert_eq!(reported_setting(attribute), None, "{attribute}");
        }
    }

    #[test]
    fn a_value_that_the_setting_cannot_have_stands_for_none() {
        let path = "/ec2_attributes/serial_console_access/status";
        assert_eq!(reported_value(path, "false"), Some(Scalar::Text("disabled".to_owned())));
        assert_eq!(reported_value(path, "maybe"), None);
    }
}
