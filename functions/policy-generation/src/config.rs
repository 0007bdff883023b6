//! What the functions read from their environment.

use aws_types::SdkConfig;
use errors::JobError;
use models::{AccountId, MemberRole, RunId};
use runtime::environment::{BUCKET, BUCKET_OWNER};
use runtime::identity::MEMBER_ROLE_ARN;
use runtime::{Environment, Identity, InvalidEnvironment, Variable};
use store::Store;

/// Access Analyzer's role in every account.
const ACCESS_ROLE_ARN: Variable = Variable {
    name: "MUSTER_ACCESS_ROLE_ARN",
    default: None,
    description: "Role with which Access Analyzer reads the trail, in every member account, with * for the account.",
};

const TRAIL_ARN: Variable = Variable {
    name: "MUSTER_TRAIL_ARN",
    default: None,
    description: "The organization trail that policies are generated from.",
};

const REGION: Variable = Variable {
    name: "MUSTER_POLICY_GENERATION_REGION",
    default: None,
    description: "Region whose Access Analyzer generates the policies: an account's quotas count in each.",
};

const CONCURRENCY: Variable = Variable {
    name: "MUSTER_POLICY_GENERATION_CONCURRENCY",
    default: Some("100"),
    description: "Accounts that are worked on side by side.",
};

/// What the functions of this kind read from their environment.
pub const VARIABLES: [Variable; 7] =
    [BUCKET, BUCKET_OWNER, MEMBER_ROLE_ARN, ACCESS_ROLE_ARN, TRAIL_ARN, REGION, CONCURRENCY];

/// Regions where AWS allows five generations a day (IAM user guide, "Access Analyzer quotas").
const FIVE_A_DAY: [&str; 5] = ["af-south-1", "ap-east-1", "ap-southeast-3", "eu-south-1", "me-south-1"];

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    /// The function's own.
    aws: SdkConfig,
    member_role: MemberRole,
    pub(crate) access_role: MemberRole,
    pub(crate) trail: String,
    pub(crate) region: String,
    pub(crate) concurrency: u32,
}

impl Config {
    pub(crate) fn new(environment: &Environment) -> Result<Self, InvalidEnvironment> {
        let config = Self {
            store: environment.store()?,
            aws: environment.aws.clone(),
            member_role: environment.get(&MEMBER_ROLE_ARN)?,
            access_role: environment.get(&ACCESS_ROLE_ARN)?,
            trail: environment.get(&TRAIL_ARN)?,
            region: environment.get(&REGION)?,
            concurrency: environment.get(&CONCURRENCY)?,
        };
        match crate::request::is_trail(&config.trail, config.partition()) {
            true => Ok(config),
            false => Err(InvalidEnvironment {
                name: TRAIL_ARN.name.to_owned(),
                problem: format!("{:?} is not the ARN of a trail", config.trail),
            }),
        }
    }

    /// The partition of the accounts' roles.
    pub(crate) fn partition(&self) -> &str {
        self.member_role.as_str().split(':').nth(1).unwrap_or_default()
    }

    /// Generations a day, of an account in the Region: AWS's defaults.
    pub(crate) fn daily_quota(&self) -> u64 {
        if FIVE_A_DAY.contains(&self.region.as_str()) { 5 } else { 50 }
    }

    /// What clients are built from that work in an account.
    pub(crate) async fn session(&self, account: &AccountId, run: &RunId) -> Result<SdkConfig, JobError> {
        Identity::member(&self.member_role, account).config(&self.aws, run).await
    }

    /// The names of Muster's own roles in an account.
    pub(crate) fn own_roles(&self) -> [&str; 2] {
        [&self.member_role, &self.access_role]
            .map(|role| role.as_str().rsplit('/').next().unwrap_or_default())
    }
}
