//! Declarative policies that set what all accounts of a unit have already: they change nothing today.

use std::collections::{BTreeMap, BTreeSet};

use management_policies::{PolicyKind, check, reported_setting};
use models::Kind;
use serde_json::{Map, Value, json};

use super::{Draft, ProposalKind, Proposed, above, from_the_root, is_excepted, name_of, outdated};
use crate::evaluate::{Evaluation, Unit};
use crate::exceptions::Exceptions;
use crate::kinds::FindingKind;

/// Where images are limited, criteria say to which, and the report does not tell those as a policy does.
const ALLOWED_IMAGES: &str = "/ec2_attributes/allowed_images_settings/state";
const NOT_LIMITED: &str = "disabled";

pub(super) fn drafts(evaluation: &Evaluation, exceptions: &Exceptions) -> Vec<Draft> {
    let mut proposed: Proposed<String> = BTreeMap::new();
    let mut drafts = Vec::new();
    let why_not = outdated(evaluation, Kind::DeclarativePoliciesReport)
        .or_else(|| outdated(evaluation, Kind::OrganizationInventory));
    for (unit, place) in from_the_root(&evaluation.attributes.units, |it| &it.id, &evaluation.places) {
        let draft = Draft::of(ProposalKind::DeclarativePolicy, &unit.id, &place.name);
        if let Some(why) = &why_not {
            drafts.push(draft.withheld(why, &[], 0));
            continue;
        }
        if !unit.missing.is_empty() || unit.blocked > 0 {
            let why = match unit.missing.as_str() {
                "" => format!("Of {} of {} accounts, something is unknown.", unit.blocked, unit.accounts),
                missing => format!("What is missing may be anywhere: {missing}."),
            };
            drafts.push(draft.withheld(why, &unit.blocked_by, unit.blocked));
            continue;
        }
        let already = above(&proposed, place);
        let settings = settings(unit, evaluation, &already, exceptions);
        if settings.is_empty() {
            continue;
        }
        proposed.insert(unit.id.clone(), settings.keys().cloned().collect());
        drafts.push(with_policy(draft, unit, &settings));
    }
    drafts
}

/// The settings that a unit is ready for, in groups that are whole and valid by themselves.
fn settings<'a>(
    unit: &'a Unit,
    evaluation: &Evaluation,
    already: &BTreeSet<String>,
    exceptions: &Exceptions,
) -> BTreeMap<String, &'a Value> {
    let is_open = |path: &str, attribute: &str| {
        let kind = FindingKind::AttributeReady;
        !already.contains(path) && !is_excepted(exceptions, &evaluation.places, kind, &unit.id, attribute)
    };
    let whole = whole_groups(unit, evaluation);
    let mut groups: BTreeMap<&str, BTreeMap<String, &Value>> = BTreeMap::new();
    for (path, ready) in &unit.ready {
        if whole.contains(group(path)) && is_open(path, &ready.attribute) {
            groups.entry(group(path)).or_default().insert(path.clone(), &ready.value);
        }
    }
    // A group that needs another setting, of which nobody knows the value, is left out.
    groups.retain(|_, settings| check(PolicyKind::DeclarativeEc2, &content(settings).to_string()).is_ok());
    groups.into_values().flatten().collect()
}

/// The group of settings that a setting is in.
fn group(path: &str) -> &str {
    path.split('/').nth(2).unwrap_or_default()
}

/// The groups of which every attribute that the report has is ready in a unit. What a policy does to the
/// settings of a group that it leaves out is not established.
fn whole_groups(unit: &Unit, evaluation: &Evaluation) -> BTreeSet<String> {
    let mut groups: BTreeMap<String, bool> = BTreeMap::new();
    let mut settings = BTreeSet::new();
    for readiness in &evaluation.attributes.readiness {
        let Some(path) = reported_setting(&readiness.attribute) else { continue };
        let is_ready = unit.ready.get(&path).is_some_and(|ready| {
            ready.attribute == readiness.attribute && (path != ALLOWED_IMAGES || ready.value == NOT_LIMITED)
        });
        // Two attributes that are one setting tell nothing together.
        let is_alone = settings.insert(path.clone());
        *groups.entry(group(&path).to_owned()).or_insert(true) &= is_ready && is_alone;
    }
    groups.into_iter().filter(|(_, is_whole)| *is_whole).map(|(group, _)| group).collect()
}

/// A policy that sets these.
fn content(settings: &BTreeMap<String, &Value>) -> Value {
    let mut content = Value::Object(Map::new());
    for (path, value) in settings {
        let mut at = &mut content;
        for key in path.split('/').filter(|key| !key.is_empty()) {
            at = &mut at[key];
        }
        *at = json!({"@@assign": value});
    }
    content
}

fn with_policy(mut draft: Draft, unit: &Unit, settings: &BTreeMap<String, &Value>) -> Draft {
    let content = content(settings);
    draft.content = Some(json!({"policies": [{
        "type": PolicyKind::DeclarativeEc2.api(),
        "name": name_of("muster-as-it-is", &unit.id, &content),
        "targets": [unit.id],
        "content": content,
    }]}));
    draft.name = format!("declarative-{}", unit.id);
    draft.proposal.why = format!(
        "All {} accounts below it have the same in every Region of the report, of {} {}, and nothing of theirs is \
         missing: the policy changes nothing today and keeps it so.",
        unit.accounts,
        settings.len(),
        if settings.len() == 1 { "setting" } else { "settings" }
    );
    draft.proposal.apply = "The file is what organization-policies takes as desired: \
                            `cargo muster plan organization-policies --desired FILE`, read the plan, apply it by its digest."
        .to_owned();
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_built_from_the_pointers_of_its_settings() {
        let (one, two) = (json!("enabled"), json!("required"));
        let settings = [
            ("/ec2_attributes/serial_console_access/status".to_owned(), &one),
            ("/ec2_attributes/instance_metadata_defaults/http_tokens".to_owned(), &two),
        ];
        let content = content(&settings.into());
        assert_eq!(
            content,
            json!({"ec2_attributes": {
                "serial_console_access": {"status": {"@@assign": "enabled"}},
                "instance_metadata_defaults": {"http_tokens": {"@@assign": "required"}}
            }})
        );
        assert!(check(PolicyKind::DeclarativeEc2, &content.to_string()).is_ok());
    }
}
