use organization_inventory::OrganizationInventory;
use runtime::lanes::LaneStep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::lane::<OrganizationInventory>(LaneStep::Start, "read").await
}
