use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use local_clock::Clock;
use local_states::service::Latency as StatesLatency;
use serde_json::json;

use super::*;
use crate::aws::{Aws, Options};
use crate::iam::{Credentials, PolicyDocument, Principal};
use crate::lambda::{FunctionConfig, FunctionError, Latency, Runner, Sandbox};
use crate::organization::{Organization, Shape, generate};
use crate::settings::Settings;
use crate::wire::{Body, collect};

struct Nothing;

impl Runner for Nothing {
    fn start<'a>(
        &'a self,
        _: &'a FunctionConfig,
        _: Credentials,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, FunctionError>> {
        async { Err(FunctionError::new("Runtime.Unknown", "nothing runs here")) }.boxed()
    }
}

fn now() -> Timestamp {
    "2026-11-21T06:30:00Z".parse().unwrap()
}

fn aws_of(accounts: usize, settings: AccessReportSettings) -> Aws {
    let organization = generate(&Shape { accounts, ..Shape::default() }, now());
    Aws::new(Options {
        clock: Clock::virtual_time(now()),
        partition: "aws".into(),
        region: "eu-central-1".into(),
        account: organization.management_account.clone(),
        organization,
        settings: Settings { access_reports: settings, ..Settings::default() },
        faults: Vec::new(),
        folder: None,
        runner: Arc::new(Nothing),
        states_latency: StatesLatency::default(),
        lambda_latency: Latency::default(),
    })
}

fn aws(settings: AccessReportSettings) -> Aws {
    aws_of(400, settings)
}

/// Who signs a request, with a token where the credentials are a session's.
#[derive(Clone)]
struct Who(String, Option<String>);

fn administrator() -> Who {
    Who(Credentials::administrator().access_key_id, None)
}

/// A session of a role of the management account that may do so much.
fn session(aws: &Aws, name: &str, may: &[&str]) -> Who {
    session_in(aws, aws.account(), name, may)
}

fn session_in(aws: &Aws, account: &str, name: &str, may: &[&str]) -> Who {
    let policy = json!({"Statement": [{"Effect": "Allow", "Action": may, "Resource": "*"}]});
    let principal = Principal {
        account: account.to_owned(),
        arn: format!("arn:aws:sts::{account}:assumed-role/reports/{name}"),
        policy: Some(PolicyDocument::parse(&policy).unwrap().into()),
        role: Some(format!("arn:aws:iam::{account}:role/reports")),
        sandbox: None,
        function: None,
    };
    let session = aws.gate().identities.issue_session(principal, now() + SignedDuration::from_hours(12));
    Who(session.credentials.access_key_id, Some(session.token))
}

const ALL: [&str; 7] = [
    "iam:*",
    "organizations:DescribePolicy",
    "organizations:ListChildren",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
    "organizations:ListRoots",
    "organizations:ListTargetsForPolicy",
];

/// The status and the body of the answer.
async fn ask(aws: &Aws, who: &Who, form: &str) -> (u16, String) {
    let signed =
        format!("AWS4-HMAC-SHA256 Credential={}/20261121/us-east-1/iam/aws4_request, Signature=0", who.0);
    let mut request = http::Request::post("/").header("authorization", signed);
    if let Some(token) = &who.1 {
        request = request.header("x-amz-security-token", token);
    }
    let body = Body::from(bytes::Bytes::from(format!("{form}&Version=2010-05-08")));
    let response = aws.call(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = collect(response.into_body()).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The texts of all elements of a name.
fn texts(body: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    body.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

fn text(body: &str, name: &str) -> String {
    texts(body, name).pop().unwrap_or_else(|| panic!("no {name} in {body}"))
}

fn order(path: &str, policy: Option<&str>) -> String {
    let policy = policy.map(|id| format!("&OrganizationsPolicyId={id}")).unwrap_or_default();
    format!("Action=GenerateOrganizationsAccessReport&EntityPath={path}{policy}")
}

/// The id of the job of an order, or status and code of its refusal.
async fn start(aws: &Aws, who: &Who, path: &str, policy: Option<&str>) -> Result<String, (u16, String)> {
    let (status, body) = ask(aws, who, &order(path, policy)).await;
    match status {
        200 => Ok(text(&body, "JobId")),
        _ => Err((status, text(&body, "Code"))),
    }
}

async fn get(aws: &Aws, who: &Who, job: &str, more: &str) -> (u16, String) {
    ask(aws, who, &format!("Action=GetOrganizationsAccessReport&JobId={job}{more}")).await
}

/// The whole report, once it has ended.
async fn report(aws: &Aws, who: &Who, path: &str, policy: Option<&str>) -> String {
    let job = start(aws, who, path, policy).await.unwrap();
    loop {
        let (status, body) = get(aws, who, &job, "&MaxItems=1000").await;
        assert_eq!(status, 200, "{body}");
        if text(&body, "JobStatus") != "IN_PROGRESS" {
            return body;
        }
        aws.clock().sleep(Duration::from_secs(1)).await;
    }
}

fn root(organization: &Organization) -> String {
    format!("{}/{}", organization.id, organization.root)
}

fn trimmed(path: &str) -> String {
    path.trim_end_matches('/').to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_job_in_progress_shows_three_members_and_a_whole_report_takes_ten_to_twelve_seconds() {
    let aws = aws(AccessReportSettings::default());
    let path = root(&aws.organization());
    let job = start(&aws, &administrator(), &path, None).await.unwrap();
    assert_eq!(job.len(), 36);
    let (_, pending) = get(&aws, &administrator(), &job, "").await;
    let result = text(&pending, "GetOrganizationsAccessReportResult");
    let created = "<JobCreationDate>2026-11-21T06:30:00.000Z</JobCreationDate>";
    assert_eq!(
        result,
        format!("<JobStatus>IN_PROGRESS</JobStatus>{created}<IsTruncated>false</IsTruncated>")
    );
    assert_eq!(aws.access_reports()[0].state, AccessReportState::InProgress);
    aws.clock().sleep(Duration::from_secs(10)).await;
    assert_eq!(text(&get(&aws, &administrator(), &job, "").await.1, "JobStatus"), "IN_PROGRESS");
    aws.clock().sleep(Duration::from_secs(2)).await;
    assert_eq!(text(&get(&aws, &administrator(), &job, "").await.1, "JobStatus"), "COMPLETED");
    let [report] = &aws.access_reports()[..] else { panic!("one job") };
    assert_eq!((&report.state, &report.entity_path), (&AccessReportState::Completed, &path));
    let took = report.ended.unwrap().duration_since(report.started);
    assert!((SignedDuration::from_secs(10)..SignedDuration::from_secs(12)).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_report_of_three_services_takes_two_seconds() {
    let aws = aws(AccessReportSettings::default());
    let organization = aws.organization();
    let storage = organization.policies.iter().find(|it| it.name == "allow-storage").unwrap();
    let body = report(&aws, &administrator(), &root(&organization), Some(&storage.id)).await;
    assert_eq!(texts(&body, "ServiceNamespace"), ["kms", "s3", "sts"]);
    let report = &aws.access_reports()[0];
    let took = report.ended.unwrap().duration_since(report.started);
    assert!(
        (SignedDuration::from_millis(1_900)..SignedDuration::from_millis(2_300)).contains(&took),
        "{took}"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_by_markers_of_their_job_and_order_whatever_their_size() {
    for short_pages in [false, true] {
        let aws = aws(AccessReportSettings { short_pages, ..AccessReportSettings::default() });
        let who = administrator();
        let path = root(&aws.organization());
        let first = start(&aws, &who, &path, None).await.unwrap();
        aws.clock().sleep(Duration::from_secs(12)).await;
        let other = start(&aws, &who, &trimmed(&aws.organization().units[0].path), None).await.unwrap();
        aws.clock().sleep(Duration::from_secs(12)).await;
        for sort in
            ["", "&SortKey=SERVICE_NAMESPACE_DESCENDING", "&SortKey=LAST_AUTHENTICATED_TIME_ASCENDING"]
        {
            let (mut marker, mut found, mut sizes, mut pages) = (String::new(), Vec::new(), 0, 0);
            loop {
                // The first page has the default size, the others another.
                let size = if marker.is_empty() { "" } else { "&MaxItems=70" };
                let (_, body) = get(&aws, &who, &first, &format!("{sort}{size}{marker}")).await;
                let rows = texts(&body, "ServiceNamespace");
                let most = if pages == 0 { 100 } else { 70 };
                assert!(!rows.is_empty() && rows.len() <= most, "{}", rows.len());
                sizes += usize::from(rows.len() < most);
                pages += 1;
                found.extend(rows);
                assert_eq!(text(&body, "NumberOfServicesAccessible"), services().len().to_string());
                if text(&body, "IsTruncated") == "false" {
                    assert_eq!(texts(&body, "Marker"), Vec::<String>::new());
                    break;
                }
                let given = text(&body, "Marker");
                for (job, sort) in [(&other, sort), (&first, "&SortKey=LAST_AUTHENTICATED_TIME_DESCENDING")] {
                    let (status, body) = get(&aws, &who, job, &format!("{sort}&Marker={given}")).await;
                    assert_eq!((status, text(&body, "Code").as_str()), (400, "ValidationError"));
                }
                marker = format!("&Marker={given}");
            }
            assert!(if short_pages { sizes > 1 } else { sizes <= 1 }, "{sizes} short pages");
            let mut expected: Vec<_> = services().iter().map(|it| it.namespace.to_owned()).collect();
            match sort {
                "" => assert_eq!(found, expected),
                "&SortKey=SERVICE_NAMESPACE_DESCENDING" => {
                    expected.reverse();
                    assert_eq!(found, expected);
                }
                _ => {
                    found.sort();
                    assert_eq!(found, expected);
                }
            }
        }
        let times = |key: &str| {
            let (aws, who, first, more) = (
                aws.clone(),
                who.clone(),
                first.clone(),
                format!("&MaxItems=1000&SortKey=LAST_AUTHENTICATED_TIME_{key}"),
            );
            async move { texts(&get(&aws, &who, &first, &more).await.1, "LastAuthenticatedTime") }
        };
        let (up, mut down) = (times("ASCENDING").await, times("DESCENDING").await);
        assert!(up.is_sorted() || short_pages);
        down.reverse();
        assert!(down.is_sorted());
    }
}

#[tokio::test(start_paused = true)]
async fn one_job_is_in_progress_at_a_time_and_an_identical_order_within_a_minute_is_the_same() {
    let aws = aws(AccessReportSettings::default());
    let organization = aws.organization();
    let (path, unit) = (root(&organization), trimmed(&organization.units[0].path));
    let (one, two) = (session(&aws, "one", &ALL), session(&aws, "two", &ALL));
    let first = start(&aws, &one, &path, None).await.unwrap();
    let busy = Err((409, "ReportGenerationLimitExceeded".to_owned()));
    assert_eq!(start(&aws, &one, &path, None).await, Ok(first.clone()));
    assert_eq!(start(&aws, &one, &unit, None).await, busy);
    assert_eq!(start(&aws, &one, &path, Some("p-FullAWSAccess")).await, busy);
    assert_eq!(start(&aws, &two, &path, None).await, busy, "of another caller");
    aws.clock().sleep(Duration::from_secs(12)).await;
    assert_eq!(start(&aws, &one, &path, None).await, Ok(first.clone()), "complete, and not yet forgotten");
    let second = start(&aws, &one, &format!("{path}/ou-none-00000000"), None).await.unwrap();
    aws.clock().sleep(Duration::from_secs(12)).await;
    assert_eq!(text(&get(&aws, &one, &second, "").await.1, "JobStatus"), "FAILED");
    let same = start(&aws, &one, &format!("{path}/ou-none-00000000"), None).await;
    assert_eq!(same, Ok(second), "a job that failed is answered again");
    aws.clock().sleep(Duration::from_secs(60)).await;
    assert_ne!(start(&aws, &one, &path, None).await.unwrap(), first);
    assert_eq!(aws.access_reports().len(), 3);

    aws.clock().sleep(Duration::from_secs(60)).await;
    aws.start_foreign_access_report(Duration::from_secs(30)).unwrap();
    assert_eq!(aws.start_foreign_access_report(Duration::ZERO), None);
    assert_eq!(start(&aws, &one, &unit, None).await, busy);
    aws.clock().sleep(Duration::from_secs(30)).await;
    assert!(start(&aws, &one, &unit, None).await.is_ok());
}

/// The code with which the job of an order fails.
async fn failure(aws: &Aws, who: &Who, path: &str, policy: Option<&str>) -> String {
    let body = report(aws, who, path, policy).await;
    assert_eq!(text(&body, "JobStatus"), "FAILED", "{path} {policy:?}");
    assert!(!text(&body, "JobCompletionDate").is_empty() && !text(&body, "Message").is_empty());
    assert_eq!(texts(&body, "NumberOfServicesAccessible").len(), 0);
    text(&body, "Code")
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_an_order_shows_when_its_job_has_failed() {
    let aws = aws(AccessReportSettings::default());
    let organization = aws.organization();
    let (who, path) = (administrator(), root(&organization));
    let account = &organization.accounts[1];
    let nested = organization.units.iter().find(|unit| unit.parent != organization.root).unwrap();
    for wrong in [
        format!("{path}/"),
        account.path.clone(),
        format!("{}/r-none", organization.id),
        format!("{path}/{}", nested.id),
        format!("{path}/999999999999"),
    ] {
        assert_eq!(failure(&aws, &who, &wrong, None).await, "INVALID_ORGANIZATIONS_ENTITY_PATH", "{wrong}");
    }
    let tags = organization.policies.iter().find(|policy| policy.kind == "TAG_POLICY").unwrap();
    for wrong in ["p-00000000", tags.id.as_str()] {
        assert_eq!(failure(&aws, &who, &path, Some(wrong)).await, "INVALID_ORGANIZATIONS_POLICY");
    }
    for missing in &ALL[1..] {
        let may: Vec<&str> = ALL.into_iter().filter(|action| action != missing).collect();
        let who = session(&aws, "some", &may);
        aws.clock().sleep(Duration::from_secs(60)).await;
        assert_eq!(failure(&aws, &who, &path, None).await, "ORGANIZATIONS_REPORT_ACCESS_DENIED", "{missing}");
    }
    let dependent = aws.gate().used().into_iter().filter(|used| used.dependent).count();
    assert_eq!(dependent, 6, "what was used of the role is recorded");
}

#[tokio::test(start_paused = true)]
async fn callers_without_permission_other_accounts_and_other_organizations_are_refused_at_once() {
    let aws = aws(AccessReportSettings::default());
    let organization = aws.organization();
    let path = root(&organization);
    let denied = Err((403, "AccessDenied".to_owned()));
    let reader = session(&aws, "reader", &["iam:GetOrganizationsAccessReport"]);
    assert_eq!(start(&aws, &reader, &path, None).await, denied);
    let member = session_in(&aws, &organization.accounts[3].id, "member", &ALL);
    assert_eq!(start(&aws, &member, &path, None).await, denied);
    assert_eq!(start(&aws, &administrator(), "o-another0000/r-ab12", None).await, denied);
    let writer = session(&aws, "writer", &["iam:GenerateOrganizationsAccessReport"]);
    let job = start(&aws, &writer, &path, None).await.unwrap();
    for who in [&writer, &member] {
        let (status, body) = get(&aws, who, &job, "").await;
        assert_eq!((status, text(&body, "Code").as_str()), (403, "AccessDenied"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_is_read_by_the_session_that_ordered_it_whether_that_is_its_name_or_its_token() {
    for (readers, again_reads) in [(ReportReaders::BySessionName, true), (ReportReaders::ByToken, false)] {
        let aws = aws(AccessReportSettings { readers, ..AccessReportSettings::default() });
        let path = root(&aws.organization());
        let first = session(&aws, "run-1", &ALL);
        let (again, other) = (session(&aws, "run-1", &ALL), session(&aws, "run-2", &ALL));
        let job = start(&aws, &first, &path, None).await.unwrap();
        let status = async |who: &Who| {
            let (status, body) = get(&aws, who, &job, "").await;
            assert!(status == 200 || text(&body, "Code") == "NoSuchEntity");
            status
        };
        assert_eq!(status(&first).await, 200);
        assert_eq!(status(&again).await, if again_reads { 200 } else { 404 }, "{readers:?}");
        assert_eq!(status(&other).await, 404);
        assert_eq!(status(&administrator()).await, 404);
        let unknown = "00000000-0000-4000-8000-000000000000";
        assert_eq!(get(&aws, &first, unknown, "").await.0, 404);
    }
}

/// By namespace: the number of accounts, and the path of the last.
fn rows(body: &str) -> Vec<(String, usize, Option<String>)> {
    texts(body, "member")
        .into_iter()
        .map(|row| {
            let (path, at) = (texts(&row, "EntityPath").pop(), texts(&row, "LastAuthenticatedTime").pop());
            let (name, accounts) = (text(&row, "ServiceNamespace"), text(&row, "TotalAuthenticatedEntities"));
            let accounts: usize = accounts.parse().unwrap();
            assert_eq!((path.is_some(), at.is_some()), (accounts > 0, accounts > 0));
            assert_eq!(texts(&row, "Region").len(), usize::from(accounts > 0 || name == "iam"));
            (name, accounts, path)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_report_lists_and_whom_it_counts_depends_on_its_entity() {
    let aws = aws(AccessReportSettings::default());
    let organization = aws.organization();
    let (who, path) = (administrator(), root(&organization));
    let of_root = rows(&report(&aws, &who, &path, None).await);
    assert_eq!(of_root.len(), services().len());
    let management = trimmed(&organization.accounts[0].path);
    let s3 = |rows: &[(String, usize, Option<String>)]| rows.iter().find(|it| it.0 == "s3").cloned().unwrap();
    assert!((300..400).contains(&s3(&of_root).1), "{:?}", s3(&of_root));
    assert!(of_root.iter().all(|(.., last)| last.as_ref() != Some(&management)));
    assert!(of_root.iter().filter(|it| it.1 == 0).count() > 200);

    let of_management = rows(&report(&aws, &who, &management, Some("p-00000000")).await);
    assert_eq!(of_management.len(), services().len(), "all, and the policy is ignored");
    assert!(
        of_management.iter().all(|(_, accounts, last)| *accounts == 0 || last.as_ref() == Some(&management))
    );
    assert_eq!(s3(&of_management).1, 1);

    let mut sizes = std::collections::BTreeSet::new();
    for unit in &organization.units {
        let of_unit = rows(&report(&aws, &who, &trimmed(&unit.path), None).await);
        let below = organization.below(&unit.id).unwrap().len();
        assert!(of_unit.iter().all(|(_, accounts, last)| {
            *accounts <= below && last.as_ref().is_none_or(|last| last.starts_with(&unit.path))
        }));
        sizes.insert(of_unit.len());
    }
    assert!(sizes.len() > 2 && sizes.first() < Some(&40), "{sizes:?}");

    let mut quiet = 0;
    for account in organization.accounts.iter().skip(1).take(40) {
        let own = trimmed(&account.path);
        let of_account = rows(&report(&aws, &who, &own, None).await);
        assert!(of_account.iter().all(|it| it.1 == 0 || (it.1 == 1 && it.2.as_ref() == Some(&own))));
        quiet += usize::from(of_account.iter().all(|it| it.1 == 0));
    }
    assert!((1..20).contains(&quiet), "{quiet} accounts without any data");
}

#[tokio::test(start_paused = true)]
async fn a_report_about_a_policy_counts_the_accounts_it_applies_to_within_the_entity() {
    let aws = aws(AccessReportSettings::default());
    let organization = aws.organization();
    let (who, path) = (administrator(), root(&organization));
    let named = |name: &str| organization.policies.iter().find(|it| it.name == name).unwrap();
    let used = |body: &str| rows(body).iter().map(|it| it.1).max().unwrap_or(0);

    let unattached = report(&aws, &who, &path, Some(&named("not-attached").id)).await;
    assert_eq!((rows(&unattached).len(), used(&unattached)), (services().len(), 0));
    assert_eq!(text(&unattached, "NumberOfServicesNotAccessed"), services().len().to_string());

    let approved = named("allow-approved-services");
    let everywhere = report(&aws, &who, &path, Some(&approved.id)).await;
    assert!(used(&everywhere) > 0 && rows(&everywhere).len() == 24);
    let within = organization.units.iter().find(|unit| unit.id == approved.targets[0]).unwrap();
    let at_target = report(&aws, &who, &trimmed(&within.path), Some(&approved.id)).await;
    assert!(used(&at_target) > 0 && used(&at_target) <= used(&everywhere));
    // Attached above an account is not attached to it.
    let account = organization.accounts.iter().find(|it| it.parent == within.id).unwrap();
    let of_account = report(&aws, &who, &trimmed(&account.path), Some(&approved.id)).await;
    assert_eq!((rows(&of_account).len(), used(&of_account)), (24, 0));
    let own = report(&aws, &who, &trimmed(&account.path), Some("p-FullAWSAccess")).await;
    assert_eq!(rows(&own).len(), services().len());

    let denials = &named("deny-experiments").id;
    assert_eq!(rows(&report(&aws, &who, &path, Some(denials)).await).len(), 0);
    aws.change(|settings, _| settings.access_reports.deny_only = DenyOnly::TheRest);
    aws.clock().sleep(Duration::from_secs(60)).await;
    assert_eq!(rows(&report(&aws, &who, &path, Some(denials)).await).len(), services().len() - 6);
}

#[tokio::test(start_paused = true)]
async fn jobs_end_as_they_are_told_to() {
    let who = administrator();
    let with = |outcome| AccessReportSettings { outcomes: vec![outcome], ..AccessReportSettings::default() };
    let hour = Duration::from_secs(3_600);

    let never = aws(with(AccessReportOutcome::Never));
    let path = root(&never.organization());
    let job = start(&never, &who, &path, None).await.unwrap();
    never.clock().sleep(hour).await;
    assert_eq!(text(&get(&never, &who, &job, "").await.1, "JobStatus"), "IN_PROGRESS");
    assert_eq!(start(&never, &who, &path, None).await.unwrap_err().0, 409);

    let vanish = aws(with(AccessReportOutcome::Vanish));
    let job = start(&vanish, &who, &path, None).await.unwrap();
    assert_eq!(get(&vanish, &who, &job, "").await.0, 200);
    vanish.clock().sleep(Duration::from_secs(7)).await;
    assert_eq!(get(&vanish, &who, &job, "").await.0, 404);
    assert_ne!(start(&vanish, &who, &path, None).await.unwrap(), job, "it is forgotten whole");

    let slow = aws(with(AccessReportOutcome::Slow(hour)));
    let job = start(&slow, &who, &path, None).await.unwrap();
    slow.clock().sleep(hour - Duration::from_secs(1)).await;
    assert_eq!(text(&get(&slow, &who, &job, "").await.1, "JobStatus"), "IN_PROGRESS");
    slow.clock().sleep(Duration::from_secs(1)).await;
    assert_eq!(text(&get(&slow, &who, &job, "").await.1, "JobStatus"), "COMPLETED");

    let organization = slow.organization();
    let unit = &organization.units[0];
    let some = aws(AccessReportSettings {
        outcome_of: vec![(unit.id.clone(), AccessReportOutcome::Failed)],
        failing_one_in: 3,
        ..AccessReportSettings::default()
    });
    assert_eq!(failure(&some, &who, &trimmed(&unit.path), None).await, "SERVICE_ERROR");
    let mut failed = 0;
    for account in organization.accounts.iter().take(60) {
        let body = report(&some, &who, &trimmed(&account.path), None).await;
        failed += usize::from(text(&body, "JobStatus") == "FAILED");
    }
    assert!((10..30).contains(&failed), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn without_service_control_policies_an_order_is_refused_or_its_job_fails() {
    for change in [
        (|organization: &mut Organization| organization.all_features = false) as fn(&mut Organization),
        |organization| organization.policy_types.retain(|it| it.name != "SERVICE_CONTROL_POLICY"),
    ] {
        let aws = aws(AccessReportSettings::default());
        aws.change(|_, organization| change(organization));
        let path = root(&aws.organization());
        assert_eq!(failure(&aws, &administrator(), &path, None).await, "SERVICE_ERROR");
        aws.change(|settings, _| settings.access_reports.without_policies = WithoutPolicies::Refused);
        assert_eq!(
            start(&aws, &administrator(), &path, None).await.unwrap_err(),
            (403, "AccessDenied".into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn members_that_are_missing_unknown_or_out_of_bounds_are_validation_errors() {
    let aws = aws(AccessReportSettings::default());
    let path = root(&aws.organization());
    let job = "00000000-0000-4000-8000-000000000000";
    let generate = "Action=GenerateOrganizationsAccessReport";
    let get = format!("Action=GetOrganizationsAccessReport&JobId={job}");
    for form in [
        generate.to_owned(),
        format!("{generate}&EntityPath={path}&Tags=x"),
        format!("{generate}&EntityPath={}", &path[..18]),
        format!("{generate}&EntityPath={path}/{}", "a".repeat(420)),
        format!("{generate}&EntityPath={}", path.replace("/r-", "/R-")),
        format!("{generate}&EntityPath={path} x"),
        format!("{generate}&EntityPath={path}&OrganizationsPolicyId=p-short"),
        "Action=GetOrganizationsAccessReport".to_owned(),
        "Action=GetOrganizationsAccessReport&JobId=x".to_owned(),
        format!("{get}&MaxItems=0"),
        format!("{get}&MaxItems=1001"),
        format!("{get}&MaxItems=x"),
        format!("{get}&Marker="),
        format!("{get}&Marker={}", "m".repeat(321)),
        format!("{get}&SortKey=NAME"),
    ] {
        let (status, body) = ask(&aws, &administrator(), &form).await;
        assert_eq!((status, text(&body, "Code").as_str()), (400, "ValidationError"), "{form}");
    }
    let (status, body) = ask(&aws, &administrator(), "Action=CreateUser").await;
    assert_eq!((status, text(&body, "Code").as_str()), (400, "InvalidAction"));
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_a_functions_call_reaches_these_operations_too() {
    let aws = aws(AccessReportSettings::default());
    aws.faults().add("throttle@iam:GenerateOrganizationsAccessReport".parse().unwrap());
    let function = Principal {
        account: aws.account().to_owned(),
        arn: format!("arn:aws:sts::{}:assumed-role/start/start", aws.account()),
        policy: None,
        role: Some(format!("arn:aws:iam::{}:role/start", aws.account())),
        sandbox: Some(1),
        function: Some("start".to_owned()),
    };
    let who = Who(aws.gate().identities.issue(function).access_key_id, None);
    let path = root(&aws.organization());
    assert_eq!(start(&aws, &who, &path, None).await, Err((400, "Throttling".to_owned())));
    assert!(start(&aws, &who, &path, None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn fifty_thousand_accounts_are_reported_on_in_bounded_time() {
    let aws = aws_of(50_000, AccessReportSettings::default());
    let began = std::time::Instant::now();
    let of_root = rows(&report(&aws, &administrator(), &root(&aws.organization()), None).await);
    assert!(of_root.iter().any(|it| it.1 > 40_000));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}
