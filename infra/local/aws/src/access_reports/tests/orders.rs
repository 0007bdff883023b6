//! Orders: who may give one, what is wrong with it, and who may read what comes of it.

use super::*;

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
