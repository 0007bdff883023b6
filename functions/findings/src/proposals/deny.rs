//! Service control policies that deny what nobody below a unit has used.

use std::collections::{BTreeMap, BTreeSet};

use models::Kind;
use organizations::quotas;
use serde_json::{Value, json};

use super::{Draft, ProposalKind, Proposed, above, from_the_root, is_excepted, name_of, outdated};
use crate::evaluate::{Evaluation, UnitServices};
use crate::exceptions::Exceptions;
use crate::kinds::FindingKind;

const TYPE: &str = "SERVICE_CONTROL_POLICY";

/// Services that are not proposed to be denied, whether or not anybody shows their use: without them
/// nobody signs in, nobody is helped or billed, nothing is recorded, and AWS's own tools of governance stop.
const NEVER_DENIED: [&str; 38] = [
    "access-analyzer",
    "account",
    "aws-portal",
    "billing",
    "budgets",
    "cloudformation",
    "cloudtrail",
    "config",
    "consolidatedbilling",
    "controltower",
    "freetier",
    "guardduty",
    "health",
    "iam",
    "identitystore",
    "identitystore-auth",
    "invoicing",
    "kms",
    "logs",
    "notifications",
    "notifications-contacts",
    "organizations",
    "payments",
    "ram",
    "securityhub",
    "servicequotas",
    "signin",
    "sso",
    "sso-directory",
    "sso-oauth",
    "sts",
    "support",
    "supportplans",
    "sustainability",
    "tag",
    "tax",
    "trustedadvisor",
    "user-subscriptions",
];

pub(super) fn drafts(evaluation: &Evaluation, exceptions: &Exceptions, protected: &[String]) -> Vec<Draft> {
    let mut proposed: Proposed<String> = BTreeMap::new();
    let mut drafts = Vec::new();
    let why_not = outdated(evaluation, Kind::OrganizationsAccessReport)
        .or_else(|| outdated(evaluation, Kind::OrganizationInventory));
    for (unit, place) in from_the_root(&evaluation.services.0, |it| &it.id, &evaluation.places) {
        let draft = || Draft::of(ProposalKind::DenyUnusedServices, &unit.id, &place.name);
        if let Some((why, newcomers)) =
            why_not.clone().map(|why| (why, [].as_slice())).or_else(|| withheld(unit))
        {
            let count = newcomers.len() as u64 + if newcomers.is_empty() { 0 } else { unit.more_newcomers };
            drafts.push(draft().withheld(why, newcomers, count));
            continue;
        }
        let already = above(&proposed, place);
        let kind = FindingKind::ServiceUnused;
        let denied: BTreeSet<String> = unit
            .not_used
            .iter()
            .filter(|service| !already.contains(*service) && !NEVER_DENIED.contains(&service.as_str()))
            .filter(|service| !is_excepted(exceptions, &evaluation.places, kind, &unit.id, service))
            .cloned()
            .collect();
        if denied.is_empty() {
            continue;
        }
        let policies = split(&denied, protected);
        drafts.push(with_policies(draft(), unit, &denied, &policies));
        proposed.insert(unit.id.clone(), denied);
    }
    drafts
}

/// Why nothing can be proposed for a unit, and the accounts that are the reason.
fn withheld(unit: &UnitServices) -> Option<(String, &[String])> {
    let because = |why: &str| Some((why.to_owned(), [].as_slice()));
    if unit.unknown > 0 {
        return because(&format!("Of {} services nobody can say whether they are used.", unit.unknown));
    }
    match &unit.newcomers {
        None => because(
            "Nobody can say which accounts lay below the unit when the report was made, and which do now.",
        ),
        Some(newcomers) if newcomers.is_empty() => None,
        Some(newcomers) => {
            let why = "Accounts lie below the unit now that the report has not counted there: what they use, nobody has asked.";
            Some((why.to_owned(), newcomers))
        }
    }
}

/// The policies that deny services, each within the size that AWS allows.
fn split(denied: &BTreeSet<String>, protected: &[String]) -> Vec<Value> {
    let most = quotas::policy_characters(TYPE).unwrap_or(0);
    let mut policies = Vec::new();
    let mut part: Vec<&str> = Vec::new();
    for service in denied {
        part.push(service);
        if document(&part, protected).to_string().chars().count() as u64 > most && part.len() > 1 {
            part.pop();
            policies.push(document(&part, protected));
            part = vec![service];
        }
    }
    policies.push(document(&part, protected));
    policies
}

fn document(services: &[&str], protected: &[String]) -> Value {
    let actions: Vec<String> = services.iter().map(|service| format!("{service}:*")).collect();
    let mut statement =
        json!({"Sid": "DenyUnusedServices", "Effect": "Deny", "Action": actions, "Resource": "*"});
    if !protected.is_empty() {
        statement["Condition"] = json!({"ArnNotLike": {"aws:PrincipalArn": protected}});
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn with_policies(
    mut draft: Draft,
    unit: &UnitServices,
    denied: &BTreeSet<String>,
    policies: &[Value],
) -> Draft {
    let named = policies.iter().map(|content| {
        json!({
            "type": TYPE,
            "name": name_of("muster-deny-unused", &unit.id, content),
            "targets": [unit.id],
            "content": content,
        })
    });
    draft.content = Some(json!({"policies": named.collect::<Vec<_>>()}));
    draft.name = format!("deny-unused-{}", unit.id);
    draft.proposal.why = format!(
        "None of the {} accounts below it has used these {} services for {} days, as IAM tells. It says nothing of \
         what is needed once a year, nor of accounts that are yet to come.",
        unit.accounts_in_scope,
        denied.len(),
        unit.tracking_days
    );
    draft.proposal.apply = "The file is what organization-policies takes as desired: \
                            `cargo muster plan organization-policies --desired FILE`, first on a unit of few accounts."
        .to_owned();
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_services_are_denied_by_several_policies_each_of_which_aws_would_take() {
        let denied: BTreeSet<String> = (0..1_500).map(|number| format!("service-{number:04}")).collect();
        let protected = ["arn:aws:iam::*:role/AWSControlTowerExecution".to_owned()];
        let policies = split(&denied, &protected);
        assert!(policies.len() > 1);
        let mut all = BTreeSet::new();
        for policy in &policies {
            assert!(policy.to_string().chars().count() <= 10_240);
            assert_eq!(
                policy["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"],
                json!(protected)
            );
            let actions = policy["Statement"][0]["Action"].as_array().unwrap().iter();
            all.extend(actions.map(|it| it.as_str().unwrap().trim_end_matches(":*").to_owned()));
        }
        assert_eq!(all, denied);
    }

    #[test]
    fn nothing_is_proposed_where_a_service_is_unknown_or_an_account_was_not_asked() {
        let unit = |unknown, newcomers: Option<&[&str]>| UnitServices {
            unknown,
            newcomers: newcomers.map(|all| all.iter().map(|it| (*it).to_owned()).collect()),
            not_used: ["s3".to_owned()].into(),
            ..UnitServices::default()
        };
        assert_eq!(withheld(&unit(0, Some(&[]))), None);
        let of = unit(1, Some(&[]));
        let (why, accounts) = withheld(&of).unwrap();
        assert!(why.contains("Of 1 services") && accounts.is_empty(), "{why}");
        let of = unit(0, None);
        let (why, accounts) = withheld(&of).unwrap();
        assert!(why.contains("which accounts lay below the unit") && accounts.is_empty(), "{why}");
        let of = unit(0, Some(&["012345678901"]));
        let (why, accounts) = withheld(&of).unwrap();
        assert!(why.contains("has not counted there"), "{why}");
        assert_eq!(accounts, ["012345678901"]);
    }
}
