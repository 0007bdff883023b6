//! The table of dependent permissions.

use std::sync::LazyLock;

use serde::Deserialize;

/// One row of `dependent_actions.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependent {
    pub action: String,
    pub needs: Vec<String>,
    pub on: String,
    #[serde(default)]
    pub when: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    dependent: Vec<Dependent>,
}

static TABLE: LazyLock<Result<Vec<Dependent>, String>> = LazyLock::new(|| {
    toml::from_str::<Table>(include_str!("dependent_actions.toml"))
        .map(|table| table.dependent)
        .map_err(|error| error.to_string())
});

/// The whole table.
pub fn table() -> Result<&'static [Dependent], &'static str> {
    TABLE.as_deref().map_err(String::as_str)
}

/// The rows of one action.
pub fn dependents(action: &str) -> impl Iterator<Item = &'static Dependent> {
    table().unwrap_or_default().iter().filter(move |row| row.action == action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_names_only_what_is_understood() {
        let rows = table().unwrap();
        assert!(rows.len() >= 4);
        for row in rows {
            assert!(matches!(row.on.as_str(), "*" | "bucket" | "key" | "report" | "role"), "{row:?}");
            assert!(matches!(row.when.as_deref(), None | Some("tags" | "kms")), "{row:?}");
        }
    }
}
