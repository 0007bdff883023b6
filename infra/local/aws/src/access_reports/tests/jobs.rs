//! Jobs: how long they take, one at a time, and how they end.

use super::*;

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
