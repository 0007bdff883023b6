//! Input that nobody wants, each with either a clear error or an explicit unknown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs::File;

use account_status::{Expected, Pass, ReportErrorKind, Subject, SummaryValue};
use parquet::file::reader::SerializedFileReader;
use support::{A, B, R, S, good, read_with, refused, table};

#[test]
fn an_empty_file_is_refused() {
    assert_eq!(refused("").kind, ReportErrorKind::Empty);
    assert_eq!(refused("\n\r\n\n").kind, ReportErrorKind::Empty);
}

#[test]
fn a_header_alone_is_no_account_and_no_conclusion() {
    let read = good("account_id,region,http_tokens\n");
    assert_eq!((read.rows.len(), read.summary.coverage.seen_accounts), (0, 0));
    assert!(!read.summary.coverage.is_complete());
    assert_eq!(read.summary.attributes.iter().filter(|it| it.uniform.is_some()).count(), 0);
}

#[test]
fn a_byte_order_mark_and_any_line_ends_change_nothing() {
    let plain = good(table(""));
    assert_eq!(good(format!("\u{feff}{}", table(""))).rows, plain.rows);
    assert_eq!(good(table("").replace('\n', "\r\n")).rows, plain.rows);
    assert_eq!(good(table("").replace('\n', "\r")).rows, plain.rows);
    assert_eq!(good(table("\n\n  \n")).rows, plain.rows);
}

#[test]
fn quoted_newlines_commas_and_quotes_stay_in_their_cell() {
    let read = good(format!("account_id,region,x\n{A},{R},\"a,\"\"b\"\"\nc\"\n"));
    assert_eq!(read.rows[0].4, "a,\"b\"\nc");
    assert_eq!(read.value(A, R, "x"), Some("a,\"b\"\nc"));
}

#[test]
fn a_row_of_another_length_is_counted_and_not_read() {
    for row in [format!("{A},ap-south-1\n"), format!("{A},ap-south-1,required,more\n")] {
        let read = good(table(&format!("{row}{B},ap-south-1,required\n")));
        assert_eq!(read.gap("row with another number of cells than the header"), 1);
        let example =
            &read.summary.coverage.gaps["row with another number of cells than the header"].examples[0];
        assert!(example.starts_with("line 6 (byte ") && example.contains("record 6"), "{example}");
        assert_eq!(read.value(A, "ap-south-1", "http_tokens"), None);
        assert_eq!(read.gap("account without a row in a Region"), 1);
    }
}

#[test]
fn a_place_is_the_records_own_whatever_the_line_ends_and_the_blank_lines_before_it() {
    for mark in ["", "\u{feff}"] {
        for end in ["\n", "\r\n", "\r"] {
            let lines =
                ["", "account_id,region,x", "", &format!("{A},{R},a"), "", "", &format!("{B},{R}"), ""];
            let text = format!("{mark}{}", lines.join(end));
            let byte = text.find(B).unwrap();
            let expected = format!("line 7 (byte {byte}, record 3): 2 of 3 cells");
            for piece in [1, 2, 3, 7, usize::MAX] {
                let read = read_with(&text, None, None, piece).unwrap();
                let gap = &read.summary.coverage.gaps["row with another number of cells than the header"];
                assert_eq!(gap.examples, [expected.as_str()], "{mark:?} {end:?} {piece}");
            }
        }
    }
}

#[test]
fn a_file_that_is_refused_or_given_up_leaves_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let subject = || Subject { object: "report.csv".into(), run_id: "run".into(), observed_at: None };
    // More records than are sampled, so that the table has been begun.
    let rows: String = (0..100).map(|number| format!("{number:012},{R},a\n")).collect();
    let mut pass = Pass::new(subject(), &path);
    pass.feed(format!("account_id,region,x\n{rows}{A},{R}").as_bytes()).unwrap();
    assert!(matches!(pass.finish().unwrap_err().kind, ReportErrorKind::CutOff { .. }));
    assert!(SerializedFileReader::new(File::open(&path).unwrap()).is_err(), "a part of a table is none");
    // And whoever writes there next is alone.
    for _ in 0..50 {
        let mut pass = Pass::new(subject(), &path);
        pass.feed(format!("account_id,region,x\n{rows}").as_bytes()).unwrap();
        drop(pass);
        std::fs::write(&path, "somebody else's").unwrap();
        std::thread::yield_now();
        assert_eq!(std::fs::read(&path).unwrap(), b"somebody else's");
    }
}

#[test]
fn a_quote_that_is_never_closed_is_refused() {
    assert_eq!(
        refused(table(&format!("{A},ap-south-1,\"required\n{B},ap-south-1,required\n"))).kind,
        ReportErrorKind::UnclosedQuote
    );
}

#[test]
fn a_quote_that_swallows_rows_is_refused_with_its_place() {
    // From the quote in line 6 to the one in line 8, all would be one cell of a row that looks right.
    let text = table(&format!("{A},ap-south-1,\"required\n{B},ap-south-1,required\n{A},eu-west-2,\"x\"\n"));
    let error = refused(&text);
    assert_eq!(error.kind, ReportErrorKind::StrayQuote);
    assert_eq!(error.position.map(|at| (at.line, at.record)), Some((6, 6)));
    for piece in [1, 5, 100] {
        assert_eq!(read_with(&text, None, None, piece).map(|read| read.rows).unwrap_err(), error);
    }
}

#[test]
fn quotes_within_a_cell_that_does_not_begin_with_one_are_text() {
    let read = good(format!("account_id,region,x,y\n{A},{R},5\" disk,{{\"state\":\"on\"}}\n"));
    assert_eq!((read.value(A, R, "x"), read.value(A, R, "y")), (Some("5\" disk"), Some(r#"{"state":"on"}"#)));
}

#[test]
fn cells_that_are_not_text_are_unknown_and_others_are_read() {
    let mut bytes = format!("account_id,region,x,y\n{A},{R},").into_bytes();
    bytes.extend(b"\xC3\x28,fine\n");
    bytes.extend(format!("{A},{S},a\0b,fine\n").bytes());
    let read = good(bytes);
    assert_eq!((read.gap("not UTF-8"), read.gap("NUL character")), (1, 1));
    assert_eq!((read.value(A, R, "x"), read.value(A, S, "x")), (None, None));
    assert_eq!((read.value(A, R, "y"), read.value(A, S, "y")), (Some("fine"), Some("fine")));
    let header = refused(b"account_id,region,\xFF\n".as_slice());
    assert!(header.to_string().contains("the header is not UTF-8"), "{header}");
}

#[test]
fn a_cell_of_one_mib_is_read_and_a_larger_one_is_refused() {
    let cell = "x".repeat(1024 * 1024);
    let read = good(format!("account_id,region,a\n{A},{R},{cell}\n"));
    assert_eq!(read.value(A, R, "a").map(str::len), Some(1024 * 1024));
    let summary = serde_json::to_string(&read.summary).unwrap();
    assert!(summary.len() < 4_000, "the summary stays small");
    let error = refused(format!("account_id,region,a\n{A},{R},{cell}x\n"));
    assert!(matches!(error.kind, ReportErrorKind::TooLarge { what: "cell", .. }), "{error}");
    assert!(error.to_string().contains("line 2 (byte 20, record 2)"), "{error}");
}

#[test]
fn five_thousand_columns_are_refused_and_a_thousand_are_read() {
    let header = |count: usize| (0..count).map(|number| format!(",a{number}")).collect::<String>();
    let row = |count: usize| ",x".repeat(count);
    let error = refused(format!("account_id,region{}\n{A},{R}{}\n", header(5_000), row(5_000)));
    assert!(error.to_string().contains("5000 attribute columns are more than 1000"), "{error}");
    assert!(error.to_string().len() < 4_000, "the error stays readable");
    assert_eq!(
        good(format!("account_id,region{}\n{A},{R}{}\n", header(1_000), row(1_000))).rows.len(),
        1_000
    );
}

#[test]
fn a_cell_that_comes_twice_with_the_same_value_counts_once() {
    for layout in ["wide", "long"] {
        let text = match layout {
            "wide" => table(&format!("{B},{S},OPTIONAL\n{A},{R},required\n{A},{R},Required\n")),
            _ => format!(
                "account_id,region,attribute,value\n{A},{R},http_tokens,required\n{A},{R},http-tokens,required\n{B},{R},http_tokens,optional\n"
            ),
        };
        let read = good(&text);
        assert_eq!(read.rows.len(), if layout == "wide" { 4 } else { 2 }, "{layout}");
        assert_eq!(read.summary.repeated, if layout == "wide" { 2 } else { 1 }, "{layout}");
        assert_eq!(read.value(A, R, "http_tokens"), Some("required"));
        assert_eq!(read.gap("contradicting rows"), 0);
    }
}

#[test]
fn a_cell_that_comes_twice_with_different_values_is_unknown() {
    let read = good(
        "account_id,region,x,y\n012345678901,eu-west-1,a,b\n112345678901,eu-west-1,a,b\n012345678901,eu-west-1,a,c\n",
    );
    assert_eq!((read.value(A, R, "x"), read.value(A, R, "y")), (Some("a"), None));
    assert_eq!(read.gap("contradicting rows"), 1);
    let y = &read.summary.attributes[1];
    assert_eq!(
        (y.values.len(), y.values[0].cells, y.unknown_cells),
        (1, 1, 1),
        "the first value is not counted either"
    );
    let read = good(format!("account_id,region,attribute,value\n{A},{R},x,a\n{B},{R},x,a\n{A},{R},x,\n"));
    assert_eq!(
        (read.value(A, R, "x"), read.gap("contradicting rows")),
        (None, 1),
        "a blank contradicts a value"
    );
}

#[test]
fn more_than_is_kept_track_of_is_refused_and_says_what() {
    let long = |cells: &mut dyn Iterator<Item = String>| {
        let rows: String = cells.map(|attribute| format!("{A},{R},{attribute},a\n")).collect();
        format!("account_id,region,attribute,value\n{rows}")
    };
    let letters = |number: usize| {
        format!("{}{}", (b'a' + (number / 26) as u8) as char, (b'a' + (number % 26) as u8) as char)
    };
    let regions: String = (0..129).map(|number| format!("{A},eu-{}-1,a\n", letters(number))).collect();
    let repeated: String =
        (0..20_001).map(|number| format!("{number:012},{R},a\n{number:012},{R},a\n")).collect();
    for (text, what) in [
        (long(&mut (0..1_001).map(|number| format!("a{number}"))), "1000 attributes"),
        // The same attribute, spelled in ever new ways.
        (
            long(&mut (0..4_001).map(|number| format!("a{}", "-".repeat(number)))),
            "4000 spellings of attributes",
        ),
        (format!("account_id,region,x\n{regions}"), "128 Regions"),
        (format!("account_id,region,x\n{repeated}"), "20000 repeated rows or cells"),
        (format!("account_id,region{}\n", ",a".repeat(20_000)), "16384 cells in one record"),
    ] {
        let error = refused(&text);
        assert!(matches!(error.kind, ReportErrorKind::TooMany { .. }), "{error}");
        assert!(error.to_string().contains(&format!("there are more than {what}")), "{error}");
        assert!(error.position.is_some(), "{error}");
    }
    // And what is just within the bounds is read.
    assert_eq!(good(long(&mut (0..1_000).map(|number| format!("a{number}")))).rows.len(), 1_000);
}

#[test]
fn large_cells_that_come_twice_are_compared_and_too_many_of_them_are_refused() {
    let cell = "x".repeat(1024 * 1024 - 1);
    let rows = |count: usize| -> String {
        (0..count).map(|number| format!("{number:012},{R},{cell}a\n{number:012},{R},{cell}b\n")).collect()
    };
    let read = good(format!("account_id,region,x\n{}", rows(2)));
    assert_eq!((read.rows.len(), read.gap("contradicting rows")), (2, 2));
    let error = refused(format!("account_id,region,x\n{}", rows(64)));
    let what = "bytes of repeated rows or cells";
    assert_eq!(error.kind, ReportErrorKind::TooMany { what, limit: 64 * 1024 * 1024 });
    assert_eq!(error.position.map(|at| at.record), Some(128), "{error}");
}

#[test]
fn accounts_and_regions_that_are_missing_are_named() {
    let expected = Expected {
        accounts: [A, B, "212345678901"].iter().map(|id| id.parse().unwrap()).collect(),
        excluded: [("SUSPENDED".to_owned(), vec!["312345678901".parse().unwrap()])].into(),
    };
    let text = format!(
        "account_id,region,x\n{A},{R},a\n{A},{S},a\n{B},{R},a\n412345678901,{R},a\n412345678901,{S},a\n"
    );
    let read = read_with(text, Some(&expected), None, usize::MAX).unwrap();
    let coverage = &read.summary.coverage;
    assert_eq!((coverage.expected_accounts, coverage.seen_accounts), (Some(3), 2));
    assert_eq!(coverage.gaps["account without rows"].examples, ["212345678901"]);
    assert_eq!(coverage.gaps["account without a row in a Region"].examples, [format!("account {B}, {S}")]);
    assert_eq!(read.summary.unexpected_accounts.first, ["412345678901"]);
    assert_eq!(coverage.gaps["account that Organizations does not list"].examples, ["412345678901"]);
    assert_eq!(read.summary.excluded_accounts["SUSPENDED"], 1);
    assert_eq!(read.summary.regions_per_account, [(1, 1), (2, 2)].into());
    assert!(read.summary.attributes[0].uniform.is_none(), "nothing is concluded from a part");
}

#[test]
fn an_account_that_is_left_out_on_purpose_is_no_surprise_when_it_has_rows() {
    let expected = Expected {
        accounts: [A.parse().unwrap()].into(),
        excluded: [("SUSPENDED".to_owned(), vec![B.parse().unwrap()])].into(),
    };
    let text = format!("account_id,region,x\n{A},{R},a\n{B},{R},a\n");
    let read = read_with(text, Some(&expected), None, usize::MAX).unwrap();
    assert_eq!(read.summary.unexpected_accounts.count, 0);
    assert!(read.summary.coverage.is_complete(), "{:?}", read.summary.coverage);
}

#[test]
fn an_account_of_which_nothing_can_be_read_is_not_seen_and_is_named() {
    let accounts = [A, B].iter().map(|id| id.parse().unwrap()).collect();
    let expected = Expected { accounts, ..Expected::default() };
    for cell in ["", "Error: AccessDenied"] {
        let text = format!("account_id,region,x\n{A},{R},a\n{A},{S},\n{B},{R},{cell}\n{B},{S},{cell}\n");
        let read = read_with(text, Some(&expected), None, usize::MAX).unwrap();
        let coverage = &read.summary.coverage;
        assert_eq!((coverage.expected_accounts, coverage.seen_accounts), (Some(2), 1), "{cell:?}");
        assert_eq!(coverage.gaps["account without a readable cell"].examples, [B], "{cell:?}");
        assert_eq!(read.gap("account without rows"), 0, "it has rows");
        let x = &read.summary.attributes[0];
        assert_eq!((x.matched_accounts, x.unmatched_accounts, x.unknown_accounts), (0, 0, 2));
    }
}

#[test]
fn complete_and_uniform_evidence_is_a_conclusion() {
    let accounts = [A, B].iter().map(|id| id.parse().unwrap()).collect();
    let expected = Expected { accounts, ..Expected::default() };
    let text = format!("account_id,region,x,y\n{A},{R},a,1\n{B},{R},a,2\n");
    let read = read_with(text, Some(&expected), None, usize::MAX).unwrap();
    let [x, y] = read.summary.attributes.as_slice() else { panic!() };
    assert_eq!(x.uniform.as_ref().map(|it| it.get().full()), Some("a"));
    assert!(y.uniform.is_none());
    assert_eq!(y.deviating.first, [B]);
}

#[test]
fn what_is_concluded_is_the_whole_value_and_what_is_written_down_a_part_with_a_digest() {
    let accounts = [A, B].iter().map(|id| id.parse().unwrap()).collect();
    let expected = Expected { accounts, ..Expected::default() };
    let long = "x".repeat(400);
    let text = format!(
        "account_id,region,x,y\n{A},{R},\"a\nb\",{long}\n{B},{R},\"a\nb\",{long}\n{B},{S},\"a\tb\",{long}y\n{A},{S},\"a\nb\",{long}\n"
    );
    let read = read_with(text, Some(&expected), None, usize::MAX).unwrap();
    let [x, y] = read.summary.attributes.as_slice() else { panic!() };
    for (attribute, value) in [(x, "a\nb"), (y, long.as_str())] {
        assert_eq!(attribute.most_frequent.as_ref().map(SummaryValue::full), Some(value));
        assert_eq!((attribute.matched_accounts, attribute.unmatched_accounts), (1, 1));
        assert_eq!(attribute.values[0].value.shown(), attribute.values[1].value.shown());
        let shown = serde_json::to_value(attribute).unwrap();
        assert_eq!(shown["values"][0]["value"], shown["values"][1]["value"]);
        assert_ne!(shown["values"][0]["sha256"], shown["values"][1]["sha256"]);
        assert_eq!(shown["mostFrequentSha256"], shown["values"][0]["sha256"]);
        assert!(shown["mostFrequent"].as_str().unwrap().len() < 310);
    }
    let text = format!("account_id,region,x\n{A},{R},\"a\nb\"\n{B},{R},\"a\nb\"\n");
    let read = read_with(text, Some(&expected), None, usize::MAX).unwrap();
    let uniform = read.summary.attributes[0].uniform.as_ref();
    assert_eq!(uniform.map(|it| it.get().full()), Some("a\nb"));
}

#[test]
fn blank_cells_and_error_texts_are_unknown_with_their_reason() {
    let read =
        good(format!("account_id,region,x\n{A},{R},\n{A},{S},Error: AccessDenied\n{B},{R},a\n{B},{S},a\n"));
    assert_eq!((read.gap("blank cell"), read.gap("error text")), (1, 1));
    let x = &read.summary.attributes[0];
    assert_eq!((x.matched_accounts, x.unmatched_accounts, x.unknown_accounts), (1, 0, 1));
}

#[test]
fn bad_cells_of_a_long_file_are_as_unknown_as_those_of_a_wide_one() {
    let mut bytes = format!(
        "account_id,region,attribute,value\n{A},{R},x,a\n{A},{R},,a\n{A},{R},--,a\n{A},{R},y\n{A},{R},z,\n"
    )
    .into_bytes();
    bytes.extend(format!("{A},{R},\"quoted\nname\",\"a\n\"\"b\"\"\"\n{A},{R},n,a\0b\n{A},{R},u,").bytes());
    bytes.extend(b"\xC3\x28\n");
    bytes.extend(format!("{A},{R},").bytes().chain(*b"\xFF,a\n"));
    let read = good(bytes);
    assert_eq!(read.value(A, R, "x"), Some("a"));
    assert_eq!(read.value(A, R, "quoted_name"), Some("a\n\"b\""));
    for (reason, count) in [
        ("row without an attribute", 3),
        ("row with another number of cells than the header", 1),
        ("blank cell", 1),
        ("NUL character", 1),
        ("not UTF-8", 1),
    ] {
        assert_eq!(read.gap(reason), count, "{reason}");
    }
}

#[test]
fn rows_without_an_account_or_a_region_are_counted() {
    let read = good(table(&format!(
        "not an account,{R},required\n{A},everywhere,required\n,,\n1.23457E+11,{S},required\n"
    )));
    assert_eq!((read.gap("row without an account id"), read.gap("row without a Region")), (3, 1));
    assert_eq!(read.rows.len(), 4);
}

#[test]
fn ids_that_a_spreadsheet_shortened_are_whole_again() {
    let read = good(format!("account_id,region,x\n12345678901,{R},a\n{A},{S},a\n"));
    assert_eq!(read.value(A, R, "x"), Some("a"));
    assert_eq!(read.summary.coverage.seen_accounts, 1);
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_kept_as_they_are_in_the_table() {
    for cell in ["=1+1", "+1", "-1", "@SUM(A1)"] {
        let read = good(format!("account_id,region,x\n{A},{R},{cell}\n"));
        assert_eq!((read.value(A, R, "x"), read.rows[0].4.as_str()), (Some(cell), cell));
    }
}

#[test]
fn a_layout_that_cannot_be_placed_says_what_it_saw() {
    let error = refused("id;gegend;wert\n1;2;3\n");
    assert!(matches!(error.kind, ReportErrorKind::Unplaceable { .. }));
    assert!(error.to_string().contains("id;gegend;wert"), "{error}");
    let below = refused("\n\nid;gegend;wert\n1;2;3\n");
    assert_eq!(below.position.map(|at| (at.line, at.byte, at.record)), Some((3, 2, 1)), "the header's place");
    let hostile = refused("a\u{1b}[31m,b\n1,2\n");
    assert!(!hostile.to_string().contains('\u{1b}'), "{hostile:?}");
}

#[test]
fn more_values_than_are_told_apart_are_counted_and_said() {
    let rows: String = (0..10_050).map(|number| format!("{:012},{R},v{number},same\n", number + 1)).collect();
    let read = good(format!("account_id,region,x,y\n{rows}"));
    let [x, y] = read.summary.attributes.as_slice() else { panic!() };
    assert_eq!(
        (x.distinct_values, x.other_cells, x.values.len(), x.unlisted_cells),
        (10_000, 50, 100, 9_900)
    );
    assert_eq!(x.most_frequent, None, "one of those not told apart could be more frequent");
    assert_eq!(read.gap("value beyond those told apart"), 50);
    assert_eq!(
        (y.most_frequent.as_ref().map(SummaryValue::full), y.matched_accounts),
        (Some("same"), 10_050)
    );
    assert_eq!(read.rows.len(), 20_100, "the table has every value");
}

#[test]
fn a_long_file_keeps_what_it_does_not_know_as_attributes_of_the_attribute() {
    let read = good(format!(
        "account,region,attribute,value,managedBy\n{A},{R},serialConsoleAccess,FALSE,declarative-policy\n"
    ));
    assert_eq!(read.value(A, R, "serial_console_access"), Some("disabled"));
    assert_eq!(read.value(A, R, "serial_console_access.managed_by"), Some("declarative-policy"));
}

#[test]
fn an_attribute_that_a_long_file_leaves_out_for_one_account_is_missing() {
    let read = good(format!("account,region,attribute,value\n{A},{R},x,a\n{A},{R},y,a\n{B},{R},x,a\n"));
    assert_eq!(
        read.summary.coverage.gaps["attribute without a row"].examples,
        [format!("account {B}, {R}, y")]
    );
    let y = read.summary.attributes.iter().find(|it| it.name == "y").unwrap();
    assert_eq!((y.matched_accounts, y.unknown_accounts), (1, 1));
}
