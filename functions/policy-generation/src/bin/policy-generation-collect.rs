use policy_generation::PolicyGeneration;
use runtime::lanes::LaneStep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::lane::<PolicyGeneration>(LaneStep::Collect, "collect").await
}
