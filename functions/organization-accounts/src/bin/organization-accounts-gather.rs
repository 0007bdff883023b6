use organization_accounts::OrganizationAccounts;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::gather::<OrganizationAccounts>().await
}
