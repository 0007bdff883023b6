//! Configuration: environment variables, read once at cold start and validated there.
//!
//! Each function declares its variables in one table of [`Variable`]s; the template, the README and
//! a test of the repository are held to it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_types::SdkConfig;
use models::{AccountId, BucketName, Kind, TargetId};
use store::Store;

use crate::Metrics;

/// One environment variable of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    /// What an absent or empty variable means; `None` makes it required.
    pub default: Option<&'static str>,
    pub description: &'static str,
}

/// The bucket that all of Muster's state and evidence lies in.
pub const BUCKET: Variable =
    Variable { name: "MUSTER_BUCKET", default: None, description: "Bucket of runs, raw reports and tables." };

/// The account that must own it.
pub const BUCKET_OWNER: Variable = Variable {
    name: "MUSTER_BUCKET_OWNER",
    default: None,
    description: "Account that must own every bucket that is used; S3 refuses the call otherwise.",
};

/// The target of requests that name none.
pub const DEFAULT_TARGET: Variable = Variable {
    name: "MUSTER_DEFAULT_TARGET",
    default: Some(""),
    description: "Root, organizational unit or account of requests without targetId; empty: the organization's root.",
};

/// Whom no policy may deny anything: Muster's own roles, and AWS Control Tower's in the accounts that it manages
/// (AWS Control Tower user guide, "How AWS Control Tower works with roles to create and manage accounts").
pub const PROTECTED_PRINCIPALS: Variable = Variable {
    name: "MUSTER_PROTECTED_PRINCIPALS",
    default: Some(""),
    description: "ARNs, with *, of the principals that no policy may deny anything unless it is forced.",
};

/// What a function is given when it starts.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    pub aws: SdkConfig,
    pub metrics: Arc<dyn Metrics>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the values: a Lambda's environment holds its credentials.
        f.debug_struct("Environment").field("variables", &self.variables.keys()).finish_non_exhaustive()
    }
}

/// A variable that is missing or not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} {problem}")]
pub struct InvalidEnvironment {
    pub name: String,
    pub problem: String,
}

impl Environment {
    pub fn new(variables: BTreeMap<String, String>, aws: SdkConfig, metrics: Arc<dyn Metrics>) -> Self {
        Self { variables, aws, metrics }
    }

    /// The variable's value, or its default.
    pub fn get<T>(&self, variable: &Variable) -> Result<T, InvalidEnvironment>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let given = self.variables.get(variable.name).map(String::as_str).filter(|text| !text.is_empty());
        let Some(text) = given.or(variable.default) else {
            return Err(invalid(variable, "is not set and has no default"));
        };
        text.parse().map_err(|error| invalid(variable, error))
    }

    /// The variable's value as a comma-separated list; empty when it is not set.
    pub fn list<T>(&self, variable: &Variable) -> Result<Vec<T>, InvalidEnvironment>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let text: String = self.get(variable)?;
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().map_err(|error| invalid(variable, error)))
            .collect()
    }

    /// The variable's value as a comma-separated list of `KIND=ARN`; empty when it is not set.
    pub fn by_kind(&self, variable: &Variable) -> Result<BTreeMap<Kind, String>, InvalidEnvironment> {
        Ok(self.list::<Pair>(variable)?.into_iter().map(|Pair(kind, arn)| (kind, arn)).collect())
    }

    /// The stack's default target, if it has one.
    pub fn default_target(&self) -> Result<Option<TargetId>, InvalidEnvironment> {
        Ok(self.list(&DEFAULT_TARGET)?.into_iter().next())
    }

    /// The stack's bucket.
    pub fn store(&self) -> Result<Store, InvalidEnvironment> {
        let bucket: BucketName = self.get(&BUCKET)?;
        let owner: AccountId = self.get(&BUCKET_OWNER)?;
        Ok(Store::new(aws_sdk_s3::Client::new(&self.aws), bucket, owner))
    }
}

/// `KIND=ARN`.
struct Pair(Kind, String);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, arn) = text.split_once('=').ok_or_else(|| format!("{text:?} is not KIND=ARN"))?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
        let kind = kind.ok_or_else(|| format!("{name:?} is not a kind of job"))?;
        if !arn.starts_with("arn:") {
            return Err(format!("{arn:?} is not an ARN"));
        }
        Ok(Self(kind, arn.to_owned()))
    }
}

fn invalid(variable: &Variable, problem: impl fmt::Display) -> InvalidEnvironment {
    InvalidEnvironment { name: variable.name.to_owned(), problem: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Discard;

    const SHARE: Variable = Variable { name: "SHARE", default: Some("0.5"), description: "" };
    const BUCKETS: Variable = Variable { name: "BUCKETS", default: Some(""), description: "" };

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment::new(variables, SdkConfig::builder().build(), Arc::new(Discard))
    }

    #[test]
    fn a_variable_is_its_value_else_its_default_else_an_error() {
        assert_eq!(environment(&[("SHARE", "0.25")]).get(&SHARE), Ok(0.25));
        assert_eq!(environment(&[("SHARE", "")]).get(&SHARE), Ok(0.5));
        let missing = environment(&[]).get::<BucketName>(&BUCKET).unwrap_err();
        assert_eq!(missing.to_string(), "environment variable MUSTER_BUCKET is not set and has no default");
        let malformed = environment(&[("MUSTER_BUCKET", "No")]).get::<BucketName>(&BUCKET).unwrap_err();
        assert!(malformed.to_string().starts_with("environment variable MUSTER_BUCKET \"No\" is not"));
    }

    #[test]
    fn a_list_may_be_empty_but_not_hold_a_bad_element() {
        assert_eq!(environment(&[]).list::<BucketName>(&BUCKETS), Ok(Vec::new()));
        assert_eq!(environment(&[("BUCKETS", "abc, abd")]).list::<BucketName>(&BUCKETS).unwrap().len(), 2);
        assert!(environment(&[("BUCKETS", "abc,X")]).list::<BucketName>(&BUCKETS).is_err());
    }

    #[test]
    fn a_pair_needs_a_known_kind_and_an_arn() {
        assert!("declarative-policies-report=arn:aws:lambda:x".parse::<Pair>().is_ok());
        for text in ["declarative-policies-report", "unknown=arn:aws:x", "declarative-policies-report=name"] {
            assert!(text.parse::<Pair>().is_err(), "{text}");
        }
    }

    #[test]
    fn values_of_the_environment_are_never_printed() {
        let printed = format!("{:?}", environment(&[("AWS_SECRET_ACCESS_KEY", "hunter2")]));
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
