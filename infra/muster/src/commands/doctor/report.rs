//! The report itself: whether AWS would start one, and whether one runs.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::ReportState;
use errors::AwsError;

use super::Check;
use crate::client::{BUCKET, Stack};
use crate::{Done, Problem};

pub(super) async fn checks(stack: &Stack) -> Done<Vec<Check>> {
    let client = Client::new(&stack.sdk);
    Ok(vec![dry_run(stack, &client).await?, running(&client).await])
}

/// Whether AWS would start a report; it starts none.
async fn dry_run(stack: &Stack, client: &Client) -> Done<Check> {
    const NAME: &str = "dry run";
    let roots = aws_sdk_organizations::Client::new(&stack.sdk).list_roots().send().await;
    let root = match roots {
        Ok(roots) => roots.roots().first().and_then(|root| root.id()).map(str::to_owned),
        Err(error) => return Ok(Check::refused(NAME, &Problem::aws("organizations:ListRoots")(error))),
    };
    let Some(root) = root else { return Ok(Check::unknown(NAME, "Organizations listed no root")) };
    let answered = client
        .start_declarative_policies_report()
        .dry_run(true)
        .target_id(&root)
        .s3_bucket(stack.output(BUCKET)?)
        .s3_prefix("raw/doctor")
        .send()
        .await;
    let error = match answered {
        Ok(_) => return Ok(Check::unknown(NAME, "AWS accepted a dry run as if it were a start")),
        Err(error) => AwsError::new("ec2:StartDeclarativePoliciesReport", &error),
    };
    Ok(match error.code() {
        "DryRunOperation" => Check::pass(
            NAME,
            format!(
                "AWS would start a report of {root} for this caller. For the function's own role: muster run --request '{{\"dryRun\": true}}'"
            ),
        ),
        "IncorrectState" => Check::unknown(NAME, "another report runs; it is waited for"),
        "UnauthorizedOperation"
        | "DeclarativePoliciesAccessDenied"
        | "DeclarativePoliciesNotEnabled"
        | "InaccessibleStorageLocation" => Check::fail(NAME, error.into_job_error().to_string()),
        _ => Check::unknown(NAME, error.into_job_error().to_string()),
    })
}

async fn running(client: &Client) -> Check {
    const NAME: &str = "report running";
    let mut token: Option<String> = None;
    loop {
        let answered =
            client.describe_declarative_policies_reports().set_next_token(token.clone()).send().await;
        let page = match answered {
            Ok(page) => page,
            Err(error) => {
                return Check::refused(NAME, &Problem::aws("ec2:DescribeDeclarativePoliciesReports")(error));
            }
        };
        if let Some(report) = page.reports().iter().find(|it| it.status() == Some(&ReportState::Running)) {
            return Check::unknown(
                NAME,
                format!(
                    "{} of {} runs. AWS runs one at a time: a run begins by waiting for it.",
                    report.report_id().unwrap_or_default(),
                    report.target_id().unwrap_or_default()
                ),
            );
        }
        let next = page.next_token().filter(|next| !next.is_empty()).map(str::to_owned);
        // A token that comes again would be followed for ever.
        if next.is_none() || next == token {
            return Check::pass(NAME, "none");
        }
        token = next;
    }
}
