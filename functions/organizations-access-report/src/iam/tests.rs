//! Answers that the simulation does not give.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::{BehaviorVersion, Region};
use aws_sdk_iam::types::ErrorDetails;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;

use super::*;

const JOB: &str = "00000000-0000-4000-8000-000000000001";

/// Answers one after the other, and keeps what was asked.
#[derive(Debug, Clone, Default)]
struct Canned {
    answers: Arc<Mutex<Vec<(u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        self.asked.lock().unwrap().push(body);
        let (status, text) = self.answers.lock().unwrap().remove(0);
        let answer = http::Response::builder().status(status).body(SdkBody::from(text)).unwrap();
        let answer = HttpResponse::try_from(answer).map_err(|error| ConnectorError::user(error.into()));
        HttpConnectorFuture::ready(answer)
    }
}

/// A reader who is given these answers.
fn reports(answers: Vec<(u16, String)>) -> (Reports, Canned) {
    let canned = Canned { answers: Arc::new(Mutex::new(answers)), ..Canned::default() };
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(canned.clone())
        .build();
    (Reports::new(&config), canned)
}

/// A page: its job's status, its services, and the marker of the next.
fn page(status: &str, services: &[&str], marker: Option<&str>) -> (u16, String) {
    let details: String = services
        .iter()
        .map(|it| {
            format!(
                "<member><ServiceName>{it}</ServiceName><ServiceNamespace>{it}</ServiceNamespace></member>"
            )
        })
        .collect();
    let marker = marker.map(|it| format!("<Marker>{it}</Marker>")).unwrap_or_default();
    let text = format!(
        "<GetOrganizationsAccessReportResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <GetOrganizationsAccessReportResult><JobStatus>{status}</JobStatus>\
         <JobCreationDate>2026-11-21T06:30:00Z</JobCreationDate><NumberOfServicesAccessible>3</NumberOfServicesAccessible>\
         <AccessDetails>{details}</AccessDetails><IsTruncated>{}</IsTruncated>{marker}\
         </GetOrganizationsAccessReportResult></GetOrganizationsAccessReportResponse>",
        !marker.is_empty()
    );
    (200, text)
}

async fn standing(answers: Vec<(u16, String)>) -> Result<Standing, ErrorName> {
    reports(answers).0.standing(JOB).await.map_err(|error| error.name())
}

#[tokio::test]
async fn pages_are_followed_by_their_markers_in_one_order_however_short_they_are() {
    let answers = vec![
        page("COMPLETED", &["a"], Some("1")),
        page("COMPLETED", &[], Some("2")),
        page("COMPLETED", &["b", "c"], None),
    ];
    let (reports, canned) = reports(answers);
    let Standing::Complete(whole) = reports.standing(JOB).await.unwrap() else { panic!("not complete") };
    let names: Vec<_> = whole.services.iter().map(|it| it.namespace.as_str()).collect();
    assert_eq!((names.as_slice(), whole.accessible), (["a", "b", "c"].as_slice(), Some(3)));
    let asked = canned.asked.lock().unwrap();
    assert!(asked.iter().all(|it| it.contains("SortKey=SERVICE_NAMESPACE_ASCENDING")), "{asked:?}");
    let markers: Vec<_> = asked.iter().map(|it| it.split("Marker=").nth(1).map(|it| &it[..1])).collect();
    assert_eq!(markers, [None, Some("1"), Some("2")]);
}

#[tokio::test]
async fn a_marker_that_comes_back_or_is_missing_and_a_page_of_another_status_are_no_whole_report() {
    let again = vec![
        page("COMPLETED", &["a"], Some("1")),
        page("COMPLETED", &["b"], Some("2")),
        page("COMPLETED", &["a"], Some("1")),
    ];
    assert_eq!(standing(again).await.err(), Some(ErrorName::Incomplete));
    let (status, text) = page("COMPLETED", &["a"], None);
    let truncated = text.replace("<IsTruncated>false", "<IsTruncated>true");
    assert_eq!(standing(vec![(status, truncated)]).await.err(), Some(ErrorName::Incomplete));
    let other = vec![page("COMPLETED", &["a"], Some("1")), page("IN_PROGRESS", &[], None)];
    assert_eq!(standing(other).await.err(), Some(ErrorName::Incomplete));
}

#[tokio::test]
async fn a_status_that_nobody_knows_is_not_an_end() {
    for status in ["IN_PROGRESS", "QUEUED"] {
        assert!(
            matches!(standing(vec![page(status, &[], None)]).await, Ok(Standing::InProgress)),
            "{status}"
        );
    }
}

fn error(status: u16, code: &str) -> (u16, String) {
    let text = format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>why</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    );
    (status, text)
}

#[tokio::test]
async fn a_job_that_is_not_known_is_told_apart_from_a_refusal_even_in_mid_list() {
    assert!(matches!(standing(vec![error(404, "NoSuchEntity")]).await, Ok(Standing::Unknown)));
    let vanished = vec![page("COMPLETED", &["a"], Some("1")), error(404, "NoSuchEntity")];
    assert!(matches!(standing(vanished).await, Ok(Standing::Unknown)));
    assert_eq!(standing(vec![error(403, "AccessDenied")]).await.err(), Some(ErrorName::Denied));
}

#[tokio::test]
async fn another_report_in_progress_is_busy_and_no_error() {
    let path = "o-a1b2c3d4e5/r-ab12".parse().unwrap();
    let busy = reports(vec![error(409, "ReportGenerationLimitExceeded")]).0.order(&path, None).await;
    assert_eq!(busy.unwrap(), Ordered::Busy);
    let denied = reports(vec![error(403, "AccessDenied")]).0.order(&path, None).await;
    assert_eq!(denied.unwrap_err().name(), ErrorName::Denied);
}

fn answered(code: &str) -> JobError {
    let details = ErrorDetails::builder().code(code).message("why").build().unwrap();
    let answer = GetOrganizationsAccessReportOutput::builder()
        .job_status(JobStatusType::Failed)
        .job_creation_date(DateTime::from_secs(0))
        .error_details(details)
        .build()
        .unwrap();
    failed(&answer)
}

#[test]
fn a_failed_job_keeps_awss_code_and_message_and_says_what_to_do() {
    for (code, name, remedy) in [
        ("ORGANIZATIONS_REPORT_ACCESS_DENIED", ErrorName::Denied, "organizations:DescribePolicy"),
        ("INVALID_ORGANIZATIONS_ENTITY_PATH", ErrorName::JobFailed, "moved or removed"),
        ("INVALID_ORGANIZATIONS_POLICY", ErrorName::JobFailed, "no such service control policy"),
        ("SERVICE_ERROR", ErrorName::JobFailed, "does not know this code"),
    ] {
        let error = answered(code);
        assert_eq!(error.name(), name, "{code}");
        let text = error.to_string();
        assert!(text.contains(&format!("{code}: why")) && text.contains(remedy), "{text}");
    }
}
