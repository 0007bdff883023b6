use organization_setup::OrganizationSetup;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::serve(runtime::changes::plan_function::<OrganizationSetup>).await
}
