//! The account status: which attributes are uniform, where they are not, and which can be enforced.

mod cells;
mod deviations;

use std::collections::{BTreeMap, BTreeSet};

use account_status::reasons;
use errors::JobError;
use jiff::SignedDuration;
use management_policies::{Scalar, reported_setting, reported_value};
use models::{AccountId, Kind};
use runtime::tables::each_file;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Store;

use cells::{Attribute, Standing, Status};
pub(crate) use deviations::Deviation;
use deviations::{Deviating, deviates};

use super::Findings;
use crate::covered::{Coverage, Covered};
use crate::finding::{EntityType, Finding, FindingId, sql};
use crate::kinds::FindingKind;
use crate::organization::Organization;
use crate::sources::Evidence;

/// Values of an attribute that a finding lists.
const VALUES: usize = 10;
/// Accounts that keep a unit from being complete that are named.
const BLOCKERS: usize = 50;
/// An account that joined so shortly before the report had ended need not be in it.
const JOINED_LATELY: SignedDuration = SignedDuration::from_hours(24);

/// Gaps that are of certain accounts, and are seen there. Any other may be anywhere.
const OF_ACCOUNTS: [&str; 12] = [
    reasons::ACCOUNT_WITHOUT_ROWS,
    reasons::ACCOUNT_WITHOUT_A_READABLE_CELL,
    reasons::ACCOUNT_AWS_COULD_NOT_READ,
    reasons::ACCOUNT_NOT_LISTED,
    reasons::ACCOUNT_WITHOUT_A_ROW_IN_A_REGION,
    reasons::ATTRIBUTE_WITHOUT_A_ROW,
    reasons::BLANK_CELL,
    reasons::ERROR_TEXT,
    reasons::NOT_UTF8,
    reasons::NUL_CHARACTER,
    reasons::CONTRADICTING_ROWS,
    reasons::MOST_FREQUENT_NOT_CERTAIN,
];

/// Where accounts stand on an attribute, over all Regions and in each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Readiness {
    pub(crate) attribute: String,
    pub(crate) most_frequent: Option<String>,
    pub(crate) matched: u64,
    pub(crate) unmatched: u64,
    pub(crate) unknown: u64,
    /// Every account has the value in every Region, and nothing is missing.
    pub(crate) is_uniform: bool,
    /// And a policy can set it.
    pub(crate) is_ready: bool,
    pub(crate) regions: BTreeMap<String, [u64; 3]>,
}

/// What a unit's accounts have in common, where nothing about them is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Unit {
    pub(crate) id: String,
    pub(crate) accounts: u64,
    /// By the setting's pointer, the value that all have.
    pub(crate) ready: BTreeMap<String, Ready>,
    /// Accounts about which something is unknown, the first of them, and how many.
    pub(crate) blocked_by: Vec<String>,
    pub(crate) blocked: u64,
    /// What is missing and may be anywhere.
    pub(crate) missing: String,
}

/// A value that all accounts of a unit have, and a policy can set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ready {
    /// As the report calls it.
    pub(crate) attribute: String,
    pub(crate) value: Value,
}

/// What the account status comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Attributes {
    pub(crate) readiness: Vec<Readiness>,
    pub(crate) deviations: Vec<Deviation>,
    /// Accounts and attributes that deviate, listed or not.
    pub(crate) deviating: u64,
    pub(crate) units: Vec<Unit>,
}

/// What evaluating the account status needs.
struct Evaluating<'a> {
    status: Status,
    evidence: &'a Evidence,
    target: &'a str,
    /// Accounts that the report should speak of; `None` where nobody says which.
    expected: Option<BTreeSet<&'a AccountId>>,
    /// What is missing and may be anywhere.
    missing: String,
}

pub(crate) async fn evaluate(
    store: &Store,
    evidence: &Evidence,
    organization: Option<&Organization>,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<Attributes, JobError> {
    let (Some(run), Some(target)) = (evidence.run_id(), evidence.result("/targetId").as_str()) else {
        return Ok(Attributes::default());
    };
    let mut status = Status::default();
    each_file(store, account_status::TABLE, run, |file| status.read(file)).await?;
    let mut deviating = deviations::of(&status);
    each_file(store, account_status::TABLE, run, |file| deviations::read(&status, &mut deviating, file))
        .await?;
    let everywhere = evidence.gaps().filter(|(reason, _)| !OF_ACCOUNTS.contains(reason));
    let mut missing: Vec<String> = everywhere.map(|(reason, count)| format!("{count} x {reason}")).collect();
    if evidence.result("/expectedAccounts").is_null() {
        missing.push("nothing tells which accounts were expected".to_owned());
    }
    let expected = organization.map(|organization| {
        let below = organization.in_use().filter(|(_, it)| organization.is_below(it, target) != Some(false));
        below.map(|(id, _)| id).collect()
    });
    let evaluating = Evaluating { status, evidence, target, expected, missing: missing.join("; ") };
    evaluating.unreadable(organization, findings, coverage)?;
    let readiness = evaluating.attributes(&deviating, findings, coverage)?;
    let units = evaluating.units(organization, findings, coverage)?;
    let listed = evaluating.status.attributes.iter().zip(&deviating).flat_map(|(attribute, deviating)| {
        let listed = deviating.listed.iter();
        listed.map(|(account, values)| Deviation {
            attribute: attribute.name.clone(),
            account_id: account.clone(),
            account_name: organization.and_then(|it| it.name_of(account)).map(str::to_owned),
            owner: organization.and_then(|it| it.owner(account)).map(str::to_owned),
            values: values.clone(),
        })
    });
    Ok(Attributes {
        readiness,
        deviations: listed.collect(),
        deviating: deviating.iter().map(|it| it.accounts).sum(),
        units,
    })
}

impl Evaluating<'_> {
    /// Accounts and Regions that the report does not speak of, or of which nothing could be read.
    fn unreadable(
        &self,
        organization: Option<&Organization>,
        findings: &mut Findings<'_>,
        coverage: &mut Coverage,
    ) -> Result<(), JobError> {
        let pointer = self.evidence.pointer();
        let source = Kind::DeclarativePoliciesReport.as_str();
        let mut accounts: BTreeSet<&str> = self.status.spoken_of();
        accounts.extend(self.expected.iter().flatten().map(|id| id.as_str()));
        let mut readable = BTreeSet::new();
        for account in accounts {
            let joined = organization.and_then(|it| it.account(account)).and_then(|it| it.account.joined);
            let is_new = joined.zip(self.evidence.observed_at()).is_some_and(|(joined, observed)| {
                observed.checked_sub(JOINED_LATELY).is_ok_and(|lately| joined > lately)
            });
            let regions = self.status.unreadable_regions(account);
            if self.status.is_readable(account) {
                readable.insert(account.to_owned());
            } else if !is_new {
                let speaks = self.status.account_number(account).is_some();
                let why =
                    if speaks { "no cell of its rows is readable" } else { "the report has no row of it" };
                let finding = Finding::new(
                    FindingKind::AccountUnreadable,
                    EntityType::Account,
                    account,
                    Some(source),
                    &pointer,
                );
                let mut finding = finding
                    .saying(format!("The account status of this account is unknown: {why}."))
                    .where_rows(account_status::TABLE, format!("account_id = {}", sql(account)))
                    .with("speaks", speaks);
                finding.account_id = Some(account.to_owned());
                findings.push(finding)?;
            }
            if !is_new || self.status.is_readable(account) {
                let kind = FindingKind::AccountUnreadable;
                coverage.id(kind, FindingId::of(kind, account, Some(source)));
            }
            for region in regions {
                let attribute = format!("{source}/{region}");
                let finding = Finding::new(
                    FindingKind::RegionUnreadable,
                    EntityType::Account,
                    account,
                    Some(&attribute),
                    &pointer,
                );
                let filter = format!("account_id = {} AND region = {}", sql(account), sql(region));
                let mut finding = finding
                    .saying(format!("The account status of this account is unknown in {region}."))
                    .where_rows(account_status::TABLE, filter);
                finding.account_id = Some(account.to_owned());
                findings.push(finding)?;
            }
        }
        // Of an account that cannot be read, nobody knows which Regions can.
        // A Region that the report does not speak of at all is not read.
        let attributes = self.status.regions.iter().map(|region| format!("{source}/{region}")).collect();
        coverage.set(FindingKind::RegionUnreadable, Covered::PlacesAnd { places: readable, attributes });
        Ok(())
    }

    /// Every attribute, over all accounts of the report.
    fn attributes(
        &self,
        deviating: &[Deviating],
        findings: &mut Findings<'_>,
        coverage: &mut Coverage,
    ) -> Result<Vec<Readiness>, JobError> {
        let mut accounts: BTreeSet<&str> = self.status.spoken_of();
        accounts.extend(self.expected.iter().flatten().map(|id| id.as_str()));
        let is_complete = self.evidence.is_complete() && self.missing.is_empty();
        coverage.set(FindingKind::AttributeNotUniform, Covered::Ids(BTreeSet::new()));
        let mut readiness = Vec::new();
        for (attribute, deviating) in self.status.attributes.iter().zip(deviating) {
            let most = attribute.most_frequent();
            let (mut matched, mut unmatched, mut unknown) = (0, 0, 0);
            for account in &accounts {
                match (self.status.standing(attribute, account), most) {
                    (Standing::Uniform(code), Some(most)) if code == most => matched += 1,
                    (standing, Some(most)) if deviates(standing, most) => unmatched += 1,
                    _ => unknown += 1,
                }
            }
            let is_uniform = is_complete && unmatched == 0 && unknown == 0 && matched > 0;
            let kind = FindingKind::AttributeNotUniform;
            if unmatched > 0 || attribute.values.len() > 1 {
                findings.push(self.not_uniform(attribute, deviating))?;
            }
            if unmatched > 0 || is_uniform {
                coverage.id(kind, FindingId::of(kind, self.target, Some(&attribute.name)));
            }
            let regions = self.status.regions.iter().map(|region| {
                let (matched, unmatched) =
                    most.map_or((0, 0), |most| self.status.in_region(attribute, region, most));
                let all = accounts.len() as u64;
                (region.clone(), [matched, unmatched, all.saturating_sub(matched + unmatched)])
            });
            readiness.push(Readiness {
                attribute: attribute.name.clone(),
                most_frequent: most.map(|most| attribute.value(most).to_owned()),
                matched,
                unmatched,
                unknown,
                is_uniform,
                is_ready: is_uniform
                    && most.is_some_and(|most| setting(&attribute.name, attribute.value(most)).is_some()),
                regions: regions.collect(),
            });
        }
        Ok(readiness)
    }

    fn not_uniform(&self, attribute: &Attribute, deviating: &Deviating) -> Finding {
        let mut values: Vec<(&String, &u64)> = attribute.values.iter().zip(&attribute.frequencies).collect();
        values.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then(a.cmp(b)));
        let most = values.first().map(|(value, _)| value.as_str()).unwrap_or_default();
        let texts: Vec<&str> = values.iter().take(VALUES).map(|(value, _)| value.as_str()).collect();
        let accounts = match deviating.accounts {
            1 => "1 account has".to_owned(),
            accounts => format!("{accounts} accounts have"),
        };
        let text = format!(
            "{accounts} another value than {most:?} in some Region; {} values were seen.",
            attribute.values.len()
        );
        Finding::new(
            FindingKind::AttributeNotUniform,
            EntityType::of_target(self.target),
            self.target,
            Some(&attribute.name),
            &self.evidence.pointer(),
        )
        .saying(text)
        .where_rows(
            account_status::TABLE,
            format!("attribute = {} AND value <> {}", sql(&attribute.name), sql(most)),
        )
        .with("mostFrequent", most)
        .with("values", json!(texts))
        .with("distinctValues", attribute.values.len())
        .with("accounts", deviating.accounts)
        .with("deviating", json!(deviating.listed))
    }

    /// What the accounts of each unit have in common and a policy could set.
    fn units(
        &self,
        organization: Option<&Organization>,
        findings: &mut Findings<'_>,
        coverage: &mut Coverage,
    ) -> Result<Vec<Unit>, JobError> {
        coverage.set(FindingKind::AttributeReady, Covered::Ids(BTreeSet::new()));
        let (Some(organization), Some(expected)) = (organization, &self.expected) else {
            return Ok(Vec::new());
        };
        let mut units = Vec::new();
        for (id, accounts, all_are_placed) in organization.units() {
            // Of accounts outside the report's target nothing is known.
            let is_within = accounts.iter().all(|account| expected.contains(account));
            if accounts.is_empty() || !is_within {
                continue;
            }
            let mut missing = self.missing.clone();
            if !all_are_placed {
                missing.push_str("; nothing tells where some account lies");
            }
            let unit = self.unit(&id, &accounts, missing.trim_start_matches("; "), findings, coverage)?;
            units.push(unit);
        }
        Ok(units)
    }

    fn unit(
        &self,
        id: &str,
        accounts: &BTreeSet<&AccountId>,
        missing: &str,
        findings: &mut Findings<'_>,
        coverage: &mut Coverage,
    ) -> Result<Unit, JobError> {
        let mut unit = Unit {
            id: id.to_owned(),
            accounts: accounts.len() as u64,
            ready: BTreeMap::new(),
            blocked_by: Vec::new(),
            blocked: 0,
            missing: missing.to_owned(),
        };
        for account in accounts {
            let is_unknown = |it| matches!(self.status.standing(it, account.as_str()), Standing::Unknown(_));
            if self.status.attributes.iter().any(is_unknown) {
                unit.blocked += 1;
                if unit.blocked_by.len() < BLOCKERS {
                    unit.blocked_by.push(account.to_string());
                }
            }
        }
        for attribute in &self.status.attributes {
            let kind = FindingKind::AttributeReady;
            let id_of = FindingId::of(kind, id, Some(&attribute.name));
            let standings = || accounts.iter().map(|it| self.status.standing(attribute, it.as_str()));
            let Some(first) = standings().next() else { continue };
            let is_one = matches!(first, Standing::Uniform(_)) && standings().all(|it| it == first);
            let mut seen = None;
            let is_two = standings().any(|standing| match standing {
                Standing::Mixed => true,
                Standing::Uniform(value) | Standing::Unknown(Some(value)) => {
                    *seen.get_or_insert(value) != value
                }
                Standing::Unknown(None) => false,
            });
            match first {
                Standing::Uniform(code) if is_one && missing.is_empty() => {
                    coverage.id(kind, id_of);
                    let Some((path, value)) = setting(&attribute.name, attribute.value(code)) else {
                        continue;
                    };
                    findings.push(self.ready(id, attribute, attribute.value(code), &path, accounts.len()))?;
                    unit.ready.insert(path, Ready { attribute: attribute.name.clone(), value });
                }
                // Two values are there, whatever else is missing: it is not ready.
                _ if is_two => coverage.id(kind, id_of),
                _ => {}
            }
        }
        Ok(unit)
    }

    fn ready(&self, unit: &str, attribute: &Attribute, value: &str, path: &str, accounts: usize) -> Finding {
        Finding::new(
            FindingKind::AttributeReady,
            EntityType::of_target(unit),
            unit,
            Some(&attribute.name),
            &self.evidence.pointer(),
        )
        .saying(format!("All {accounts} accounts have {value:?} in every Region: a policy can set it."))
        .where_rows(account_status::TABLE, format!("attribute = {}", sql(&attribute.name)))
        .with("value", value)
        .with("setting", path)
    }
}

/// The setting of a policy and its value that a value of the report stands for.
fn setting(attribute: &str, value: &str) -> Option<(String, Value)> {
    let path = reported_setting(attribute)?;
    let value = match reported_value(&path, value)? {
        Scalar::Text(text) => Value::String(text),
        Scalar::Number(number) => Value::String(number),
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Null => return None,
    };
    Some((path, value))
}
