//! The roles in other accounts, `infra/roles`: who may take them on, and what they may do there.

use std::collections::{BTreeMap, BTreeSet};

use local_aws::iam::{Context, Effect, PolicyDocument, Role};
use local_stack::template::{Resolved, Surroundings, Template};
use models::Kind;
use muster_tests::root;
use serde_json::{Value, json};

use crate::stacks::{kinds, variants};

const MEMBER: &str = "210987654321";
const OTHER: &str = "321098765432";
const STACK: &str = "012345678901";
const ORGANIZATION: &str = "o-a1b2c3d4e5";
const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/organization";
const KEY: &str = "arn:aws:kms:eu-central-1:345678901234:key/0a1b2c3d";
const BOUNDARY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const ANALYZER: &str = "access-analyzer.amazonaws.com";

fn template(name: &str) -> Template {
    Template::parse(&std::fs::read_to_string(root().join("infra/roles").join(name)).unwrap()).unwrap()
}

fn templates() -> [(&'static str, Template); 2] {
    ["management-roles.yaml", "member-roles.yaml"].map(|name| (name, template(name)))
}

/// What has to be given of these, of what a template has.
fn given(template: &Template, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let required = [
        ("StackAccountId", STACK),
        ("OrganizationId", ORGANIZATION),
        ("TrailArn", TRAIL),
        ("LogBucketName", "logs"),
    ];
    let all = required.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    all.filter(|(name, _)| template.parameters().contains_key(name)).collect()
}

fn resolve(template: &Template, account: &str, more: &[(&str, &str)]) -> Resolved {
    let surroundings = Surroundings {
        stack: "StackSet-muster-member-roles-0a1b2c3d".to_owned(),
        partition: "aws".to_owned(),
        region: "eu-central-1".to_owned(),
        account: account.to_owned(),
    };
    template.resolve(&surroundings, &given(template, more)).unwrap()
}

/// The role that Muster takes on in a member account, and Access Analyzer's.
fn member_roles(account: &str, more: &[(&str, &str)]) -> (Role, Role) {
    let resolved = resolve(&template("member-roles.yaml"), account, more);
    let roles = local_stack::deploy::roles(&resolved).unwrap();
    let role = |name: &str| roles[resolved.resources[name].arn.as_ref().unwrap()].clone();
    (role("MemberRole"), role("AccessRole"))
}

fn allowed(policy: &PolicyDocument, action: &str, resource: &str, context: &[(&'static str, &str)]) -> bool {
    let context: Context = context.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    policy.decide("", action, resource, &context) == Some(Effect::Allow)
}

#[test]
fn every_parameter_is_used_and_every_output_has_a_value() {
    for (name, template) in templates() {
        let referred = template.referred();
        let unused: Vec<_> = template.parameters().keys().filter(|it| !referred.contains(*it)).collect();
        assert!(unused.is_empty(), "{name}: {unused:?}");
        let outputs = resolve(&template, MEMBER, &[]).outputs;
        assert!(
            !outputs.is_empty() && outputs.values().all(|value| !value.is_empty()),
            "{name}: {outputs:?}"
        );
    }
}

#[test]
fn every_role_has_the_permissions_boundary_that_is_given_and_none_otherwise() {
    for (name, template) in templates() {
        for (more, expected) in
            [(vec![], Value::Null), (vec![("PermissionsBoundaryArn", BOUNDARY)], json!(BOUNDARY))]
        {
            let resolved = resolve(&template, MEMBER, &more);
            assert_eq!(resolved.resources.len(), 2, "{name}");
            for (role, resource) in &resolved.resources {
                assert_eq!(resource.kind, "AWS::IAM::Role", "{name}: {role}");
                assert_eq!(resource.properties["PermissionsBoundary"], expected, "{name}: {role}");
            }
        }
    }
}

#[test]
fn every_arn_is_of_the_partition_that_the_roles_are_in() {
    for (name, template) in templates() {
        let more = [("LogKmsKeyArn", KEY), ("PermissionsBoundaryArn", BOUNDARY)];
        let mut given = given(&template, &more);
        for value in given.values_mut() {
            *value = value.replace("arn:aws:", "arn:aws-us-gov:");
        }
        let surroundings = Surroundings {
            stack: "roles".to_owned(),
            partition: "aws-us-gov".to_owned(),
            region: "us-gov-west-1".to_owned(),
            account: MEMBER.to_owned(),
        };
        let resolved = template.resolve(&surroundings, &given).unwrap();
        for (role, resource) in &resolved.resources {
            assert!(!resource.properties.to_string().contains("arn:aws:"), "{name}: {role}");
        }
        assert!(resolved.outputs.values().all(|value| value.starts_with("arn:aws-us-gov:")), "{name}");
    }
}

#[test]
fn the_roles_of_members_have_the_same_path_and_name_in_every_account() {
    let more = [("RolePath", "/audit/"), ("MemberRoleName", "Generation")];
    let access = ("AccessRole", "AccessRoleArn", "role/service-role/AccessAnalyzerMonitorServiceRole_Muster");
    for (more, member) in [(&more[..0], "role/MusterPolicyGeneration"), (&more[..], "role/audit/Generation")]
    {
        for account in [MEMBER, OTHER] {
            let resolved = resolve(&template("member-roles.yaml"), account, more);
            for (role, output, expected) in [("MemberRole", "MemberRoleArn", member), access] {
                let everywhere: models::MemberRole = resolved.outputs[output].parse().unwrap();
                assert_eq!(everywhere.as_str(), format!("arn:aws:iam::*:{expected}"));
                let arn = everywhere.in_account(&account.parse().unwrap());
                assert_eq!(resolved.resources[role].arn.as_deref(), Some(arn.as_str()));
            }
        }
    }
}

#[test]
fn only_the_policy_generation_of_this_stack_may_take_on_the_role_of_a_member() {
    let (role, _) = member_roles(MEMBER, &[("StackRolePath", "/muster/")]);
    let takes_on = |account: &str, name: &str, organization: &str| {
        let caller = format!("arn:aws:sts::{account}:assumed-role/x/y");
        let arn = format!("arn:aws:iam::{account}:role{name}");
        let context = [("aws:PrincipalArn", arn), ("aws:PrincipalOrgID", organization.to_owned())];
        role.trust.decide(&caller, "sts:AssumeRole", "", &context.into()) == Some(Effect::Allow)
    };
    for step in ["PlanRole-1A2B3C", "StartRole", "StatusRole", "CollectRole", "GatherRole"] {
        let name = format!("/muster/muster-PolicyGeneration{step}");
        assert!(takes_on(STACK, &name, ORGANIZATION), "{name}");
    }
    for (account, name, organization, why) in [
        (STACK, "/muster/muster-InventoryReadRole", ORGANIZATION, "another kind"),
        (STACK, "/muster/muster-PolicyGenerationMachineRole", ORGANIZATION, "the state machine"),
        (STACK, "/muster/other-PolicyGenerationPlanRole", ORGANIZATION, "another stack"),
        (STACK, "/muster-PolicyGenerationPlanRole", ORGANIZATION, "another path"),
        (STACK, "/muster/muster-PolicyGenerationPlanRole", "o-somewhere01", "another organization"),
        (OTHER, "/muster/muster-PolicyGenerationPlanRole", ORGANIZATION, "another account"),
        (MEMBER, "/muster/muster-PolicyGenerationPlanRole", ORGANIZATION, "the account itself"),
    ] {
        assert!(!takes_on(account, name, organization), "{why}");
    }
}

#[test]
fn the_role_of_a_member_trusts_just_the_roles_of_the_stack_that_may_take_it_on() {
    for stack in variants("muster") {
        let path = stack.parameters["RolePath"].as_str().unwrap();
        let resolved = resolve(&template("member-roles.yaml"), MEMBER, &[("StackRolePath", path)]);
        let arn = resolved.resources["MemberRole"].arn.clone().unwrap();
        let member = &local_stack::deploy::roles(&resolved).unwrap()[&arn];
        let mut trusted = 0;
        for (name, role) in local_stack::deploy::roles(&stack).unwrap() {
            let context =
                [("aws:PrincipalArn", name.clone()), ("aws:PrincipalOrgID", ORGANIZATION.to_owned())];
            let caller = format!("arn:aws:sts::{STACK}:assumed-role/x/y");
            let trust = member.trust.decide(&caller, "sts:AssumeRole", &arn, &context.into());
            assert_eq!(
                trust == Some(Effect::Allow),
                allowed(&role.policy, "sts:AssumeRole", &arn, &[]),
                "{name}"
            );
            trusted += usize::from(trust.is_some());
        }
        let expected = if kinds(&stack).contains(&Kind::PolicyGeneration) { 5 } else { 0 };
        assert_eq!(trusted, expected);
    }
}

#[test]
fn access_analyzer_alone_may_take_on_its_role_and_alone_be_handed_it() {
    let (member, access) = member_roles(MEMBER, &[]);
    for (principal, expected) in [
        (ANALYZER, true),
        ("lambda.amazonaws.com", false),
        ("arn:aws:sts::012345678901:assumed-role/muster-PolicyGenerationStartRole/x", false),
    ] {
        let decision = access.trust.decide(principal, "sts:AssumeRole", "", &Context::new());
        assert_eq!(decision == Some(Effect::Allow), expected, "{principal}");
    }
    let role = |account: &str, name: &str| format!("arn:aws:iam::{account}:role/service-role/{name}");
    let own = "AccessAnalyzerMonitorServiceRole_Muster";
    for (role, service, expected) in [
        (role(MEMBER, own), ANALYZER, true),
        (role(MEMBER, own), "lambda.amazonaws.com", false),
        (role(MEMBER, "AccessAnalyzerMonitorServiceRole_1A2B"), ANALYZER, false),
        (role(OTHER, own), ANALYZER, false),
    ] {
        let context = [("iam:PassedToService", service)];
        assert_eq!(allowed(&member.policy, "iam:PassRole", &role, &context), expected, "{role} to {service}");
    }
}

#[test]
fn the_access_role_reads_the_logs_of_its_own_account_and_no_others() {
    for (more, prefix, key) in [
        (vec![], "", false),
        (vec![("LogKeyPrefix", "organization/"), ("LogKmsKeyArn", KEY)], "organization/", true),
    ] {
        let (_, access) = member_roles(MEMBER, &more);
        let logs = |account: &str, organization: &str| {
            format!("arn:aws:s3:::logs/{prefix}AWSLogs/{organization}/{account}/CloudTrail/x.json.gz")
        };
        for (resource, expected) in [
            (logs(MEMBER, ORGANIZATION), true),
            (logs(OTHER, ORGANIZATION), false),
            (logs(MEMBER, "o-somewhere01"), false),
            (format!("arn:aws:s3:::logs/{prefix}AWSLogs/{MEMBER}/CloudTrail/x.json.gz"), false),
            (logs(MEMBER, ORGANIZATION).replace(":::logs/", ":::other/"), false),
        ] {
            assert_eq!(allowed(&access.policy, "s3:GetObject", &resource, &[]), expected, "{resource}");
        }
        for (action, resource, expected) in [
            ("s3:ListBucket", "arn:aws:s3:::logs", true),
            ("s3:ListBucket", "arn:aws:s3:::other", false),
            ("s3:PutObject", &logs(MEMBER, ORGANIZATION), false),
            ("cloudtrail:GetTrail", TRAIL, true),
            ("cloudtrail:GetTrail", "arn:aws:cloudtrail:eu-central-1:210987654321:trail/own", false),
            ("kms:Decrypt", KEY, key),
            ("kms:Decrypt", "arn:aws:kms:eu-central-1:345678901234:key/other", false),
        ] {
            assert_eq!(allowed(&access.policy, action, resource, &[]), expected, "{action} {resource}");
        }
    }
}

/// A statement for somebody else's policy, filled in.
fn statement(name: &str) -> PolicyDocument {
    let text = std::fs::read_to_string(root().join("infra/roles").join(name)).unwrap();
    let text = text
        .replace("<bucket>", "logs")
        .replace("<prefix/>", "")
        .replace("<organization id>", ORGANIZATION)
        .replace("<trail ARN>", TRAIL);
    assert!(!text.contains('<'), "{name}: {text}");
    let statement: Value = serde_json::from_str(&text).unwrap();
    PolicyDocument::parse(&json!({"Statement": [statement]})).unwrap()
}

/// Who asks for a log file: account, name of the role with its path, organization.
fn asking<'a>(account: &'a str, arn: &'a str, organization: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("aws:PrincipalAccount", account),
        ("aws:PrincipalArn", arn),
        ("aws:PrincipalOrgID", organization),
        ("kms:EncryptionContext:aws:cloudtrail:arn", TRAIL),
        ("kms:ViaService", "s3.eu-central-1.amazonaws.com"),
    ]
}

#[test]
fn the_statements_for_bucket_and_key_let_each_accounts_access_role_read_what_is_its_own() {
    let (bucket, key) = (statement("log-bucket-statement.json"), statement("log-key-statement.json"));
    let resolved = resolve(&template("member-roles.yaml"), MEMBER, &[]);
    let access = resolved.resources["AccessRole"].arn.clone().unwrap();
    let object = |account: &str| format!("arn:aws:s3:::logs/AWSLogs/{ORGANIZATION}/{account}/CloudTrail/x");
    let own = asking(MEMBER, &access, ORGANIZATION);
    assert!(allowed(&bucket, "s3:GetObject", &object(MEMBER), &own));
    assert!(allowed(&bucket, "s3:ListBucket", "arn:aws:s3:::logs", &own));
    assert!(allowed(&key, "kms:Decrypt", KEY, &own));
    assert!(!allowed(&bucket, "s3:GetObject", &object(OTHER), &own), "another account's logs");
    assert!(!allowed(&bucket, "s3:PutObject", &object(MEMBER), &own));
    for (arn, organization, why) in [
        (access.replace("AccessAnalyzer", "Other"), ORGANIZATION, "another role"),
        (access.replace("service-role/", ""), ORGANIZATION, "another path"),
        (access.replace(MEMBER, OTHER), ORGANIZATION, "another account's role"),
        (access.clone(), "o-somewhere01", "another organization"),
    ] {
        let other = asking(MEMBER, &arn, organization);
        assert!(!allowed(&bucket, "s3:GetObject", &object(MEMBER), &other), "{why}");
        assert!(!allowed(&key, "kms:Decrypt", KEY, &other), "{why}");
    }
    for (name, value) in [
        ("kms:EncryptionContext:aws:cloudtrail:arn", "arn:aws:cloudtrail:eu-central-1:123456789012:trail/x"),
        ("kms:ViaService", "ec2.eu-central-1.amazonaws.com"),
    ] {
        let mut other = own.clone();
        other.iter_mut().filter(|(key, _)| *key == name).for_each(|(_, it)| *it = value);
        assert!(!allowed(&key, "kms:Decrypt", KEY, &other), "{name}");
    }
}

/// Actions that no resource can be named for (Service Authorization Reference).
const WITHOUT_RESOURCE: [&str; 8] = [
    "access-analyzer:CancelPolicyGeneration",
    "access-analyzer:CheckNoNewAccess",
    "access-analyzer:GetGeneratedPolicy",
    "access-analyzer:ListPolicyGenerations",
    "access-analyzer:StartPolicyGeneration",
    "access-analyzer:ValidatePolicy",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetServiceLastAccessedDetails",
];

#[test]
fn the_roles_of_members_may_do_anything_to_any_resource_only_where_none_can_be_named() {
    let (member, access) = member_roles(MEMBER, &[("LogKmsKeyArn", KEY)]);
    let mut everywhere = BTreeSet::new();
    for statement in [&member, &access].iter().flat_map(|role| &role.policy.statements) {
        assert_eq!(statement.effect, Effect::Allow);
        assert!(statement.actions.iter().all(|action| !action.contains(['*', '?'])), "{statement:?}");
        if statement.resources.iter().any(|resource| resource == "*") {
            everywhere.extend(statement.actions.iter().map(String::as_str));
        }
    }
    assert_eq!(everywhere, WITHOUT_RESOURCE.into());
}
