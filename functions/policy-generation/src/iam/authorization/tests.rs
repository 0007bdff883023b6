use jiff::Timestamp;
use models::ErrorName;

use super::*;
use crate::iam::tests::{answer, cut_off, iam};

const READ: &str = "%7B%22Statement%22%3A%5B%22read%22%5D%7D";
const WRITE: &str = "%7B%22Statement%22%3A%5B%22write%22%5D%7D";
const OWN: &str = "arn:aws:iam::012345678901:policy/team/own";
const AWS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn page(members: &str, marker: Option<&str>) -> (u16, String) {
    answer("GetAccountAuthorizationDetails", members, marker)
}

fn list(name: &str, members: &[String]) -> String {
    let members: String = members.iter().map(|it| format!("<member>{it}</member>")).collect();
    format!("<{name}>{members}</{name}>")
}

fn inline(list_name: &str, name: &str, document: &str) -> String {
    let policy = format!("<PolicyName>{name}</PolicyName><PolicyDocument>{document}</PolicyDocument>");
    list(list_name, &[policy])
}

fn attached(arn: &str) -> String {
    let name = arn.rsplit('/').next().unwrap();
    let policy = format!("<PolicyName>{name}</PolicyName><PolicyArn>{arn}</PolicyArn>");
    list("AttachedManagedPolicies", &[policy])
}

fn boundary(arn: &str) -> String {
    format!(
        "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
         <PermissionsBoundaryArn>{arn}</PermissionsBoundaryArn></PermissionsBoundary>"
    )
}

/// A role of this name, with further members.
fn role(name: &str, members: &str) -> String {
    format!(
        "<Path>/team/</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId>\
         <Arn>arn:aws:iam::012345678901:role/team/{name}</Arn><CreateDate>2025-01-02T03:04:05Z</CreateDate>{members}"
    )
}

fn user(name: &str, members: &str) -> String {
    format!(
        "<Path>/</Path><UserName>{name}</UserName><UserId>AIDA{name}</UserId>\
         <Arn>arn:aws:iam::012345678901:user/{name}</Arn>{members}"
    )
}

fn roles(roles: &[String]) -> String {
    list("RoleDetailList", roles)
}

fn users(users: &[String]) -> String {
    list("UserDetailList", users)
}

fn groups(groups: &[String]) -> String {
    list("GroupDetailList", groups)
}

/// A managed policy: its versions with their documents, the default one by its number.
fn managed(arn: &str, documents: &[&str], default: usize) -> String {
    let versions: Vec<_> = documents
        .iter()
        .enumerate()
        .map(|(index, document)| {
            format!(
                "<Document>{document}</Document><VersionId>v{}</VersionId><IsDefaultVersion>{}</IsDefaultVersion>",
                index + 1,
                index + 1 == default
            )
        })
        .collect();
    format!(
        "<Arn>{arn}</Arn><DefaultVersionId>v{default}</DefaultVersionId>{}",
        list("PolicyVersionList", &versions)
    )
}

fn policies(policies: &[String]) -> String {
    list("Policies", policies)
}

async fn described(pages: Vec<(u16, String)>) -> Result<Vec<Described>, ErrorName> {
    iam(pages).0.described().await.map_err(|error| error.name())
}

/// The policies of the account's one principal: source, name, group, and document.
async fn only(members: &str) -> Vec<(Source, String, Option<String>, Option<String>)> {
    let described = described(vec![page(members, None)]).await.unwrap();
    let [it] = described.as_slice() else { panic!("{described:?}") };
    it.policies.iter().map(|it| (it.source, it.name.clone(), it.group.clone(), it.document.clone())).collect()
}

fn read() -> Option<String> {
    Some(r#"{"Statement":["read"]}"#.to_owned())
}

fn write() -> Option<String> {
    Some(r#"{"Statement":["write"]}"#.to_owned())
}

#[tokio::test]
async fn a_role_is_described_with_its_path_tags_age_and_last_use() {
    let members = "<Tags><member><Key>team</Key><Value>a b</Value></member></Tags>\
                   <RoleLastUsed><LastUsedDate>2026-11-01T00:00:00Z</LastUsedDate><Region>eu-central-1</Region></RoleLastUsed>";
    let all = described(vec![page(&roles(&[role("reader", members)]), None)]).await.unwrap();
    let principal = Principal {
        id: "AROAreader".parse().unwrap(),
        arn: "arn:aws:iam::012345678901:role/team/reader".to_owned(),
        name: "reader".to_owned(),
        path: "/team/".to_owned(),
        kind: PrincipalKind::Role,
        created: Some("2025-01-02T03:04:05Z".parse::<Timestamp>().unwrap()),
        tags: [("team".to_owned(), "a b".to_owned())].into(),
        last_used: Some("2026-11-01T00:00:00Z".parse().unwrap()),
        last_region: Some("eu-central-1".to_owned()),
    };
    assert_eq!(all, [Described { principal, policies: Vec::new() }]);
}

#[tokio::test]
async fn a_role_that_was_never_used_and_a_user_have_no_last_use() {
    let members = roles(&[role("reader", "<RoleLastUsed/>")]) + &users(&[user("anna", "")]);
    let all = described(vec![page(&members, None)]).await.unwrap();
    let told: Vec<_> = all.iter().map(|it| (it.principal.kind, it.principal.last_used)).collect();
    assert_eq!(told, [(PrincipalKind::Role, None), (PrincipalKind::User, None)]);
    // What IAM does not tell stays open.
    assert_eq!(all[1].principal.created, None);
}

#[tokio::test]
async fn everything_is_asked_for_by_pages_and_joined_whatever_their_order() {
    let first = users(&[user("anna", &list("GroupList", &["admins".to_owned()]))]);
    let second = policies(&[managed(AWS, &[READ], 1)]) + &roles(&[role("reader", &attached(AWS))]);
    let third =
        groups(&[format!("<GroupName>admins</GroupName>{}", inline("GroupPolicyList", "all", WRITE))]);
    let pages =
        vec![page(&first, Some("1")), page("", Some("2")), page(&second, Some("3")), page(&third, None)];
    let (iam, canned) = iam(pages);
    let all = iam.described().await.unwrap();
    let told: Vec<_> =
        all.iter().map(|it| (it.principal.name.as_str(), it.policies[0].document.clone())).collect();
    assert_eq!(told, [("reader", read()), ("anna", write())]);
    let asked = canned.asked();
    for kind in ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"] {
        assert!(asked.iter().all(|it| it.contains(&format!("={kind}&"))), "{kind}: {asked:?}");
    }
    assert!(asked.iter().all(|it| it.contains("MaxItems=1000")), "{asked:?}");
    let markers: Vec<_> = asked.iter().map(|it| it.split("Marker=").nth(1).map(|it| &it[..1])).collect();
    assert_eq!(markers, [None, Some("1"), Some("2"), Some("3")]);
}

#[tokio::test]
async fn a_marker_that_comes_back_or_is_missing_is_no_whole_account() {
    let one = roles(&[role("reader", "")]);
    let again = vec![page(&one, Some("1")), page("", Some("2")), page("", Some("1"))];
    assert_eq!(described(again).await, Err(ErrorName::Incomplete));
    assert_eq!(described(vec![cut_off(page(&one, None))]).await, Err(ErrorName::Incomplete));
    let refused = vec![page(&one, Some("1")), crate::iam::tests::error(403, "AccessDenied")];
    assert_eq!(described(refused).await, Err(ErrorName::Denied));
}

#[tokio::test]
async fn the_policies_of_a_role_are_its_inline_its_attached_and_its_boundary() {
    let members = inline("RolePolicyList", "in+line", WRITE) + &attached(OWN) + &boundary(AWS);
    let account = roles(&[role("reader", &members)])
        + &policies(&[managed(OWN, &[WRITE, READ, WRITE], 2), managed(AWS, &[READ], 1)]);
    let policy = |source, name: &str, document| (source, name.to_owned(), None, document);
    assert_eq!(
        only(&account).await,
        [
            policy(Source::Inline, "in+line", write()),
            policy(Source::Attached, "own", read()),
            policy(Source::PermissionsBoundary, "ReadOnlyAccess", read()),
        ]
    );
}

#[tokio::test]
async fn a_user_has_the_policies_of_its_groups_too_and_no_others() {
    let members = inline("UserPolicyList", "own", READ)
        + &attached(OWN)
        + &boundary(OWN)
        + &list("GroupList", &["ops".to_owned(), "dev".to_owned()]);
    let group = |name: &str, members: &str| format!("<GroupName>{name}</GroupName>{members}");
    let account = users(&[user("anna", &members)])
        + &groups(&[
            group("dev", &attached(OWN)),
            group("ops", &(inline("GroupPolicyList", "run", WRITE) + &attached(OWN))),
            group("others", &inline("GroupPolicyList", "other", WRITE)),
        ])
        + &policies(&[managed(OWN, &[WRITE], 1)]);
    let policy = |source, name: &str, group: Option<&str>, document| {
        (source, name.to_owned(), group.map(str::to_owned), document)
    };
    assert_eq!(
        only(&account).await,
        [
            policy(Source::Inline, "own", None, read()),
            policy(Source::Attached, "own", None, write()),
            policy(Source::GroupInline, "run", Some("ops"), write()),
            policy(Source::GroupAttached, "own", Some("dev"), write()),
            policy(Source::GroupAttached, "own", Some("ops"), write()),
            policy(Source::PermissionsBoundary, "own", None, write()),
        ]
    );
}

#[tokio::test]
async fn a_document_that_cannot_be_had_is_absent_and_its_policy_is_not() {
    // A policy that the answer does not have, a document that is none, no default version, and two.
    let none = managed(OWN, &[WRITE], 2);
    let two = managed(OWN, &[WRITE, READ], 1).replace("<IsDefaultVersion>false", "<IsDefaultVersion>true");
    for (members, managed) in [
        (attached(OWN), String::new()),
        (boundary(OWN), String::new()),
        (inline("RolePolicyList", "own", "%7B"), String::new()),
        (attached(OWN), managed(OWN, &["%22"], 1)),
        (attached(OWN), none),
        (attached(OWN), two),
    ] {
        let account =
            roles(&[role("reader", &members)]) + &policies(&[managed]).replace("<member></member>", "");
        let told: Vec<_> = only(&account).await.into_iter().map(|it| (it.1, it.3)).collect();
        assert_eq!(told, [("own".to_owned(), None)], "{account}");
    }
}

#[tokio::test]
async fn a_user_of_a_group_that_is_not_there_makes_the_account_incomplete() {
    let member = list("GroupList", &["ops".to_owned()]);
    let account = users(&[user("anna", &member)]);
    assert_eq!(described(vec![page(&account, None)]).await, Err(ErrorName::Incomplete));
}

#[tokio::test]
async fn what_is_told_twice_counts_once_if_it_is_the_same_and_else_the_account_changed_meanwhile() {
    let one = roles(&[role("reader", &attached(OWN))]) + &policies(&[managed(OWN, &[READ], 1)]);
    let twice = vec![page(&one, Some("1")), page(&one, None)];
    assert_eq!(described(twice).await.map(|all| all.len()), Ok(1));
    for other in [
        roles(&[role("reader", &inline("RolePolicyList", "new", READ))]),
        // Made anew, and renamed.
        roles(&[role("reader", "").replace("AROAreader", "AROAother")]),
        roles(&[role("writer", "").replace("AROAwriter", "AROAreader")]),
        policies(&[managed(OWN, &[READ, WRITE], 2)]),
    ] {
        let changed = vec![page(&one, Some("1")), page(&other, None)];
        assert_eq!(described(changed).await, Err(ErrorName::Incomplete), "{other}");
    }
}

#[tokio::test]
async fn a_principal_without_what_tells_it_from_others_makes_the_account_incomplete() {
    for member in ["RoleId", "Arn", "RoleName", "Path"] {
        let whole = role("reader", "");
        let (before, after) = whole.split_once(&format!("<{member}>")).unwrap();
        let after = after.split_once(&format!("</{member}>")).unwrap().1;
        let account = roles(&[format!("{before}{after}")]);
        assert_eq!(described(vec![page(&account, None)]).await, Err(ErrorName::Incomplete), "{member}");
    }
    let nameless = attached(OWN).replace(&format!("<PolicyArn>{OWN}</PolicyArn>"), "");
    let account = roles(&[role("reader", &nameless)]);
    assert_eq!(described(vec![page(&account, None)]).await, Err(ErrorName::Incomplete));
}

#[tokio::test]
async fn an_account_without_principals_has_none() {
    assert_eq!(described(vec![page("", None)]).await, Ok(Vec::new()));
}
