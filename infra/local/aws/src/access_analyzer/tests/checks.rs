//! ValidatePolicy and CheckNoNewAccess.

use super::*;

impl Member {
    async fn validate(&self, document: &str, kind: &str) -> Vec<Value> {
        let body = json!({"policyDocument": document, "policyType": kind});
        let answer = self.ask(Method::POST, "/policy/validation", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["findings"].as_array().unwrap().clone()
    }

    async fn compare(&self, new: &Value, existing: &Value) -> Value {
        let statement = |it: &Value| json!({"Version": "2012-10-17", "Statement": it}).to_string();
        let body = json!({"newPolicyDocument": statement(new), "existingPolicyDocument": statement(existing),
            "policyType": "IDENTITY_POLICY"});
        let answer = self.ask(Method::POST, "/policy/check-no-new-access", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

fn codes(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|it| it["issueCode"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_finding_says_what_is_wrong_where_it_is_and_where_to_read_on() {
    let member = member(AccessAnalyzerSettings::default());
    let document = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\"Effect\": \"Allow\",\n    \"Action\": [\"s3:GetObject\", \"nope:Do\"], \"Resource\": \"*\"}]\n}";
    let findings = member.validate(document, "IDENTITY_POLICY").await;
    let expected = json!([{
        "findingType": "ERROR",
        "issueCode": "INVALID_SERVICE_IN_ACTION",
        "findingDetails": "The service nope specified in the action does not exist.",
        "learnMoreLink": "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-error-invalid-service-in-action",
        "locations": [{
            "path": [{"value": "Statement"}, {"index": 0}, {"value": "Action"}, {"index": 1}],
            "span": {
                "start": {"line": 4, "column": 31, "offset": 96},
                "end": {"line": 4, "column": 40, "offset": 105},
            },
        }],
    }]);
    assert_eq!(json!(findings), expected);
    assert_eq!(&document[96..105], "\"nope:Do\"");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_wrong_and_a_variable_that_is_have_places_of_their_own() {
    let member = member(AccessAnalyzerSettings::default());
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Actions":1,"Resource":"arn:aws:s3:::b/${}"}}"#;
    let findings = member.validate(document, "IDENTITY_POLICY").await;
    assert_eq!(codes(&findings), ["INVALID_POLICY_ELEMENT", "EMPTY_VARIABLE"]);
    let places: Vec<_> = findings.iter().map(|it| &it["locations"][0]).collect();
    let cut = |place: &Value| {
        let at = |end: &str| usize::try_from(place["span"][end]["offset"].as_u64().unwrap()).unwrap();
        document[at("start")..at("end")].to_owned()
    };
    assert_eq!(places[0]["path"], json!([{"value": "Statement"}, {"key": "Actions"}]));
    assert_eq!(cut(places[0]), "\"Actions\"");
    let part = json!({"substring": {"start": 15, "length": 3}});
    assert_eq!(places[1]["path"], json!([{"value": "Statement"}, {"value": "Resource"}, part]));
    assert_eq!(cut(places[1]), "${}");
}

#[tokio::test(start_paused = true)]
async fn each_check_finds_what_it_is_for() {
    let member = member(AccessAnalyzerSettings::default());
    let good = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    let with = |member: &str, value: Value| {
        let mut statement = good.clone();
        statement[member] = value;
        statement
    };
    let without = |member: &str| {
        let mut statement = good.clone();
        statement.as_object_mut().unwrap().remove(member);
        statement
    };
    for (statement, code) in [
        (good.clone(), None),
        (without("Effect"), Some("MISSING_EFFECT")),
        (with("Effect", json!("allow")), Some("INVALID_EFFECT")),
        (with("Effect", json!(1)), Some("DATA_TYPE_MISMATCH")),
        (without("Action"), Some("MISSING_ACTION")),
        (with("Action", json!([])), Some("EMPTY_ARRAY_ACTION")),
        (with("Action", json!([1])), Some("DATA_TYPE_MISMATCH")),
        (with("Action", json!("s3GetObject")), Some("INVALID_ACTION")),
        (without("Resource"), Some("MISSING_RESOURCE")),
        (with("Resource", json!([])), Some("EMPTY_ARRAY_RESOURCE")),
        (with("Resource", json!("bucket")), Some("MISSING_ARN_FIELD")),
        (with("Resource", json!("arn:aws:s3:::${BucketName")), Some("MISSING_BRACE_IN_VARIABLE")),
        (with("Resource", json!("arn:aws:s3:::${}")), Some("EMPTY_VARIABLE")),
        (with("Sid", json!("")), Some("EMPTY_SID_VALUE")),
        (with("Actions", json!("x")), Some("INVALID_POLICY_ELEMENT")),
        (with("Principal", json!("*")), Some("UNSUPPORTED_PRINCIPAL")),
        (json!("x"), Some("DATA_TYPE_MISMATCH")),
        (
            json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}),
            Some("PASS_ROLE_WITH_STAR_IN_RESOURCE"),
        ),
        (
            json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}),
            Some("PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"),
        ),
        (
            json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
                "Condition": {"StringEquals": {"iam:PassedToService": "x"}}}),
            None,
        ),
        (json!({"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}), None),
    ] {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let findings = member.validate(&document, "IDENTITY_POLICY").await;
        assert_eq!(codes(&findings), Vec::from_iter(code), "{document}");
    }
    for (document, kind, code) in [
        ("{", "IDENTITY_POLICY", "JSON_SYNTAX_ERROR"),
        ("[]", "IDENTITY_POLICY", "DATA_TYPE_MISMATCH"),
        (r#"{"Statement": []}"#, "IDENTITY_POLICY", "MISSING_VERSION"),
        (r#"{"Version": "2020-01-01", "Statement": []}"#, "IDENTITY_POLICY", "INVALID_VERSION"),
        (r#"{"Version": "2012-10-17"}"#, "IDENTITY_POLICY", "MISSING_STATEMENT"),
        (
            r#"{"Version": "2012-10-17", "Name": "x", "Statement": []}"#,
            "RESOURCE_POLICY",
            "INVALID_POLICY_ELEMENT",
        ),
    ] {
        assert_eq!(codes(&member.validate(document, kind).await), [code], "{document}");
    }
    let one = |statement: Value| json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    assert_eq!(codes(&member.validate(&one(good.clone()), "RESOURCE_POLICY").await), ["MISSING_PRINCIPAL"]);
    let named = one(with("Principal", json!("*")));
    let findings = member.validate(&named, "SERVICE_CONTROL_POLICY").await;
    assert_eq!(codes(&findings), ["SCP_SYNTAX_ERROR_PRINCIPAL"]);
    assert!(member.validate(&named, "RESOURCE_CONTROL_POLICY").await.is_empty());
    let long = one(with("Resource", json!(format!("arn:aws:s3:::{}", "b".repeat(6_144)))));
    let findings = member.validate(&long, "IDENTITY_POLICY").await;
    assert_eq!(codes(&findings), ["POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"]);
}

#[tokio::test(start_paused = true)]
async fn findings_are_answered_page_by_page_and_wrong_requests_refused() {
    let member = member(AccessAnalyzerSettings::default());
    let statement = json!({"Effect": "Allow", "Action": [], "Resource": []});
    let document = json!({"Statement": [statement, statement, statement]}).to_string();
    let all = member.validate(&document, "IDENTITY_POLICY").await;
    assert_eq!(all.len(), 7);
    let body = json!({"policyDocument": document, "policyType": "IDENTITY_POLICY", "locale": "DE"});
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("/policy/validation?maxResults=3{token}");
        let page = member.ask(Method::POST, &path, &body).await.body;
        paged.extend(page["findings"].as_array().unwrap().clone());
        let Some(next) = page.get("nextToken") else { break };
        token = format!("&nextToken={}", next.as_str().unwrap());
    }
    assert_eq!(paged, all);
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "x.amazonaws.com"}}});
    let body = json!({"policyDocument": trust.to_string(), "policyType": "RESOURCE_POLICY",
        "validatePolicyResourceType": "AWS::IAM::AssumeRolePolicyDocument"});
    assert_eq!(member.ask(Method::POST, "/policy/validation", &body).await.body, json!({"findings": []}));
    for (body, query, name) in [
        (json!({"policyType": "IDENTITY_POLICY"}), "", "policyDocument"),
        (json!({"policyDocument": "{}"}), "", "policyType"),
        (json!({"policyDocument": "{}", "policyType": "TAG_POLICY"}), "", "policyType"),
        (json!({"policyDocument": "{}", "policyType": "RESOURCE_POLICY", "locale": "XX"}), "", "locale"),
        (
            json!({"policyDocument": "{}", "policyType": "IDENTITY_POLICY",
                "validatePolicyResourceType": "AWS::S3::Bucket"}),
            "",
            "validatePolicyResourceType",
        ),
        (
            json!({"policyDocument": "{}", "policyType": "RESOURCE_POLICY",
                "validatePolicyResourceType": "AWS::SQS::Queue"}),
            "",
            "validatePolicyResourceType",
        ),
        (json!({"policyDocument": "{}", "policyType": "IDENTITY_POLICY", "name": "x"}), "", "name"),
        (json!({"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}), "?maxResults=-1", "maxResults"),
        (json!({"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}), "?nextToken=1", "nextToken"),
    ] {
        let answer = member.ask(Method::POST, &format!("/policy/validation{query}"), &body).await;
        assert_eq!(answer.fields(), [name], "{body} {query}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_policy_allows_by_its_words_is_new_access_unless_the_other_allows_it_too() {
    let member = member(AccessAnalyzerSettings::default());
    let allow = |action: &str, on: &str| json!({"Effect": "Allow", "Action": action, "Resource": on});
    let deny = json!({"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"});
    let bound = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}}});
    for (new, existing, result) in [
        (
            json!([allow("s3:GetObject", "arn:aws:s3:::b/x")]),
            json!([allow("s3:Get*", "arn:aws:s3:::b/*")]),
            "PASS",
        ),
        (json!([]), json!([allow("s3:*", "*")]), "PASS"),
        (json!([allow("S3:getobject", "*")]), json!([allow("s3:*", "*")]), "PASS"),
        (json!([allow("s3:*", "*")]), json!([allow("s3:Get*", "*")]), "FAIL"),
        (json!([allow("s3:*", "*")]), json!([allow("s3:?", "*")]), "FAIL"),
        (json!([allow("s3:GetObject", "*")]), json!([allow("s3:GetObject", "arn:aws:s3:::b/*")]), "FAIL"),
        (json!([allow("s3:GetObject", "*")]), json!([bound]), "FAIL"),
        (json!([bound]), json!([allow("s3:*", "*")]), "PASS"),
        (json!([allow("s3:*", "*")]), json!([allow("s3:*", "*"), deny]), "FAIL"),
        (json!([allow("s3:*", "*"), deny]), json!([allow("s3:*", "*"), deny]), "PASS"),
        (
            json!([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]),
            json!([allow("*", "*")]),
            "FAIL",
        ),
    ] {
        let answer = member.compare(&new, &existing).await;
        assert_eq!(answer["result"], result, "{new} {existing}");
        assert_eq!(answer["reasons"].as_array().unwrap().is_empty(), result == "PASS");
        assert!(answer["message"].is_string());
    }
    let named = json!([{"Sid": "New", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]);
    let answer = member.compare(&named, &json!([])).await;
    let reason = json!({"description": "New access in the statement with sid: New.", "statementIndex": 0,
        "statementId": "New"});
    assert_eq!(answer["reasons"], json!([reason]));

    let policy = r#"{"Statement": []}"#;
    for (new, existing, error) in [
        ("{", policy, (400, "InvalidParameterException")),
        (policy, "{}", (422, "UnprocessableEntityException")),
    ] {
        let body = json!({"newPolicyDocument": new, "existingPolicyDocument": existing,
            "policyType": "RESOURCE_POLICY"});
        assert_eq!(member.ask(Method::POST, "/policy/check-no-new-access", &body).await.error(), error);
    }
    let body = json!({"newPolicyDocument": policy, "policyType": "SERVICE_CONTROL_POLICY"});
    let answer = member.ask(Method::POST, "/policy/check-no-new-access", &body).await;
    assert_eq!(answer.fields(), ["existingPolicyDocument", "policyType"]);
    let nowhere = member.ask(Method::POST, "/policy/check-everything", &json!({})).await;
    assert_eq!(nowhere.error(), (404, "UnknownOperationException"));
}
