//! Organizations' quotas. Source: Organizations user guide, "Quotas for AWS Organizations". `None` where
//! AWS documents none.

/// The most characters of a policy of a type; white space counts.
pub fn policy_characters(policy_type: &str) -> Option<u64> {
    Some(match policy_type {
        "SERVICE_CONTROL_POLICY" => 10_240,
        "RESOURCE_CONTROL_POLICY" => 5_120,
        "AISERVICES_OPT_OUT_POLICY" => 2_500,
        "DECLARATIVE_POLICY_EC2"
        | "BACKUP_POLICY"
        | "TAG_POLICY"
        | "CHATBOT_POLICY"
        | "SECURITYHUB_POLICY" => 10_000,
        _ => return None,
    })
}

/// The most policies of a type that are attached to one root, unit or account; AWS's own count.
pub fn attached_policies(policy_type: &str) -> Option<usize> {
    Some(match policy_type {
        "SERVICE_CONTROL_POLICY"
        | "DECLARATIVE_POLICY_EC2"
        | "BACKUP_POLICY"
        | "TAG_POLICY"
        | "SECURITYHUB_POLICY" => 10,
        "RESOURCE_CONTROL_POLICY" | "CHATBOT_POLICY" | "AISERVICES_OPT_OUT_POLICY" => 5,
        _ => return None,
    })
}

/// The most policies of a type.
pub fn policies(policy_type: &str) -> usize {
    match policy_type {
        "SERVICE_CONTROL_POLICY" => 10_000,
        "RESOURCE_CONTROL_POLICY" => 2_000,
        _ => 1_000,
    }
}
