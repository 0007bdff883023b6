use organizations_access_report::OrganizationsAccessReport;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::plan::<OrganizationsAccessReport>().await
}
