//! What a report lists, whom it counts, and its pages.

use super::*;

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
async fn fifty_thousand_accounts_are_reported_on_in_bounded_time() {
    let aws = aws_of(50_000, AccessReportSettings::default());
    let began = std::time::Instant::now();
    let of_root = rows(&report(&aws, &administrator(), &root(&aws.organization()), None).await);
    assert!(of_root.iter().any(|it| it.1 > 40_000));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}
