//! What is kept, who may deliver to it, and who is told: properties that the simulation does not act
//! out.

use std::collections::BTreeSet;

use local_aws::iam::{Effect, PolicyDocument};
use local_stack::template::{Resolved, Surroundings};
use models::Kind;
use muster_tests::root;
use serde_json::{Value, json};

use crate::stacks::{every_optional_parameter, kinds, resolve, template, variants};

fn of_kind<'a>(resolved: &'a Resolved, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let resources = resolved.resources.iter().filter(|(_, resource)| resource.kind == kind);
    resources.map(|(name, resource)| (name.as_str(), &resource.properties)).collect()
}

fn bucket_policy(resolved: &Resolved) -> PolicyDocument {
    let document = &resolved.resources["BucketPolicy"].properties["PolicyDocument"];
    PolicyDocument::parse(document).unwrap()
}

#[test]
fn the_bucket_is_private_encrypted_versioned_and_outlives_the_stack() {
    for resolved in variants("muster") {
        let bucket = &resolved.resources["Bucket"].properties;
        let access = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
        assert_eq!(access.len(), 4);
        assert!(access.values().all(|blocked| *blocked == json!(true)), "{access:?}");
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
        assert_eq!(bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"], "BucketOwnerEnforced");
        let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        let algorithm = encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"].as_str().unwrap();
        let key = encryption["ServerSideEncryptionByDefault"].get("KMSMasterKeyID");
        assert_eq!(algorithm == "aws:kms", key.is_some());
        let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
        assert!(rules.iter().all(|rule| rule["Status"] == "Enabled"));
        let expiring: BTreeSet<_> = rules
            .iter()
            .filter(|rule| rule.get("ExpirationInDays").is_some())
            .map(|rule| &rule["Prefix"])
            .map(Value::to_string)
            .collect();
        assert_eq!(
            expiring,
            ["\"raw/\"", "\"runs/\""].map(str::to_owned).into(),
            "tables are kept, and what is known of published runs"
        );
    }
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    for resource in ["  Bucket:\n", "  BucketPolicy:\n"] {
        let (_, rest) = text.split_once(resource).unwrap();
        let head: String = rest.lines().take(3).collect();
        assert!(
            head.contains("DeletionPolicy: Retain") && head.contains("UpdateReplacePolicy: Retain"),
            "{head}"
        );
    }
}

#[test]
fn nobody_reaches_the_bucket_without_tls() {
    for resolved in variants("muster") {
        let policy = bucket_policy(&resolved);
        let bucket = &resolved.outputs["BucketName"];
        for secure in [true, false] {
            let context = [("aws:SecureTransport", secure.to_string())].into();
            for (action, resource) in [
                ("s3:GetObject", format!("arn:aws:s3:::{bucket}/runs/x")),
                ("s3:ListBucket", format!("arn:aws:s3:::{bucket}")),
            ] {
                let decision =
                    policy.decide("arn:aws:iam::012345678901:role/any", action, &resource, &context);
                assert_eq!(decision, (!secure).then_some(Effect::Deny), "{action}");
            }
        }
    }
}

/// AWS's pages name two services as the last of the chain of calls that delivers a report.
#[test]
fn the_bucket_takes_reports_of_the_start_role_from_either_service_below_raw_and_nothing_else() {
    for resolved in variants("muster") {
        let policy = bucket_policy(&resolved);
        let bucket = &resolved.outputs["BucketName"];
        let start = resolved.resources["ReportStartRole"].arn.clone().unwrap();
        let other = resolved.resources["ReportParseRole"].arn.clone().unwrap();
        let decide = |role: &str, last: Option<&str>, action: &str, key: &str| {
            let mut context: local_aws::iam::Context =
                [("aws:SecureTransport", "true".to_owned()), ("aws:PrincipalArn", role.to_owned())].into();
            context.extend(last.map(|last| ("aws:CalledViaLast", last.to_owned())));
            policy.decide(role, action, &format!("arn:aws:s3:::{bucket}/{key}"), &context)
        };
        for last in ["report.declarative-policies-ec2.amazonaws.com", "organizations.amazonaws.com"] {
            assert_eq!(
                decide(&start, Some(last), "s3:PutObject", "raw/x.csv"),
                Some(Effect::Allow),
                "{last}"
            );
            assert_eq!(decide(&other, Some(last), "s3:PutObject", "raw/x.csv"), None);
            assert_eq!(decide(&start, Some(last), "s3:PutObject", "tables/x"), None);
            assert_eq!(decide(&start, Some(last), "s3:GetObject", "raw/x.csv"), None);
        }
        assert_eq!(decide(&start, Some("config.amazonaws.com"), "s3:PutObject", "raw/x.csv"), None);
        assert_eq!(decide(&start, None, "s3:PutObject", "raw/x.csv"), None);
    }
}

#[test]
fn what_a_schedule_cannot_start_is_put_aside() {
    for resolved in variants("muster") {
        let roles = local_stack::deploy::roles(&resolved).unwrap();
        for (name, schedule) in of_kind(&resolved, "AWS::Scheduler::Schedule") {
            let target = &schedule["Target"];
            let queue = target["DeadLetterConfig"]["Arn"].as_str().unwrap();
            assert!(
                resolved
                    .resources
                    .values()
                    .any(|it| it.kind == "AWS::SQS::Queue" && it.arn.as_deref() == Some(queue)),
                "{name}: {queue}"
            );
            let role = &roles[target["RoleArn"].as_str().unwrap()];
            for (action, resource) in
                [("sqs:SendMessage", queue), ("states:StartExecution", target["Arn"].as_str().unwrap())]
            {
                let decision = role.policy.decide("", action, resource, &local_aws::iam::Context::new());
                assert_eq!(decision, Some(Effect::Allow), "{name}: {action}");
            }
            assert_eq!(target["Input"], r#"{"scheduledTime": "<aws.scheduler.scheduled-time>"}"#);
        }
    }
}

#[test]
fn every_alarm_watches_something_of_this_stack_and_tells_its_topic() {
    let of_kind_failed = |kind| match kind {
        Kind::DeclarativePoliciesReport => "RunFailed",
        Kind::OrganizationInventory => "InventoryFailed",
        Kind::OrganizationsAccessReport => "AccessReportFailed",
        Kind::PolicyGeneration => "PolicyGenerationFailed",
        Kind::OrganizationSetup => "SetupFailed",
        Kind::OrganizationPolicies => "PoliciesFailed",
        Kind::OrganizationAccounts => "AccountsFailed",
        Kind::Findings => "FindingsFailed",
    };
    let others = [
        ("SweepFailed", "AWS/Lambda", "Errors", "FunctionName"),
        ("ScheduleUndelivered", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
        ("PublishedLongAgo", "Muster", "hours_since_published", "Kind"),
        ("CoverageLow", "Muster", "coverage_percent", "Kind"),
        ("RunOverdue", "Muster", "Errors", "Error"),
        ("MessageUndelivered", "AWS/Events", "FailedInvocations", "RuleName"),
    ];
    for resolved in variants("muster") {
        let alarms = of_kind(&resolved, "AWS::CloudWatch::Alarm");
        let names: BTreeSet<_> = alarms.iter().map(|(name, _)| *name).collect();
        let failed = |kind| (of_kind_failed(kind), "AWS/States", "ExecutionsFailed", "StateMachineArn");
        let watched: Vec<_> = kinds(&resolved).into_iter().map(failed).chain(others).collect();
        assert_eq!(names, watched.iter().map(|(name, ..)| *name).collect());
        let mut values = BTreeSet::new();
        for (name, namespace, metric, dimension) in watched {
            let alarm = &resolved.resources[name].properties;
            assert_eq!(
                (&alarm["Namespace"], &alarm["MetricName"]),
                (&json!(namespace), &json!(metric)),
                "{name}"
            );
            let dimensions = alarm["Dimensions"].as_array().unwrap();
            assert_eq!((dimensions.len(), &dimensions[0]["Name"]), (1, &json!(dimension)), "{name}");
            let value = dimensions[0]["Value"].as_str().unwrap();
            let known = |it: &local_stack::template::Resource| {
                it.reference == value
                    || it.arn.as_deref().is_some_and(|arn| arn.rsplit(':').next() == Some(value))
            };
            let is_ours = namespace == "Muster" && ["sweep", "findings", "Overdue"].contains(&value);
            assert!(is_ours || resolved.resources.values().any(known), "{name}: {value}");
            assert!(values.insert(value), "{name} watches what another alarm watches: {value}");
            assert_eq!(alarm["AlarmActions"], json!([resolved.outputs["NotificationTopicArn"]]), "{name}");
            // CloudWatch allows a week at the most.
            let looked_at = alarm["Period"].as_u64().unwrap() * alarm["EvaluationPeriods"].as_u64().unwrap();
            assert!(looked_at <= 7 * 86_400, "{name}");
        }
    }
}

#[test]
fn the_dashboard_is_json_and_shows_what_the_alarms_watch() {
    for resolved in variants("muster") {
        let body = resolved.resources["Dashboard"].properties["DashboardBody"].as_str().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert!(body["widgets"].as_array().unwrap().len() > 4);
        let text = body.to_string();
        for metric in ["hours_since_published", "coverage_percent", "ExecutionsFailed", "Errors"] {
            assert!(text.contains(metric), "{metric}");
        }
        assert!(!text.contains("${"), "{text}");
    }
}

#[test]
fn every_state_machine_has_an_alarm() {
    for resolved in variants("muster") {
        let alarms = of_kind(&resolved, "AWS::CloudWatch::Alarm");
        for (name, _) in of_kind(&resolved, "AWS::Serverless::StateMachine") {
            let machine = &resolved.resources[name].reference;
            let watches = |alarm: &Value| alarm["Dimensions"][0]["Value"] == **machine;
            assert!(alarms.iter().any(|(_, alarm)| watches(alarm)), "{name}");
        }
    }
}

#[test]
fn every_arn_is_of_the_partition_that_the_stack_is_in() {
    for partition in ["aws-cn", "aws-us-gov"] {
        for mut given in [Default::default(), every_optional_parameter()] {
            for value in given.values_mut() {
                *value = value.replace("arn:aws:", &format!("arn:{partition}:"));
            }
            let surroundings = Surroundings {
                stack: "muster".to_owned(),
                partition: partition.to_owned(),
                region: "somewhere-1".to_owned(),
                account: "012345678901".to_owned(),
            };
            let resolved = template().resolve(&surroundings, &given).unwrap();
            for (name, resource) in &resolved.resources {
                assert!(
                    !resource.properties.to_string().contains("arn:aws:"),
                    "{name}: {}",
                    resource.properties
                );
                if let Some(definition) = resource.properties.get("DefinitionUri") {
                    let definition =
                        std::fs::read_to_string(root().join(definition.as_str().unwrap())).unwrap();
                    assert!(!definition.contains("arn:aws:"), "{name}");
                }
            }
        }
    }
    let roles = std::fs::read_to_string(root().join("infra/roles/management-roles.yaml")).unwrap();
    assert!(!roles.contains("arn:aws:"));
}

#[test]
fn a_bucket_that_is_not_given_by_its_arn_is_refused_before_anything_is_deployed() {
    let given = |value: &str| [("ReportBucketArns".to_owned(), value.to_owned())].into();
    for value in
        ["reports", "arn:aws:s3:::Reports", "arn:aws:s3:::a-bucket,reports", "arn:aws:s3:::a-bucket/*"]
    {
        let surroundings = Surroundings {
            stack: "muster".to_owned(),
            partition: "aws".to_owned(),
            region: "eu-central-1".to_owned(),
            account: "012345678901".to_owned(),
        };
        let error = template().resolve(&surroundings, &given(value)).unwrap_err();
        assert!(error.to_string().contains("AllowedPattern"), "{value}: {error}");
    }
    resolve(&template(), "muster", &given("arn:aws:s3:::a-bucket,arn:aws-us-gov:s3:::another.bucket"));
}
