//! What the tests of the operations begin with.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Organizations, call};
use crate::iam::Principal;
use crate::organization::{Organization, Shape, generate};
use crate::settings::Settings;
use crate::wire::ApiError;

/// An organization, its switches, and its time.
pub(super) struct Tested {
    pub(super) organization: Organization,
    pub(super) settings: Settings,
    pub(super) now: Timestamp,
    pub(super) partition: &'static str,
}

impl Tested {
    pub(super) fn new() -> Self {
        Self::of(&Shape { accounts: 60, ..Shape::default() })
    }

    pub(super) fn of(shape: &Shape) -> Self {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 50);
        Self { organization: generate(shape, now), settings: Settings::default(), now, partition: "aws" }
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.now += SignedDuration::from_secs(i64::try_from(seconds).unwrap());
    }

    /// What somebody of an account is answered.
    pub(super) fn call_as(&mut self, account: &str, operation: &str, body: Value) -> Result<Value, ApiError> {
        let mut service = Organizations {
            organization: &mut self.organization,
            settings: &mut self.settings,
            partition: self.partition,
            now: self.now,
        };
        call(&mut service, &Principal::administrator(account), operation, &body)
    }

    /// What the management account is answered.
    pub(super) fn call(&mut self, operation: &str, body: Value) -> Result<Value, ApiError> {
        let account = self.organization.management_account.clone();
        self.call_as(&account, operation, body)
    }

    pub(super) fn ok(&mut self, operation: &str, body: Value) -> Value {
        match self.call(operation, body.clone()) {
            Ok(answer) => answer,
            Err(error) => panic!("{operation} {body}: {error} {:?}", error.reason),
        }
    }

    /// The code of an error, with its reason if it has one: `InvalidInputException/INVALID_ENUM`.
    pub(super) fn refused(&mut self, operation: &str, body: Value) -> String {
        match self.call(operation, body.clone()) {
            Ok(answer) => panic!("{operation} {body}: {answer}"),
            Err(error) => code(&error),
        }
    }

    /// A new tag policy with these values of one key.
    pub(super) fn tag_policy(&mut self, name: &str, values: &[&str]) -> String {
        let body = json!({"Name": name, "Description": "d", "Type": "TAG_POLICY", "Content": tags(values)});
        id(&self.ok("CreatePolicy", body))
    }

    /// The values of that key in an account's effective policy.
    pub(super) fn effective(&mut self, account: &str) -> Value {
        let body = json!({"PolicyType": "TAG_POLICY", "TargetId": account});
        let answer = self.ok("DescribeEffectivePolicy", body);
        let content = answer["EffectivePolicy"]["PolicyContent"].as_str().unwrap();
        serde_json::from_str::<Value>(content).unwrap()["tags"]["new"]["tag_value"].clone()
    }

    /// How a policy type is.
    pub(super) fn status(&mut self, kind: &str) -> Option<String> {
        let roots = self.ok("ListRoots", json!({}));
        let types = roots["Roots"][0]["PolicyTypes"].as_array().unwrap();
        let found = types.iter().find(|it| it["Type"] == kind)?;
        found["Status"].as_str().map(str::to_owned)
    }
}

pub(super) fn code(error: &ApiError) -> String {
    match error.reason {
        Some(reason) => format!("{}/{reason}", error.code),
        None => error.code.clone(),
    }
}

/// A tag policy's content that sets the values of one key.
pub(super) fn tags(values: &[&str]) -> String {
    json!({"tags": {"new": {"tag_key": {"@@assign": "New"}, "tag_value": {"@@assign": values}}}}).to_string()
}

/// The id of a policy that was answered.
pub(super) fn id(answer: &Value) -> String {
    answer["Policy"]["PolicySummary"]["Id"].as_str().unwrap().to_owned()
}

/// So many tags.
pub(super) fn many_tags(count: usize) -> Value {
    (0..count).map(|number| json!({"Key": format!("k{number}"), "Value": "v"})).collect()
}
