//! Switches of the accounts' roles and users.

/// Which roles and users accounts have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalSettings {
    /// How many of them every account has, beside those that are deployed.
    pub number: usize,
    /// Of a hundred, so many have never done anything of which AWS knows.
    pub idle_percent: u64,
    /// ARNs of those that are gone since.
    pub deleted: Vec<String>,
}

impl Default for PrincipalSettings {
    fn default() -> Self {
        Self { number: 8, idle_percent: 25, deleted: Vec::new() }
    }
}
