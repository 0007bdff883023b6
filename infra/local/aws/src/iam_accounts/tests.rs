mod jobs;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::*;
use crate::access_reports::ReportReaders;
use crate::access_reports::tests::{Who, administrator, ask, aws_with, now, session_in, text, texts};
use crate::aws::Aws;
use crate::iam::{PolicyDocument, Role};
use crate::organization::Account;
use crate::principals::{self, Member, MemberKind, PrincipalSettings};
use crate::services::{Statements, services};
use crate::settings::Settings;

fn settings() -> Settings {
    let principals = PrincipalSettings { number: 24, ..PrincipalSettings::default() };
    let iam_accounts = IamAccountSettings { rate: None, ..IamAccountSettings::default() };
    Settings { principals, iam_accounts, ..Settings::default() }
}

fn aws(change: impl FnOnce(&mut Settings)) -> Aws {
    let mut settings = settings();
    change(&mut settings);
    aws_with(20, settings)
}

/// A member account.
fn account(aws: &Aws) -> Account {
    aws.organization().accounts[5].clone()
}

/// Somebody who may do everything there.
fn somebody(aws: &Aws) -> Who {
    session_in(aws, &account(aws).id, "run-1", &["iam:*"])
}

fn members(aws: &Aws) -> Vec<Member> {
    principals::of_account(&aws.organization(), &account(aws), "aws", &settings().principals)
}

fn by_name(aws: &Aws, part: &str) -> Member {
    members(aws).into_iter().find(|it| it.name.contains(part)).unwrap()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The texts of an element as they were before XML.
fn unescaped(text: &str) -> String {
    quick_xml::escape::unescape(text).unwrap().into_owned()
}

async fn ok(aws: &Aws, who: &Who, form: &str) -> String {
    let (status, body) = ask(aws, who, form).await;
    assert_eq!(status, 200, "{form}: {body}");
    body
}

async fn refused(aws: &Aws, who: &Who, form: &str) -> (u16, String) {
    let (status, body) = ask(aws, who, form).await;
    assert!(status >= 400, "{form}: {body}");
    (status, text(&body, "Code"))
}

async fn generate(aws: &Aws, who: &Who, arn: &str) -> String {
    let form =
        format!("Action=GenerateServiceLastAccessedDetails&Granularity=ACTION_LEVEL&Arn={}", encoded(arn));
    text(&ok(aws, who, &form).await, "JobId")
}

fn get(job: &str) -> String {
    format!("Action=GetServiceLastAccessedDetails&JobId={job}")
}

/// All pages of a list.
async fn pages(aws: &Aws, who: &Who, form: &str) -> Vec<String> {
    let mut pages: Vec<String> = Vec::new();
    loop {
        let marker = pages.last().map(|page| format!("&Marker={}", text(page, "Marker")));
        let page = ok(aws, who, &format!("{form}{}", marker.unwrap_or_default())).await;
        let more = text(&page, "IsTruncated") == "true";
        assert_eq!(texts(&page, "Marker").len(), usize::from(more));
        pages.push(page);
        if !more {
            return pages;
        }
    }
}

/// The pages of a report, once it has ended.
async fn report(aws: &Aws, who: &Who, arn: &str) -> Vec<String> {
    let job = generate(aws, who, arn).await;
    aws.clock().sleep(Duration::from_secs(10)).await;
    pages(aws, who, &get(&job)).await
}

/// The part of an answer that is about one thing: from its opening on to its end.
fn within<'a>(body: &'a str, element: &str) -> &'a str {
    let from = body.find(&format!("<{element}>")).unwrap();
    let to = body.rfind(&format!("</{element}>")).unwrap();
    &body[from..to]
}

#[tokio::test(start_paused = true)]
async fn the_details_of_an_account_are_its_principals_groups_and_policies_page_by_page() {
    for short_pages in [false, true] {
        let aws = aws(|it| it.iam_accounts.short_pages = short_pages);
        let (who, members) = (somebody(&aws), members(&aws));
        let pages = pages(&aws, &who, "Action=GetAccountAuthorizationDetails&MaxItems=7").await;
        assert!(pages.len() > 4);
        let all = pages.concat();
        let named = |element: &str, kind: MemberKind| {
            let listed: Vec<_> = texts(&all, element).iter().map(|it| unescaped(it)).collect();
            let expected: BTreeSet<_> =
                members.iter().filter(|it| it.kind == kind).map(|it| it.name.clone()).collect();
            assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), expected);
            listed.len() - expected.len()
        };
        assert_eq!(named("UserName", MemberKind::User), 0);
        assert_eq!(named("RoleName", MemberKind::Role), 3, "those with an instance profile, once more");
        assert_eq!(texts(&all, "GroupName").len(), 3);
        let documents = ["PolicyDocument", "Document", "AssumeRolePolicyDocument"];
        for document in documents.iter().flat_map(|name| texts(&all, name)) {
            assert!(document.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._~%".contains(&it)));
            let decoded = percent_decode_str(&document).decode_utf8().unwrap().into_owned();
            let read: Value = serde_json::from_str(&decoded).unwrap();
            assert!(!read["Statement"].is_null());
        }
        let size = |page: &String| texts(page, "Arn").len() - texts(page, "InstanceProfileId").len() * 2;
        let sizes: BTreeSet<_> = pages.iter().rev().skip(1).map(size).collect();
        assert_eq!(sizes.len() > 1, short_pages, "{sizes:?}");
        assert!(sizes.iter().all(|size| (1..=7).contains(size)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_names_what_is_listed_and_a_marker_is_of_one_filter_and_one_account() {
    let aws = aws(|_| {});
    let who = somebody(&aws);
    let form = "Action=GetAccountAuthorizationDetails&MaxItems=1000";
    let names = ["UserId", "GroupId", "RoleId", "AttachmentCount"];
    for (filter, expected) in [
        ("User", [true, false, false, false]),
        ("Group", [false, true, false, false]),
        ("Role", [false, false, true, false]),
        ("LocalManagedPolicy", [false, false, false, true]),
        ("AWSManagedPolicy", [false, false, false, true]),
    ] {
        let body = ok(&aws, &who, &format!("{form}&Filter.member.1={filter}")).await;
        assert_eq!(names.map(|name| !texts(&body, name).is_empty()), expected, "{filter}");
        let aws_own = texts(&body, "PolicyId").is_empty() || within(&body, "Policies").contains("iam::aws:");
        assert_eq!(aws_own, filter != "LocalManagedPolicy", "{filter}");
    }
    let first = ok(&aws, &who, "Action=GetAccountAuthorizationDetails&MaxItems=2&Filter.member.1=Role").await;
    let more = format!("Action=GetAccountAuthorizationDetails&Marker={}", text(&first, "Marker"));
    ok(&aws, &who, &format!("{more}&Filter.member.1=Role")).await;
    let invalid = (400, "ValidationError".to_owned());
    assert_eq!(refused(&aws, &who, &more).await, invalid);
    let other = aws.organization().accounts[6].id.clone();
    let elsewhere = session_in(&aws, &other, "run-1", &["iam:*"]);
    assert_eq!(refused(&aws, &elsewhere, &format!("{more}&Filter.member.1=Role")).await, invalid);
    for wrong in ["MaxItems=0", "MaxItems=1001", "MaxItems=x", "Filter.member.1=Policy", "Marker=", "X=1"] {
        let form = format!("Action=GetAccountAuthorizationDetails&{wrong}");
        assert_eq!(refused(&aws, &who, &form).await, invalid, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_counts_to_whom_it_is_attached_and_whom_it_bounds() {
    let aws = aws(|_| {});
    let body = ok(&aws, &somebody(&aws), "Action=GetAccountAuthorizationDetails&MaxItems=1000").await;
    let attached: Vec<_> = texts(within(&body, "UserDetailList"), "PolicyArn")
        .into_iter()
        .chain(texts(within(&body, "GroupDetailList"), "PolicyArn"))
        .chain(texts(within(&body, "RoleDetailList"), "PolicyArn"))
        .collect();
    let bounding = texts(&body, "PermissionsBoundaryArn");
    let policies = within(&body, "Policies");
    let (arns, counts) = (texts(policies, "Arn"), texts(policies, "AttachmentCount"));
    let bounds = texts(policies, "PermissionsBoundaryUsageCount");
    assert!(arns.len() > 10);
    for ((arn, count), bounds) in arns.iter().zip(counts).zip(bounds) {
        assert_eq!(attached.iter().filter(|it| *it == arn).count().to_string(), count, "{arn}");
        assert_eq!(bounding.iter().filter(|it| *it == arn).count().to_string(), bounds, "{arn}");
    }
    assert!(attached.iter().chain(&bounding).all(|arn| arns.contains(arn)));
    let versions = texts(policies, "IsDefaultVersion");
    assert!(versions.len() > arns.len() + 4);
    assert_eq!(versions.iter().filter(|it| *it == "true").count(), arns.len());
}

#[tokio::test(start_paused = true)]
async fn roles_that_are_deployed_are_listed_and_can_be_asked_for() {
    let aws = aws(|_| {});
    let arn = format!("arn:aws:iam::{}:role/muster/generation", account(&aws).id);
    let policy =
        serde_json::json!({"Statement": [{"Effect": "Allow", "Action": "iam:Get*", "Resource": "*"}]});
    let policy = PolicyDocument::parse(&policy).unwrap();
    aws.put_role(&arn, Role { policy: policy.into(), ..Role::default() });
    let who = somebody(&aws);
    let form = "Action=GetAccountAuthorizationDetails&MaxItems=1000&Filter.member.1=Role";
    assert!(texts(&ok(&aws, &who, form).await, "Arn").contains(&arn));
    let pages = report(&aws, &who, &arn).await;
    assert_eq!(texts(&pages.concat(), "ServiceNamespace"), ["iam"]);
    let other = aws.organization().accounts[6].id.clone();
    let elsewhere = session_in(&aws, &other, "run-1", &["iam:*"]);
    assert!(!texts(&ok(&aws, &elsewhere, form).await, "Arn").contains(&arn));
}

#[tokio::test(start_paused = true)]
async fn a_report_lists_what_is_granted_and_when_it_was_used() {
    let aws = aws(|_| {});
    let who = somebody(&aws);
    let mut tracked = 0;
    for member in members(&aws) {
        let started = aws.clock().now();
        let all = report(&aws, &who, &member.arn).await.concat();
        assert_eq!(text(&all, "JobType"), "ACTION_LEVEL");
        let uses = member.uses(&aws.organization(), started);
        let namespaces: Vec<_> = uses.iter().map(|it| it.namespace).collect();
        assert_eq!(texts(&all, "ServiceNamespace"), namespaces, "{}", member.arn);
        let shown: Vec<Timestamp> =
            texts(&all, "LastAuthenticated").iter().map(|it| it.parse().unwrap()).collect();
        assert_eq!(shown, uses.iter().filter_map(|it| it.last).collect::<Vec<_>>());
        assert!(texts(&all, "LastAuthenticatedEntity").iter().all(|it| unescaped(it) == member.arn));
        assert_eq!(texts(&all, "LastAuthenticatedRegion").len(), shown.len());
        let actions = uses.iter().flat_map(|it| &it.actions).filter(|it| it.tracked);
        let actions: Vec<_> = actions.map(|it| (it.name.to_owned(), it.last)).collect();
        assert_eq!(texts(&all, "ActionName"), actions.iter().map(|it| it.0.clone()).collect::<Vec<_>>());
        let times: Vec<Timestamp> =
            texts(&all, "LastAccessedTime").iter().map(|it| it.parse().unwrap()).collect();
        assert_eq!(times, actions.iter().filter_map(|it| it.1).collect::<Vec<_>>());
        tracked += times.len();
    }
    assert!(tracked > 10, "{tracked}");
}

#[tokio::test(start_paused = true)]
async fn a_report_of_services_alone_has_no_actions() {
    let aws = aws(|_| {});
    let (who, member) = (somebody(&aws), by_name(&aws, "AdministratorAccess"));
    let form = format!("Action=GenerateServiceLastAccessedDetails&Arn={}", encoded(&member.arn));
    let job = text(&ok(&aws, &who, &form).await, "JobId");
    aws.clock().sleep(Duration::from_secs(10)).await;
    let all = pages(&aws, &who, &get(&job)).await.concat();
    assert_eq!(text(&all, "JobType"), "SERVICE_LEVEL");
    assert_eq!(texts(&all, "TrackedActionsLastAccessed").len(), 0);
    assert_eq!(texts(&all, "ServiceNamespace").len(), services().len());
}

#[tokio::test(start_paused = true)]
async fn a_page_has_as_many_services_as_the_switch_says_unless_another_number_is_given() {
    for default_page in [100, 200] {
        let aws = aws(|it| it.iam_accounts.default_page = default_page);
        let (who, member) = (somebody(&aws), by_name(&aws, "AdministratorAccess"));
        let job = generate(&aws, &who, &member.arn).await;
        aws.clock().sleep(Duration::from_secs(10)).await;
        let rows = async |more: &str| {
            texts(&ok(&aws, &who, &format!("{}{more}", get(&job))).await, "ServiceNamespace").len()
        };
        assert_eq!((rows("").await, rows("&MaxItems=3").await), (default_page, 3));
        assert_eq!(rows("&MaxItems=1000").await, services().len());
        let marker = text(&ok(&aws, &who, &get(&job)).await, "Marker");
        let another = generate(&aws, &who, &member.arn).await;
        aws.clock().sleep(Duration::from_secs(10)).await;
        let form = format!("{}&Marker={marker}", get(&another));
        assert_eq!(refused(&aws, &who, &form).await, (400, "ValidationError".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn groups_and_policies_are_asked_for_by_those_who_have_them() {
    let aws = aws(|_| {});
    let (who, members, organization) = (somebody(&aws), members(&aws), aws.organization());
    let account = account(&aws);
    let users: Vec<_> = members.iter().filter(|it| it.groups.iter().any(|it| it == "developers")).collect();
    let group = principals::groups(&organization, &account, "aws")[0].arn.clone();
    let data = principals::customer_managed(&organization, &account, "aws")[3].arn.clone();
    let having: Vec<_> = members.iter().filter(|it| it.attached.contains(&data)).collect();
    assert!(users.len() > 1 && having.len() > 2);
    let mut used = 0;
    for (arn, of) in [(group, users), (data, having)] {
        let started = aws.clock().now();
        let job = generate(&aws, &who, &arn).await;
        aws.clock().sleep(Duration::from_secs(10)).await;
        let all = pages(&aws, &who, &get(&job)).await.concat();
        let rows: Vec<_> = all.split("<ServiceName>").skip(1).collect();
        assert!(rows.len() > 3);
        for row in rows {
            let namespace = text(row, "ServiceNamespace");
            let mut times = BTreeMap::new();
            for member in &of {
                let uses = member.uses(&organization, started);
                times.insert(
                    member.arn.clone(),
                    uses.iter().find(|it| it.namespace == namespace).unwrap().last,
                );
            }
            let count = times.values().flatten().count();
            assert_eq!(text(row, "TotalAuthenticatedEntities"), count.to_string());
            let newest = times.values().flatten().max();
            let shown: Option<Timestamp> =
                texts(row, "LastAuthenticated").first().map(|it| it.parse().unwrap());
            assert_eq!(shown.as_ref(), newest);
            if let Some(entity) = texts(row, "LastAuthenticatedEntity").first() {
                assert_eq!(times[&unescaped(entity)].as_ref(), newest);
                used += 1;
            }
            let form = format!(
                "Action=GetServiceLastAccessedDetailsWithEntities&JobId={job}&ServiceNamespace={namespace}&MaxItems=2"
            );
            let entities = pages(&aws, &who, &form).await.concat();
            let listed: BTreeSet<_> = texts(&entities, "Arn").iter().map(|it| unescaped(it)).collect();
            assert_eq!(listed, times.keys().cloned().collect());
            let order: Vec<Timestamp> =
                texts(&entities, "LastAuthenticated").iter().map(|it| it.parse().unwrap()).collect();
            assert!(order.len() == count && order.is_sorted_by(|one, other| one >= other));
        }
    }
    assert!(used > 3, "{used}");
}

#[tokio::test(start_paused = true)]
async fn the_policies_that_grant_a_service_are_those_whose_documents_do() {
    let aws = aws(|_| {});
    let (who, organization) = (somebody(&aws), aws.organization());
    let named: Vec<_> = services().iter().step_by(3).map(|it| it.namespace).collect();
    let list: String = named
        .iter()
        .enumerate()
        .map(|(number, name)| format!("&ServiceNamespaces.member.{}={name}", number + 1))
        .collect();
    let mut inline_of_groups = 0;
    for member in members(&aws) {
        let form = format!("Action=ListPoliciesGrantingServiceAccess&Arn={}{list}", encoded(&member.arn));
        let all = pages(&aws, &who, &form).await;
        assert_eq!(all.len(), named.len().div_ceil(100));
        let all = all.concat();
        assert_eq!(texts(&all, "ServiceNamespace"), named, "in the order in which they are asked for");
        let uses: BTreeSet<_> =
            member.uses(&organization, now()).iter().map(|it| it.namespace.to_owned()).collect();
        for entry in all.split("<ServiceNamespace>").skip(1) {
            let (namespace, rest) = entry.split_once('<').unwrap();
            let expected: Vec<_> = member
                .policies(&organization)
                .into_iter()
                .filter(|it| Statements::parse(&it.document).grants(namespace))
                .collect();
            let names: Vec<_> = texts(rest, "PolicyName").iter().map(|it| unescaped(it)).collect();
            assert_eq!(names, expected.iter().map(|it| it.name.clone()).collect::<Vec<_>>());
            let arns: Vec<_> = expected.iter().filter_map(|it| it.arn.clone()).collect();
            assert_eq!(texts(rest, "PolicyArn"), arns);
            assert_eq!(texts(rest, "EntityName").len(), names.len() - arns.len());
            assert_eq!(!names.is_empty(), uses.contains(namespace), "{namespace} {}", member.arn);
            inline_of_groups += texts(rest, "EntityType").iter().filter(|it| *it == "GROUP").count();
        }
    }
    assert!(inline_of_groups > 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_wrongly_is_refused_as_the_model_has_it() {
    let aws = aws(|it| it.principals.deleted = vec![members_of_default(5, 8)]);
    let who = somebody(&aws);
    let id = account(&aws).id;
    let arn = encoded(&members(&aws)[0].arn);
    let gone = encoded(&members_of_default(5, 8));
    let unknown = encoded(&format!("arn:aws:iam::{id}:role/nobody-99"));
    let foreign = encoded(&format!("arn:aws:iam::{}:role/x", aws.organization().accounts[6].id));
    let root = encoded(&format!("arn:aws:iam::{id}:root"));
    let policy = encoded("arn:aws:iam::aws:policy/AdministratorAccess");
    let generate = "Action=GenerateServiceLastAccessedDetails&Arn=";
    let granting = "Action=ListPoliciesGrantingServiceAccess&ServiceNamespaces.member.1=s3&Arn=";
    let none = "Action=ListPoliciesGrantingServiceAccess&Arn=";
    let get = "Action=GetServiceLastAccessedDetails";
    let with = "Action=GetServiceLastAccessedDetailsWithEntities";
    let job = "00000000-0000-4000-8000-000000000000";
    let many: String = (1..=201).map(|it| format!("&ServiceNamespaces.member.{it}=s3")).collect();
    for (form, status, code) in [
        (format!("{generate}{gone}"), 404, "NoSuchEntity"),
        (format!("{generate}{unknown}"), 404, "NoSuchEntity"),
        (format!("{generate}{root}"), 400, "InvalidInput"),
        (format!("{generate}{foreign}"), 403, "AccessDenied"),
        (format!("{generate}arn"), 400, "ValidationError"),
        (format!("{generate}{arn}&Granularity=ALL"), 400, "ValidationError"),
        ("Action=GenerateServiceLastAccessedDetails".to_owned(), 400, "ValidationError"),
        (format!("{granting}{unknown}"), 404, "NoSuchEntity"),
        (format!("{granting}{policy}"), 400, "InvalidInput"),
        (format!("{none}{arn}"), 400, "ValidationError"),
        (format!("{none}{arn}{many}"), 400, "ValidationError"),
        (format!("{none}{arn}&ServiceNamespaces.member.1=nothing"), 400, "InvalidInput"),
        (format!("{none}{arn}&ServiceNamespaces.member.1=a%3Ab"), 400, "ValidationError"),
        (format!("{get}&JobId=short"), 400, "ValidationError"),
        (format!("{get}&JobId={job}"), 404, "NoSuchEntity"),
        (format!("{get}&JobId={job}&MaxItems=1001"), 400, "ValidationError"),
        (format!("{with}&JobId={job}&ServiceNamespace=s3"), 404, "NoSuchEntity"),
        (format!("{with}&JobId={job}&ServiceNamespace=nothing"), 400, "InvalidInput"),
        (format!("{with}&JobId={job}"), 400, "ValidationError"),
    ] {
        assert_eq!(refused(&aws, &who, &form).await, (status, code.to_owned()), "{form}");
    }
    let may_not = session_in(&aws, &id, "run-1", &["iam:Get*"]);
    for form in [format!("{generate}{arn}"), format!("{granting}{arn}")] {
        assert_eq!(refused(&aws, &may_not, &form).await, (403, "AccessDenied".to_owned()));
    }
    ok(&aws, &may_not, "Action=GetAccountAuthorizationDetails").await;
    let all = ok(&aws, &administrator(), "Action=GetAccountAuthorizationDetails&MaxItems=1000").await;
    assert!(all.contains(&format!("arn:aws:iam::{}:", aws.account())), "the account is the caller's");
}

/// The ARN of a principal of an account, by their numbers.
fn members_of_default(account: usize, number: usize) -> String {
    let aws = aws(|_| {});
    let organization = aws.organization();
    let members =
        principals::of_account(&organization, &organization.accounts[account], "aws", &settings().principals);
    members[number].arn.clone()
}
