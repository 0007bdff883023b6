use super::*;

#[tokio::test(start_paused = true)]
async fn a_pending_answer_says_no_more_than_that() {
    let aws = aws(|_| {});
    let who = somebody(&aws);
    let job = generate(&aws, &who, &members(&aws)[0].arn).await;
    assert_eq!(job.len(), 36);
    let body = ok(&aws, &who, &get(&job)).await;
    assert_eq!(text(&body, "JobStatus"), "IN_PROGRESS");
    for absent in ["JobCompletionDate", "JobType", "ServicesLastAccessed", "Marker", "Error"] {
        assert!(!body.contains(&format!("<{absent}>")), "{absent}");
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_end_as_they_are_told_to() {
    let aws = aws(|it| {
        it.iam_accounts.outcomes = vec![
            AccessedOutcome::FAILED,
            AccessedOutcome::Vanish,
            AccessedOutcome::Never,
            AccessedOutcome::Slow(Duration::from_secs(3_600)),
        ];
    });
    let (who, arn) = (somebody(&aws), members(&aws)[0].arn.clone());
    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(generate(&aws, &who, &arn).await);
    }
    assert_eq!(jobs.iter().collect::<BTreeSet<_>>().len(), 5);
    aws.clock().sleep(Duration::from_secs(10)).await;
    let failed = ok(&aws, &who, &get(&jobs[0])).await;
    assert_eq!(
        (text(&failed, "JobStatus"), text(&failed, "Code")),
        ("FAILED".into(), "SERVICE_ERROR".into())
    );
    assert!(!text(&failed, "Message").is_empty() && failed.contains("<Error>"));
    assert!(!text(&failed, "JobCompletionDate").is_empty() && !failed.contains("ServicesLastAccessed"));
    assert_eq!(refused(&aws, &who, &get(&jobs[1])).await, (404, "NoSuchEntity".to_owned()));
    for (job, status) in [(2, "IN_PROGRESS"), (3, "IN_PROGRESS"), (4, "COMPLETED")] {
        assert_eq!(text(&ok(&aws, &who, &get(&jobs[job])).await, "JobStatus"), status, "{job}");
    }
    aws.clock().sleep(Duration::from_secs(3_600)).await;
    for (job, status) in [(2, "IN_PROGRESS"), (3, "COMPLETED")] {
        assert_eq!(text(&ok(&aws, &who, &get(&jobs[job])).await, "JobStatus"), status, "{job}");
    }
    aws.change(|it, _| it.iam_accounts.outcome_of = vec![(arn.clone(), AccessedOutcome::FAILED)]);
    let job = generate(&aws, &who, &arn).await;
    let other = generate(&aws, &who, &members(&aws)[1].arn).await;
    aws.clock().sleep(Duration::from_secs(10)).await;
    assert_eq!(text(&ok(&aws, &who, &get(&job)).await, "JobStatus"), "FAILED");
    assert_eq!(text(&ok(&aws, &who, &get(&other)).await, "JobStatus"), "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn a_report_is_for_the_session_that_ordered_it() {
    for readers in [ReportReaders::BySessionName, ReportReaders::ByToken] {
        let aws = aws(|it| it.access_reports.readers = readers);
        let (account, may) = (account(&aws).id, ["iam:*"]);
        let who = session_in(&aws, &account, "run-1", &may);
        let job = generate(&aws, &who, &members(&aws)[0].arn).await;
        ok(&aws, &who, &get(&job)).await;
        let again = session_in(&aws, &account, "run-1", &may);
        let (status, _) = ask(&aws, &again, &get(&job)).await;
        assert_eq!(status, if readers == ReportReaders::ByToken { 404 } else { 200 });
        let another = session_in(&aws, &account, "run-2", &may);
        assert_eq!(refused(&aws, &another, &get(&job)).await, (404, "NoSuchEntity".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_principal_that_is_deleted_later_is_gone_but_its_report_is_not() {
    let aws = aws(|_| {});
    let (who, member) = (somebody(&aws), members(&aws)[0].clone());
    let job = generate(&aws, &who, &member.arn).await;
    aws.change(|settings, _| settings.principals.deleted.push(member.arn.clone()));
    aws.clock().sleep(Duration::from_secs(10)).await;
    assert!(!texts(&ok(&aws, &who, &get(&job)).await, "ServiceNamespace").is_empty());
    let form = format!("Action=GenerateServiceLastAccessedDetails&Arn={}", encoded(&member.arn));
    assert_eq!(refused(&aws, &who, &form).await, (404, "NoSuchEntity".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn each_account_has_a_rate_of_its_own() {
    let aws = aws(|it| it.iam_accounts.rate = Some((1.0, 3.0)));
    let other = aws.organization().accounts[6].id.clone();
    let (one, other) = (somebody(&aws), session_in(&aws, &other, "run-1", &["iam:*"]));
    let form = "Action=GetAccountAuthorizationDetails&MaxItems=1";
    for who in [&one, &other] {
        for _ in 0..3 {
            ok(&aws, who, form).await;
        }
        let (status, body) = ask(&aws, who, form).await;
        assert_eq!(
            (status, text(&body, "Code"), text(&body, "Message")),
            (400, "Throttling".into(), "Rate exceeded".into())
        );
    }
    aws.clock().sleep(Duration::from_secs(1)).await;
    ok(&aws, &one, form).await;
}
