//! Files without a last line end: their last row may be a part of what it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use account_status::ReportErrorKind;
use support::{A, B, R, S, good, refused, table};

/// What becomes of the last cell behind others of its attribute, in either layout.
fn last(others: &[&str], last: &str) -> Option<String> {
    let values = || others.iter().copied().chain([last]).enumerate();
    let wide: Vec<String> = values().map(|(at, value)| format!("{at:012},{R},{value}")).collect();
    let wide = good(format!("account_id,region,x\n{}", wide.join("\n")));
    let long: Vec<String> = values().map(|(at, value)| format!("{at:012},{R},x,{value}")).collect();
    let long = good(format!("account_id,region,attribute,value\n{}", long.join("\n")));
    assert_eq!(wide.rows, long.rows);
    let row = wide.rows.last().unwrap();
    assert_eq!(wide.gap("possibly cut off"), u64::from(row.3.is_none()));
    assert_eq!(row.5.as_deref(), row.3.is_none().then_some("possibly cut off"));
    row.3.clone()
}

#[test]
fn a_file_cut_in_its_last_row_is_refused_with_the_place() {
    let error = refused(table(&format!("{A},ap-south-1")));
    assert_eq!(error.kind, ReportErrorKind::CutOff { cells: 2, expected: 3 });
    assert_eq!(error.position.map(|at| (at.line, at.record)), Some((6, 6)));
    assert!(error.to_string().contains("report.csv, line 6"), "{error}");
}

#[test]
fn a_last_cell_without_a_line_end_is_believed_only_if_its_value_occurs_elsewhere() {
    assert_eq!(last(&["required"], "required").as_deref(), Some("required"));
    assert_eq!(last(&["REQUIRED", "optional"], "required").as_deref(), Some("required"));
    assert_eq!(last(&["true", "false"], "true").as_deref(), Some("enabled"));
    for (others, cell) in [(&["required"][..], "requi"), (&["required", "optional"], "o"), (&[], "required")]
    {
        assert_eq!(last(others, cell), None, "{cell}");
    }
}

#[test]
fn a_last_cell_that_another_value_begins_with_may_be_cut_off_although_it_occurs_elsewhere() {
    for (others, cell) in [
        (&["block", "block-new-sharing"][..], "block"),
        (&["block", "BLOCK_NEW_SHARING"], "block"),
        (&["Foo", "Foo: bar"], "Foo"),
        (&["t", "true"], "t"),
        (&["off", "off-peak"], "off"),
    ] {
        assert_eq!(last(others, cell), None, "{others:?} {cell}");
    }
    assert_eq!(last(&["unblocked", "block"], "block").as_deref(), Some("block"), "it ends like another");
}

#[test]
fn a_last_cell_that_ends_in_a_digit_may_be_the_beginning_of_a_longer_number() {
    for (others, cell) in [(&["1", "10"][..], "1"), (&["6", "64"], "6"), (&["2", "2"], "2"), (&["v1"], "v1")]
    {
        assert_eq!(last(others, cell), None, "{others:?} {cell}");
    }
}

#[test]
fn a_last_cell_is_not_believed_where_not_all_other_values_are_known() {
    let many: Vec<String> = (0..10_001).map(|number| format!("v{number}x")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    many.insert(0, "on");
    assert_eq!(last(&many, "on"), None);
    // The value of a cell that contradicts another is not among those that are counted.
    let read = good(format!("account_id,region,x\n{A},{R},on\n{B},{R},on-hold\n{B},{R},off\n{A},{S},on"));
    assert_eq!((read.value(A, R, "x"), read.value(A, S, "x")), (Some("on"), None));
    assert_eq!((read.gap("contradicting rows"), read.gap("possibly cut off")), (1, 1));
}

#[test]
fn a_repeated_last_cell_without_a_line_end_confirms_nothing() {
    for text in [
        format!("account_id,region,x\n{A},{R},6\n{B},{R},6\n{A},{R},6"),
        format!("account_id,region,attribute,value\n{A},{R},x,6\n{B},{R},x,6\n{A},{R},x,6"),
    ] {
        let read = good(&text);
        assert_eq!((read.value(A, R, "x"), read.value(B, R, "x")), (None, Some("6")));
        assert_eq!(read.gap("contradicting rows"), 1);
        let read = good(format!("{text}\n"));
        assert_eq!((read.value(A, R, "x"), read.gap("contradicting rows")), (Some("6"), 0));
    }
}

#[test]
fn a_last_row_whose_account_region_or_attribute_may_be_cut_is_not_taken() {
    for text in [
        format!("region,x,account_id\n{R},required,{A}\n{S},required,12345678"),
        format!("account_id,x,region\n{A},required,{R}\n{A},required,us-east-1"),
        format!("account_id,region,value,attribute\n{A},{R},required,x\n{A},{S},required,x"),
    ] {
        let read = good(&text);
        assert_eq!((read.rows.len(), read.value(A, R, "x")), (1, Some("required")), "{text}");
        assert_eq!(read.gap("last row without a line end"), 1, "{text}");
        assert_eq!(read.summary.attributes.len(), 1, "{text}");
        assert_eq!(good(format!("{text}\n")).rows.len(), 2);
    }
    // Behind a label, all of the row's cells are whole.
    let read = good(format!("account_id,region,x,account_name\n{A},{R},1,one\n{B},{R},1,tw"));
    assert_eq!((read.value(B, R, "x"), read.summary.coverage.gaps.len()), (Some("1"), 0));
}

#[test]
fn a_long_file_cut_in_its_last_row_is_refused_with_the_place() {
    let text = format!("account_id,region,attribute,value\n{A},{R},x,required\n{A},{S},x");
    assert_eq!(refused(text).kind, ReportErrorKind::CutOff { cells: 3, expected: 4 });
}
