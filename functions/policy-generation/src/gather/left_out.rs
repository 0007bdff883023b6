//! What is left out on request or by its state: all of it in an object, some of it in the result.

use std::collections::BTreeMap;

use errors::JobError;
use models::keys;
use runtime::RunContext;
use serde_json::{Value, json};
use store::Store;

use super::result::{EXAMPLES, brief};

/// Reasons in the result: ids and tags of the request make them many.
const REASONS: usize = 5;
/// What the others are counted as.
const OTHER: &str = "other reasons";

#[derive(Debug, Default)]
pub(super) struct LeftOut {
    lines: Vec<u8>,
    accounts: u64,
    principals: u64,
    by_reason: BTreeMap<String, u64>,
    examples: Vec<String>,
}

impl LeftOut {
    /// An account that is not worked on.
    pub(super) fn account(&mut self, account: &str, because: &str) -> Result<(), JobError> {
        self.accounts += 1;
        self.add(account, &json!({"account": account, "because": because}), because)
    }

    /// A principal that is not worked on, of an account that is.
    pub(super) fn principal(&mut self, account: &str, arn: &str, because: &str) -> Result<(), JobError> {
        self.principals += 1;
        self.add(arn, &json!({"account": account, "principal": arn, "because": because}), because)
    }

    fn add(&mut self, example: &str, line: &Value, because: &str) -> Result<(), JobError> {
        serde_json::to_writer(&mut self.lines, line).map_err(JobError::defect)?;
        self.lines.push(b'\n');
        let reason = brief(because);
        let has_room = self.by_reason.len() < REASONS || self.by_reason.contains_key(&reason);
        *self.by_reason.entry(if has_room { reason } else { OTHER.to_owned() }).or_default() += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(brief(example));
        }
        Ok(())
    }

    /// Writes the list; answers what the result says of it.
    pub(super) async fn write(mut self, store: &Store, run: RunContext<'_>) -> Result<Value, JobError> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return Ok(self.told(None));
        }
        let key = keys::part(run.run_id, run.item, run.writer, "left-out.jsonl");
        store.put(&key, lines).await?;
        Ok(self.told(Some(&key)))
    }

    /// `count` is of principals; accounts that are left out are counted by themselves.
    pub(super) fn told(&self, list: Option<&str>) -> Value {
        json!({
            "count": self.principals,
            "accounts": self.accounts,
            "byReason": self.by_reason,
            "examples": self.examples,
            "list": list,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_left_out_is_listed_and_the_result_names_a_few_of_the_reasons() {
        let mut left_out = LeftOut::default();
        left_out.account("012345678901", "the account is SUSPENDED").unwrap();
        for number in 0..20 {
            let (arn, because) =
                (format!("arn:aws:iam::012345678902:role/{number}"), format!("excluded by name {number}"));
            left_out.principal("012345678902", &arn, &because).unwrap();
        }
        let told = left_out.told(None);
        assert_eq!((&told["count"], &told["accounts"]), (&json!(20), &json!(1)));
        assert_eq!(told["byReason"][OTHER], 16);
        assert_eq!(told["byReason"].as_object().unwrap().len(), REASONS + 1);
        let lines: Vec<Value> = left_out
            .lines
            .split(|byte| *byte == b'\n')
            .filter_map(|it| serde_json::from_slice(it).ok())
            .collect();
        assert_eq!(lines.len(), 21);
        assert_eq!(lines[20]["principal"], "arn:aws:iam::012345678902:role/19");
    }
}
