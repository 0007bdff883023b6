use findings::Findings;
use runtime::lifecycle::{Step, function};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::serve(|environment| function::<Findings>(Step::Publish, environment)).await
}
