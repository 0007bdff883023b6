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

/// Whether AWS lets the caller start a report; it starts none.
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
        "DryRunOperation" => Check::pass(NAME, permitted(&root, (!stack.simulated).then_some(&stack.name))),
        "IncorrectState" => Check::unknown(NAME, "another report runs; it is waited for"),
        "UnauthorizedOperation"
        | "DeclarativePoliciesAccessDenied"
        | "DeclarativePoliciesNotEnabled"
        | "InaccessibleStorageLocation" => Check::fail(NAME, error.into_job_error().to_string()),
        _ => Check::unknown(NAME, error.into_job_error().to_string()),
    })
}

/// What an accepted dry run says, and how the function's own role is asked where a stack is deployed:
/// AWS documents a dry run as a check of permissions, and the caller has others than the role.
fn permitted(root: &str, deployed: Option<&String>) -> String {
    let permitted = format!(
        "this caller may start a report of {root}. Whether a dry run also checks trusted access, target and bucket is \
         not established."
    );
    match deployed {
        None => permitted,
        Some(stack) => format!(
            "{permitted} For the function's own role: cargo muster run declarative-policies-report --stack {stack} --request '{{\"dryRun\": true}}'"
        ),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_ask_for_the_functions_role_names_the_stack_or_is_left_out() {
        let named = permitted("r-ab12", Some(&"prod".to_owned()));
        assert!(
            named.ends_with(
                r#"cargo muster run declarative-policies-report --stack prod --request '{"dryRun": true}'"#
            ),
            "{named}"
        );
        let served = permitted("r-ab12", None);
        assert!(!served.contains("muster run"), "{served}");
    }
}
