//! Placing the columns: which is the account, which the Region, and what the rest is.
//!
//! A name that is known counts, and so does what stands in the first records: a column is the
//! account's only if account ids stand in it. Two candidates, or none, are refused: a guess here
//! would be a wrong number everywhere.

use models::digest::sha256;
use models::{AccountId, Region};

use crate::records::Record;

/// The most attribute columns.
pub(crate) const ATTRIBUTE_LIMIT: usize = 1_000;

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grain {
    /// An account and Region; the attributes have columns.
    Wide { attributes: Vec<(usize, String)> },
    /// An account, Region and attribute. Columns that are not understood are kept as attributes of
    /// the attribute.
    Long { attribute: usize, value: usize, others: Vec<(usize, String)> },
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub account: usize,
    pub region: usize,
    pub grain: Grain,
    /// The header as it is.
    pub header: Vec<String>,
    /// The first 16 hexadecimal digits of the header's SHA-256: changes when the layout does.
    pub hash: String,
}

const ACCOUNT_NAMES: [&str; 7] = [
    "account_id",
    "aws_account_id",
    "account",
    "account_number",
    "member_account_id",
    "linked_account_id",
    "aws_account",
];
const REGION_NAMES: [&str; 4] = ["region", "aws_region", "region_name", "region_code"];
const ATTRIBUTE_NAMES: [&str; 5] =
    ["attribute", "attribute_name", "setting", "setting_name", "policy_attribute"];
const VALUE_NAMES: [&str; 6] =
    ["value", "attribute_value", "current_value", "setting_value", "configuration_value", "current_status"];

/// Columns that describe the account or the report and are no attribute of a policy.
const LABEL_NAMES: [&str; 17] = [
    "account_name",
    "account_email",
    "account_arn",
    "email",
    "organization_id",
    "organizational_unit",
    "organizational_unit_id",
    "organizational_unit_name",
    "ou",
    "ou_id",
    "ou_name",
    "ou_path",
    "parent_id",
    "report_id",
    "report_time",
    "target_id",
    "timestamp",
];

/// The canonical spelling of a name: lower case, words joined by underscores, whatever joined them
/// before (`imageBlockPublicAccess`, `Image block public access`, `image-block-public-access`).
pub(crate) fn canonical_name(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (index, &letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(index + 1);
        let begins_word = letter.is_uppercase()
            && (before.is_some_and(|it| it.is_lowercase() || it.is_ascii_digit())
                || (before.is_some_and(|it| it.is_uppercase()) && after.is_some_and(|it| it.is_lowercase())));
        if begins_word && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out.trim_end_matches('_').to_owned()
}

/// A few records at the beginning, kept until the columns are placed.
#[derive(Debug, Default)]
pub(crate) struct Sample(pub(crate) Vec<Vec<Vec<u8>>>);

impl Sample {
    /// Records that are looked at before the columns are placed.
    pub(crate) const ROWS: usize = 64;
    /// Bytes of them at the most.
    pub(crate) const BYTES: usize = 1024 * 1024;

    pub(crate) fn push(&mut self, record: &Record<'_>) {
        self.0.push(record.cells().map(<[u8]>::to_vec).collect());
    }

    pub(crate) fn is_enough(&self) -> bool {
        let size = || self.0.iter().flatten().map(Vec::len).sum::<usize>();
        self.0.len() >= Self::ROWS || size() > Self::BYTES
    }

    /// What stands in a column, but for blanks.
    fn column(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter_map(move |row| row.get(index))
            .map(|cell| cell.trim_ascii())
            .filter(|cell| !cell.is_empty())
    }

    /// How many of the column's cells pass, and how many there are.
    fn count(&self, index: usize, test: impl Fn(&[u8]) -> bool) -> (usize, usize) {
        self.column(index).fold((0, 0), |(passed, all), cell| (passed + usize::from(test(cell)), all + 1))
    }
}

fn is_account(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|text| AccountId::from_digits(text).is_some())
}

fn is_twelve_digits(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|text| text.parse::<AccountId>().is_ok())
}

fn is_region(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|text| text.parse::<Region>().is_ok())
}

impl Layout {
    /// Places the columns, or says why they cannot be placed.
    pub(crate) fn place(header: &[Vec<u8>], sample: &Sample) -> Result<Self, (String, Vec<String>)> {
        let shown: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        Self::try_place(header, &shown, sample).map_err(|problem| (problem, shown))
    }

    fn try_place(header: &[Vec<u8>], shown: &[String], sample: &Sample) -> Result<Self, String> {
        if header.iter().any(|name| std::str::from_utf8(name).is_err()) {
            return Err("the header is not UTF-8".to_owned());
        }
        let names: Vec<String> = shown.iter().map(|name| canonical_name(name)).collect();
        let account = key("account id", &names, &ACCOUNT_NAMES, sample, is_account, is_twelve_digits)?;
        let region = key("Region", &names, &REGION_NAMES, sample, is_region, is_region)?;
        if account == region {
            return Err("one column would be both the account id and the Region".to_owned());
        }
        let named =
            |known: &[&str]| known.iter().find_map(|known| names.iter().position(|name| name == known));
        let rest = |used: &[usize]| -> Vec<(usize, String)> {
            names
                .iter()
                .enumerate()
                .filter(|(index, name)| !used.contains(index) && !LABEL_NAMES.contains(&name.as_str()))
                .map(|(index, name)| (index, name.clone()))
                .collect()
        };
        let grain = match (named(&ATTRIBUTE_NAMES), named(&VALUE_NAMES)) {
            (Some(attribute), Some(value)) => {
                Grain::Long { attribute, value, others: rest(&[account, region, attribute, value]) }
            }
            (Some(_), None) => {
                return Err("there is a column of attributes, but none of their values".to_owned());
            }
            (None, _) => Grain::Wide { attributes: rest(&[account, region]) },
        };
        let columns = match &grain {
            Grain::Wide { attributes } if attributes.is_empty() => {
                return Err("no column is left for an attribute".to_owned());
            }
            Grain::Wide { attributes } => attributes,
            Grain::Long { others, .. } => others,
        };
        if columns.len() > ATTRIBUTE_LIMIT {
            return Err(format!("{} attribute columns are more than {ATTRIBUTE_LIMIT}", columns.len()));
        }
        if let Some((index, _)) = columns.iter().find(|(_, name)| name.is_empty()) {
            return Err(format!("column {} has no name", index + 1));
        }
        let mut sorted: Vec<&str> = columns.iter().map(|(_, name)| name.as_str()).collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("two columns are both the attribute {:?}", pair[0]));
        }
        let hash = sha256(shown.join("\n")).get(..16).unwrap_or_default().to_owned();
        Ok(Self { account, region, grain, header: shown.to_vec(), hash })
    }
}

/// The column of a key: by its name, if what stands in it agrees; else by what stands in it, if only
/// one column qualifies.
fn key(
    what: &str,
    names: &[String],
    known: &[&str],
    sample: &Sample,
    plausible: impl Fn(&[u8]) -> bool,
    certain: impl Fn(&[u8]) -> bool,
) -> Result<usize, String> {
    let by_name: Vec<usize> = known
        .iter()
        .flat_map(|known| names.iter().enumerate().filter(move |(_, name)| name == known))
        .map(|(index, _)| index)
        .collect();
    let agrees = |index: &usize| {
        let (passed, all) = sample.count(*index, &plausible);
        passed * 2 > all || all == 0
    };
    match by_name.as_slice() {
        [] => {}
        [index] if agrees(index) => return Ok(*index),
        [index] => {
            return Err(format!(
                "column {:?} should hold the {what}, and something else stands in it",
                names[*index]
            ));
        }
        several => {
            // A more exact name comes first; the same name twice is ambiguous.
            let first = several[0];
            if names.iter().filter(|name| **name == names[first]).count() > 1 {
                return Err(format!("two columns are both named {:?}", names[first]));
            }
            return match several.iter().find(|index| agrees(index)) {
                Some(index) => Ok(*index),
                None => Err(format!("no column named for the {what} holds it")),
            };
        }
    }
    let by_content: Vec<usize> = (0..names.len())
        .filter(|index| {
            let (passed, all) = sample.count(*index, &certain);
            all > 0 && passed == all
        })
        .collect();
    match by_content.as_slice() {
        [index] => Ok(*index),
        [] => Err(format!("no column is named for the {what}, and none holds it")),
        several => Err(format!("{} columns could be the {what}", several.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(header: &[&str], rows: &[&[&str]]) -> Result<Layout, String> {
        let cells = |row: &[&str]| row.iter().map(|cell| cell.as_bytes().to_vec()).collect::<Vec<_>>();
        let sample = Sample(rows.iter().map(|row| cells(row)).collect());
        Layout::place(&cells(header), &sample).map_err(|(problem, _)| problem)
    }

    #[test]
    fn names_are_spelled_one_way() {
        for name in [
            "imageBlockPublicAccess",
            "Image Block Public Access",
            "image-block-public-access",
            "IMAGE_BLOCK_PUBLIC_ACCESS",
            " image.block.public.access ",
        ] {
            assert_eq!(canonical_name(name), "image_block_public_access");
        }
        assert_eq!(canonical_name("VPCBlockPublicAccess"), "vpc_block_public_access");
        assert_eq!(canonical_name("httpPutResponseHopLimit2"), "http_put_response_hop_limit2");
        assert_eq!(canonical_name("--"), "");
    }

    #[test]
    fn a_wide_header_is_placed_in_any_order() {
        let layout = place(
            &["Serial Console", "AWS Region", "Account Name", "Account ID", "http-tokens"],
            &[&["true", "eu-west-1", "a", "012345678901", "required"]],
        )
        .unwrap();
        assert_eq!((layout.account, layout.region), (3, 1));
        let attributes = vec![(0, "serial_console".to_owned()), (4, "http_tokens".to_owned())];
        assert_eq!(layout.grain, Grain::Wide { attributes });
        assert_eq!(layout.hash.len(), 16);
    }

    #[test]
    fn a_long_header_keeps_columns_it_does_not_know() {
        let layout = place(&["value", "attribute", "account", "region", "managedBy"], &[]).unwrap();
        assert_eq!(
            layout.grain,
            Grain::Long { attribute: 1, value: 0, others: vec![(4, "managed_by".to_owned())] }
        );
    }

    #[test]
    fn unnamed_keys_are_found_by_what_stands_in_them() {
        let rows: &[&[&str]] = &[&["012345678901", "eu-west-1", "x"], &["112345678901", "us-east-1", "y"]];
        let layout = place(&["who", "where", "setting_a"], rows).unwrap();
        assert_eq!((layout.account, layout.region), (0, 1));
    }

    #[test]
    fn what_cannot_be_placed_is_refused_with_the_reason() {
        for (header, rows, problem) in [
            (&["a", "b"][..], &[&["1", "2"][..]][..], "account id"),
            (&["account_id", "x"], &[&["012345678901", "y"]], "Region"),
            (&["account_id", "region"], &[&["name", "eu-west-1"]], "something else stands in it"),
            (&["account_id", "region"], &[&["012345678901", "eu-west-1"]], "no column is left"),
            (&["account_id", "account_id", "region", "x"], &[], "both named"),
            (&["account_id", "region", "a_b", "a-b"], &[], "both the attribute"),
            (&["account_id", "region", "attribute"], &[], "none of their values"),
            (&["account_id", "region", "x", ""], &[], "no name"),
            (
                &["one", "two", "region", "x"],
                &[&["012345678901", "012345678901", "eu-west-1", "x"]],
                "2 columns could be",
            ),
        ] {
            let error = place(header, rows).unwrap_err();
            assert!(error.contains(problem), "{header:?}: {error}");
        }
        let many: Vec<String> = (0..5_000).map(|number| format!("attribute {number}")).collect();
        let header: Vec<&str> =
            ["account_id", "region"].into_iter().chain(many.iter().map(String::as_str)).collect();
        assert!(place(&header, &[]).unwrap_err().contains("5000 attribute columns"));
    }
}
