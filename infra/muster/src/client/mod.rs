//! A stack, wherever it is: deployed to AWS, served by `muster up`, or in this process.

mod executions;
mod lanes;
mod objects;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::origin::Origin;
use aws_types::region::Region;
use jiff::Timestamp;
use local_aws::connector::sdk_config;
use local_aws::iam::Credentials as LocalCredentials;
use local_clock::Clock;
use local_stack::LocalStack;
use models::Kind;

pub(crate) use executions::{Ended, Listed, Seen};
pub(crate) use lanes::Lanes;
pub(crate) use objects::Objects;

use crate::arguments::At;
use crate::kinds::{KINDS, Known};
use crate::local;
use crate::{Done, Problem};

/// A stack and how to reach it.
#[derive(Debug)]
pub(crate) struct Stack {
    pub name: String,
    pub sdk: SdkConfig,
    /// What is waited by between two looks.
    clock: Clock,
    /// Whether it is simulated.
    pub simulated: bool,
    /// Whether `clock` is the stack's own. The clock of a simulated stack in another process goes at
    /// a speed of its own, and only its time stamps show it.
    clock_is_its_own: bool,
    outputs: BTreeMap<String, String>,
    /// How long to wait between two looks at a run.
    interval: Duration,
    /// Where its buckets are folders.
    folder: Option<PathBuf>,
}

/// The output of the template that is the stack's bucket.
pub(crate) const BUCKET: &str = "BucketName";

fn real_time() -> Clock {
    Clock::scaled(Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH), 1.0)
}

impl Stack {
    /// A stack in this process.
    pub(crate) fn local(stack: &LocalStack, folder: PathBuf) -> Self {
        Self {
            name: local::STACK.to_owned(),
            sdk: sdk_config(
                &stack.aws,
                &stack.administrator(),
                runtime::aws::retries(),
                runtime::aws::timeouts(),
            ),
            clock: stack.aws.clock().clone(),
            simulated: true,
            clock_is_its_own: true,
            outputs: stack.resolved.outputs.clone(),
            interval: Duration::from_secs(15),
            folder: Some(folder),
        }
    }

    /// The stack that the arguments name.
    pub(crate) async fn at(at: &At) -> Done<Self> {
        match &at.stack {
            Some(name) => Self::deployed(name).await,
            None => Self::served(&at.endpoint).await,
        }
    }

    /// A stack that is deployed to AWS, with the credentials and the Region of the environment.
    pub(crate) async fn deployed(name: &str) -> Done<Self> {
        let sdk = runtime::aws::sdk_config().await;
        if sdk.region().is_none() {
            return Err(Problem::other("no AWS Region is set. Set AWS_REGION, or a profile that has one."));
        }
        Self::of_cloudformation(name, sdk, Duration::from_secs(5), false).await
    }

    /// The stack that `muster up` serves.
    async fn served(endpoint: &str) -> Done<Self> {
        let LocalCredentials { access_key_id, secret_access_key } = LocalCredentials::administrator();
        let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "muster up");
        let mut sdk = runtime::aws::sdk_config()
            .await
            .into_builder()
            .endpoint_url(endpoint)
            .region(Region::new(local::REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        // Or AWS_ENDPOINT_URL and the profile would come before what was typed.
        sdk.insert_origin("endpoint_url", Origin::shared_config());
        let sdk = sdk.build();
        Self::of_cloudformation(local::STACK, sdk, Duration::from_secs(1), true).await.map_err(|problem| {
            Problem::other(format!(
                "{problem}\nNothing answers at {endpoint}, it seems. Type `cargo muster up` in another terminal, \
                 or name a deployed stack with --stack."
            ))
        })
    }

    async fn of_cloudformation(
        name: &str,
        sdk: SdkConfig,
        interval: Duration,
        simulated: bool,
    ) -> Done<Self> {
        let described = aws_sdk_cloudformation::Client::new(&sdk)
            .describe_stacks()
            .stack_name(name)
            .send()
            .await
            .map_err(Problem::aws("cloudformation:DescribeStacks"))?;
        let stack = described.stacks().first();
        let outputs = stack.map(|it| it.outputs()).unwrap_or_default();
        let outputs = outputs
            .iter()
            .filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned())));
        let outputs = outputs.collect();
        Ok(Self {
            name: name.to_owned(),
            sdk,
            clock: real_time(),
            simulated,
            clock_is_its_own: !simulated,
            outputs,
            interval,
            folder: None,
        })
    }

    /// How a command names this stack; `None` when it is gone with this process.
    pub(crate) fn named(&self) -> Option<String> {
        match (self.simulated, &self.folder, self.sdk.endpoint_url()) {
            (false, ..) => Some(format!("--stack {}", self.name)),
            (true, None, Some(endpoint)) => Some(format!("--endpoint {endpoint}")),
            _ => None,
        }
    }

    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> Done<&str> {
        self.outputs.get(name).map(String::as_str).ok_or_else(|| {
            Problem::other(format!(
                "the stack {} has no output {name}: it is not Muster's, or of another version",
                self.name
            ))
        })
    }

    /// The state machines of the stack, each with its kind. One that was deployed from an older
    /// template has fewer.
    pub(crate) fn machines(&self) -> Done<Vec<(&'static Known, &str)>> {
        let machine = |known: &'static Known| Some((known, self.outputs.get(known.machine)?.as_str()));
        let machines: Vec<_> = KINDS.iter().filter_map(machine).collect();
        if machines.is_empty() {
            return Err(Problem::other(format!("the stack {} has no state machine of Muster's", self.name)));
        }
        Ok(machines)
    }

    /// The state machine of a kind.
    pub(crate) fn machine(&self, kind: Kind) -> Done<&str> {
        let machine = self.machines()?.into_iter().find(|(known, _)| known.kind == kind);
        machine.map(|(_, arn)| arn).ok_or_else(|| {
            Problem::other(format!("the stack {} runs no {kind}: deploy it from this version", self.name))
        })
    }

    /// Where somebody finds an object of the stack's bucket.
    pub(crate) fn shown(&self, key: &str) -> Done<String> {
        let bucket = self.output(BUCKET)?;
        Ok(match &self.folder {
            Some(folder) => folder.join(bucket).join(key).display().to_string(),
            None => format!("s3://{bucket}/{key}"),
        })
    }

    /// The file that an object of the stack's bucket is, where it is on this machine.
    pub(crate) fn file(&self, key: &str) -> Done<Option<PathBuf>> {
        let bucket = self.output(BUCKET)?;
        Ok(self.folder.as_ref().map(|folder| folder.join(bucket).join(key)))
    }

    /// As [`Stack::shown`], for an `s3://` address of any bucket.
    pub(crate) fn shown_address(&self, address: &str) -> String {
        match (&self.folder, address.strip_prefix("s3://")) {
            (Some(folder), Some(rest)) => folder.join(rest).display().to_string(),
            _ => address.to_owned(),
        }
    }
}

#[cfg(test)]
impl Stack {
    /// A stack that is deployed, with nothing behind it.
    pub(crate) fn of_tests() -> Self {
        Self {
            name: "prod".to_owned(),
            sdk: SdkConfig::builder().build(),
            clock: Clock::scaled(Timestamp::UNIX_EPOCH, 1.0),
            simulated: false,
            clock_is_its_own: true,
            outputs: BTreeMap::new(),
            interval: Duration::ZERO,
            folder: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_of_an_older_template_runs_what_it_has() {
        let mut stack = Stack::of_tests();
        assert!(stack.machines().is_err());
        stack.outputs.insert("ReportStateMachineArn".to_owned(), "arn:x".to_owned());
        assert_eq!(stack.machines().unwrap().len(), 1);
        assert_eq!(stack.machine(Kind::DeclarativePoliciesReport).unwrap(), "arn:x");
        let error = stack.machine(Kind::OrganizationInventory).unwrap_err().to_string();
        assert_eq!(error, "the stack prod runs no organization-inventory: deploy it from this version");
    }

    #[test]
    fn a_stack_is_named_as_it_was_and_one_of_this_process_is_not() {
        let mut stack = Stack::of_tests();
        assert_eq!(stack.named().as_deref(), Some("--stack prod"));
        stack.simulated = true;
        stack.sdk = SdkConfig::builder().endpoint_url("http://127.0.0.1:1").build();
        assert_eq!(stack.named().as_deref(), Some("--endpoint http://127.0.0.1:1"));
        stack.folder = Some(PathBuf::new());
        assert_eq!(stack.named(), None);
    }
}
