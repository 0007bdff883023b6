//! The services whose resources tag policies can be enforced for.
//!
//! AWS's list is the table at
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_supported-resources-enforcement.html>.
//! Its rows are in no stored copy of the page, so the services here come from a public transcription
//! of all rows `service:ALL_SUPPORTED` with enforcement, seen in November 2026, and agree with the
//! services of AWS's own samples. The list is not complete: a service that supports enforcement for
//! single resource types only is missing, and AWS adds services. So a service that is not listed is
//! not established, never wrong.

const SERVICES: &[&str] = &[
    "acm",
    "acm-pca",
    "athena",
    "backup",
    "cloudtrail",
    "cloudwatch",
    "codebuild",
    "codecommit",
    "codepipeline",
    "config",
    "dms",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "eks",
    "elasticache",
    "elasticbeanstalk",
    "elasticfilesystem",
    "elasticmapreduce",
    "entityresolution",
    "events",
    "firehose",
    "fsx",
    "healthlake",
    "internetmonitor",
    "kinesisanalytics",
    "kms",
    "lambda",
    "mq",
    "network-firewall",
    "oam",
    "omics",
    "organizations",
    "pipes",
    "ram",
    "rbin",
    "rds",
    "redshift",
    "redshift-serverless",
    "resource-groups",
    "route53",
    "route53resolver",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "transfer",
    "wisdom",
    "workspaces",
];

/// Whether the service is known to support enforcement. The list is sorted.
pub(crate) fn is_listed(service: &str) -> bool {
    SERVICES.binary_search(&service).is_ok()
}

#[cfg(test)]
mod tests {
    use super::SERVICES;

    #[test]
    fn the_list_of_services_is_sorted() {
        assert!(SERVICES.is_sorted());
    }
}
