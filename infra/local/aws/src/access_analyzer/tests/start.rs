//! Orders: what is wrong with them, who may give one, and what is refused.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_an_order_is_refused_by_the_names_of_its_members() {
    let member = member(AccessAnalyzerSettings::default());
    let order = member.order(&member.busy(), 10);
    let (role, trail) = (member.role.clone(), member.aws.organization_trail());
    for (pointer, value, name) in [
        ("/policyGenerationDetails", Value::Null, "policyGenerationDetails"),
        ("/policyGenerationDetails", json!(1), "policyGenerationDetails"),
        ("/policyGenerationDetails/principalArn", Value::Null, "policyGenerationDetails.principalArn"),
        (
            "/policyGenerationDetails/principalArn",
            json!(format!("arn:aws:iam::{}:group/x", member.account)),
            "policyGenerationDetails.principalArn",
        ),
        (
            "/policyGenerationDetails/principalArn",
            json!("arn:aws:iam::999999999999:role/x"),
            "policyGenerationDetails.principalArn",
        ),
        (
            "/policyGenerationDetails/principalArn",
            json!(format!("arn:aws-cn:iam::{}:role/x", member.account)),
            "policyGenerationDetails.principalArn",
        ),
        ("/cloudTrailDetails/trails", Value::Null, "cloudTrailDetails.trails"),
        ("/cloudTrailDetails/trails", json!([]), "cloudTrailDetails.trails"),
        ("/cloudTrailDetails/trails/0", json!("x"), "cloudTrailDetails.trails[0]"),
        (
            "/cloudTrailDetails/trails/0/cloudTrailArn",
            json!("trail"),
            "cloudTrailDetails.trails[0].cloudTrailArn",
        ),
        ("/cloudTrailDetails/trails/0/regions", json!("all"), "cloudTrailDetails.trails[0].regions"),
        ("/cloudTrailDetails/trails/0/regions", json!([1]), "cloudTrailDetails.trails[0].regions"),
        (
            "/cloudTrailDetails/trails/0",
            json!({"cloudTrailArn": trail, "regions": ["eu-west-1"], "allRegions": true}),
            "cloudTrailDetails.trails[0].regions",
        ),
        (
            "/cloudTrailDetails/trails/0",
            json!({"cloudTrailArn": trail, "allRegions": "true"}),
            "cloudTrailDetails.trails[0].allRegions",
        ),
        (
            "/cloudTrailDetails/trails/0",
            json!({"cloudTrailArn": trail, "allRegions": true, "prefix": "x"}),
            "cloudTrailDetails.trails[0].prefix",
        ),
        ("/cloudTrailDetails/accessRole", Value::Null, "cloudTrailDetails.accessRole"),
        ("/cloudTrailDetails/accessRole", json!("role"), "cloudTrailDetails.accessRole"),
        (
            "/cloudTrailDetails/accessRole",
            json!(role.replace(&member.account, "999999999999")),
            "cloudTrailDetails.accessRole",
        ),
        ("/cloudTrailDetails/startTime", Value::Null, "cloudTrailDetails.startTime"),
        ("/cloudTrailDetails/startTime", json!(1_700_000_000), "cloudTrailDetails.startTime"),
        ("/cloudTrailDetails/startTime", json!("yesterday"), "cloudTrailDetails.startTime"),
        ("/cloudTrailDetails/startTime", json!(now().to_string()), "cloudTrailDetails.startTime"),
        ("/cloudTrailDetails/startTime", json!("2026-08-23T06:29:59Z"), "cloudTrailDetails.startTime"),
    ] {
        let mut wrong = order.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert_eq!(member.put(&wrong).await.fields(), [name], "{wrong}");
    }
    let mut several = order.clone();
    several["cloudTrailDetails"]["endTime"] = json!("x");
    several["policyGenerationDetails"]["principalArn"] = json!("x");
    several["clientToken"] = json!("");
    several["tags"] = json!({});
    assert_eq!(
        member.put(&several).await.fields(),
        ["tags", "policyGenerationDetails.principalArn", "cloudTrailDetails.endTime", "clientToken"]
    );
    let answer = member.put(&json!([])).await;
    assert_eq!(
        (answer.error(), &answer.body["reason"]),
        ((400, "ValidationException"), &json!("cannotParse"))
    );
    let longest = {
        let mut order = order.clone();
        order["cloudTrailDetails"]["startTime"] = json!("2026-08-23T06:30:00Z");
        order
    };
    assert_eq!(member.put(&longest).await.status, 200, "90 days");
    assert_eq!(member.aws.policy_generations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_call_or_not_pass_the_role_is_denied() {
    let member = member(AccessAnalyzerSettings::default());
    let order = member.order(&member.busy(), 10);
    let start =
        json!({"Effect": "Allow", "Resource": "*", "Action": "access-analyzer:StartPolicyGeneration"});
    let pass = |service: &str| {
        json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": member.role,
            "Condition": {"StringEquals": {"iam:PassedToService": service}}})
    };
    for (may, lacks) in [
        (json!([pass("access-analyzer.amazonaws.com")]), "access-analyzer:StartPolicyGeneration"),
        (json!([start]), "iam:PassRole"),
        (json!([start, pass("lambda.amazonaws.com")]), "iam:PassRole"),
    ] {
        let key = key(&member.aws, &member.account, &may);
        let answer = member.ask_as(&key, REGION, Method::PUT, "/policy/generation", &order).await;
        assert_eq!(answer.error(), (403, "AccessDeniedException"));
        assert!(answer.body["message"].as_str().unwrap().contains(lacks), "{}", answer.body);
        assert!(lacks != "iam:PassRole" || answer.body["message"].as_str().unwrap().contains(&member.role));
    }
    let both = key(&member.aws, &member.account, &json!([start, pass("access-analyzer.amazonaws.com")]));
    let answer = member.ask_as(&both, REGION, Method::PUT, "/policy/generation", &order).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let used = member.aws.gate().used();
    assert!(used.iter().any(|it| it.action == "iam:PassRole" && it.dependent && it.resource == member.role));
    for action in ["cloudtrail:GetTrail", "s3:GetObject", "s3:ListBucket"] {
        assert!(used.iter().any(|it| it.action == action && it.role == member.role), "{action}");
    }
    let id = answer.body["jobId"].as_str().unwrap();
    for (method, path) in [
        (Method::GET, "/policy/generation".to_owned()),
        (Method::GET, format!("/policy/generation/{id}")),
        (Method::PUT, format!("/policy/generation/{id}")),
        (Method::POST, "/policy/validation".to_owned()),
        (Method::POST, "/policy/check-no-new-access".to_owned()),
    ] {
        let answer = member.ask_as(&both, REGION, method, &path, &Value::Null).await;
        assert_eq!(answer.error(), (403, "AccessDeniedException"), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_without_a_trail_needs_no_role_and_says_services_only_or_is_refused() {
    let member = member(AccessAnalyzerSettings::default());
    let order = json!({"policyGenerationDetails": {"principalArn": member.busy()}});
    let may = json!([{"Effect": "Allow", "Resource": "*", "Action": "access-analyzer:*"}]);
    let key = key(&member.aws, &member.account, &may);
    let answer = member.ask_as(&key, REGION, Method::PUT, "/policy/generation", &order).await;
    let body = member.ended(answer.body["jobId"].as_str().unwrap()).await;
    let properties = &body["generatedPolicyResult"]["properties"];
    assert_eq!(properties.get("cloudTrailProperties"), None);
    assert_eq!(properties["isComplete"], false);
    assert!(actions(&body).len() > 8 && actions(&body).iter().all(|it| it.ends_with(":*")));
    member.aws.change(|settings, _| settings.access_analyzer.without_trail = WithoutTrail::Refused);
    assert_eq!(member.put(&order).await.fields(), ["cloudTrailDetails"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_token_answers_the_same_order_with_the_same_generation_and_no_other() {
    let member = member(AccessAnalyzerSettings::default());
    let mut order = member.order(&member.busy(), 10);
    order["clientToken"] = json!("run-1");
    let id = member.start(&order).await;
    assert_eq!(member.start(&order).await, id, "although one is in progress");
    let mut other = order.clone();
    other["policyGenerationDetails"]["principalArn"] = json!(member.idle());
    let answer = member.put(&other).await;
    assert_eq!(answer.error(), (409, "ConflictException"));
    member.ended(&id).await;
    assert_eq!(member.start(&order).await, id);
    let elsewhere = member.ask_as(&member.key, "eu-west-1", Method::PUT, "/policy/generation", &order).await;
    assert_ne!(elsewhere.body["jobId"], json!(id), "of another Region");
    member.aws.change(|settings, _| settings.access_analyzer.token_reuse = TokenReuse::Validation);
    assert_eq!(member.put(&other).await.fields(), ["clientToken"]);
    order.as_object_mut().unwrap().remove("clientToken");
    assert_ne!(member.start(&order).await, id, "without a token it is another");
}

#[tokio::test(start_paused = true)]
async fn starts_are_refused_as_they_are_told_to_be() {
    let refusals = vec![
        StartRefusal::Throttled { retry_after_seconds: Some(7) },
        StartRefusal::Internal { retry_after_seconds: None },
        StartRefusal::Conflict,
        StartRefusal::ServiceQuotaExceeded,
    ];
    let member = member(AccessAnalyzerSettings { refusals, ..AccessAnalyzerSettings::default() });
    let order = member.order(&member.busy(), 10);
    let throttled = member.put(&order).await;
    assert_eq!(throttled.error(), (429, "ThrottlingException"));
    assert_eq!(throttled.headers["retry-after"], "7");
    let internal = member.put(&order).await;
    assert_eq!(internal.error(), (500, "InternalServerException"));
    assert!(!internal.headers.contains_key("retry-after"));
    for error in [(409, "ConflictException"), (402, "ServiceQuotaExceededException")] {
        let answer = member.put(&order).await;
        assert_eq!(answer.error(), error);
        assert!(["message", "resourceId", "resourceType"].iter().all(|it| answer.body[*it].is_string()));
    }
    assert_eq!(member.put(&order).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_a_functions_call_has_the_shape_of_this_service() {
    let member = member(AccessAnalyzerSettings::default());
    let order = member.order(&member.busy(), 10);
    let function = Principal {
        account: member.account.clone(),
        arn: format!("arn:aws:sts::{}:assumed-role/start/start", member.account),
        policy: None,
        role: Some(format!("arn:aws:iam::{}:role/start", member.account)),
        sandbox: Some(1),
        function: Some("start".to_owned()),
    };
    let key = member.aws.gate().identities.issue(function).access_key_id;
    for (fault, error) in [
        ("throttle", (429, "ThrottlingException")),
        ("server-error", (500, "InternalServerException")),
        ("deny", (403, "AccessDeniedException")),
    ] {
        member.aws.faults().add(format!("{fault}@access-analyzer:StartPolicyGeneration").parse().unwrap());
        let answer = member.ask_as(&key, REGION, Method::PUT, "/policy/generation", &order).await;
        assert_eq!(answer.error(), error);
        assert!(answer.body["message"].is_string());
    }
    let answer = member.ask_as(&key, REGION, Method::PUT, "/policy/generation", &order).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let actions: Vec<_> = member.aws.calls().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, ["access-analyzer:StartPolicyGeneration"; 4]);
}
