//! Contents with problems: where, and of which kind.

use management_policies::{MAX_PROBLEMS, PolicyKind, ProblemKind, check};

use ProblemKind::{NotEstablished, Wrong};

/// A content below the top key, and the one problem that it has.
type Case = (&'static str, ProblemKind, &'static str);

fn assert_problems(kind: PolicyKind, cases: &[Case]) {
    for (inside, problem, path) in cases {
        let content = format!("{{\"{}\": {inside}}}", kind.top_key());
        let problems = check(kind, &content).expect_err(&content);
        let told: Vec<(ProblemKind, &str)> =
            problems.iter().map(|problem| (problem.kind, problem.path.as_str())).collect();
        let path = format!("/{}{path}", kind.top_key());
        assert_eq!(told, [(*problem, path.as_str())], "{content}: {problems:#?}");
    }
}

#[test]
fn ec2_policies_with_a_problem() {
    let cases: &[Case] = &[
        // the form
        (r#"[]"#, Wrong, ""),
        (r#"{}"#, NotEstablished, ""),
        (r#"{"exception_message": "hello"}"#, Wrong, "/exception_message"),
        (r#"{"exception_message": {}}"#, Wrong, "/exception_message"),
        (r#"{"exception_message": {"@@assign": 1}}"#, Wrong, "/exception_message/@@assign"),
        (r#"{"exception_message": {"@@assign": ""}}"#, NotEstablished, "/exception_message/@@assign"),
        (r#"{"exception_message": {"@@Assign": "a"}}"#, Wrong, "/exception_message/@@Assign"),
        (r#"{"exception_message": {"@@assign": "a", "b": 1}}"#, Wrong, "/exception_message/b"),
        (r#"{"exception_message": {"@@append": ["a"]}}"#, Wrong, "/exception_message/@@append"),
        (r#"{"@@assign": "a", "exception_message": {"@@assign": "a"}}"#, Wrong, "/@@assign"),
        // what is not documented
        (
            r#"{"vpc_encryption_control": {"mode": {"@@assign": "enforce"}}}"#,
            NotEstablished,
            "/vpc_encryption_control",
        ),
        (
            r#"{"instance_metadata_defaults": {"http_tokens": {"@@assign": "required"}, "new": {"@@assign": 1}}}"#,
            NotEstablished,
            "/instance_metadata_defaults/new",
        ),
        // required members
        (
            r#"{"vpc_block_public_access": {"internet_gateway_block": {"mode": {"@@assign": "off"}}}}"#,
            Wrong,
            "/vpc_block_public_access/internet_gateway_block",
        ),
        (
            r#"{"allowed_images_settings": {"image_criteria": {"criteria_1": {"image_names": {"@@assign": ["a"]}}}}}"#,
            Wrong,
            "/allowed_images_settings",
        ),
        (
            r#"{"allowed_images_settings": {"image_criteria": {"criteria_1": {"image_names": {"@@append": ["a"]}}}}}"#,
            NotEstablished,
            "/allowed_images_settings",
        ),
        // values
        (
            r#"{"serial_console_access": {"status": {"@@assign": "off"}}}"#,
            Wrong,
            "/serial_console_access/status/@@assign",
        ),
        (
            r#"{"serial_console_access": {"status": {"@@assign": true}}}"#,
            Wrong,
            "/serial_console_access/status/@@assign",
        ),
        (
            r#"{"image_block_public_access": {"state": {"@@assign": "block-new-sharing"}}}"#,
            Wrong,
            "/image_block_public_access/state/@@assign",
        ),
        (
            r#"{"snapshot_block_public_access": {"state": {"@@assign": "Unblocked"}}}"#,
            Wrong,
            "/snapshot_block_public_access/state/@@assign",
        ),
        (
            r#"{"instance_metadata_defaults": {"http_tokens": {"@@assign": "enabled"}}}"#,
            Wrong,
            "/instance_metadata_defaults/http_tokens/@@assign",
        ),
        (
            r#"{"instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": 65}}}"#,
            Wrong,
            "/instance_metadata_defaults/http_put_response_hop_limit/@@assign",
        ),
        (
            r#"{"instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": "-2"}}}"#,
            Wrong,
            "/instance_metadata_defaults/http_put_response_hop_limit/@@assign",
        ),
        (
            r#"{"instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": 4.0}}}"#,
            Wrong,
            "/instance_metadata_defaults/http_put_response_hop_limit/@@assign",
        ),
        (
            r#"{"instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": "four"}}}"#,
            Wrong,
            "/instance_metadata_defaults/http_put_response_hop_limit/@@assign",
        ),
        (
            r#"{"instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": 0}}}"#,
            NotEstablished,
            "/instance_metadata_defaults/http_put_response_hop_limit/@@assign",
        ),
        (
            r#"{"instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": "04"}}}"#,
            NotEstablished,
            "/instance_metadata_defaults/http_put_response_hop_limit/@@assign",
        ),
    ];
    assert_problems(PolicyKind::DeclarativeEc2, cases);
}

#[test]
fn image_criteria_with_a_problem() {
    let criteria = |inside: &str| {
        format!(
            r#"{{"ec2_attributes": {{"allowed_images_settings": {{"state": {{"@@assign": "enabled"}}, "image_criteria": {inside}}}}}}}"#
        )
    };
    let long = "a".repeat(129);
    let many = vec!["\"amazon\""; 201].join(",");
    let cases = [
        (r#"{"criteria_0": {"image_names": {"@@assign": ["a"]}}}"#.to_owned(), NotEstablished, "/criteria_0"),
        (r#"{"criteria_11": {"image_names": {"@@assign": ["a"]}}}"#.to_owned(), NotEstablished, "/criteria_11"),
        (r#"{"criteria_01": {"image_names": {"@@assign": ["a"]}}}"#.to_owned(), NotEstablished, "/criteria_01"),
        (r#"{"criteria_1": {"image_watermarks": {"@@assign": ["a"]}}}"#.to_owned(), NotEstablished, "/criteria_1/image_watermarks"),
        (r#"{"criteria_1": {"allowed_image_providers": {"@@assign": "amazon"}}}"#.to_owned(), Wrong, "/criteria_1/allowed_image_providers/@@assign"),
        (r#"{"criteria_1": {"allowed_image_providers": {"@@assign": ["amazon", "aws-marketplace"]}}}"#.to_owned(), Wrong, "/criteria_1/allowed_image_providers/@@assign/1"),
        (r#"{"criteria_1": {"allowed_image_providers": {"@@assign": ["12345678901"]}}}"#.to_owned(), Wrong, "/criteria_1/allowed_image_providers/@@assign/0"),
        (r#"{"criteria_1": {"allowed_image_providers": {"@@assign": [123456789012]}}}"#.to_owned(), Wrong, "/criteria_1/allowed_image_providers/@@assign/0"),
        (r#"{"criteria_1": {"allowed_image_providers": {"@@assign": ["none"]}}}"#.to_owned(), NotEstablished, "/criteria_1/allowed_image_providers/@@assign/0"),
        (r#"{"criteria_1": {"allowed_image_providers": {"@@assign": []}}}"#.to_owned(), NotEstablished, "/criteria_1/allowed_image_providers/@@assign"),
        (format!(r#"{{"criteria_1": {{"allowed_image_providers": {{"@@assign": [{many}]}}}}}}"#), Wrong, "/criteria_1/allowed_image_providers/@@assign"),
        (r#"{"criteria_1": {"image_names": {"@@assign": ["a?"]}}}"#.to_owned(), Wrong, "/criteria_1/image_names/@@assign/0"),
        (format!(r#"{{"criteria_1": {{"image_names": {{"@@assign": ["{long}"]}}}}}}"#), Wrong, "/criteria_1/image_names/@@assign/0"),
        (r#"{"criteria_1": {"image_names": {"@@assign": ["ä"]}}}"#.to_owned(), Wrong, "/criteria_1/image_names/@@assign/0"),
        (r#"{"criteria_1": {"marketplace_product_codes": {"@@append": ["a-b"]}}}"#.to_owned(), Wrong, "/criteria_1/marketplace_product_codes/@@append/0"),
        (r#"{"criteria_1": {"creation_date_condition": {"maximum_days_since_created": {"@@assign": 2147483648}}}}"#.to_owned(), Wrong, "/criteria_1/creation_date_condition/maximum_days_since_created/@@assign"),
        (r#"{"criteria_1": {"deprecation_time_condition": {"maximum_days_since_deprecated": {"@@assign": -1}}}}"#.to_owned(), Wrong, "/criteria_1/deprecation_time_condition/maximum_days_since_deprecated/@@assign"),
    ];
    for (inside, kind, path) in cases {
        let problems = check(PolicyKind::DeclarativeEc2, &criteria(&inside)).expect_err(&inside);
        let told: Vec<(ProblemKind, &str)> =
            problems.iter().map(|problem| (problem.kind, problem.path.as_str())).collect();
        let path = format!("/ec2_attributes/allowed_images_settings/image_criteria{path}");
        assert_eq!(told, [(kind, path.as_str())], "{inside}: {problems:#?}");
    }
}

#[test]
fn tag_policies_with_a_problem() {
    let cases: &[Case] = &[
        // policy keys and tag keys
        (r#"{"": {"tag_value": {"@@assign": ["a"]}}}"#, Wrong, "/"),
        (r#"{"a": {}}"#, NotEstablished, "/a"),
        (r#"{"@@foo": {}}"#, Wrong, "/@@foo"),
        (r#"{"costcenter": {"tag_key": {"@@assign": "Cost"}}}"#, Wrong, "/costcenter/tag_key/@@assign"),
        (
            r#"{"costcenter": {"tag_key": {"@@assign": ["CostCenter"]}}}"#,
            Wrong,
            "/costcenter/tag_key/@@assign",
        ),
        (
            r#"{"costcenter": {"tag_key": {"@@append": ["CostCenter"]}}}"#,
            Wrong,
            "/costcenter/tag_key/@@append",
        ),
        (r#"{"a/b~c": {"tag_key": {"@@assign": "a/b"}}}"#, Wrong, "/a~1b~0c/tag_key/@@assign"),
        (
            r#"{"Team": {"tag_value": {"@@assign": ["a"]}}, "team": {"tag_value": {"@@assign": ["b"]}}}"#,
            Wrong,
            "/team",
        ),
        (r#"{"a": {"tag_values": {"@@assign": ["x"]}}}"#, NotEstablished, "/a/tag_values"),
        // values
        (r#"{"a": {"tag_value": {"@@assign": "x"}}}"#, Wrong, "/a/tag_value/@@assign"),
        (r#"{"a": {"tag_value": ["x"]}}"#, Wrong, "/a/tag_value"),
        (r#"{"a": {"tag_value": {"@@assign": ["*@*.com"]}}}"#, Wrong, "/a/tag_value/@@assign/0"),
        (r#"{"a": {"tag_value": {"@@assign": [1]}}}"#, NotEstablished, "/a/tag_value/@@assign/0"),
        (r#"{"a": {"tag_value": {"@@assign": [["x"]]}}}"#, Wrong, "/a/tag_value/@@assign/0"),
        (r#"{"a": {"tag_value": {"@@append": []}}}"#, NotEstablished, "/a/tag_value/@@append"),
        (r#"{"a": {"tag_value": {"@@assign": ["x"], "@@append": ["y"]}}}"#, NotEstablished, "/a/tag_value"),
        // resource types
        (r#"{"a": {"enforced_for": {"@@assign": ["*"]}}}"#, Wrong, "/a/enforced_for/@@assign/0"),
        (r#"{"a": {"enforced_for": {"@@assign": ["*:*"]}}}"#, Wrong, "/a/enforced_for/@@assign/0"),
        (r#"{"a": {"enforced_for": {"@@assign": ["*:instance"]}}}"#, Wrong, "/a/enforced_for/@@assign/0"),
        (r#"{"a": {"enforced_for": {"@@assign": ["ec2"]}}}"#, Wrong, "/a/enforced_for/@@assign/0"),
        (r#"{"a": {"enforced_for": {"@@assign": ["ec2:"]}}}"#, Wrong, "/a/enforced_for/@@assign/0"),
        (r#"{"a": {"enforced_for": {"@@assign": ["ec2:in*"]}}}"#, Wrong, "/a/enforced_for/@@assign/0"),
        (r#"{"a": {"enforced_for": {"@@assign": ["EC2:instance"]}}}"#, Wrong, "/a/enforced_for/@@assign/0"),
        (
            r#"{"a": {"enforced_for": {"@@assign": ["newservice:thing"]}}}"#,
            NotEstablished,
            "/a/enforced_for/@@assign/0",
        ),
        (
            r#"{"a": {"report_required_tag_for": {"@@assign": ["ec2:*"]}}}"#,
            NotEstablished,
            "/a/report_required_tag_for/@@assign/0",
        ),
        (
            r#"{"a": {"report_required_tag_for": {"@@assign": ["ec2"]}}}"#,
            Wrong,
            "/a/report_required_tag_for/@@assign/0",
        ),
    ];
    assert_problems(PolicyKind::Tag, cases);
}

#[test]
fn child_controls_with_a_problem() {
    let at = "/a/tag_value/@@operators_allowed_for_child_policies";
    let cases = [
        (r#""@@none""#, Wrong, ""),
        (r#"[]"#, Wrong, ""),
        (r#"["@@none", "@@append"]"#, Wrong, ""),
        (r#"["@@everything"]"#, Wrong, "/0"),
        (r#"["@@append", 1]"#, Wrong, "/1"),
        (r#"["@@all", "@@append"]"#, NotEstablished, ""),
        (r#"["@@append", "@@append"]"#, NotEstablished, "/1"),
    ];
    for (control, kind, below) in cases {
        let content = format!(
            r#"{{"tags": {{"a": {{"tag_value": {{"@@operators_allowed_for_child_policies": {control}}}}}}}}}"#
        );
        let problems = check(PolicyKind::Tag, &content).expect_err(&content);
        let told: Vec<(ProblemKind, &str)> =
            problems.iter().map(|problem| (problem.kind, problem.path.as_str())).collect();
        assert_eq!(told, [(kind, format!("/tags{at}{below}").as_str())], "{content}");
    }
}

#[test]
fn a_policy_of_another_type_is_refused() {
    for content in
        [r#"{"tags": {}}"#, r#"{"ec2_attributes": {}, "tags": {}}"#, r#"{"Version": "2012-10-17"}"#]
    {
        let problems = check(PolicyKind::DeclarativeEc2, content).unwrap_err();
        assert!(problems.iter().any(|problem| problem.kind == Wrong), "{content}: {problems:#?}");
    }
}

#[test]
fn all_problems_are_told_at_once_with_what_is_allowed() {
    let content = r#"{
        "ec2_attributes": {
            "serial_console_access": {"status": {"@@assign": "on"}},
            "image_block_public_access": {"state": {"@@assign": "block"}},
            "instance_metadata_defaults": {"http_put_response_hop_limit": {"@@assign": 100}}
        }
    }"#;
    let problems = check(PolicyKind::DeclarativeEc2, content).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "/ec2_attributes/serial_console_access/status/@@assign: it is the string \"on\"; one of enabled, disabled",
            "/ec2_attributes/image_block_public_access/state/@@assign: it is the string \"block\"; one of unblocked, block_new_sharing",
            "/ec2_attributes/instance_metadata_defaults/http_put_response_hop_limit/@@assign: it is \"100\"; a whole number from -1 to 64",
        ]
    );
}

#[test]
fn the_number_of_problems_is_bounded_and_the_rest_is_counted() {
    let wrong: Vec<String> =
        (0..500).map(|n| format!(r#""k{n}": {{"tag_value": {{"@@assign": "x"}}}}"#)).collect();
    let content = format!(r#"{{"tags": {{{}}}}}"#, wrong.join(","));
    let problems = check(PolicyKind::Tag, &content).unwrap_err();
    assert_eq!(problems.len(), MAX_PROBLEMS);
    let last = problems.last().unwrap();
    assert_eq!(last.kind, Wrong);
    assert_eq!(last.what, "there are 451 more problems");
}
