//! What can be asked for: a batch of accounts, in the request itself or as a CSV.

use errors::JobError;
use models::digest::sha256;
use models::keys::REQUESTS;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::batch;
use crate::wished::Wished;

/// The longest key that S3 takes.
const KEY_BYTES: usize = 1_024;

/// Exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<Wished>>,
    /// A CSV under `requests/` in the stack's bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts_key: Option<String>,
}

/// Where the batch is.
pub(crate) enum Source<'a> {
    Here(&'a [Wished]),
    Csv(&'a str),
}

impl Request {
    pub(crate) fn source(&self) -> Result<Source<'_>, JobError> {
        match (&self.accounts, &self.accounts_key) {
            (Some(accounts), None) => Ok(Source::Here(accounts)),
            (None, Some(key)) => Ok(Source::Csv(key)),
            _ => Err(JobError::invalid("give exactly one of accounts and accountsKey")),
        }
    }

    pub(crate) fn check(&self) -> Result<(), JobError> {
        match self.source()? {
            Source::Here(accounts) => batch::check(accounts, |number| format!("account {}", number + 1)),
            Source::Csv(key) if !is_key(key) => Err(JobError::invalid(format!(
                "accountsKey must begin with {REQUESTS}, end with .csv, and have at most {KEY_BYTES} bytes"
            ))),
            Source::Csv(_) => Ok(()),
        }
    }

    /// The request without the addresses in it: of a batch in the request, how many and which digest.
    pub(crate) fn shown(&self) -> Result<Value, JobError> {
        Ok(match self.source()? {
            Source::Csv(key) => json!({"accountsKey": key}),
            Source::Here(accounts) => {
                let digests = accounts.iter().map(Wished::digest).collect::<Result<Vec<_>, _>>()?;
                json!({"accounts": accounts.len(), "sha256": sha256(digests.concat())})
            }
        })
    }
}

fn is_key(key: &str) -> bool {
    key.len() <= KEY_BYTES
        && key.starts_with(REQUESTS)
        && key.to_ascii_lowercase().ends_with(".csv")
        && !key.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(request: Value) -> Result<Request, String> {
        let request: Request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        request.check().map_err(|error| error.to_string())?;
        Ok(request)
    }

    #[test]
    fn every_member_is_read_and_written_back() {
        let request = json!({"accounts": [{
            "email": "data@example.com",
            "name": "Data platform",
            "parent": "ou-ab12-c3d4e5f6",
            "roleName": "Administrator",
            "iamUserAccessToBilling": "DENY",
            "tags": {"team": "data"},
            "govCloud": true,
        }]});
        assert_eq!(serde_json::to_value(parse(request.clone()).unwrap()).unwrap(), request);
        let key = json!({"accountsKey": "requests/2026/accounts.csv"});
        assert_eq!(serde_json::to_value(parse(key.clone()).unwrap()).unwrap(), key);
    }

    #[test]
    fn unknown_members_and_more_or_less_than_one_batch_are_refused() {
        let one = json!({"email": "data@example.com", "name": "Data"});
        for request in [
            json!({}),
            json!({"accounts": []}),
            json!({"accounts": [one], "accountsKey": "requests/accounts.csv"}),
            json!({"accountsKey": "runs/accounts.csv"}),
            json!({"accountsKey": "requests/accounts.json"}),
            json!({"accounts": [one], "acceptControlTower": true}),
            json!({"accounts": [{"email": "data@example.com", "name": "Data", "ou": "ou-ab12-c3d4e5f6"}]}),
            json!({"accounts": [{"name": "Data"}]}),
        ] {
            assert!(parse(request.clone()).is_err(), "{request}");
        }
    }

    #[test]
    fn what_a_result_shows_of_a_batch_has_no_address_and_tells_batches_apart() {
        let of = |email: &str| {
            let request = parse(json!({"accounts": [{"email": email, "name": "Data"}]})).unwrap();
            request.shown().unwrap()
        };
        let shown = of("data@example.com");
        assert_eq!(shown["accounts"], 1);
        assert!(!shown.to_string().contains("example"), "{shown}");
        assert_ne!(shown, of("date@example.com"));
    }
}
