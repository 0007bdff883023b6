//! What AWS answers of the very jobs that a run ordered, read with other pages and in another order.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{AccessDetail, SortKeyType};
use local_aws::access_reports::{AccessReport, AccessReportState};
use local_aws::connector::sdk_config;
use local_aws::iam::PolicyDocument;
use local_stack::LocalStack;
use models::RunId;
use runtime::Identity;
use serde_json::json;

use super::report_role;

/// The complete reports of a run, by path and policy.
pub(super) type Truth = BTreeMap<(String, Option<String>), (AccessReport, Vec<AccessDetail>)>;

/// Reads every complete report of a run, as the session that ordered it.
pub(super) async fn truth(stack: &LocalStack, run: &RunId) -> Truth {
    let client = session(stack, run).await;
    let mut truth = Truth::new();
    for job in super::own_jobs(stack) {
        if job.state == AccessReportState::Completed && job.caller.ends_with(run.as_str()) {
            let details = details(&client, &job.id).await;
            truth.insert((job.entity_path.clone(), job.policy.clone()), (job, details));
        }
    }
    truth
}

/// Takes on the run's session: in the simulation an administrator may do so once everybody is trusted.
async fn session(stack: &LocalStack, run: &RunId) -> Client {
    let arn = report_role(stack);
    let mut role = stack.aws.roles()[&arn].clone();
    let everybody =
        json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]});
    role.trust = PolicyDocument::parse(&everybody).unwrap().into();
    stack.aws.put_role(&arn, role);
    let administrator = stack.administrator();
    let own = sdk_config(&stack.aws, &administrator, runtime::aws::retries(), runtime::aws::timeouts());
    let role = Identity::Management(arn.parse().unwrap());
    Client::new(&role.config(&own, run).await.unwrap())
}

async fn details(client: &Client, job: &str) -> Vec<AccessDetail> {
    let mut details = Vec::new();
    let mut marker = None;
    loop {
        let page = client.get_organizations_access_report().job_id(job).max_items(37);
        let page = page.sort_key(SortKeyType::LastAuthenticatedTimeDescending).set_marker(marker);
        let page = page.send().await.unwrap();
        details.extend_from_slice(page.access_details());
        if !page.is_truncated {
            return details;
        }
        marker = page.marker;
    }
}
