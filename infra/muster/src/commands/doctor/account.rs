//! The caller, the bucket, the state machine, and Lambda's limits.

use aws_sdk_s3::error::SdkError;

use super::Check;
use crate::client::{BUCKET, REPORT_MACHINE, Stack};
use crate::{Done, Problem};

/// Concurrent executions that the functions of one run and the sweep need at the most.
const CONCURRENCY: i32 = 3;

/// Who asks.
#[derive(Debug)]
pub(super) struct Caller(Result<(String, String), Problem>);

pub(super) async fn caller(stack: &Stack) -> Caller {
    let answered = aws_sdk_sts::Client::new(&stack.sdk).get_caller_identity().send().await;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Caller(
        answered
            .map(|caller| (text(caller.account()), text(caller.arn())))
            .map_err(Problem::aws("sts:GetCallerIdentity")),
    )
}

impl Caller {
    pub(super) fn account(&self) -> Option<&str> {
        self.0.as_ref().ok().map(|(account, _)| account.as_str())
    }

    pub(super) fn check(&self) -> Check {
        match &self.0 {
            Ok((_, arn)) => {
                Check::pass("caller", format!("{arn}. The checks are made with its permissions."))
            }
            Err(problem) => Check::refused("caller", problem),
        }
    }
}

pub(super) async fn checks(stack: &Stack, caller: &Caller) -> Done<Vec<Check>> {
    Ok(vec![machine(stack).await?, bucket(stack, caller).await?, list(stack).await, concurrency(stack).await])
}

async fn machine(stack: &Stack) -> Done<Check> {
    const NAME: &str = "state machine";
    let described = aws_sdk_sfn::Client::new(&stack.sdk)
        .describe_state_machine()
        .state_machine_arn(stack.output(REPORT_MACHINE)?)
        .send()
        .await;
    Ok(match described {
        Ok(machine) => Check::pass(NAME, machine.state_machine_arn().to_owned()),
        Err(error) => Check::refused(NAME, &Problem::aws("states:DescribeStateMachine")(error)),
    })
}

async fn bucket(stack: &Stack, caller: &Caller) -> Done<Check> {
    const NAME: &str = "bucket";
    let bucket = stack.output(BUCKET)?;
    let head = aws_sdk_s3::Client::new(&stack.sdk).head_bucket().bucket(bucket);
    let head = match caller.account() {
        Some(account) => head.expected_bucket_owner(account),
        None => head,
    };
    let region = stack.sdk.region().map(ToString::to_string).unwrap_or_default();
    Ok(match head.send().await {
        Ok(answered) => match answered.bucket_region() {
            Some(there) if there == region => {
                Check::pass(NAME, format!("{bucket} in {there}, of this account"))
            }
            Some(there) => Check::fail(
                NAME,
                format!(
                    "{bucket} is in {there}, and reports are written only to the Region they are asked in: {region}"
                ),
            ),
            None => Check::unknown(NAME, format!("{bucket} is there; S3 did not say in which Region")),
        },
        // S3 gives HEAD no error text: the status is all there is.
        Err(SdkError::ServiceError(error)) => Check::fail(
            NAME,
            format!(
                "{bucket}: S3 answered {}. Either it is gone, or it is another account's, or the caller may not see it.",
                error.raw().status()
            ),
        ),
        Err(error) => Check::refused(NAME, &Problem::aws("s3:HeadBucket")(error)),
    })
}

async fn list(stack: &Stack) -> Check {
    const NAME: &str = "bucket, read";
    let listed = match stack.objects() {
        Ok(objects) => objects.keys("runs/", 1).await,
        Err(problem) => Err(problem),
    };
    match listed {
        Ok(_) => Check::pass(NAME, "runs/ can be listed. Writing is not tried: it would change something."),
        Err(problem) => Check::refused(NAME, &problem),
    }
}

async fn concurrency(stack: &Stack) -> Check {
    const NAME: &str = "Lambda concurrency";
    let settings = aws_sdk_lambda::Client::new(&stack.sdk).get_account_settings().send().await;
    let limit = match settings {
        Ok(settings) => settings.account_limit().and_then(|limit| limit.unreserved_concurrent_executions()),
        Err(error) => return Check::refused(NAME, &Problem::aws("lambda:GetAccountSettings")(error)),
    };
    match limit {
        Some(limit) if limit >= CONCURRENCY => Check::pass(
            NAME,
            format!("{limit} unreserved executions; a run and the sweep need {CONCURRENCY}"),
        ),
        Some(limit) => Check::fail(
            NAME,
            format!(
                "{limit} unreserved executions, and a run and the sweep need {CONCURRENCY}. Ask for a higher quota."
            ),
        ),
        None => Check::unknown(NAME, "Lambda did not say"),
    }
}
