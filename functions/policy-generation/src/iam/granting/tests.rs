use models::ErrorName;

use crate::iam::tests::{ROLE, answer, cut_off, error, iam};

/// A page: services with their policies, and the marker of the next.
fn page(services: &[(&str, &[&str])], marker: Option<&str>) -> (u16, String) {
    let services: String = services
        .iter()
        .map(|(namespace, policies)| {
            let policies: String = policies.iter().map(|it| format!("<member>{it}</member>")).collect();
            format!(
                "<member><ServiceNamespace>{namespace}</ServiceNamespace><Policies>{policies}</Policies></member>"
            )
        })
        .collect();
    let members = format!("<PoliciesGrantingServiceAccess>{services}</PoliciesGrantingServiceAccess>");
    answer("ListPoliciesGrantingServiceAccess", &members, marker)
}

const MANAGED: &str = "<PolicyName>ReadOnlyAccess</PolicyName><PolicyType>MANAGED</PolicyType>\
                       <PolicyArn>arn:aws:iam::aws:policy/ReadOnlyAccess</PolicyArn>";
const INLINE: &str = "<PolicyName>own</PolicyName><PolicyType>INLINE</PolicyType>\
                      <EntityType>ROLE</EntityType><EntityName>reader</EntityName>";
const OF_GROUP: &str = "<PolicyName>own</PolicyName><PolicyType>INLINE</PolicyType>\
                        <EntityType>GROUP</EntityType><EntityName>ops</EntityName>";

fn namespaces(names: &[&str]) -> Vec<String> {
    names.iter().map(|&it| it.to_owned()).collect()
}

#[tokio::test]
async fn policies_are_named_so_that_no_two_are_the_same() {
    let (iam, _) = iam(vec![page(&[("s3", &[MANAGED, INLINE, OF_GROUP]), ("sqs", &[])], None)]);
    let granting = iam.granting(ROLE, namespaces(&["s3", "sqs", "sns"])).await.unwrap();
    let s3 = ["arn:aws:iam::aws:policy/ReadOnlyAccess", "own", "ops/own"];
    // Nothing grants one; of the other, nothing is known.
    let expected = [("s3".to_owned(), s3.map(str::to_owned).to_vec()), ("sqs".to_owned(), Vec::new())];
    assert_eq!(granting, expected.into());
}

#[tokio::test]
async fn a_service_may_go_on_on_the_next_page() {
    let (iam, canned) = iam(vec![
        page(&[("s3", &[MANAGED])], Some("1")),
        page(&[], Some("2")),
        page(&[("s3", &[INLINE])], None),
    ]);
    let granting = iam.granting(ROLE, namespaces(&["s3"])).await.unwrap();
    assert_eq!(granting["s3"], ["arn:aws:iam::aws:policy/ReadOnlyAccess", "own"]);
    let asked = canned.asked();
    let markers: Vec<_> = asked.iter().map(|it| it.split("Marker=").nth(1).map(|it| &it[..1])).collect();
    assert_eq!(markers, [None, Some("1"), Some("2")]);
    assert!(asked.iter().all(|it| it.contains("ServiceNamespaces.member.1=s3")), "{asked:?}");
}

#[tokio::test]
async fn a_call_names_two_hundred_services_at_most_and_markers_count_by_call() {
    let names = (0..401).map(|number| format!("s{number}")).collect();
    let (iam, canned) = iam(vec![
        page(&[("s0", &[INLINE])], Some("1")),
        page(&[], None),
        page(&[("s200", &[INLINE])], Some("1")),
        page(&[], None),
        page(&[("s400", &[INLINE])], None),
    ]);
    let granting = iam.granting(ROLE, names).await.unwrap();
    assert_eq!(granting.keys().collect::<Vec<_>>(), ["s0", "s200", "s400"]);
    let counts: Vec<_> =
        canned.asked().iter().map(|it| it.matches("ServiceNamespaces.member.").count()).collect();
    assert_eq!(counts, [200, 200, 200, 200, 1]);
}

#[tokio::test]
async fn no_services_are_no_call() {
    let (iam, canned) = iam(Vec::new());
    assert!(iam.granting(ROLE, Vec::new()).await.unwrap().is_empty());
    assert!(canned.asked().is_empty());
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_an_error() {
    let nameless = page(&[("s3", &[INLINE])], None);
    let nameless = (200, nameless.1.replace("<ServiceNamespace>s3</ServiceNamespace>", ""));
    for (answers, name) in [
        (vec![page(&[], Some("1")), page(&[], Some("1"))], ErrorName::Incomplete),
        (vec![cut_off(page(&[("s3", &[INLINE])], None))], ErrorName::Incomplete),
        (vec![nameless], ErrorName::Incomplete),
        (vec![page(&[("s3", &[INLINE])], Some("1")), error(400, "Throttling")], ErrorName::Throttled),
        (vec![page(&[("s3", &[INLINE])], Some("1")), error(404, "NoSuchEntity")], ErrorName::Gone),
    ] {
        let answered = iam(answers).0.granting(ROLE, namespaces(&["s3"])).await;
        assert_eq!(answered.map_err(|error| error.name()), Err(name));
    }
}
