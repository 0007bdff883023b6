use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-22T00:00:00Z";

/// A role or user; the account is in its ARN.
fn principal(kind: PrincipalKind, path: &str, name: &str) -> Principal {
    Principal {
        id: "AROAEXAMPLE".parse().unwrap(),
        arn: format!("arn:aws:iam::012345678901:{}{path}{name}", kind.as_str()),
        name: name.to_owned(),
        path: path.to_owned(),
        kind,
        created: None,
        tags: BTreeMap::new(),
        last_used: None,
        last_region: None,
    }
}

fn role(name: &str) -> Principal {
    principal(PrincipalKind::Role, "/", name)
}

fn discovered(request: Value, principals: &[Principal]) -> Discovered {
    let request: Request = serde_json::from_value(request).unwrap();
    let described =
        principals.iter().map(|it| Described { principal: it.clone(), policies: Vec::new() }).collect();
    let own = ["MusterPolicyGeneration", "AccessAnalyzerMonitorServiceRole_Muster"];
    discover(&request, &"012345678901".parse().unwrap(), described, &own, NOW.parse().unwrap())
}

/// The names of those that are chosen, and the others with the reason.
fn told(discovered: &Discovered) -> (Vec<&str>, Vec<(&str, &str)>) {
    let chosen = discovered.chosen.iter().map(|it| it.principal.name.as_str()).collect();
    let left_out = discovered.left_out.iter().map(|(it, why)| (it.name.as_str(), why.as_str())).collect();
    (chosen, left_out)
}

/// Why the request leaves this one out.
fn why(request: Value, principal: &Principal) -> Option<String> {
    let mut discovered = discovered(request, std::slice::from_ref(principal));
    assert_eq!(discovered.chosen.len() + discovered.left_out.len(), 1);
    assert!(discovered.not_found.is_empty());
    discovered.left_out.pop().map(|(_, why)| why)
}

#[test]
fn without_filters_all_are_chosen_but_service_linked_and_own_roles() {
    let principals = [
        role("reader"),
        principal(PrincipalKind::User, "/", "anna"),
        principal(PrincipalKind::Role, "/aws-service-role/ecs.amazonaws.com/", "AWSServiceRoleForECS"),
        principal(PrincipalKind::Role, "/muster/", "MusterPolicyGeneration"),
        principal(PrincipalKind::Role, "/service-role/", "AccessAnalyzerMonitorServiceRole_Muster"),
        // Neither a service's role nor a user of that name is one of them.
        principal(PrincipalKind::Role, "/service-role/", "AccessAnalyzerMonitorServiceRole_Other"),
        principal(PrincipalKind::User, "/", "MusterPolicyGeneration"),
    ];
    let discovered = discovered(json!({}), &principals);
    let linked = "a service-linked role: only AWS can change its policies";
    let own = "one of Muster's own roles";
    let chosen = ["reader", "anna", "AccessAnalyzerMonitorServiceRole_Other", "MusterPolicyGeneration"];
    let left_out = [
        ("AWSServiceRoleForECS", linked),
        ("MusterPolicyGeneration", own),
        ("AccessAnalyzerMonitorServiceRole_Muster", own),
    ];
    assert_eq!(told(&discovered), (chosen.to_vec(), left_out.to_vec()));
    assert!(discovered.not_found.is_empty());
}

#[test]
fn named_principals_are_chosen_and_nothing_else() {
    let request = json!({"principals": [
        "arn:aws:iam::012345678901:role/reader",
        "arn:aws:iam::012345678901:role/gone",
        "arn:aws:iam::012345678901:user/reader",
        "arn:aws:iam::999999999999:role/other",
    ]});
    let discovered = discovered(request, &[role("reader"), role("writer")]);
    assert_eq!(told(&discovered), (vec!["reader"], Vec::new()));
    // That of another account is for that account to find.
    let missing = ["arn:aws:iam::012345678901:role/gone", "arn:aws:iam::012345678901:user/reader"];
    assert_eq!(discovered.not_found, missing);
}

#[test]
fn an_account_of_which_nothing_is_named_has_nothing_to_do() {
    let request = json!({"principals": ["arn:aws:iam::999999999999:role/other"]});
    let discovered = discovered(request, &[role("reader")]);
    assert_eq!(told(&discovered), (Vec::new(), Vec::new()));
    assert!(discovered.not_found.is_empty());
}

#[test]
fn service_linked_and_own_roles_are_left_out_even_if_they_are_named() {
    let linked =
        principal(PrincipalKind::Role, "/aws-service-role/ecs.amazonaws.com/", "AWSServiceRoleForECS");
    let own = role("MusterPolicyGeneration");
    let request = json!({"principals": [linked.arn, own.arn]});
    let discovered = discovered(request, &[linked, own]);
    let (chosen, left_out) = told(&discovered);
    assert_eq!((chosen.len(), left_out.len(), discovered.not_found.len()), (0, 2, 0));
}

#[test]
fn a_principal_is_left_out_by_its_kind_path_name_tag_or_age() {
    let mut it = principal(PrincipalKind::Role, "/team/a/", "app-reader+1");
    it.created = Some("2026-10-23T00:00:00Z".parse().unwrap());
    it.tags = [("stage".to_owned(), "prod".to_owned())].into();
    assert_eq!(why(json!({}), &it), None);
    for (filter, because) in [
        (json!({"kinds": ["role"]}), "kind role"),
        (json!({"pathPrefixes": ["/other/", "/team/"]}), "path /team/"),
        (json!({"names": ["app-*"]}), "name app-*"),
        (json!({"names": ["app-reade?+1"]}), "name app-reade?+1"),
        (json!({"names": ["app-reader+1"]}), "name app-reader+1"),
        (json!({"tags": {"stage": []}}), "tag stage"),
        (json!({"tags": {"stage": ["prod", "test"], "team": []}}), "tag stage"),
        (json!({"olderThanDays": 30}), "age, made at least 30 days ago"),
        // Any member is enough to leave it out.
        (json!({"kinds": ["user"], "names": ["app-*"]}), "name app-*"),
    ] {
        assert_eq!(why(json!({"exclude": filter}), &it), Some(format!("excluded by {because}")));
        // What is excluded stays so, included or not.
        assert!(why(json!({"exclude": filter, "include": filter}), &it).is_some(), "{filter}");
    }
    for (filter, member) in [
        (json!({"kinds": ["user"]}), "kinds"),
        (json!({"pathPrefixes": ["/tea", "/", "/team/b/"]}), ""),
        (json!({"pathPrefixes": ["/team/b/", "team"]}), "pathPrefixes"),
        (json!({"names": ["app", "APP-*", "?", "app-reader?1?"]}), "names"),
        // No other character means anything but itself.
        (json!({"names": ["app-[r]eader+1", "app-reader.1", "{app-reader+1}", "\\app*"]}), "names"),
        (json!({"tags": {"stage": ["test"], "team": []}}), "tags"),
        (json!({"olderThanDays": 31}), "olderThanDays"),
        // All of the members are needed to be included.
        (json!({"kinds": ["role"], "names": ["app-*"], "tags": {"team": []}}), "tags"),
    ] {
        let expected = (!member.is_empty()).then(|| format!("not included by {member}"));
        assert_eq!(why(json!({"include": filter}), &it), expected, "{filter}");
    }
    let all = json!({"kinds": ["role"], "pathPrefixes": ["/team/"], "names": ["*"], "tags": {"stage": []}, "olderThanDays": 30});
    assert_eq!(why(json!({"include": all}), &it), None);
}

#[test]
fn an_age_that_is_not_known_leaves_nothing_out() {
    let it = role("reader");
    for request in [json!({"include": {"olderThanDays": 30}}), json!({"exclude": {"olderThanDays": 0}})] {
        assert_eq!(why(request, &it), None);
    }
    let mut young = it;
    young.created = Some("2027-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(why(json!({"exclude": {"olderThanDays": 0}}), &young), None);
    assert!(why(json!({"include": {"olderThanDays": u32::MAX}}), &young).is_some());
}
