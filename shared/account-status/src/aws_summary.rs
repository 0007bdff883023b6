//! AWS's own summary of a report, held against what was counted from its CSV.
//!
//! AWS's model makes every member optional. What it leaves out can be neither the same nor different:
//! it is named, and then nobody can say that the two agree.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use models::{AccountId, Coverage};
use serde::Serialize;

use crate::layout::canonical_name;
use crate::reasons;
use crate::summary::{AttributeSummary, Expected, Listed, RegionCount};
use crate::summary_value::SummaryValue;
use crate::value::{self, Reading};

/// Disagreements with AWS's summary, and gaps in it, that are listed.
const LISTED: usize = 100;

/// AWS's summary of a report, as `GetDeclarativePoliciesReportSummary` answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsSummary {
    pub accounts: Option<u64>,
    pub failed_accounts: Option<u64>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub attributes: Vec<AwsAttribute>,
}

/// One attribute of AWS's summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsAttribute {
    /// Empty when AWS does not say.
    pub name: String,
    /// Empty when AWS does not say.
    pub most_frequent: String,
    pub matched: Option<u64>,
    pub unmatched: Option<u64>,
    /// Region, matched, unmatched.
    pub regions: Vec<(String, Option<u64>, Option<u64>)>,
}

/// Whether AWS's own summary says the same.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// Absent when there was none to compare with, or when not all of it could be compared and the
    /// rest is the same.
    pub agrees: Option<bool>,
    pub disagreements: Vec<String>,
    /// What could not be compared.
    pub not_compared: Listed,
}

impl Compared {
    /// Compares AWS's summary with the attributes and the accounts that can be read.
    pub(crate) fn new(
        aws: &AwsSummary,
        attributes: &[AttributeSummary],
        readable: &BTreeSet<&AccountId>,
        expected: Option<&Expected>,
    ) -> Self {
        let mut compared = Self::default();
        compared.accounts(aws, readable, expected);
        let theirs = compared.by_name(&aws.attributes);
        for name in theirs.keys().filter(|name| attributes.iter().all(|ours| ours.name != **name)) {
            compared.differs(format!("{name}: AWS counts it, and the report has no such column"));
        }
        for ours in attributes {
            match theirs.get(&ours.name) {
                Some(theirs) => compared.attribute(ours, theirs),
                None => {
                    compared.differs(format!("{}: the report has it, and AWS does not count it", ours.name))
                }
            }
        }
        compared.agrees = match (compared.disagreements.is_empty(), compared.not_compared.count) {
            (false, _) => Some(false),
            (true, 0) => Some(true),
            (true, _) => None,
        };
        compared
    }

    /// Counts what is not the same, or cannot be told to be, as missing evidence.
    pub(crate) fn cover(&self, coverage: &mut Coverage) {
        for disagreement in &self.disagreements {
            coverage.gap(reasons::AWS_SUMMARY_DISAGREES, || disagreement.clone());
        }
        let Listed { count, first } = &self.not_compared;
        coverage.gap_many(reasons::AWS_SUMMARY_NOT_COMPARED, *count, first.iter().cloned());
    }

    fn differs(&mut self, text: String) {
        if self.disagreements.len() < LISTED {
            self.disagreements.push(text);
        }
    }

    fn cannot_tell(&mut self, text: impl FnOnce() -> String) {
        self.not_compared.add(LISTED, text);
    }

    fn count(&mut self, what: &str, ours: u64, theirs: Option<u64>) {
        match theirs {
            Some(theirs) if theirs == ours => {}
            Some(theirs) => self.differs(format!("{what} are {ours} in the report and {theirs} for AWS")),
            None => self.cannot_tell(|| format!("{what} are {ours} in the report, and AWS gives no number")),
        }
    }

    /// Compares the number of accounts. Whether AWS counts accounts that are not active is not
    /// documented, so those may be in its number or not.
    fn accounts(&mut self, aws: &AwsSummary, readable: &BTreeSet<&AccountId>, expected: Option<&Expected>) {
        if aws.accounts.is_none() {
            self.cannot_tell(|| "accounts: AWS does not say how many it counts".to_owned());
        }
        if aws.failed_accounts.is_none() {
            self.cannot_tell(|| "accounts: AWS does not say how many it could not read".to_owned());
        }
        let Some(all) = aws.accounts else { return };
        let excluded: BTreeSet<&AccountId> = expected.into_iter().flat_map(Expected::excluded).collect();
        let ours = readable.difference(&excluded).count() as u64;
        let too_few = |failed| ours + excluded.len() as u64 + failed < all;
        if ours > all || aws.failed_accounts.is_some_and(too_few) {
            let failed = aws.failed_accounts.map(|failed| format!(" and could not read {failed} of them"));
            let failed = failed.unwrap_or_default();
            self.differs(format!("accounts: {ours} can be read in the report; AWS counts {all}{failed}"));
        }
    }

    /// AWS's attributes by their names. How AWS spells the names and the values is not documented, so
    /// both are compared in their canonical spelling.
    fn by_name<'a>(&mut self, attributes: &'a [AwsAttribute]) -> BTreeMap<String, &'a AwsAttribute> {
        let mut by_name = BTreeMap::new();
        for attribute in attributes {
            let name = canonical_name(&attribute.name);
            if name.is_empty() {
                self.cannot_tell(|| "an attribute that AWS counts has no name".to_owned());
            } else if by_name.insert(name, attribute).is_some() {
                let name = canonical_name(&attribute.name);
                self.differs(format!("{name}: AWS counts it more than once"));
            }
        }
        by_name
    }

    /// Compares one attribute's counts. Those of AWS leave out an account that it could not read, and
    /// so do those of the report. Where the most frequent value is not the same one, or not known to
    /// be, the counts are not of the same thing.
    fn attribute(&mut self, ours: &AttributeSummary, theirs: &AwsAttribute) {
        let name = &ours.name;
        if theirs.most_frequent.trim().is_empty() {
            return self.cannot_tell(|| format!("{name}: AWS does not say which value is most frequent"));
        }
        let spelled = match value::read(name, theirs.most_frequent.as_bytes()) {
            Reading::Value(value) => SummaryValue::new(&value),
            Reading::Unknown(_) => SummaryValue::new(&theirs.most_frequent),
        };
        let Some(most) = &ours.most_frequent else {
            return self.cannot_tell(|| {
                let spelled = spelled.shown();
                format!("{name}: most frequent is {spelled:?} for AWS, and it is not certain in the report")
            });
        };
        if *most != spelled {
            let (most, spelled) = (most.distinct(), spelled.distinct());
            return self
                .differs(format!("{name}: most frequent is {most} in the report and {spelled} for AWS"));
        }
        self.count(&format!("{name}: matched accounts"), ours.matched_accounts, theirs.matched);
        self.count(&format!("{name}: unmatched accounts"), ours.unmatched_accounts, theirs.unmatched);
        self.regions(ours, theirs);
    }

    fn regions(&mut self, ours: &AttributeSummary, theirs: &AwsAttribute) {
        let name = &ours.name;
        for (region, matched, unmatched) in &theirs.regions {
            if region.is_empty() {
                self.cannot_tell(|| format!("{name}: AWS does not say of which Region it counts accounts"));
                continue;
            }
            let seen = ours.regions.get(region).copied();
            let seen = seen.unwrap_or(RegionCount { matched: 0, unmatched: 0, unknown: 0 });
            self.count(&format!("{name}: matched accounts in {region}"), seen.matched, *matched);
            self.count(&format!("{name}: unmatched accounts in {region}"), seen.unmatched, *unmatched);
        }
        let counted = |region: &String| theirs.regions.iter().any(|(name, ..)| name == region);
        for region in ours.regions.keys().filter(|region| !counted(region)) {
            self.differs(format!("{name}: the report has it in {region}, and AWS does not count it there"));
        }
    }
}
