//! An account makes its organization.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::error;
use super::super::input::Request;
use super::super::reads::tree;
use crate::organization::Organization;
use crate::wire::ApiError;

pub(in super::super) const OPERATION: &str = "CreateOrganization";

pub(in super::super) fn create_organization(
    organization: &mut Organization,
    request: Request<'_>,
    now: Timestamp,
) -> Result<Value, ApiError> {
    let features = request.word("FeatureSet", &["ALL", "CONSOLIDATED_BILLING"])?;
    if organization.account(request.caller).is_none() {
        // It would get an organization of its own.
        return Err(error("UnknownOperationException", "a second organization is not simulated"));
    }
    if organization.exists {
        return Err(error(
            "AlreadyInOrganizationException",
            "The AWS account is already a member of an organization.",
        ));
    }
    organization.found(features != Some("CONSOLIDATED_BILLING"), now);
    organization.last_write = Some(now);
    Ok(json!({"Organization": tree::organization(organization)}))
}
