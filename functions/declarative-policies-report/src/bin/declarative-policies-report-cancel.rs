use declarative_policies_report::DeclarativePoliciesReport;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::cancel::<DeclarativePoliciesReport>().await
}
