//! From resolved resources to a simulated account that has them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use local_aws::Aws;
use local_aws::events::Topic;
use local_aws::iam::{PolicyDocument, Role};
use local_aws::lambda::FunctionConfig;
use local_aws::s3::Bucket;
use serde_json::Value;

use crate::events::{Rule, Schedule, Target, Transformer, Trigger, rate};
use crate::template::{InvalidTemplate, Resolved, Resource};

/// What deploying made, besides what is in AWS.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    pub rules: Vec<Rule>,
    pub schedules: Vec<Schedule>,
    /// The functions' names, by binary.
    pub functions: BTreeMap<String, String>,
}

/// Resources that are understood and have nothing to simulate.
const WITHOUT_EFFECT: [&str; 9] = [
    "AWS::Athena::NamedQuery",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
];

/// Makes the resources of a template. Definitions of state machines are read relative to `root`.
pub fn deploy(aws: &Aws, resolved: &Resolved, root: &Path) -> Result<Deployed, InvalidTemplate> {
    let roles = roles(resolved)?;
    for (arn, role) in &roles {
        aws.put_role(arn, role.clone());
    }
    let mut deployed = Deployed::default();
    for (name, resource) in &resolved.resources {
        let properties = &resource.properties;
        match resource.kind.as_str() {
            "AWS::S3::Bucket" => bucket(aws, resolved, name, resource)?,
            "AWS::Serverless::Function" => {
                let config = function(aws, name, resource, &roles)?;
                deployed.rules.extend(rules(name, &config.name, &properties["Events"])?);
                deployed.functions.insert(config.binary.clone(), config.name.clone());
                aws.lambda().deploy(config);
            }
            "AWS::Serverless::StateMachine" => machine(aws, name, resource, &roles, root)?,
            "AWS::Scheduler::Schedule" => deployed.schedules.push(schedule(name, properties, &roles)?),
            "AWS::Events::Rule" => deployed.rules.push(rule(name, resource)?),
            "AWS::SNS::Topic" => aws.put_topic(topic(name, resolved, resource)?),
            "AWS::IAM::Role" | "AWS::S3::BucketPolicy" => {}
            other if WITHOUT_EFFECT.contains(&other) => {}
            other => return Err(InvalidTemplate::new(name, format!("the type {other} is not supported"))),
        }
    }
    Ok(deployed)
}

/// The roles of a template, by their ARNs.
pub fn roles(resolved: &Resolved) -> Result<BTreeMap<String, Role>, InvalidTemplate> {
    let mut roles = BTreeMap::new();
    for (name, resource) in &resolved.resources {
        if resource.kind != "AWS::IAM::Role" {
            continue;
        }
        let mut policies = PolicyDocument::default();
        for policy in resource.properties["Policies"].as_array().into_iter().flatten() {
            policies.extend(document(name, &policy["PolicyDocument"])?);
        }
        let trust = document(name, &resource.properties["AssumeRolePolicyDocument"])?;
        let role = Role { policy: policies.into(), trust: trust.into() };
        roles.insert(resource.arn.clone().unwrap_or_default(), role);
    }
    Ok(roles)
}

fn document(name: &str, document: &Value) -> Result<PolicyDocument, InvalidTemplate> {
    PolicyDocument::parse(document).map_err(|error| InvalidTemplate::new(name, error.to_string()))
}

fn bucket(aws: &Aws, resolved: &Resolved, name: &str, resource: &Resource) -> Result<(), InvalidTemplate> {
    let policy = resolved
        .resources
        .values()
        .find(|it| it.kind == "AWS::S3::BucketPolicy" && it.properties["Bucket"] == resource.reference)
        .map(|it| document(name, &it.properties["PolicyDocument"]))
        .transpose()?;
    let encryption = &resource.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    let bucket = Bucket {
        owner: aws.account().to_owned(),
        region: aws.region().to_owned(),
        policy,
        kms_key: encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"].as_str().map(str::to_owned),
    };
    aws.storage()
        .create_bucket(&resource.reference, bucket)
        .map_err(|error| InvalidTemplate::new(name, error.to_string()))
}

fn text<'a>(name: &str, value: &'a Value, property: &str) -> Result<&'a str, InvalidTemplate> {
    value[property].as_str().ok_or_else(|| InvalidTemplate::new(name, format!("{property} is missing")))
}

fn role<'a>(name: &str, arn: &str, roles: &'a BTreeMap<String, Role>) -> Result<&'a Role, InvalidTemplate> {
    roles.get(arn).ok_or_else(|| InvalidTemplate::new(name, format!("the role {arn} is not in the template")))
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn function(
    aws: &Aws,
    name: &str,
    resource: &Resource,
    roles: &BTreeMap<String, Role>,
) -> Result<FunctionConfig, InvalidTemplate> {
    let properties = &resource.properties;
    let arn = text(name, properties, "Role")?.to_owned();
    let environment = properties["Environment"]["Variables"].as_object().into_iter().flatten();
    let environment = environment.map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), value)
    });
    Ok(FunctionConfig {
        name: resource.reference.clone(),
        arn: resource.arn.clone().unwrap_or_default(),
        account: aws.account().to_owned(),
        policy: role(name, &arn, roles)?.policy.clone(),
        role: arn,
        environment: environment.collect(),
        timeout: Duration::from_secs(number(&properties["Timeout"]).unwrap_or(3)),
        memory_mib: number(&properties["MemorySize"]).unwrap_or(128),
        binary: resource.binary.clone().ok_or_else(|| InvalidTemplate::new(name, "names no Binary"))?,
    })
}

fn rules(name: &str, function: &str, events: &Value) -> Result<Vec<Rule>, InvalidTemplate> {
    let mut rules = Vec::new();
    for event in events.as_object().into_iter().flat_map(|events| events.values()) {
        let properties = &event["Properties"];
        let trigger = match event["Type"].as_str() {
            Some("EventBridgeRule") => Trigger::Pattern(properties["Pattern"].clone()),
            Some("Schedule") => Trigger::Rate(rate(text(name, properties, "Schedule")?)?),
            other => {
                return Err(InvalidTemplate::new(name, format!("the event type {other:?} is not supported")));
            }
        };
        // SAM names the rule; nothing asks by its name.
        let target = Target::Function(function.to_owned());
        rules.push(Rule { arn: String::new(), target, trigger });
    }
    Ok(rules)
}

/// A rule whose events are made a text of, for a topic.
fn rule(name: &str, resource: &Resource) -> Result<Rule, InvalidTemplate> {
    let properties = &resource.properties;
    let invalid = |what: &str| InvalidTemplate::new(name, what.to_owned());
    let [target] = properties["Targets"].as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(invalid("a rule with another number of targets than one is not supported"));
    };
    let arn = text(name, target, "Arn")?;
    if arn.split(':').nth(2) != Some("sns") {
        return Err(invalid("a rule whose target is no topic is not supported"));
    }
    only(name, properties, &["Description", "EventPattern", "Targets"])?;
    only(name, target, &["Arn", "Id", "InputTransformer"])?;
    let transformer = &target["InputTransformer"];
    let paths = transformer["InputPathsMap"].as_object().into_iter().flatten();
    let paths = paths.filter_map(|(name, path)| Some((name.clone(), path.as_str()?.to_owned())));
    let text = Transformer {
        paths: paths.collect(),
        template: text(name, transformer, "InputTemplate")?.to_owned(),
    };
    if let Some(unknown) = text.unknown() {
        return Err(InvalidTemplate::new(name, format!("<{unknown}> is not in InputPathsMap")));
    }
    Ok(Rule {
        arn: resource.arn.clone().unwrap_or_default(),
        target: Target::Topic { arn: arn.to_owned(), text },
        trigger: Trigger::Pattern(properties["EventPattern"].clone()),
    })
}

/// Refuses what is not simulated.
fn only(name: &str, value: &Value, known: &[&str]) -> Result<(), InvalidTemplate> {
    let mut members = value.as_object().into_iter().flatten().map(|(member, _)| member);
    match members.find(|member| !known.contains(&member.as_str())) {
        Some(other) => Err(InvalidTemplate::new(name, format!("{other} is not supported"))),
        None => Ok(()),
    }
}

/// A topic, with the policies that are about it.
fn topic(name: &str, resolved: &Resolved, resource: &Resource) -> Result<Topic, InvalidTemplate> {
    let mut policy = PolicyDocument::default();
    for other in resolved.resources.values().filter(|it| it.kind == "AWS::SNS::TopicPolicy") {
        let topics = other.properties["Topics"].as_array().into_iter().flatten();
        if topics.into_iter().any(|it| *it == resource.reference) {
            policy.extend(document(name, &other.properties["PolicyDocument"])?);
        }
    }
    Ok(Topic { arn: resource.reference.clone(), policy })
}

/// A definition file with its substitutions made, as SAM makes them.
pub fn definition(name: &str, properties: &Value, root: &Path) -> Result<String, InvalidTemplate> {
    let path = root.join(text(name, properties, "DefinitionUri")?);
    let mut source = std::fs::read_to_string(&path)
        .map_err(|error| InvalidTemplate::new(name, format!("{}: {error}", path.display())))?;
    for (placeholder, value) in properties["DefinitionSubstitutions"].as_object().into_iter().flatten() {
        source = source.replace(&format!("${{{placeholder}}}"), value.as_str().unwrap_or_default());
    }
    match source.split_once("${") {
        Some((_, rest)) => {
            let left = rest.split('}').next().unwrap_or_default();
            Err(InvalidTemplate::new(
                name,
                format!("nothing is substituted for ${{{left}}} in {}", path.display()),
            ))
        }
        None => Ok(source),
    }
}

fn machine(
    aws: &Aws,
    name: &str,
    resource: &Resource,
    roles: &BTreeMap<String, Role>,
    root: &Path,
) -> Result<(), InvalidTemplate> {
    let source = definition(name, &resource.properties, root)?;
    let arn = text(name, &resource.properties, "Role")?;
    role(name, arn, roles)?;
    let machine_name = resource.reference.rsplit(':').next().unwrap_or_default();
    aws.states()
        .create_machine(machine_name, arn, &source)
        .map(drop)
        .map_err(|refused| InvalidTemplate::new(name, refused.to_string()))
}

fn schedule(
    name: &str,
    properties: &Value,
    roles: &BTreeMap<String, Role>,
) -> Result<Schedule, InvalidTemplate> {
    let target = &properties["Target"];
    let arn = text(name, target, "RoleArn")?;
    role(name, arn, roles)?;
    Ok(Schedule {
        name: text(name, properties, "Name")?.to_owned(),
        enabled: properties["State"] == "ENABLED",
        machine: text(name, target, "Arn")?.to_owned(),
        role: arn.to_owned(),
        input: text(name, target, "Input")?.to_owned(),
    })
}
