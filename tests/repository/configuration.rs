//! What the code reads and what the template gives.

use std::collections::BTreeSet;

use local_stack::in_process::BINARIES;
use models::Kind;
use muster_tests::root;

use crate::stacks::{kinds, template, variants};

#[test]
fn each_function_is_given_exactly_the_variables_that_it_reads() {
    for resolved in variants("muster") {
        let mut binaries = BTreeSet::new();
        for (name, function) in &resolved.resources {
            if function.kind != "AWS::Serverless::Function" {
                continue;
            }
            let binary = function.binary.as_deref().unwrap();
            let (_, variables) = BINARIES
                .iter()
                .find(|(it, _)| *it == binary)
                .unwrap_or_else(|| panic!("{name}: there is no binary {binary}"));
            let read: BTreeSet<&str> = variables.iter().map(|variable| variable.name).collect();
            let given = function.properties["Environment"]["Variables"].as_object().unwrap();
            let given: BTreeSet<&str> = given.keys().map(String::as_str).collect();
            assert_eq!(given, read, "{name}");
            binaries.insert(binary);
        }
        let kinds = kinds(&resolved);
        let of_stack = |binary: &&str| kind_of(binary).is_none_or(|kind| kinds.contains(&kind));
        let expected = BINARIES.iter().map(|(name, _)| *name).filter(of_stack).collect();
        assert_eq!(binaries, expected, "every binary is deployed of the kinds that the stack has");
    }
}

/// The kind that a binary is a step of.
fn kind_of(binary: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| binary.starts_with(&format!("{kind}-")))
}

#[test]
fn every_binary_is_a_file_of_its_package() {
    for (binary, _) in BINARIES {
        let package = binary
            .rsplit_once('-')
            .map(|(package, _)| package)
            .filter(|package| root().join("functions").join(package).is_dir())
            .unwrap_or(binary);
        let path = root().join(format!("functions/{package}/src/bin/{binary}.rs"));
        assert!(path.is_file(), "{}", path.display());
    }
}

#[test]
fn every_parameter_is_used() {
    let template = template();
    let referred = template.referred();
    let unused: Vec<_> = template.parameters().keys().filter(|name| !referred.contains(*name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn every_output_has_a_value_and_those_that_people_are_told_of_exist() {
    for resolved in variants("muster") {
        let machine = |kind| match kind {
            Kind::DeclarativePoliciesReport => "ReportStateMachineArn",
            Kind::OrganizationInventory => "InventoryStateMachineArn",
            Kind::OrganizationsAccessReport => "AccessReportStateMachineArn",
            Kind::PolicyGeneration => "PolicyGenerationStateMachineArn",
            Kind::OrganizationSetup => "SetupStateMachineArn",
            Kind::OrganizationPolicies => "PoliciesStateMachineArn",
            Kind::OrganizationAccounts => "AccountsStateMachineArn",
            Kind::Findings => "FindingsStateMachineArn",
        };
        let others =
            ["BucketName", "FindingsTopicArn", "LogGroupName", "NotificationTopicArn", "SweepFunctionName"];
        for name in kinds(&resolved).into_iter().map(machine).chain(others) {
            assert!(resolved.outputs.contains_key(name), "{name}");
        }
        let empty: Vec<_> = resolved.outputs.iter().filter(|(_, value)| value.is_empty()).collect();
        assert!(empty.is_empty(), "{empty:?}");
    }
}
