//! A batch as a CSV: a header with the members' names, a column `tag:KEY` for each tag.

use std::collections::{BTreeMap, BTreeSet};

use csv::{ReaderBuilder, StringRecord};
use errors::JobError;

use crate::batch::{self, MOST, Problems};
use crate::wished::Wished;

const TAG: &str = "tag:";
const COLUMNS: [&str; 7] =
    ["email", "name", "parent", "roleName", "iamUserAccessToBilling", "govCloud", "tag:KEY"];

/// The accounts of a CSV, checked.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Wished>, JobError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| unreadable(&error))?.clone();
    check_header(&header)?;
    let (mut accounts, mut lines, mut problems) = (Vec::new(), Vec::new(), Problems::default());
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        if accounts.len() > MOST {
            break;
        }
        accounts.push(account(&header, &record, line, &mut problems));
        lines.push(line);
    }
    problems.into_result()?;
    batch::check(&accounts, |number| format!("line {}", lines.get(number).copied().unwrap_or_default()))?;
    Ok(accounts)
}

/// Columns are told by their numbers: of a file without a header they are somebody's address.
fn check_header(header: &StringRecord) -> Result<(), JobError> {
    let (mut problems, mut seen) = (Problems::default(), BTreeSet::new());
    for (number, column) in header.iter().enumerate() {
        let is_tag = column.strip_prefix(TAG).is_some_and(|key| !key.is_empty());
        if !is_tag && !COLUMNS[..6].contains(&column) {
            problems.add(|| format!("column {} of the header is none of {}", number + 1, COLUMNS.join(", ")));
        }
        if !seen.insert(column) {
            problems.add(|| format!("column {} of the header is there twice", number + 1));
        }
    }
    for needed in ["email", "name"] {
        if !seen.contains(needed) {
            problems.add(|| format!("the header has no column {needed}"));
        }
    }
    problems.into_result()
}

fn account(header: &StringRecord, record: &StringRecord, line: u64, problems: &mut Problems) -> Wished {
    let mut account = Wished {
        email: String::new(),
        name: String::new(),
        parent: None,
        role_name: None,
        iam_user_access_to_billing: None,
        tags: BTreeMap::new(),
        gov_cloud: false,
    };
    for (column, cell) in header.iter().zip(record) {
        // An empty cell is one that says nothing.
        if cell.is_empty() {
            continue;
        }
        let text = cell.to_owned();
        match column {
            "email" => account.email = text,
            "name" => account.name = text,
            "parent" => account.parent = Some(text),
            "roleName" => account.role_name = Some(text),
            "iamUserAccessToBilling" => account.iam_user_access_to_billing = Some(text),
            "govCloud" => match cell.to_ascii_lowercase().as_str() {
                "true" => account.gov_cloud = true,
                "false" => account.gov_cloud = false,
                _ => problems.add(|| format!("line {line}: govCloud must be true or false")),
            },
            tag => {
                let key = tag.strip_prefix(TAG).unwrap_or(tag);
                account.tags.insert(key.to_owned(), text);
            }
        }
    }
    account
}

fn unreadable(error: &csv::Error) -> JobError {
    JobError::invalid(format!("the batch is no CSV with a header, separated by commas, in UTF-8: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(text: &str) -> String {
        read(text.as_bytes())
            .map_or_else(|error| error.to_string(), |accounts| format!("{} read", accounts.len()))
    }

    #[test]
    fn columns_are_members_in_any_order_and_empty_cells_say_nothing() {
        let text = "\u{feff}name,email,tag:team,govCloud,parent,tag:stage,roleName,iamUserAccessToBilling\r\n\
                    \"Data, all of it\",data@example.com,data,TRUE,ou-ab12-c3d4e5f6,,Admin,DENY\r\n\
                    Web,web@example.com,,,,prod,,\r\n";
        let accounts = read(text.as_bytes()).unwrap();
        let expected = json!([
            {"email": "data@example.com", "name": "Data, all of it", "parent": "ou-ab12-c3d4e5f6", "roleName": "Admin",
             "iamUserAccessToBilling": "DENY", "tags": {"team": "data"}, "govCloud": true},
            {"email": "web@example.com", "name": "Web", "tags": {"stage": "prod"}},
        ]);
        assert_eq!(serde_json::to_value(accounts).unwrap(), expected);
    }

    #[test]
    fn problems_are_told_by_line_and_column_and_never_with_what_stands_there() {
        for (text, says) in [
            ("", "no column email"),
            ("email;name\na@example.com;A\n", "column 1"),
            ("data@example.com,Data\n", "column 1"),
            ("email,name,email\n", "column 3 of the header is there twice"),
            ("email,name,tag:\n", "column 3"),
            ("email,name\n", "0 accounts"),
            ("email,name\nweb@example.com\n", "no CSV"),
            ("email,name,govCloud\nweb@example.com,Web,maybe\n", "line 2: govCloud"),
            ("email,name\nweb@example.com,Web\nweb@example.com,Web 2\n", "line 3: email is that of line 2"),
        ] {
            assert!(said(text).contains(says), "{text:?}: {}", said(text));
            assert!(!said(text).contains("example"), "{text:?}: {}", said(text));
        }
        assert!(read(b"email,name\n\xff@example.com,A\n").is_err());
    }
}
