use super::*;
use crate::iam::tests::{ROLE, answer, cut_off, error, iam};

const JOB: &str = "00000000-0000-4000-8000-000000000001";
const COMPLETED: &str = "<JobCompletionDate>2026-11-21T06:30:09Z</JobCompletionDate>";

/// A page: its job's status, its services, and the marker of the next.
fn page(status: &str, services: &[&str], marker: Option<&str>) -> (u16, String) {
    let services: String = services
        .iter()
        .map(|it| {
            format!(
                "<member><ServiceName>{it}</ServiceName><ServiceNamespace>{it}</ServiceNamespace></member>"
            )
        })
        .collect();
    with(status, &format!("{COMPLETED}<ServicesLastAccessed>{services}</ServicesLastAccessed>"), marker)
}

fn with(status: &str, members: &str, marker: Option<&str>) -> (u16, String) {
    let members = format!(
        "<JobStatus>{status}</JobStatus><JobType>ACTION_LEVEL</JobType>\
         <JobCreationDate>2026-11-21T06:30:00Z</JobCreationDate>{members}"
    );
    answer("GetServiceLastAccessedDetails", &members, marker)
}

async fn standing(answers: Vec<(u16, String)>) -> Result<Standing, ErrorName> {
    iam(answers).0.standing(JOB).await.map_err(|error| error.name())
}

async fn complete(answers: Vec<(u16, String)>) -> Access {
    let standing = standing(answers).await;
    let Ok(Standing::Complete(access)) = standing else { panic!("{standing:?}") };
    access
}

#[tokio::test]
async fn data_is_ordered_down_to_the_actions() {
    let answered = format!("<JobId>{JOB}</JobId>");
    let (iam, canned) = iam(vec![answer("GenerateServiceLastAccessedDetails", &answered, None)]);
    assert_eq!(iam.order(ROLE).await.unwrap(), JOB);
    let asked = canned.asked().remove(0);
    assert!(asked.contains(&format!("Arn={ROLE}")) && asked.contains("Granularity=ACTION_LEVEL"), "{asked}");
}

#[tokio::test]
async fn an_answer_without_a_job_id_is_no_order() {
    for id in ["", "<JobId>short</JobId>"] {
        let (iam, _) = iam(vec![answer("GenerateServiceLastAccessedDetails", id, None)]);
        assert_eq!(iam.order(ROLE).await.unwrap_err().name(), ErrorName::Defect, "{id}");
    }
}

#[tokio::test]
async fn pages_are_followed_by_their_markers_however_short_they_are() {
    let answers = vec![
        page("COMPLETED", &["a"], Some("1")),
        page("COMPLETED", &[], Some("2")),
        page("COMPLETED", &["b", "c"], None),
    ];
    let (iam, canned) = iam(answers);
    let Standing::Complete(access) = iam.standing(JOB).await.unwrap() else { panic!("not complete") };
    let names: Vec<_> = access.services.iter().map(|it| it.namespace.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(access.completed, "2026-11-21T06:30:09Z".parse().unwrap());
    let asked = canned.asked();
    let markers: Vec<_> = asked.iter().map(|it| it.split("Marker=").nth(1).map(|it| &it[..1])).collect();
    assert_eq!(markers, [None, Some("1"), Some("2")]);
}

#[tokio::test]
async fn a_marker_that_comes_back_or_is_missing_and_a_page_of_another_status_are_no_whole_answer() {
    let again = vec![
        page("COMPLETED", &["a"], Some("1")),
        page("COMPLETED", &["b"], Some("2")),
        page("COMPLETED", &["a"], Some("1")),
    ];
    assert_eq!(standing(again).await.err(), Some(ErrorName::Incomplete));
    let missing = vec![cut_off(page("COMPLETED", &["a"], None))];
    assert_eq!(standing(missing).await.err(), Some(ErrorName::Incomplete));
    for status in ["IN_PROGRESS", "FAILED"] {
        let other = vec![page("COMPLETED", &["a"], Some("1")), page(status, &[], None)];
        assert_eq!(standing(other).await.err(), Some(ErrorName::Incomplete), "{status}");
    }
}

#[tokio::test]
async fn a_job_that_goes_on_or_whose_status_nobody_knows_has_not_ended() {
    for status in ["IN_PROGRESS", "QUEUED"] {
        // Pending answers leave out members that AWS's model requires.
        let pending = vec![with(status, "", None)];
        assert!(matches!(standing(pending).await, Ok(Standing::InProgress)), "{status}");
    }
    let nothing = vec![answer("GetServiceLastAccessedDetails", "", None)];
    assert!(matches!(standing(nothing).await, Ok(Standing::InProgress)));
}

#[tokio::test]
async fn a_job_that_is_not_known_is_told_apart_from_a_refusal_even_in_mid_list() {
    assert!(matches!(standing(vec![error(404, "NoSuchEntity")]).await, Ok(Standing::Unknown)));
    let vanished = vec![page("COMPLETED", &["a"], Some("1")), error(404, "NoSuchEntity")];
    assert!(matches!(standing(vanished).await, Ok(Standing::Unknown)));
    let refused = vec![page("COMPLETED", &["a"], Some("1")), error(403, "AccessDenied")];
    assert_eq!(standing(refused).await.err(), Some(ErrorName::Denied));
}

#[tokio::test]
async fn a_service_is_read_with_its_last_use_and_that_of_its_actions() {
    let service = format!(
        "{COMPLETED}<ServicesLastAccessed><member><ServiceName>Amazon S3</ServiceName><ServiceNamespace>s3</ServiceNamespace>\
         <LastAuthenticated>2026-11-20T01:02:03Z</LastAuthenticated><LastAuthenticatedEntity>{ROLE}</LastAuthenticatedEntity>\
         <LastAuthenticatedRegion>eu-central-1</LastAuthenticatedRegion><TotalAuthenticatedEntities>1</TotalAuthenticatedEntities>\
         <TrackedActionsLastAccessed><member><ActionName>CreateBucket</ActionName></member>\
         <member><ActionName>ListAllMyBuckets</ActionName><LastAccessedEntity>{ROLE}</LastAccessedEntity>\
         <LastAccessedTime>2026-11-19T00:00:00Z</LastAccessedTime><LastAccessedRegion>us-east-1</LastAccessedRegion></member>\
         </TrackedActionsLastAccessed></member></ServicesLastAccessed>"
    );
    let access = complete(vec![with("COMPLETED", &service, None)]).await;
    let unused = TrackedAction { name: "CreateBucket".to_owned(), last: None, region: None };
    let used = TrackedAction {
        name: "ListAllMyBuckets".to_owned(),
        last: Some("2026-11-19T00:00:00Z".parse().unwrap()),
        region: Some("us-east-1".to_owned()),
    };
    let expected = GrantedService {
        namespace: "s3".to_owned(),
        name: "Amazon S3".to_owned(),
        last: Some("2026-11-20T01:02:03Z".parse().unwrap()),
        region: Some("eu-central-1".to_owned()),
        entities: Some(1),
        actions: Some(vec![unused, used]),
        granted_by: None,
    };
    assert_eq!(access.services, [expected]);
}

#[tokio::test]
async fn a_service_that_aws_tells_no_actions_of_claims_nothing_about_them() {
    for actions in ["", "<TrackedActionsLastAccessed/>"] {
        let service = format!(
            "{COMPLETED}<ServicesLastAccessed><member><ServiceName>IAM</ServiceName>\
             <ServiceNamespace>iam</ServiceNamespace>{actions}</member></ServicesLastAccessed>"
        );
        let access = complete(vec![with("COMPLETED", &service, None)]).await;
        let it = &access.services[0];
        assert_eq!((it.last, it.entities, &it.actions), (None, None, &None), "{actions}");
    }
}

#[tokio::test]
async fn a_completed_job_without_its_time_or_an_action_without_its_name_is_not_whole() {
    assert_eq!(standing(vec![with("COMPLETED", "", None)]).await.err(), Some(ErrorName::Incomplete));
    let nameless = format!(
        "{COMPLETED}<ServicesLastAccessed><member><ServiceName>IAM</ServiceName><ServiceNamespace>iam</ServiceNamespace>\
         <TrackedActionsLastAccessed><member/></TrackedActionsLastAccessed></member></ServicesLastAccessed>"
    );
    let nameless = vec![with("COMPLETED", &nameless, None)];
    assert_eq!(standing(nameless).await.err(), Some(ErrorName::Incomplete));
}

#[tokio::test]
async fn a_principal_whose_policies_allow_nothing_has_no_services() {
    assert!(complete(vec![page("COMPLETED", &[], None)]).await.services.is_empty());
}

#[tokio::test]
async fn a_failed_job_keeps_awss_code_and_message() {
    let members = "<Error><Code>SERVICE_ERROR</Code><Message>why</Message></Error>";
    let standing = standing(vec![with("FAILED", members, None)]).await;
    let Ok(Standing::Failed(error)) = standing else { panic!("{standing:?}") };
    assert_eq!(error.name(), ErrorName::JobFailed);
    assert!(error.to_string().contains("SERVICE_ERROR: why"), "{error}");
}

#[tokio::test]
async fn a_failed_job_that_says_nothing_else_has_failed_all_the_same() {
    let standing = standing(vec![with("FAILED", "", None)]).await;
    let Ok(Standing::Failed(error)) = standing else { panic!("{standing:?}") };
    assert_eq!((error.name(), error.aws().unwrap().code.clone()), (ErrorName::JobFailed, None));
}
