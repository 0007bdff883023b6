//! Which policies there shall be, what they shall say, and where they shall be attached.

use std::collections::{BTreeMap, BTreeSet};

use changes::StopOn;
use errors::JobError;
use management_policies::{PolicyKind, check, check_allowing_not_established};
use models::TargetId;
use organizations::quotas;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most hours that all waves together can be left alone: a run lasts at most a week.
const BAKE_HOURS: u32 = 160;
/// Problems that an error lists.
const PROBLEMS: usize = 20;
/// Tags of ours begin so, and AWS's.
const RESERVED: [&str; 2] = ["aws:", "muster:"];
/// The most tags of a policy (user guide, "Quotas for AWS Organizations": 50), ours left out.
const TAGS: usize = 48;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Desired {
    pub policies: Vec<WishedPolicy>,
    /// In which order targets are changed; all at once without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<WishedWave>,
    /// ARNs of principals, with `*`, that no policy may deny anything; besides Muster's own and AWS
    /// Control Tower's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub protected_principals: BTreeSet<String>,
    /// What is refused unless it is forced, by the name that the refusal tells.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub force: BTreeSet<String>,
    /// Whether contents may have what AWS does not document; AWS then decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_not_established: bool,
}

/// A policy as it shall be. What is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WishedPolicy {
    #[serde(rename = "type")]
    pub policy_type: String,
    /// Unique within the type.
    pub name: String,
    /// The name that it has now, where it shall get another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Needed for a policy that is not there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Map<String, Value>>,
    /// Exactly these; it is detached from all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<BTreeSet<TargetId>>,
    /// Exactly these, besides AWS's and ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// It shall not be there: it is detached from everything and deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
}

/// Targets that are changed together, before any of the next wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WishedWave {
    pub targets: BTreeSet<TargetId>,
    /// How long it is left alone once AWS shows it.
    #[serde(default)]
    pub bake_hours: u32,
    /// What ends the run then.
    #[serde(default = "all_stops")]
    pub stop_on: BTreeSet<StopOn>,
}

fn all_stops() -> BTreeSet<StopOn> {
    [StopOn::NotAsPlanned, StopOn::InvalidEffectivePolicy].into()
}

impl WishedPolicy {
    /// The content as AWS gets it: without white space, which counts.
    pub(crate) fn text(&self) -> Option<String> {
        self.content.as_ref().map(|content| Value::Object(content.clone()).to_string())
    }

    /// How the policy is called in errors.
    pub(crate) fn label(&self) -> String {
        format!("{}/{}", self.policy_type, self.name)
    }

    pub(crate) fn wished_targets(&self) -> Option<BTreeSet<String>> {
        if self.absent {
            return Some(BTreeSet::new());
        }
        self.targets.as_ref().map(|targets| targets.iter().map(|it| it.as_str().to_owned()).collect())
    }
}

impl Desired {
    /// Everything that can be said without asking AWS, all at once.
    pub(crate) fn check(&self) -> Result<(), JobError> {
        let mut problems = Vec::new();
        if self.policies.is_empty() {
            problems.push("policies is empty: name at least one".to_owned());
        }
        let (mut names, mut renamed) = (BTreeSet::new(), BTreeSet::new());
        for policy in &self.policies {
            if !names.insert((&policy.policy_type, &policy.name)) {
                problems.push(format!("{} is named twice", policy.label()));
            }
            if let Some(from) = &policy.rename_from
                && !renamed.insert((&policy.policy_type, from))
            {
                problems.push(format!("{}/{from} is renamed twice", policy.policy_type));
            }
            let label = policy.label();
            let of_policy = check_policy(policy, self.allow_not_established);
            problems.extend(of_policy.into_iter().map(|problem| format!("{label}: {problem}")));
        }
        // Both would be the same policy.
        let both = names.intersection(&renamed);
        problems.extend(
            both.map(|(of, name)| {
                format!("{of}/{name} is renamed, and named besides: do one after the other")
            }),
        );
        problems.extend(self.check_waves());
        for principal in &self.protected_principals {
            if !principal.starts_with("arn:") {
                problems.push(format!("protectedPrincipals: {principal:?} is no ARN, which may have *"));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let more = problems.len().saturating_sub(PROBLEMS);
        problems.truncate(PROBLEMS);
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        Err(JobError::invalid(problems.join("; ")))
    }

    fn check_waves(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.waves.is_empty() {
            return problems;
        }
        let mut of_waves = BTreeSet::new();
        for (number, wave) in self.waves.iter().enumerate() {
            if wave.targets.is_empty() {
                problems.push(format!("wave {} has no targets", number + 1));
            }
            let twice = wave.targets.iter().filter(|target| !of_waves.insert(target.as_str()));
            problems.extend(twice.map(|target| format!("{} is in two waves", target.as_str())));
        }
        let hours = self.waves.iter().fold(0u32, |sum, wave| sum.saturating_add(wave.bake_hours));
        if hours > BAKE_HOURS {
            problems.push(format!(
                "the waves are left alone for {hours} hours in all, and a run can wait {BAKE_HOURS}: plan in parts"
            ));
        }
        for policy in &self.policies {
            let missing = policy.targets.iter().flatten().find(|target| !of_waves.contains(target.as_str()));
            if let Some(target) = missing {
                problems.push(format!("{}: its target {} is in no wave", policy.label(), target.as_str()));
            }
        }
        problems
    }
}

fn check_policy(policy: &WishedPolicy, allow_not_established: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let is_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if policy.policy_type.is_empty()
        || policy.policy_type.len() > 64
        || !policy.policy_type.bytes().all(is_word)
    {
        problems.push("its type is not written as DECLARATIVE_POLICY_EC2".to_owned());
    }
    for name in [Some(&policy.name), policy.rename_from.as_ref()].into_iter().flatten() {
        let characters = name.chars().count();
        if !(1..=128).contains(&characters) || name.chars().any(char::is_control) {
            problems.push("a name has 1 to 128 characters".to_owned());
        }
    }
    if policy.rename_from.as_ref() == Some(&policy.name) {
        problems.push("renameFrom is the name itself".to_owned());
    }
    if policy.description.as_ref().is_some_and(|text| text.chars().count() > 512) {
        problems.push("a description has at most 512 characters".to_owned());
    }
    if policy.absent
        && (policy.content.is_some()
            || policy.targets.is_some()
            || policy.tags.is_some()
            || policy.description.is_some()
            || policy.rename_from.is_some())
    {
        problems.push("it shall be absent: give nothing else of it".to_owned());
    }
    let tags = policy.tags.iter().flatten();
    for (key, value) in tags.clone() {
        if RESERVED.iter().any(|reserved| key.to_lowercase().starts_with(reserved)) {
            problems.push(format!("the tag {key:?} begins as those of AWS or of Muster do"));
        }
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            problems.push(format!("the tag {key:?}: a key has 1 to 128 characters, a value at most 256"));
        }
    }
    if tags.count() > TAGS {
        problems.push(format!("it has more than {TAGS} tags"));
    }
    problems.extend(check_content(policy, allow_not_established));
    problems
}

fn check_content(policy: &WishedPolicy, allow_not_established: bool) -> Vec<String> {
    let (Some(content), Some(text)) = (&policy.content, policy.text()) else { return Vec::new() };
    let mut problems = Vec::new();
    let characters = text.chars().count() as u64;
    if let Some(most) = quotas::policy_characters(&policy.policy_type)
        && characters > most
    {
        problems.push(format!("its content has {characters} characters, and AWS takes {most}"));
    }
    match PolicyKind::from_api(&policy.policy_type) {
        Some(kind) => {
            let checked = match allow_not_established {
                false => check(kind, &text).map(drop),
                true => check_allowing_not_established(kind, &text).map(drop),
            };
            let found = checked.err().unwrap_or_default();
            problems.extend(found.iter().map(|problem| {
                let hint = match problem.kind {
                    management_policies::ProblemKind::Wrong => "",
                    management_policies::ProblemKind::NotEstablished => {
                        " (AWS does not document it: allowNotEstablished lets it pass)"
                    }
                };
                format!("{problem}{hint}")
            }));
        }
        None if is_authorization(&policy.policy_type) && !content.contains_key("Statement") => {
            problems.push("its content has no Statement".to_owned());
        }
        None => {}
    }
    problems
}

/// Whether policies of a type say what is allowed, as documents with statements.
pub(crate) fn is_authorization(policy_type: &str) -> bool {
    matches!(policy_type, "SERVICE_CONTROL_POLICY" | "RESOURCE_CONTROL_POLICY")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(desired: Value) -> Result<(), String> {
        let desired: Desired = serde_json::from_value(desired).map_err(|error| error.to_string())?;
        desired.check().map_err(|error| error.to_string())
    }

    fn imds(tokens: &str) -> Value {
        json!({"ec2_attributes": {"instance_metadata_defaults": {"http_tokens": {"@@assign": tokens}}}})
    }

    fn one(policy: Value) -> Value {
        let mut whole = json!({"type": "DECLARATIVE_POLICY_EC2", "name": "metadata"});
        whole.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        json!({"policies": [whole]})
    }

    #[test]
    fn every_member_is_read_and_written_back() {
        let desired = json!({
            "policies": [
                {
                    "type": "DECLARATIVE_POLICY_EC2",
                    "name": "metadata",
                    "renameFrom": "imds",
                    "description": "Version 2 of the metadata service",
                    "content": imds("required"),
                    "targets": ["ou-ab12-c3d4e5f6"],
                    "tags": {"team": "platform"},
                },
                {"type": "TAG_POLICY", "name": "old", "absent": true},
            ],
            "waves": [{"targets": ["ou-ab12-c3d4e5f6"], "bakeHours": 24, "stopOn": ["invalidEffectivePolicy"]}],
            "protectedPrincipals": ["arn:aws:iam::*:role/BreakGlass"],
            "force": ["foreign-managed:TAG_POLICY/old"],
            "allowNotEstablished": true,
        });
        assert_eq!(checked(desired.clone()), Ok(()));
        let read: Desired = serde_json::from_value(desired.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), desired);
    }

    #[test]
    fn the_syntax_of_a_declarative_policy_is_checked_before_any_call() {
        assert_eq!(checked(one(json!({"content": imds("required")}))), Ok(()));
        let refused = checked(one(json!({"content": imds("always")}))).unwrap_err();
        assert!(refused.contains("/ec2_attributes/instance_metadata_defaults/http_tokens"), "{refused}");
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let refused = checked(json!({
            "policies": [
                {"type": "tags", "name": ""},
                {"type": "TAG_POLICY", "name": "a", "tags": {"aws:x": "", "Muster:y": ""}},
                {"type": "TAG_POLICY", "name": "a", "absent": true, "targets": []},
                {"type": "BACKUP_POLICY", "name": "b", "content": {"plans": "x".repeat(10_000)}},
                {"type": "SERVICE_CONTROL_POLICY", "name": "c", "content": {}, "targets": ["r-ab12"]},
                {"type": "TAG_POLICY", "name": "d", "renameFrom": "e"},
                {"type": "TAG_POLICY", "name": "e", "absent": true},
                {"type": "TAG_POLICY", "name": "f", "renameFrom": "e"},
            ],
            "waves": [{"targets": []}, {"targets": ["012345678901"], "bakeHours": 200}],
            "protectedPrincipals": ["BreakGlass"],
        }))
        .unwrap_err();
        for part in [
            "not written as DECLARATIVE_POLICY_EC2",
            "1 to 128 characters",
            "\"aws:x\"",
            "\"Muster:y\"",
            "named twice",
            "shall be absent",
            "AWS takes 10000",
            "no Statement",
            "TAG_POLICY/e is renamed, and named besides",
            "TAG_POLICY/e is renamed twice",
            "wave 1 has no targets",
            "r-ab12 is in no wave",
            "200 hours",
            "BreakGlass",
        ] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
    }

    #[test]
    fn unknown_members_are_refused() {
        for desired in [
            json!({"policies": [], "wave": []}),
            one(json!({"contents": {}})),
            one(json!({"content": "{}"})),
            one(json!({"targets": ["ou-1"]})),
            json!({"policies": [], "waves": [{"targets": [], "stopOn": ["alarm"]}]}),
        ] {
            assert!(serde_json::from_value::<Desired>(desired.clone()).is_err(), "{desired}");
        }
    }
}
