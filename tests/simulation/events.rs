//! The events for `cargo lambda invoke`: every step takes its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use local_aws::lambda::InvokeError;
use local_stack::in_process::BINARIES;
use models::Kind;
use muster_tests::{Scenario, on_virtual_time, root, stack};
use serde_json::Value;

fn events() -> BTreeMap<String, Value> {
    std::fs::read_dir(root().join("tests/events"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let event = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), event)
        })
        .collect()
}

#[test]
fn there_is_an_event_for_every_binary_and_its_step_takes_it() {
    let events = events();
    let named: BTreeSet<&str> = events.keys().filter_map(|name| name.split('.').next()).collect();
    assert_eq!(named, BINARIES.iter().map(|(name, _)| *name).collect());
    for (name, event) in &events {
        let binary = name.split('.').next().unwrap();
        let given = [
            ("ReportBucketArns", "arn:aws:s3:::evidence-012345678901"),
            ("EnableAccountCreation", "true"),
            ("EnableOrganizationSetup", "true"),
            ("EnablePolicyWrites", "true"),
        ];
        let parameters = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let scenario = Arc::new(Scenario { parameters, ..Scenario::default() });
        let answer = on_virtual_time(async {
            let stack = stack(&scenario);
            let function = stack.deployed.functions[binary].clone();
            stack.aws.lambda().invoke(&function, event.clone()).await
        });
        // The organization and the runs of the events are not this one's; their form is what counts.
        if let Err(InvokeError::Function(error)) = &answer {
            // Another run, an object or a unit that an event refers to.
            let missing = ["20261120T063000Z-9f86d081", "requests/", "ou-ab12-c3d4e5f6"];
            let missing = missing.iter().any(|it| error.error_message.contains(it));
            let refers = name.split_once('.').is_some() && missing;
            assert!(
                refers || !matches!(error.error_type.as_str(), "InvalidRequest" | "Defect"),
                "{name}: {error:?}"
            );
        }
        assert!(!matches!(answer, Err(InvokeError::NotFound)), "{name}");
    }
}

#[test]
fn the_events_use_every_member_of_a_request() {
    let events = events();
    for kind in Kind::ALL {
        let of_kind = events.iter().filter(|(name, _)| name.starts_with(kind.as_str()));
        let used: BTreeSet<String> = of_kind
            .filter_map(|(_, event)| event["ticket"]["request"].as_object())
            // Those of later steps are as the ticket keeps them.
            .filter(|request| !request.contains_key("inline"))
            .flat_map(|request| request.keys().cloned())
            .collect();
        // The table of the page about the job names every member of a request.
        let page = std::fs::read_to_string(root().join(format!("docs/{kind}.md"))).unwrap();
        let (_, table) = page.split_once("## Request\n").unwrap();
        let members: BTreeSet<String> = table
            .lines()
            .take_while(|line| !line.starts_with('#'))
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned()))
            .collect();
        assert!(members.len() > 5, "{kind}: {members:?}");
        assert_eq!(used, members, "{kind}");
    }
}
