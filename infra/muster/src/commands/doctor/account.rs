//! The caller, the bucket, the state machines, and Lambda's limits.

use aws_sdk_s3::error::SdkError;
use models::Kind;

use super::Check;
use crate::client::{BUCKET, Stack};
use crate::kinds::KINDS;
use crate::{Done, Problem};

/// Concurrent executions of the sweep, with the function that it calls.
const SWEEP: i32 = 2;

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
    let mut checks = machines(stack).await?;
    checks.extend([bucket(stack, caller).await?, list(stack).await, concurrency(stack).await]);
    checks.push(member_roles(stack));
    Ok(checks)
}

/// The roles of member accounts trust the stack's functions alone, so that nobody else can look.
fn member_roles(stack: &Stack) -> Check {
    const NAME: &str = "member roles";
    if stack.machine(Kind::PolicyGeneration).is_err() {
        return Check::pass(
            NAME,
            "not needed: without MemberRoleArn, AccessRoleArn and TrailArn the stack generates no policies",
        );
    }
    let ask = match stack.simulated {
        true => String::new(),
        false => format!(
            " To have these ask five accounts: cargo muster run policy-generation --estimate --stack {}",
            stack.name
        ),
    };
    Check::unknown(NAME, format!("they trust the stack's functions alone.{ask}"))
}

async fn machines(stack: &Stack) -> Done<Vec<Check>> {
    const NAME: &str = "state machine";
    let client = aws_sdk_sfn::Client::new(&stack.sdk);
    let mut checks = Vec::new();
    for (_, machine) in stack.machines()? {
        let described = client.describe_state_machine().state_machine_arn(machine).send().await;
        checks.push(match described {
            Ok(machine) => Check::pass(NAME, machine.state_machine_arn().to_owned()),
            Err(error) => Check::refused(NAME, &Problem::aws("states:DescribeStateMachine")(error)),
        });
    }
    Ok(checks)
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
    let needed = KINDS.iter().map(|known| known.at_once).max().unwrap_or(0) + SWEEP;
    let settings = aws_sdk_lambda::Client::new(&stack.sdk).get_account_settings().send().await;
    let limit = match settings {
        Ok(settings) => settings.account_limit().and_then(|limit| limit.unreserved_concurrent_executions()),
        Err(error) => return Check::refused(NAME, &Problem::aws("lambda:GetAccountSettings")(error)),
    };
    match limit {
        Some(limit) if limit >= needed => Check::pass(
            NAME,
            format!("{limit} unreserved executions; a run and the sweep need {needed} at most"),
        ),
        Some(limit) => Check::fail(
            NAME,
            format!(
                "{limit} unreserved executions, and a run and the sweep need {needed} at most. Ask for a higher quota."
            ),
        ),
        None => Check::unknown(NAME, "Lambda did not say"),
    }
}
