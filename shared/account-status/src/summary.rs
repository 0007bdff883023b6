//! What is known, how much of it, and whether AWS's own summary agrees.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use models::{AccountId, Complete, Coverage};
use serde::Serialize;

use crate::aws_summary::{AwsSummary, Compared};
use crate::error::clip;
use crate::evidence::Evidence;
use crate::layout::Grain;
use crate::reasons;
use crate::statistics::{Attribute, Standing};
use crate::summary_value::SummaryValue;
use crate::value::Unknown;

/// Values listed of one attribute; the rest are counted.
const VALUES_LISTED: usize = 100;
/// Accounts listed of those that deviate in one attribute, or that nobody expected.
const ACCOUNTS_LISTED: usize = 100;

/// The accounts that the report should speak of.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    pub accounts: BTreeSet<AccountId>,
    /// Left out, and why: not active, or younger than the report.
    pub excluded: BTreeMap<String, Vec<AccountId>>,
}

impl Expected {
    pub(crate) fn excluded(&self) -> impl Iterator<Item = &AccountId> {
        self.excluded.values().flatten()
    }
}

/// The evidence of one report, written down in a few kilobytes at any size of the organization.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub schema_version: u32,
    pub run_id: String,
    pub observed_at: Option<Timestamp>,
    pub layout: LayoutSeen,
    /// Records under the header.
    pub records: u64,
    /// Rows of `account_status`.
    pub rows: u64,
    /// Rows or cells that came more than once; those that agree count once.
    pub repeated: u64,
    pub coverage: Coverage,
    /// Accounts that AWS says it could not read in any Region; absent when nobody said.
    pub failed_accounts: Option<u64>,
    /// Accounts in the report that Organizations does not list there.
    pub unexpected_accounts: Listed,
    /// Accounts that were not expected, by reason.
    pub excluded_accounts: BTreeMap<String, u64>,
    /// Accounts seen in each Region.
    pub regions: BTreeMap<String, u64>,
    /// How many accounts were seen in so many Regions.
    pub regions_per_account: BTreeMap<u64, u64>,
    pub attributes: Vec<AttributeSummary>,
    pub aws_summary: Compared,
}

/// The layout that was recognised.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayoutSeen {
    pub grain: &'static str,
    pub hash: String,
    pub header: Vec<String>,
}

/// A list that is cut, and how long it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub count: u64,
    pub first: Vec<String>,
}

impl Listed {
    /// Counts one more, and lists it while fewer than `most` are.
    pub(crate) fn add(&mut self, most: usize, item: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < most {
            self.first.push(item());
        }
    }
}

/// One attribute over all accounts.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeSummary {
    pub name: String,
    /// The most frequent values, counted in cells.
    pub values: Vec<ValueCount>,
    /// Different values that are told apart.
    pub distinct_values: u64,
    /// Cells of values that are not listed.
    pub unlisted_cells: u64,
    /// Cells of values beyond the number that is told apart.
    pub other_cells: u64,
    pub unknown_cells: u64,
    /// Absent when it cannot be told for certain.
    pub most_frequent: Option<SummaryValue>,
    /// Of all of it, where what is shown is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_frequent_sha256: Option<String>,
    /// Accounts that have it in every Region seen.
    pub matched_accounts: u64,
    /// Accounts that have another value in some Region.
    pub unmatched_accounts: u64,
    /// Accounts of which neither can be said.
    pub unknown_accounts: u64,
    pub regions: BTreeMap<String, RegionCount>,
    /// Accounts that have another value in some Region.
    pub deviating: Listed,
    /// The one value that every account has in every Region: a conclusion, given only when nothing
    /// is missing.
    pub uniform: Option<Complete<SummaryValue>>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueCount {
    pub value: SummaryValue,
    /// Of all of it, where what is shown is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    pub cells: u64,
}

/// One attribute in one Region, in accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionCount {
    pub matched: u64,
    pub unmatched: u64,
    pub unknown: u64,
}

impl Summary {
    pub const VERSION: u32 = 1;

    /// Puts the evidence together with what was expected and with what AWS says itself.
    pub fn new(
        evidence: &Evidence,
        run_id: &str,
        observed_at: Option<Timestamp>,
        expected: Option<&Expected>,
        aws: Option<&AwsSummary>,
    ) -> Self {
        let mut coverage = evidence.gaps.clone();
        let readable = readable(evidence);
        let unexpected = cover(evidence, &readable, expected, aws, &mut coverage);
        let most_frequent: Vec<_> = evidence.statistics.attributes().iter().map(most_frequent).collect();
        for ((name, of), most) in
            evidence.attributes.iter().zip(evidence.statistics.attributes()).zip(&most_frequent)
        {
            if of.other() > 0 {
                let other = of.other();
                coverage.gap_many(
                    reasons::VALUE_BEYOND_THOSE_TOLD_APART,
                    other,
                    [format!("{name}: {other} cells")],
                );
            }
            if most.is_none() && of.totals().iter().any(|count| *count > 0) {
                coverage.gap(reasons::MOST_FREQUENT_NOT_CERTAIN, || name.clone());
            }
        }
        let mut attributes = attribute_summaries(evidence, &most_frequent);
        let compared = aws.map(|aws| Compared::new(aws, &attributes, &readable, expected));
        let compared = compared.unwrap_or_default();
        compared.cover(&mut coverage);
        for attribute in &mut attributes {
            let uniform = attribute.unmatched_accounts == 0 && attribute.unknown_accounts == 0;
            attribute.uniform = attribute
                .most_frequent
                .clone()
                .filter(|_| uniform)
                .and_then(|value| coverage.complete(value));
        }
        Self {
            schema_version: Self::VERSION,
            run_id: run_id.to_owned(),
            observed_at,
            layout: LayoutSeen {
                grain: match evidence.layout.grain {
                    Grain::Wide { .. } => "wide",
                    Grain::Long { .. } => "long",
                },
                hash: evidence.layout.hash.clone(),
                header: evidence.layout.header.iter().take(200).map(|name| clip(name, 100)).collect(),
            },
            records: evidence.records,
            rows: evidence.rows,
            repeated: evidence.repeated,
            unexpected_accounts: unexpected,
            excluded_accounts: expected
                .map(|expected| {
                    expected.excluded.iter().map(|(why, list)| (why.clone(), list.len() as u64)).collect()
                })
                .unwrap_or_default(),
            failed_accounts: aws.and_then(|aws| aws.failed_accounts),
            regions: regions(evidence),
            regions_per_account: regions_per_account(evidence),
            attributes,
            aws_summary: compared,
            coverage,
        }
    }
}

/// The accounts of which anything can be read.
fn readable(evidence: &Evidence) -> BTreeSet<&AccountId> {
    let attributes = evidence.statistics.attributes();
    let is_readable = |account| attributes.iter().any(|attribute| attribute.is_readable(account));
    evidence
        .accounts
        .iter()
        .enumerate()
        .filter(|(account, _)| is_readable(*account))
        .map(|(_, id)| id)
        .collect()
}

/// Counts what is missing: accounts without rows or without a readable cell, Regions without rows,
/// cells that are not there. Answers the accounts that nobody expected.
fn cover(
    evidence: &Evidence,
    readable: &BTreeSet<&AccountId>,
    expected: Option<&Expected>,
    aws: Option<&AwsSummary>,
    coverage: &mut Coverage,
) -> Listed {
    for id in evidence.accounts.iter().filter(|id| !readable.contains(id)) {
        coverage.gap(reasons::ACCOUNT_WITHOUT_A_READABLE_CELL, || id.to_string());
    }
    let mut unexpected = Listed::default();
    match expected {
        Some(expected) => {
            let seen: BTreeSet<&AccountId> = evidence.accounts.iter().collect();
            coverage.expected_accounts = Some(expected.accounts.len() as u64);
            coverage.seen_accounts =
                expected.accounts.iter().filter(|id| readable.contains(id)).count() as u64;
            let missing: Vec<_> = expected.accounts.iter().filter(|id| !seen.contains(id)).collect();
            coverage.gap_many(
                reasons::ACCOUNT_WITHOUT_ROWS,
                missing.len() as u64,
                missing.iter().map(|id| id.to_string()),
            );
            let known: BTreeSet<&AccountId> = expected.accounts.iter().chain(expected.excluded()).collect();
            for id in seen.difference(&known) {
                unexpected.add(ACCOUNTS_LISTED, || id.to_string());
            }
            coverage.gap_many(
                reasons::ACCOUNT_NOT_LISTED,
                unexpected.count,
                unexpected.first.iter().cloned(),
            );
        }
        None => {
            coverage.expected_accounts = aws.and_then(|aws| aws.accounts);
            coverage.seen_accounts = readable.len() as u64;
        }
    }
    if let Some(failed) = aws.and_then(|aws| aws.failed_accounts).filter(|failed| *failed > 0) {
        coverage.gap_many(reasons::ACCOUNT_AWS_COULD_NOT_READ, failed, []);
    }
    missing_cells(evidence, coverage);
    unexpected
}

/// Regions in which an account has no row, and in a long file attributes of which it has none. A
/// Region that an account has not opted in to may be left out by AWS; a missing row is not a value.
fn missing_cells(evidence: &Evidence, coverage: &mut Coverage) {
    let long = matches!(evidence.layout.grain, Grain::Long { .. });
    for (account, id) in evidence.accounts.iter().enumerate() {
        for (region, name) in evidence.regions.iter().enumerate() {
            if !evidence.seen.has_row(account, region) {
                coverage.gap(reasons::ACCOUNT_WITHOUT_A_ROW_IN_A_REGION, || format!("account {id}, {name}"));
            } else if long {
                for (attribute, attribute_name) in evidence.attributes.iter().enumerate() {
                    if !evidence.seen.has_cell(account, region, attribute) {
                        coverage.gap(reasons::ATTRIBUTE_WITHOUT_A_ROW, || {
                            format!("account {id}, {name}, {attribute_name}")
                        });
                    }
                }
            }
        }
    }
}

fn regions(evidence: &Evidence) -> BTreeMap<String, u64> {
    let accounts = evidence.accounts.len();
    evidence
        .regions
        .iter()
        .enumerate()
        .map(|(region, name)| {
            let count = (0..accounts).filter(|account| evidence.seen.has_row(*account, region)).count();
            (name.to_string(), count as u64)
        })
        .collect()
}

fn regions_per_account(evidence: &Evidence) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for account in 0..evidence.accounts.len() {
        let regions =
            (0..evidence.regions.len()).filter(|region| evidence.seen.has_row(account, *region)).count();
        *counts.entry(regions as u64).or_default() += 1;
    }
    counts
}

/// The value with the most cells, its place among the values. Nothing when a value that is not told
/// apart could have as many. Of several with as many, the first in the alphabet.
fn most_frequent(attribute: &Attribute) -> Option<usize> {
    let totals = attribute.totals();
    let (place, cells) = totals.iter().enumerate().max_by(|(a, one), (b, other)| {
        one.cmp(other).then_with(|| attribute.text(*b).cmp(attribute.text(*a)))
    })?;
    (*cells > 0 && attribute.other() < *cells).then_some(place)
}

fn attribute_summaries(evidence: &Evidence, most_frequent: &[Option<usize>]) -> Vec<AttributeSummary> {
    let pairs = evidence.attributes.iter().zip(evidence.statistics.attributes()).zip(most_frequent);
    pairs.map(|((name, of), most)| attribute_summary(evidence, name, of, *most)).collect()
}

fn attribute_summary(
    evidence: &Evidence,
    name: &str,
    of: &Attribute,
    most: Option<usize>,
) -> AttributeSummary {
    let totals = of.totals();
    let mut order: Vec<usize> = (0..totals.len()).filter(|place| totals[*place] > 0).collect();
    order.sort_by(|a, b| totals[*b].cmp(&totals[*a]).then_with(|| of.text(*a).cmp(of.text(*b))));
    let values = order.iter().take(VALUES_LISTED).map(|place| {
        let value = SummaryValue::new(of.text(*place));
        ValueCount { sha256: value.sha256(), value, cells: totals[*place] }
    });
    let most_frequent = most.map(|place| SummaryValue::new(of.text(place)));
    let mut summary = AttributeSummary {
        name: name.to_owned(),
        values: values.collect(),
        distinct_values: order.len() as u64,
        unlisted_cells: order.iter().skip(VALUES_LISTED).map(|place| totals[*place]).sum(),
        other_cells: of.other(),
        unknown_cells: Unknown::ALL.iter().map(|why| of.unknown(*why)).sum(),
        most_frequent_sha256: most_frequent.as_ref().and_then(SummaryValue::sha256),
        most_frequent,
        matched_accounts: 0,
        unmatched_accounts: 0,
        unknown_accounts: 0,
        regions: BTreeMap::new(),
        deviating: Listed::default(),
        uniform: None,
    };
    let Some(most) = most else {
        summary.unknown_accounts = evidence.accounts.len() as u64;
        return summary;
    };
    for (region, name) in evidence.regions.iter().enumerate() {
        let (matched, unmatched, unknown) = of.region(region, most);
        summary.regions.insert(name.to_string(), RegionCount { matched, unmatched, unknown });
    }
    for (account, id) in evidence.accounts.iter().enumerate() {
        match of.standing(account, most) {
            Standing::Matched => summary.matched_accounts += 1,
            Standing::Unknown | Standing::Unseen => summary.unknown_accounts += 1,
            Standing::Unmatched => {
                summary.unmatched_accounts += 1;
                summary.deviating.add(ACCOUNTS_LISTED, || id.to_string());
            }
        }
    }
    summary
}
