//! The resources of a generated policy that is asked for with placeholders.
//!
//! AWS documents one of them, `arn:aws:s3:::${BucketName}`; the others follow the ARN formats of the
//! Service Authorization Reference, and are not established.

const KNOWN: [(&str, &str); 13] = [
    ("dynamodb", "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}"),
    ("ec2", "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}"),
    ("ecr", "arn:${Partition}:ecr:${Region}:${Account}:repository/${RepositoryName}"),
    ("iam", "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"),
    ("kms", "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"),
    ("lambda", "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"),
    ("logs", "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}"),
    ("s3", "arn:${Partition}:s3:::${BucketName}"),
    ("secretsmanager", "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:${SecretId}"),
    ("sns", "arn:${Partition}:sns:${Region}:${Account}:${TopicName}"),
    ("sqs", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"),
    ("ssm", "arn:${Partition}:ssm:${Region}:${Account}:parameter/${ParameterNameWithoutLeadingSlash}"),
    ("states", "arn:${Partition}:states:${Region}:${Account}:stateMachine:${StateMachineName}"),
];

/// Whether an action is about a resource: what lists or describes many is about none here.
pub(super) fn names_resource(action: &str) -> bool {
    !["List", "Describe", "BatchDescribe", "GetAccount", "GetAuthorization"]
        .iter()
        .any(|prefix| action.starts_with(prefix))
}

/// What is to be filled in for a service's resources. The partition is known.
pub(super) fn of(namespace: &str, partition: &str) -> String {
    let known = KNOWN.iter().find(|(name, _)| *name == namespace);
    let pattern = match known {
        Some((_, pattern)) => (*pattern).to_owned(),
        None => format!(
            "arn:${{Partition}}:{namespace}:${{Region}}:${{Account}}:${{ResourceType}}/${{ResourceName}}"
        ),
    };
    pattern.replace("${Partition}", partition)
}
