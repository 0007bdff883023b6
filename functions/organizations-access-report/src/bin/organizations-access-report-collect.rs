use organizations_access_report::OrganizationsAccessReport;
use runtime::lanes::LaneStep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::lane::<OrganizationsAccessReport>(LaneStep::Collect, "collect").await
}
