//! The template as it can be deployed.

use std::collections::BTreeMap;

use local_stack::template::{Resolved, Surroundings, Template};
use muster_tests::root;

pub(crate) const BUCKET: &str = "reports-of-another-team";
pub(crate) const KEY: &str = "arn:aws:kms:eu-central-1:012345678901:key/0a1b2c3d";

/// The parameters that are empty by default, and those that change more than a number.
pub(crate) fn every_optional_parameter() -> BTreeMap<String, String> {
    let boundary = "arn:aws:iam::012345678901:policy/boundary";
    [
        ("DefaultTarget", "ou-ab12-c3d4e5f6"),
        ("ReportBucketArns", &format!("arn:aws:s3:::{BUCKET}")),
        ("ReportScheduleState", "ENABLED"),
        ("InventoryScheduleState", "ENABLED"),
        ("AccessReportScheduleState", "ENABLED"),
        ("ReservedConcurrency", "2"),
        ("ManagementReadRoleArn", "arn:aws:iam::210987654321:role/reader"),
        ("AccessReportRoleArn", "arn:aws:iam::210987654321:role/reporter"),
        ("RolePath", "/muster/"),
        ("PermissionsBoundaryArn", boundary),
        ("Architecture", "x86_64"),
        ("KmsKeyArn", KEY),
        ("NotificationEmail", "somebody@example.com"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

pub(crate) fn template() -> Template {
    Template::parse(&std::fs::read_to_string(root().join("template.yaml")).unwrap()).unwrap()
}

pub(crate) fn resolve(template: &Template, stack: &str, given: &BTreeMap<String, String>) -> Resolved {
    let surroundings = Surroundings {
        stack: stack.to_owned(),
        partition: "aws".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "012345678901".to_owned(),
    };
    template.resolve(&surroundings, given).unwrap()
}

/// With default parameters, and with every optional one.
pub(crate) fn variants(stack: &str) -> [Resolved; 2] {
    [BTreeMap::new(), every_optional_parameter()].map(|given| resolve(&template(), stack, &given))
}

#[test]
fn every_parameter_that_is_empty_by_default_is_among_the_optional_ones() {
    let given = every_optional_parameter();
    for (name, declared) in template().parameters() {
        if declared["Default"] == "" || declared["AllowedValues"].as_array().is_some_and(|it| it.len() == 2) {
            assert!(given.contains_key(name), "{name}");
        }
    }
}
