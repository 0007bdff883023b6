//! How generations end, and what is wrong with those that fail.

use super::*;

const AUTHORIZATION: &str = "AUTHORIZATION_ERROR";
const NOT_FOUND: &str = "RESOURCE_NOT_FOUND_ERROR";

fn allow(actions: &[&str]) -> Value {
    json!([{"Effect": "Allow", "Resource": "*", "Action": actions}])
}

#[tokio::test(start_paused = true)]
async fn an_access_role_that_is_missing_not_trusted_or_lacks_a_permission_is_an_authorization_error() {
    let member = member(AccessAnalyzerSettings::default());
    let order = member.order(&member.busy(), 10);
    let mut other = order.clone();
    other["cloudTrailDetails"]["accessRole"] = json!(member.role.replace("_Muster", "_Other"));
    let (code, message) = member.failure(&other).await;
    assert!(code == AUTHORIZATION && message.contains("_Other"), "{message}");

    let put = |policy: &Value, trust: &Value| {
        member.aws.put_role(&member.role, Role { policy: document(policy), trust: document(trust) });
    };
    put(
        &access(),
        &json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}}]),
    );
    assert_eq!(member.failure(&order).await.0, AUTHORIZATION);
    put(
        &access(),
        &json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "access-analyzer.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": member.account}}}]),
    );
    assert_eq!(member.failure(&order).await.0, AUTHORIZATION);
    member.aws.change(|settings, _| settings.access_analyzer.source_account = true);
    assert_eq!(member.generated(&order).await["jobDetails"]["status"], "SUCCEEDED");

    let all = [
        "cloudtrail:GetTrail",
        "iam:GenerateServiceLastAccessedDetails",
        "iam:GetServiceLastAccessedDetails",
        "s3:GetObject",
        "s3:ListBucket",
    ];
    for missing in all {
        let some: Vec<_> = all.into_iter().filter(|action| *action != missing).collect();
        put(&allow(&some), &trust());
        let (code, message) = member.failure(&order).await;
        assert!(code == AUTHORIZATION && message.contains(missing), "{message}");
    }
    member.aws.change(|settings, _| {
        let bucket = &mut settings.access_analyzer.trail.bucket;
        bucket.key = Some("arn:aws:kms:eu-central-1:999999999999:key/k".to_owned());
    });
    put(&allow(&all), &trust());
    let (code, message) = member.failure(&order).await;
    assert!(code == AUTHORIZATION && message.contains("kms:Decrypt"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_or_key_that_does_not_let_the_role_in_is_an_authorization_error() {
    let member = member(AccessAnalyzerSettings::default());
    let order = member.order(&member.busy(), 10);
    let policy = json!([{"Effect": "Allow", "Resource": "*", "Action": "*"}]);
    member.aws.put_role(&member.role, Role { policy: document(&policy), trust: document(&trust()) });
    let refused = (
        AUTHORIZATION.to_owned(),
        "Incorrect permissions assigned to access CloudTrail S3 bucket".to_owned(),
    );
    for bucket in [
        LogBucket { readers: None, ..LogBucket::default() },
        LogBucket { readers: Some("AnotherRole".to_owned()), ..LogBucket::default() },
        LogBucket {
            key: Some("arn:aws:kms:x:y:key/z".to_owned()),
            key_statement: false,
            ..LogBucket::default()
        },
    ] {
        member.aws.change(|settings, _| settings.access_analyzer.trail.bucket = bucket.clone());
        assert_eq!(member.failure(&order).await, refused, "{bucket:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_principal_or_trail_that_does_not_exist_is_a_resource_that_is_not_found() {
    let member = member(AccessAnalyzerSettings::default());
    let principal = member.busy();
    let gone = member.order(&principal, 10);
    let mut other = gone.clone();
    let trail = "arn:aws:cloudtrail:eu-central-1:999999999999:trail/other";
    other["cloudTrailDetails"]["trails"][0]["cloudTrailArn"] = json!(trail);
    assert_eq!(
        member.failure(&other).await,
        (NOT_FOUND.to_owned(), format!("The trail {trail} was not found."))
    );
    let kept = member.start(&gone).await;
    let before = member.ended(&kept).await;
    member.aws.change(|settings, _| settings.principals.deleted.push(principal.clone()));
    let (code, message) = member.failure(&gone).await;
    assert!(code == NOT_FOUND && message.contains(&principal));
    assert_eq!(member.get(&kept, "").await.body, before, "what was generated before stays");
    let deployed = member.order(&member.role, 10);
    assert_eq!(member.generated(&deployed).await["jobDetails"]["status"], "SUCCEEDED", "a role of a stack");
    member.aws.change(|settings, _| settings.access_analyzer.trail.arn = Some(trail.to_owned()));
    assert_eq!(member.aws.organization_trail(), trail);
    assert_eq!(
        member.generated(&other).await["jobDetails"]["status"],
        "FAILED",
        "the principal is still gone"
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_files_fail_and_a_narrower_window_of_the_same_order_succeeds() {
    let member = member(AccessAnalyzerSettings::default());
    let wide = |days| {
        let mut order = member.order(&member.busy(), days);
        let trail = member.aws.organization_trail();
        order["cloudTrailDetails"]["trails"] = json!([{"cloudTrailArn": trail, "allRegions": true}]);
        order
    };
    let account = {
        let organization = member.aws.organization();
        let busiest = organization.accounts.iter().max_by_key(|account| {
            let span = SignedDuration::from_hours(24);
            super::super::logs::Account::new(&organization, &account.id).logs(&organization, None, span).files
        });
        busiest.unwrap().id.clone()
    };
    let key = key(&member.aws, &account, &json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    let role = member.role.replace(&member.account, &account);
    member.aws.put_role(&role, Role { policy: document(&access()), trust: document(&trust()) });
    let here = Member { aws: member.aws.clone(), account, key, role };
    let order = |days| {
        let text = wide(days).to_string().replace(&member.account, &here.account);
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let principal = here.busy();
    let about = |days| {
        let mut order = order(days);
        order["policyGenerationDetails"]["principalArn"] = json!(principal);
        order
    };
    let (code, message) = here.failure(&about(90)).await;
    assert!(code == "SERVICE_QUOTA_EXCEEDED_ERROR" && message.contains("100,000"), "{message}");
    assert_eq!(here.generated(&about(14)).await["jobDetails"]["status"], "SUCCEEDED");
    let [failed, succeeded] = &here.aws.policy_generations()[..] else { panic!("two") };
    let took = |it: &PolicyGeneration| it.ended.unwrap().duration_since(it.started);
    assert!(took(succeeded) > took(failed), "files take time");
}

#[tokio::test(start_paused = true)]
async fn generations_end_as_they_are_told_to() {
    let with = |outcome| {
        member(AccessAnalyzerSettings { outcomes: vec![outcome], ..AccessAnalyzerSettings::default() })
    };
    let hour = 3_600;
    for code in [
        JobErrorCode::Authorization,
        JobErrorCode::ResourceNotFound,
        JobErrorCode::ServiceQuotaExceeded,
        JobErrorCode::Service,
    ] {
        let member = with(PolicyGenerationOutcome::Failed(code));
        let order = member.order(&member.busy(), 10);
        assert_eq!(member.failure(&order).await.0, code.name());
        assert_eq!(member.generated(&order).await["jobDetails"]["status"], "SUCCEEDED", "the next one");
    }
    let never = with(PolicyGenerationOutcome::Never);
    let order = never.order(&never.busy(), 10);
    let id = never.start(&order).await;
    never.sleep(24 * hour).await;
    assert_eq!(never.status(&id).await, "IN_PROGRESS");
    assert_eq!(never.put(&order).await.status, 402);
    assert_eq!(never.cancel(&id).await.status, 200);
    assert_eq!(never.status(&id).await, "CANCELED");

    let vanish = with(PolicyGenerationOutcome::Vanish);
    let order = vanish.order(&vanish.busy(), 10);
    let id = vanish.start(&order).await;
    assert_eq!(vanish.status(&id).await, "IN_PROGRESS");
    vanish.sleep(hour).await;
    assert_eq!(vanish.get(&id, "").await.fields(), ["jobId"]);
    assert_eq!(vanish.list("").await, json!({"policyGenerations": []}));
    assert_eq!(vanish.put(&order).await.status, 200);

    let slow = with(PolicyGenerationOutcome::Slow(Duration::from_secs(5 * hour)));
    let id = slow.start(&slow.order(&slow.busy(), 10)).await;
    slow.sleep(5 * hour - 1).await;
    assert_eq!(slow.status(&id).await, "IN_PROGRESS");
    slow.sleep(1).await;
    assert_eq!(slow.status(&id).await, "SUCCEEDED");
}

#[tokio::test(start_paused = true)]
async fn one_role_fails_by_its_arn_and_one_in_so_many_by_chance() {
    let member = member(AccessAnalyzerSettings::default());
    let (busy, idle) = (member.busy(), member.idle());
    let outcome = PolicyGenerationOutcome::Failed(JobErrorCode::Service);
    member.aws.change(|settings, _| settings.access_analyzer.outcome_of.push((busy.clone(), outcome)));
    assert_eq!(member.failure(&member.order(&busy, 10)).await.0, "SERVICE_ERROR");
    assert_eq!(member.generated(&member.order(&idle, 10)).await["jobDetails"]["status"], "SUCCEEDED");
    member.aws.change(|settings, _| {
        settings.access_analyzer.outcome_of.clear();
        settings.access_analyzer.failing_one_in = 1;
    });
    assert_eq!(member.failure(&member.order(&idle, 10)).await.0, "SERVICE_ERROR");
}
