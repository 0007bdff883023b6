use std::collections::HashSet;

use super::*;
use crate::organization::{Shape, generate};
use crate::services::services;

fn now() -> Timestamp {
    "2026-11-21T06:30:00Z".parse().unwrap()
}

fn organization(accounts: usize) -> Organization {
    generate(&Shape { accounts, ..Shape::default() }, now())
}

fn settings(number: usize) -> PrincipalSettings {
    PrincipalSettings { number, ..PrincipalSettings::default() }
}

#[test]
fn two_thousand_accounts_with_sixty_principals_each_are_all_different_and_the_same_again() {
    let (organization, settings) = (organization(2_000), settings(60));
    let (mut arns, mut ids) = (HashSet::new(), HashSet::new());
    for account in &organization.accounts {
        let members = of_account(&organization, account, "aws", &settings);
        assert_eq!(members.len(), 60);
        assert!(members.iter().all(|it| it.arn.contains(&format!(":iam::{}:", account.id))));
        let of_account: HashSet<_> = members.iter().map(|it| (it.kind.word(), it.name.as_str())).collect();
        assert_eq!(of_account.len(), 60, "names are an account's own, whatever the paths");
        arns.extend(members.iter().map(|it| it.arn.clone()));
        ids.extend(members.into_iter().map(|it| it.id));
    }
    assert_eq!((arns.len(), ids.len()), (120_000, 120_000));
    let account = &organization.accounts[7];
    let again = generate(&Shape { accounts: 2_000, ..Shape::default() }, now());
    let members = of_account(&organization, account, "aws", &settings);
    assert_eq!(members, of_account(&again, account, "aws", &settings));
}

#[test]
fn what_is_listed_is_found_and_nothing_else() {
    let (organization, mut settings) = (organization(20), settings(60));
    for account in &organization.accounts {
        for member in of_account(&organization, account, "aws-cn", &settings) {
            assert_eq!(find(&organization, &member.arn, &settings).as_ref(), Some(&member));
            assert_eq!(find(&organization, &format!("{}x", member.arn), &settings), None);
            let without_path = member.arn.replace(&member.path, "/");
            assert!(member.path == "/" || find(&organization, &without_path, &settings).is_none());
        }
    }
    let listed = of_account(&organization, &organization.accounts[3], "aws", &settings);
    settings.deleted = vec![listed[9].arn.clone()];
    assert_eq!(find(&organization, &listed[9].arn, &settings), None);
    assert_eq!(of_account(&organization, &organization.accounts[3], "aws", &settings).len(), 59);
    settings.number = 9;
    assert!(find(&organization, &listed[8].arn, &settings).is_some());
    assert_eq!(find(&organization, &listed[10].arn, &settings), None);
    for arn in ["", "arn:aws:iam::1:role/x", "arn:aws:iam", "role/x"] {
        assert_eq!(find(&organization, arn, &settings), None, "{arn}");
    }
}

#[test]
fn names_and_paths_are_what_iam_allows_and_use_all_of_it() {
    let organization = organization(200);
    let mut characters = HashSet::new();
    for account in &organization.accounts {
        for member in of_account(&organization, account, "aws", &settings(24)) {
            let word = |it: char| it.is_ascii_alphanumeric() || "_+=,.@-".contains(it);
            assert!(member.name.len() <= 64 && member.name.chars().all(word), "{}", member.name);
            assert!(member.path.starts_with('/') && member.path.ends_with('/'));
            assert!(member.path.bytes().all(|byte| (0x21..=0x7E).contains(&byte)), "{}", member.path);
            assert_eq!(member.id.len(), 21);
            assert!(member.created > account.joined - SignedDuration::from_secs(1) && member.created < now());
            characters.extend(member.name.chars());
        }
    }
    assert!("_+=,.@-".chars().all(|it| characters.contains(&it)));
}

#[test]
fn an_account_of_eight_has_every_kind() {
    let organization = organization(3);
    let members = of_account(&organization, &organization.accounts[1], "aws", &PrincipalSettings::default());
    let count = |is: fn(&Member) -> bool| members.iter().filter(|it| is(it)).count();
    assert_eq!(members.len(), 8);
    assert_eq!(count(|it| it.kind == MemberKind::User), 2);
    assert_eq!(count(Member::is_service_linked), 1);
    assert!(count(|it| it.path != "/") > 3 && count(|it| it.boundary.is_some()) == 2);
    assert!(count(|it| !it.groups.is_empty()) == 1 && count(|it| it.instance_profile) == 1);
    assert!(
        count(|it| it.tags.iter().any(|(key, _)| key == "team")) > 3 && count(|it| it.tags.is_empty()) > 0
    );
    assert!(members.iter().all(|it| it.trust.is_some() == (it.kind == MemberKind::Role)));
}

#[test]
fn every_policy_that_is_named_is_there_and_every_document_is_json() {
    let organization = organization(60);
    for account in &organization.accounts {
        let members = of_account(&organization, account, "aws", &settings(60));
        for arn in members.iter().flat_map(|it| it.attached.iter().chain(&it.boundary)) {
            let policy = policies::managed(&organization, account, "aws", arn).unwrap();
            assert_eq!(policy.arn, *arn);
            assert!(arn.ends_with(&format!("{}{}", policy.path, policy.name)));
            assert_eq!(policy.versions.iter().filter(|it| it.default).count(), 1);
        }
        let groups = policies::groups(&organization, account, "aws");
        for group in members.iter().flat_map(|it| &it.groups) {
            assert!(groups.iter().any(|it| it.name == *group));
        }
        let held = members.iter().flat_map(|it| it.policies(&organization));
        let own = policies::customer_managed(&organization, account, "aws");
        let versions = own.into_iter().flat_map(|it| it.versions).map(|it| it.document);
        for document in held.map(|it| it.document).chain(versions) {
            let read: serde_json::Value = serde_json::from_str(&document).unwrap();
            assert!(!read["Statement"].is_null());
        }
    }
}

#[test]
fn about_one_in_four_does_nothing_and_about_a_third_of_the_used_services_have_tracked_actions() {
    let organization = organization(60);
    let (mut idle, mut all, mut used, mut tracked, mut granted) = (0, 0, 0, 0, 0);
    for account in &organization.accounts {
        for member in of_account(&organization, account, "aws", &settings(60)) {
            let uses = member.uses(&organization, now());
            assert!(uses.windows(2).all(|pair| pair[0].namespace < pair[1].namespace));
            let active: Vec<_> = uses.iter().filter(|it| it.last.is_some()).collect();
            all += 1;
            idle += usize::from(active.is_empty());
            let newest = active.iter().filter_map(|it| it.last).max();
            let last_used = member.last_used(&organization, now());
            assert_eq!(last_used.as_ref().map(|(at, _)| *at), newest);
            assert!(last_used.is_none_or(|(at, region)| {
                active.iter().any(|it| it.last == Some(at) && it.region.as_ref() == Some(&region))
            }));
            granted += uses.len();
            used += active.len();
            tracked += active.iter().filter(|it| it.actions.iter().any(|it| it.tracked)).count();
        }
    }
    assert!((20..=33).contains(&(idle * 100 / all)), "{idle} of {all}");
    assert!((25..=42).contains(&(tracked * 100 / used)), "{tracked} of {used}");
    assert!(granted > used * 2, "{granted} granted, {used} used");
}

#[test]
fn nothing_is_used_that_is_not_allowed_nor_before_there_was_somebody_nor_later_than_shows() {
    let organization = organization(30);
    let shows = now() - SignedDuration::from_hours(4);
    let mut actions = 0;
    for account in &organization.accounts {
        for member in of_account(&organization, account, "aws", &settings(24)) {
            for service in member.uses(&organization, now()) {
                let last = service.last;
                assert!(last.is_none_or(|at| at >= member.created && at <= shows));
                assert_eq!(service.region.is_some(), last.is_some());
                let newest = service.actions.iter().filter_map(|it| it.last).max();
                assert!(service.actions.is_empty() || newest == last, "{service:?}");
                actions += service.actions.len();
            }
        }
    }
    assert!(actions > 100);
    let listed = of_account(&organization, &organization.accounts[1], "aws", &settings(24));
    let people = listed.iter().find(|it| it.name.contains("AdministratorAccess")).unwrap();
    assert_eq!(people.uses(&organization, now()).len(), services().len(), "everything is granted");
    let all_but = listed.iter().find(|it| it.name.starts_with('=')).unwrap();
    assert!(all_but.uses(&organization, now()).iter().filter(|it| it.namespace == "account").count() == 0);
}

#[test]
fn a_role_that_is_deployed_reads_back_as_what_it_was_deployed_with() {
    use crate::iam::{PolicyDocument, Role};
    use serde_json::json;

    let organization = organization(2);
    let account = &organization.accounts[1];
    let parse = |document: serde_json::Value| PolicyDocument::parse(&document).unwrap();
    let role = Role {
        policy: parse(json!({"Statement": [{"Effect": "Allow", "Action": "iam:Get*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1", "x": ["a", "b"]}}}]}))
        .into(),
        trust: parse(json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com", "AWS": "123456789012"}}}))
        .into(),
    };
    let arn = format!("arn:aws:iam::{}:role/a/b/muster", account.id);
    let member = Member::deployed(&organization, account, &arn, &role).unwrap();
    assert_eq!((member.path.as_str(), member.name.as_str()), ("/a/b/", "muster"));
    let read = |text: &str| parse(serde_json::from_str(text).unwrap());
    assert_eq!(read(&member.inline[0].document), *role.policy);
    let trust = read(member.trust.as_ref().unwrap());
    assert_eq!(trust.statements[0].actions, role.trust.statements[0].actions);
    let mut principals = trust.statements[0].principals.clone();
    principals.sort();
    assert_eq!(principals, ["123456789012", "lambda.amazonaws.com"]);
    let uses: Vec<_> = member.uses(&organization, now()).into_iter().map(|it| it.namespace).collect();
    assert_eq!(uses, ["iam"]);
}

#[test]
fn thousands_of_principals_did_the_same_whether_they_are_listed_or_found_by_their_arns() {
    let (organization, settings) = (organization(60), settings(60));
    let mut used = 0;
    for account in &organization.accounts {
        for listed in of_account(&organization, account, "aws", &settings) {
            let found = find(&organization, &listed.arn, &settings).unwrap();
            let uses = found.uses(&organization, now());
            assert_eq!(uses, listed.uses(&organization, now()), "{}", listed.arn);
            used += uses.iter().filter(|it| it.last.is_some()).count();
        }
    }
    assert!(used > 10_000, "{used}");
}
