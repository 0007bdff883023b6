//! AWS's own summary of a report, held against the report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use account_status::{AwsAttribute, AwsSummary, Expected};
use support::{A, B, R, Read, S, read_with, table};

fn compared(text: impl AsRef<[u8]>, aws: &AwsSummary) -> Read {
    let accounts = [A, B].iter().map(|id| id.parse().unwrap()).collect();
    let expected = Expected { accounts, ..Expected::default() };
    read_with(text, Some(&expected), Some(aws), usize::MAX).unwrap()
}

fn aws(matched: u64, unmatched: u64) -> AwsSummary {
    AwsSummary {
        accounts: Some(2),
        failed_accounts: Some(0),
        attributes: vec![AwsAttribute {
            name: "HttpTokens".into(),
            most_frequent: "REQUIRED".into(),
            matched: Some(matched),
            unmatched: Some(unmatched),
            regions: vec![(R.into(), Some(2), Some(0)), (S.into(), Some(1), Some(1))],
        }],
        ..AwsSummary::default()
    }
}

#[test]
fn awss_own_summary_is_counted_again_and_a_difference_is_named() {
    let agreeing = read_with(table(""), None, Some(&aws(1, 1)), usize::MAX).unwrap();
    assert_eq!(
        (agreeing.summary.aws_summary.agrees, agreeing.summary.coverage.is_complete()),
        (Some(true), true)
    );
    let differing = read_with(table(""), None, Some(&aws(2, 0)), usize::MAX).unwrap();
    assert_eq!(differing.summary.aws_summary.agrees, Some(false));
    assert_eq!(
        differing.summary.aws_summary.disagreements,
        [
            "http_tokens: matched accounts are 1 in the report and 2 for AWS",
            "http_tokens: unmatched accounts are 1 in the report and 0 for AWS"
        ]
    );
    assert!(!differing.summary.coverage.is_complete());
    let mut other = aws(1, 1);
    other.attributes[0].name = "serial_console_access".into();
    let other = read_with(table(""), None, Some(&other), usize::MAX).unwrap();
    assert_eq!(other.summary.aws_summary.disagreements.len(), 2, "one has it, the other does not, both ways");
    let mut elsewhere = aws(1, 1);
    elsewhere.attributes[0].regions.pop();
    let elsewhere = read_with(table(""), None, Some(&elsewhere), usize::MAX).unwrap();
    assert_eq!(
        elsewhere.summary.aws_summary.disagreements,
        ["http_tokens: the report has it in us-east-1, and AWS does not count it there"]
    );
    let mut failed = aws(1, 1);
    failed.failed_accounts = Some(3);
    let failed = read_with(table(""), None, Some(&failed), usize::MAX).unwrap();
    assert_eq!((failed.gap("account that AWS could not read"), failed.summary.failed_accounts), (3, Some(3)));
}

#[test]
fn awss_number_of_accounts_is_compared_with_those_that_can_be_read() {
    let expected = Expected {
        accounts: [A, B].iter().map(|id| id.parse().unwrap()).collect(),
        excluded: [("SUSPENDED".to_owned(), vec!["312345678901".parse().unwrap()])].into(),
    };
    // AWS's number of accounts, how many of them it could not read, and whether that is the same.
    // The suspended account may be in AWS's number or not.
    for (all, failed, agrees) in [(1, 0, false), (2, 0, true), (3, 0, true), (4, 0, false), (4, 1, true)] {
        let aws = AwsSummary { accounts: Some(all), failed_accounts: Some(failed), ..aws(1, 1) };
        let read = read_with(table(""), Some(&expected), Some(&aws), usize::MAX).unwrap();
        let disagreements = &read.summary.aws_summary.disagreements;
        if agrees {
            assert_eq!(disagreements, &[] as &[String], "{all}, {failed}");
        } else {
            let text = format!(
                "accounts: 2 can be read in the report; AWS counts {all} and could not read {failed} of them"
            );
            assert_eq!(disagreements, &[text]);
            assert_eq!(read.gap("AWS's summary disagrees"), 1);
        }
    }
}

#[test]
fn what_awss_summary_leaves_out_is_named_and_nobody_says_that_it_agrees() {
    type Change = fn(&mut AwsSummary);
    let without = |change: Change| {
        let mut aws = aws(1, 1);
        change(&mut aws);
        compared(table(""), &aws).summary
    };
    let whole = without(|_| {});
    assert_eq!((whole.aws_summary.agrees, whole.coverage.is_complete()), (Some(true), true));
    let one: [(Change, &str); 9] = [
        (|aws| aws.accounts = None, "accounts: AWS does not say how many it counts"),
        (|aws| aws.failed_accounts = None, "accounts: AWS does not say how many it could not read"),
        (
            |aws| aws.attributes[0].matched = None,
            "http_tokens: matched accounts are 1 in the report, and AWS gives no number",
        ),
        (
            |aws| aws.attributes[0].unmatched = None,
            "http_tokens: unmatched accounts are 1 in the report, and AWS gives no number",
        ),
        (
            |aws| aws.attributes[0].regions[0].1 = None,
            "http_tokens: matched accounts in eu-west-1 are 2 in the report, and AWS gives no number",
        ),
        (
            |aws| aws.attributes[0].regions[1].2 = None,
            "http_tokens: unmatched accounts in us-east-1 are 1 in the report, and AWS gives no number",
        ),
        (
            |aws| aws.attributes[0].regions.push((String::new(), Some(1), Some(1))),
            "http_tokens: AWS does not say of which Region it counts accounts",
        ),
        (
            |aws| aws.attributes[0].most_frequent.clear(),
            "http_tokens: AWS does not say which value is most frequent",
        ),
        (|aws| aws.attributes.push(AwsAttribute::default()), "an attribute that AWS counts has no name"),
    ];
    for (change, text) in one {
        let summary = without(change);
        assert_eq!(summary.aws_summary.not_compared.first, [text]);
        assert_eq!(summary.aws_summary.agrees, None, "{text}");
        assert_eq!(summary.aws_summary.disagreements, [] as [&str; 0], "{text}");
        let gap = &summary.coverage.gaps["AWS's summary cannot be compared"];
        assert_eq!((gap.count, gap.examples.as_slice()), (1, [text.to_owned()].as_slice()));
        assert!(!summary.coverage.is_complete());
    }
    // Names alone say nothing.
    let names = AwsSummary {
        attributes: vec![AwsAttribute {
            name: "http_tokens".into(),
            most_frequent: "required".into(),
            regions: vec![(R.into(), None, None), (S.into(), None, None)],
            ..AwsAttribute::default()
        }],
        ..AwsSummary::default()
    };
    let names = compared(table(""), &names);
    assert_eq!(names.summary.aws_summary.agrees, None);
    assert_eq!(names.gap("AWS's summary cannot be compared"), 8);
    assert_eq!(names.summary.failed_accounts, None);
}

#[test]
fn what_differs_is_a_disagreement_whatever_else_is_left_out() {
    let mut aws = aws(2, 1);
    (aws.accounts, aws.failed_accounts) = (Some(1), None);
    let read = compared(table(""), &aws);
    assert_eq!(read.summary.aws_summary.agrees, Some(false));
    assert_eq!(
        read.summary.aws_summary.disagreements,
        [
            "accounts: 2 can be read in the report; AWS counts 1",
            "http_tokens: matched accounts are 1 in the report and 2 for AWS"
        ]
    );
    assert_eq!(read.gap("AWS's summary cannot be compared"), 1);
    // With fewer in the report, those that could not be read may make up for it.
    aws = AwsSummary { accounts: Some(3), failed_accounts: None, ..self::aws(1, 1) };
    assert_eq!(compared(table(""), &aws).summary.aws_summary.agrees, None);
}

#[test]
fn an_attribute_that_aws_counts_twice_is_a_disagreement() {
    let mut aws = aws(1, 1);
    let again = AwsAttribute { name: "http-tokens".into(), ..aws.attributes[0].clone() };
    aws.attributes.push(again);
    assert_eq!(
        compared(table(""), &aws).summary.aws_summary.disagreements,
        ["http_tokens: AWS counts it more than once"]
    );
}

#[test]
fn what_is_not_certain_in_the_report_is_not_held_against_aws() {
    let text = table("").replace("required", "").replace("optional", "");
    let read = compared(text, &aws(1, 1));
    assert_eq!(
        read.summary.aws_summary.not_compared.first,
        [r#"http_tokens: most frequent is "required" for AWS, and it is not certain in the report"#]
    );
}

#[test]
fn values_that_differ_only_behind_what_is_shown_of_them_differ() {
    let long = "x".repeat(400);
    for (ours, theirs, agrees) in [
        (format!("{long}a"), format!("{long}a"), true),
        (format!("{long}a"), format!("{long}b"), false),
        ("\"a\nb\"".to_owned(), "a\nb".to_owned(), true),
        ("\"a\nb\"".to_owned(), "a\tb".to_owned(), false),
    ] {
        let text = table("").replace("required", &ours);
        let mut aws = aws(1, 1);
        aws.attributes[0].most_frequent = theirs;
        let summary = compared(text, &aws).summary.aws_summary;
        assert_eq!(summary.agrees, Some(agrees), "{summary:?}");
        if let Some(text) = summary.disagreements.first() {
            assert!(text.len() < 1_000 && text.matches("SHA-256").count() == 2, "{text}");
        }
    }
}
