use organization_accounts::OrganizationAccounts;
use runtime::lanes::LaneStep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::lane::<OrganizationAccounts>(LaneStep::Start, "start").await
}
