use organization_inventory::OrganizationInventory;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::lambda::plan::<OrganizationInventory>().await
}
