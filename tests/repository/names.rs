//! Names: two stacks of one account and Region live side by side.

use std::collections::BTreeSet;

use local_stack::template::Resolved;

use crate::stacks::variants;

/// The properties that name a resource. CloudFormation makes up a name for what has none.
const NAMES: [&str; 12] = [
    "AlarmName",
    "BucketName",
    "DBName",
    "FunctionName",
    "GroupName",
    "LogGroupName",
    "ManagedPolicyName",
    "Name",
    "QueueName",
    "RoleName",
    "TableName",
    "TopicName",
];

fn names(resolved: &Resolved) -> BTreeSet<(String, String)> {
    let mut names = BTreeSet::new();
    for resource in resolved.resources.values() {
        for property in NAMES {
            if let Some(name) = resource.properties[property].as_str() {
                names.insert((resource.kind.clone(), name.to_owned()));
            }
        }
        let events = resource.properties["Events"].as_object();
        for event in events.into_iter().flat_map(|events| events.values()) {
            if let Some(name) = event["Properties"]["Name"].as_str() {
                names.insert(("event".to_owned(), name.to_owned()));
            }
        }
    }
    names
}

#[test]
fn no_name_of_one_stack_is_a_name_of_another() {
    for (one, other) in variants("muster").iter().zip(&variants("muster-test")) {
        let (one, other) = (names(one), names(other));
        assert!(one.len() >= 6, "machines and schedules have names: {one:?}");
        let both: Vec<_> = one.intersection(&other).collect();
        assert!(both.is_empty(), "{both:?}");
    }
}
