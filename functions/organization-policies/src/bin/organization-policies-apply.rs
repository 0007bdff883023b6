use organization_policies::OrganizationPolicies;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::serve(runtime::changes::apply_function::<OrganizationPolicies>).await
}
