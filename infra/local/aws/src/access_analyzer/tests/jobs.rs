//! Generations: one at a time, so many a day, listed for a week.

use super::*;

const SECOND: (u16, &str) = (402, "ServiceQuotaExceededException");

fn fast() -> AccessAnalyzerSettings {
    AccessAnalyzerSettings {
        duration: Duration::from_secs(10),
        duration_per_thousand_files: Duration::ZERO,
        ..AccessAnalyzerSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_generation_in_progress_shows_its_order_and_when_it_began_and_one_that_ended_when_it_did() {
    let member = member(AccessAnalyzerSettings::default());
    let principal = member.busy();
    let id = member.start(&member.order(&principal, 10)).await;
    assert_eq!(id.len(), 36);
    let pending = member.get(&id, "").await.body;
    let details = json!({"jobId": id, "status": "IN_PROGRESS", "startedOn": "2026-11-21T06:30:00Z"});
    assert_eq!(pending["jobDetails"], details);
    let trail = json!({
        "trailProperties": [{
            "cloudTrailArn": member.aws.organization_trail(),
            "regions": ["us-east-1", "us-east-2", "us-west-1"],
        }],
        "startTime": "2026-11-11T06:30:00Z",
        "endTime": "2026-11-21T06:30:00Z",
    });
    let properties = json!({"principalArn": principal, "cloudTrailProperties": trail});
    assert_eq!(pending["generatedPolicyResult"], json!({"properties": properties}));
    let ended = member.ended(&id).await;
    assert_eq!(ended["jobDetails"]["status"], "SUCCEEDED");
    assert_eq!(ended["generatedPolicyResult"]["properties"]["cloudTrailProperties"], trail);
    let [generation] = &member.aws.policy_generations()[..] else { panic!("one") };
    assert_eq!(generation.state, PolicyGenerationState::Succeeded);
    assert_eq!(ended["jobDetails"]["completedOn"], generation.ended.unwrap().to_string());
    assert!(generation.ended.unwrap() > now() + SignedDuration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn one_generation_is_in_progress_at_a_time_in_an_account_and_region() {
    let member = member(AccessAnalyzerSettings::default());
    let order = member.order(&member.busy(), 10);
    let first = member.start(&order).await;
    assert_eq!(member.put(&order).await.error(), SECOND);
    member.aws.change(|settings, _| settings.access_analyzer.second = SecondGeneration::Conflict);
    assert_eq!(member.put(&order).await.error(), (409, "ConflictException"));
    let path = "/policy/generation";
    let elsewhere = member.ask_as(&member.key, "eu-west-1", Method::PUT, path, &order).await;
    assert_eq!(elsewhere.status, 200);
    let id = elsewhere.body["jobId"].as_str().unwrap();
    assert_eq!(member.get(id, "").await.error(), (400, "ValidationException"), "it is of another Region");
    assert_eq!(member.cancel(&first).await.body, json!({}));
    assert_eq!(member.status(&first).await, "CANCELED");
    let second = member.start(&order).await;
    member.ended(&second).await;

    let foreign =
        member.aws.start_foreign_policy_generation(&member.account, REGION, Duration::from_secs(60));
    assert_eq!(member.aws.start_foreign_policy_generation(&member.account, REGION, Duration::ZERO), None);
    assert_eq!(member.put(&order).await.status, 409);
    assert_eq!(member.status(&foreign.unwrap()).await, "IN_PROGRESS");
    member.sleep(60).await;
    assert_eq!(member.put(&order).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn fifty_a_day_or_five_in_some_regions_and_cancelled_ones_count() {
    let member = member(fast());
    let order = member.order(&member.idle(), 10);
    for (region, most) in [(REGION, 50), ("me-south-1", 5)] {
        for _ in 0..most {
            let answer = member.ask_as(&member.key, region, Method::PUT, "/policy/generation", &order).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let path = format!("/policy/generation/{}", answer.body["jobId"].as_str().unwrap());
            assert_eq!(
                member.ask_as(&member.key, region, Method::PUT, &path, &Value::Null).await.status,
                200
            );
        }
        let answer = member.ask_as(&member.key, region, Method::PUT, "/policy/generation", &order).await;
        assert_eq!(answer.error(), SECOND, "{region}");
    }
    // To the next midnight.
    member.sleep(17 * 3_600 + 1_799).await;
    assert_eq!(member.put(&order).await.error(), SECOND);
    member.sleep(1).await;
    member.aws.change(|settings, _| settings.access_analyzer.day = QuotaDay::Rolling);
    assert_eq!(member.put(&order).await.error(), SECOND, "24 hours have not passed");
    member.aws.change(|settings, _| settings.access_analyzer.day = QuotaDay::Calendar);
    assert_eq!(member.put(&order).await.status, 200);
    member.aws.change(|settings, _| settings.access_analyzer.day = QuotaDay::Rolling);
    member.sleep(6 * 3_600 + 1_800).await;
    assert_eq!(member.put(&order).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_or_has_ended_is_answered_as_the_switches_say() {
    let member = member(fast());
    let id = member.start(&member.order(&member.busy(), 10)).await;
    member.ended(&id).await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    assert_eq!(member.get(unknown, "").await.fields(), ["jobId"]);
    assert_eq!(member.cancel(unknown).await.fields(), ["jobId"]);
    for (answer, error) in [
        (UnknownGeneration::AccessDenied, (403, "AccessDeniedException")),
        (UnknownGeneration::ResourceNotFound, (404, "ResourceNotFoundException")),
    ] {
        member.aws.change(|settings, _| settings.access_analyzer.unknown = answer);
        assert_eq!(member.get(unknown, "").await.error(), error);
        assert_eq!(member.cancel(unknown).await.error(), error);
    }
    let ended = member.cancel(&id).await;
    assert_eq!((ended.error(), &ended.body["reason"]), ((400, "ValidationException"), &json!("other")));
    member.aws.change(|settings, _| settings.access_analyzer.cancel_ended = CancelEnded::Accepted);
    assert_eq!(member.cancel(&id).await.body, json!({}));
    assert_eq!(member.status(&id).await, "SUCCEEDED");
    assert_eq!(
        member.get(&id, "?includeResourcePlaceholders=yes").await.fields(),
        ["includeResourcePlaceholders"]
    );
    assert_eq!(member.get(&id, "?verbose=true").await.fields(), ["verbose"]);
}

#[tokio::test(start_paused = true)]
async fn generations_are_listed_by_page_for_seven_days_and_for_one_principal() {
    let member = member(fast());
    let (busy, idle) = (member.busy(), member.idle());
    let mut ids = Vec::new();
    for number in 0..7 {
        let principal = if number % 2 == 0 { &busy } else { &idle };
        ids.push(member.start(&member.order(principal, 10)).await);
        member.sleep(60).await;
    }
    let pages = async |query: &str| {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = member.list(&format!("?maxResults=2{query}{token}")).await;
            let jobs = page["policyGenerations"].as_array().unwrap();
            assert!(jobs.len() <= 2);
            listed.extend(jobs.iter().map(|job| job["jobId"].as_str().unwrap().to_owned()));
            let Some(next) = page.get("nextToken") else { return listed };
            token = format!("&nextToken={}", next.as_str().unwrap());
        }
    };
    assert_eq!(pages("").await, ids.iter().rev().cloned().collect::<Vec<_>>());
    let of = format!("&principalArn={idle}");
    assert_eq!(pages(&of).await, [ids[5].clone(), ids[3].clone(), ids[1].clone()]);
    member.aws.change(|settings, _| settings.access_analyzer.oldest_first = true);
    assert_eq!(pages("").await, ids);
    let first = &member.list("").await["policyGenerations"][0];
    let expected = json!({"jobId": ids[0], "principalArn": busy, "status": "SUCCEEDED",
        "startedOn": "2026-11-21T06:30:00Z", "completedOn": first["completedOn"]});
    assert_eq!(first, &expected);

    let token = member.list("?maxResults=2").await["nextToken"].as_str().unwrap().to_owned();
    for (query, name) in [
        ("?maxResults=0".to_owned(), "maxResults"),
        ("?maxResults=x".to_owned(), "maxResults"),
        ("?nextToken=x".to_owned(), "nextToken"),
        (format!("?principalArn={busy}&nextToken={token}"), "nextToken"),
        ("?principalArn=x".to_owned(), "principalArn"),
        ("?status=FAILED".to_owned(), "status"),
    ] {
        let answer = member.ask(Method::GET, &format!("/policy/generation{query}"), &Value::Null).await;
        assert_eq!(answer.fields(), [name], "{query}");
    }
    member.sleep(7 * 86_400 - 300).await;
    assert_eq!(pages("").await, ids[2..], "those of the last seven days");
    assert_eq!(member.get(&ids[0], "").await.status, 400);
    assert_eq!(member.aws.policy_generations().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn two_thousand_accounts_generate_side_by_side() {
    let member = member_of(2_000, fast());
    let organization = member.aws.organization();
    let settings = principals::PrincipalSettings { number: 60, ..Default::default() };
    member.aws.change(|of, _| of.principals = settings.clone());
    let accounts: Vec<_> = organization.accounts.iter().map(|account| account.id.clone()).collect();
    let role = member.role.replace(&member.account, RoleSet::ACCOUNT);
    let access = Role { policy: document(&access()), trust: document(&trust()) };
    member.aws.put_role_set(RoleSet {
        roles: [(role, access)].into(),
        accounts: accounts.iter().cloned().collect(),
    });
    let mut started = Vec::new();
    for account in &organization.accounts {
        let id = account.id.clone();
        let all = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
        let key = key(&member.aws, &id, &all);
        let role = member.role.replace(&member.account, &id);
        let here = Member { aws: member.aws.clone(), account: id, key, role };
        let principal = principals::of_account(&organization, account, "aws", &settings).pop().unwrap();
        let job = here.start(&here.order(&principal.arn, 30)).await;
        started.push((here, job));
    }
    member.sleep(60).await;
    let mut active = 0;
    for (here, job) in started.iter().step_by(10) {
        let body = here.get(job, "").await.body;
        active += usize::from(!actions(&body).is_empty());
        for form in ["?includeResourcePlaceholders=true", "?includeServiceLevelTemplate=true"] {
            assert_eq!(here.get(job, form).await.status, 200);
        }
    }
    assert!((50..200).contains(&active), "{active}");
    assert_eq!(member.aws.policy_generations().len(), 2_000);
}
