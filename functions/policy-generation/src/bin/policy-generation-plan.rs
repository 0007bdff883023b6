use policy_generation::PolicyGeneration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::plan::<PolicyGeneration>().await
}
