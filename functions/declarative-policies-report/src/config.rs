//! What the functions read from their environment.

use std::str::FromStr;

use models::{BucketName, TargetId};
use organizations::Reader;
use organizations::reader::ORGANIZATIONS_RATE_SHARE;
use runtime::environment::{BUCKET, BUCKET_OWNER, DEFAULT_TARGET};
use runtime::identity::MANAGEMENT_READ_ROLE_ARN;
use runtime::{Environment, InvalidEnvironment, Variable};
use store::Store;

const REPORT_BUCKET_ARNS: Variable = Variable {
    name: "MUSTER_REPORT_BUCKET_ARNS",
    default: Some(""),
    description: "ARNs of other buckets, separated by commas, that a request may have its report delivered to.",
};

/// What the functions of this kind read from their environment.
pub const VARIABLES: [Variable; 6] = [
    BUCKET,
    BUCKET_OWNER,
    REPORT_BUCKET_ARNS,
    DEFAULT_TARGET,
    ORGANIZATIONS_RATE_SHARE,
    MANAGEMENT_READ_ROLE_ARN,
];

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    pub(crate) reader: Reader,
    pub(crate) report_buckets: Vec<BucketName>,
    pub(crate) default_target: Option<TargetId>,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        let buckets = environment.list(&REPORT_BUCKET_ARNS)?;
        Ok(Self {
            store: environment.store()?,
            reader: Reader::new(environment)?,
            report_buckets: buckets.into_iter().map(|BucketArn(name)| name).collect(),
            default_target: environment.default_target()?,
        })
    }
}

/// A bucket, by its ARN.
#[derive(Debug)]
struct BucketArn(BucketName);

impl FromStr for BucketArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix("arn:").and_then(|rest| rest.split_once(":s3:::")).map(|(_, name)| name);
        match name.map(str::parse) {
            Some(Ok(name)) => Ok(Self(name)),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(format!("{text:?} is not the ARN of a bucket (arn:aws:s3:::NAME)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_given_by_its_arn_of_any_partition() {
        for arn in ["arn:aws:s3:::evidence", "arn:aws-us-gov:s3:::evidence"] {
            assert_eq!(arn.parse::<BucketArn>().unwrap().0.as_str(), "evidence");
        }
        for text in ["evidence", "arn:aws:s3:::", "arn:aws:s3:::Evidence", "arn:aws:sqs:::evidence"] {
            assert!(text.parse::<BucketArn>().is_err(), "{text}");
        }
    }
}
