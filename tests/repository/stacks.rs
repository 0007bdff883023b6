//! The template as it can be deployed.

use std::collections::{BTreeMap, BTreeSet};

use local_stack::template::{Resolved, Surroundings, Template};
use models::Kind;
use muster_tests::root;
use serde_json::Value;

pub(crate) const BUCKET: &str = "reports-of-another-team";
pub(crate) const KEY: &str = "arn:aws:kms:eu-central-1:012345678901:key/0a1b2c3d";

/// Parameters from a file in the form that AWS's command line takes: tests/conformance/template gives the
/// same files to a linter.
fn parameters(name: &str) -> BTreeMap<String, String> {
    let path = root().join(format!("tests/repository/parameters/{name}.json"));
    let given: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let text = |of: &Value, member: &str| of[member].as_str().unwrap().to_owned();
    given.iter().map(|it| (text(it, "ParameterKey"), text(it, "ParameterValue"))).collect()
}

/// The parameters without which there is no policy generation.
pub(crate) fn of_policy_generation() -> BTreeMap<String, String> {
    parameters("policy-generation")
}

/// The parameters without which nothing of the organization can be changed.
pub(crate) fn of_writes() -> BTreeMap<String, String> {
    parameters("writes")
}

/// The parameters that are empty by default, and those that change more than a number.
pub(crate) fn every_optional_parameter() -> BTreeMap<String, String> {
    parameters("every-optional")
}

pub(crate) fn template() -> Template {
    Template::parse(&std::fs::read_to_string(root().join("template.yaml")).unwrap()).unwrap()
}

fn surroundings(stack: &str) -> Surroundings {
    Surroundings {
        stack: stack.to_owned(),
        partition: "aws".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "012345678901".to_owned(),
    }
}

pub(crate) fn resolve(template: &Template, stack: &str, given: &BTreeMap<String, String>) -> Resolved {
    template.resolve(&surroundings(stack), given).unwrap()
}

/// With default parameters, with every kind besides, and with every optional parameter. Only the first has
/// not [all kinds](kinds).
pub(crate) fn variants(stack: &str) -> [Resolved; 3] {
    let mut every_kind = of_policy_generation();
    every_kind.extend(of_writes());
    [BTreeMap::new(), every_kind, every_optional_parameter()].map(|given| resolve(&template(), stack, &given))
}

/// The kinds of job that a stack has: policies are generated only where the roles and the trail for it are
/// given, and each kind that changes the organization is there only where it is enabled.
pub(crate) fn kinds(resolved: &Resolved) -> BTreeSet<Kind> {
    let generates = of_policy_generation().keys().all(|name| resolved.parameters[name] != "");
    let is_there = |kind: &Kind| match kind {
        Kind::DeclarativePoliciesReport
        | Kind::OrganizationInventory
        | Kind::OrganizationsAccessReport
        | Kind::Findings => true,
        Kind::PolicyGeneration => generates,
        Kind::OrganizationSetup => resolved.parameters["EnableOrganizationSetup"] == "true",
        Kind::OrganizationPolicies => resolved.parameters["EnablePolicyWrites"] == "true",
        Kind::OrganizationAccounts => resolved.parameters["EnableAccountCreation"] == "true",
    };
    Kind::ALL.into_iter().filter(is_there).collect()
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

#[test]
fn the_parameters_of_other_tests_are_those_of_the_files() {
    let every = every_optional_parameter();
    assert!(every["ReportBucketArns"].ends_with(&format!(":::{BUCKET}")), "{every:?}");
    assert_eq!(every["KmsKeyArn"], KEY);
    assert!(of_policy_generation().iter().all(|(name, value)| every[name] == *value), "{every:?}");
}

/// Nothing of them: what is left would name roles that do not exist, or wait for runs that never come. Only
/// their tables and queries stay, so that the catalog says the same everywhere.
#[test]
fn without_its_parameters_a_stack_has_nothing_of_a_kind() {
    let [default, with, every] = variants("muster").map(|it| kinds(&it).len());
    assert_eq!((default, with, every), (4, Kind::ALL.len(), Kind::ALL.len()));
    let resolved = resolve(&template(), "muster", &BTreeMap::new());
    let absent: Vec<_> = Kind::ALL.into_iter().filter(|kind| !kinds(&resolved).contains(kind)).collect();
    let of_catalog = |kind: &str| kind.starts_with("AWS::Glue::") || kind.starts_with("AWS::Athena::");
    for (name, resource) in resolved.resources.iter().filter(|(_, it)| !of_catalog(&it.kind)) {
        let text = format!("{name} {}", resource.properties);
        let named = absent.iter().find(|kind| text.contains(kind.as_str()));
        assert_eq!(named, None, "{text}");
        for prefix in ["PolicyGeneration", "Setup", "Policies", "Accounts"] {
            assert!(!name.starts_with(prefix), "{name}");
        }
    }
    for name in ["PolicyGeneration", "Setup", "Policies", "Accounts"] {
        assert!(!resolved.outputs.contains_key(&format!("{name}StateMachineArn")), "{name}");
    }
}

#[test]
fn with_some_of_the_parameters_of_policy_generation_a_stack_is_refused_by_the_name_of_one_that_is_missing() {
    let all = of_policy_generation();
    for missing in all.keys() {
        for is_given in [true, false] {
            let given = all.iter().filter(|(name, _)| (*name != missing) == is_given);
            let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
            let error = template().resolve(&surroundings("muster"), &given).unwrap_err();
            assert_eq!(error.place, "PolicyGenerationHasAllThree");
            let told = all.keys().find(|name| error.problem.contains(&format!("{name} is not")));
            assert!(told.is_some_and(|name| !given.contains_key(name)), "{error}");
        }
    }
}
