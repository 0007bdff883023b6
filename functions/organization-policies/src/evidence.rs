//! Where accounts and Regions stand today on what a declarative policy would set: the newest published
//! account status, beside the plan. Unknown is never counted as compliant.
//!
//! What of the report is a policy's setting, [`management_policies`] says; everything else is unknown.

use std::collections::{BTreeMap, BTreeSet};

use changes::{Change, Draft, Kept, ObjectId, Operation, Planning, keys_of};
use errors::JobError;
use jiff::SignedDuration;
use management_policies::{
    Attribute, PolicyKind, Scalar, SettingValue, reported_names, reported_value, spelled, value_of,
};
use models::{Kind, RunId};
use runtime::tables::each_file;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Store;
use store::published::{self, Published};
use table::Cell;
use table::reader::Reader;

use crate::effect::{Effects, TypeEffects};
use crate::refusals::Refusals;

/// How old an account status may be to be set beside a plan.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 90);
const DOCUMENT: &str = "account-status";

/// Where accounts and Regions stand on one setting that a plan sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Standing {
    /// Accounts and Regions that have the planned value.
    pub(crate) complies: u64,
    /// That have another.
    pub(crate) would_change: u64,
    /// Of which that is not known: not read, not understood, or not in the report at all.
    pub(crate) unknown: u64,
    /// The same by Region; accounts that are in no Region of the report are under "".
    pub(crate) regions: BTreeMap<String, [u64; 3]>,
}

/// The account status beside a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccountStatus {
    /// The run that published it; absent where there is none.
    pub(crate) run: Option<RunId>,
    pub(crate) observed_at: Option<jiff::Timestamp>,
    pub(crate) complete: bool,
    /// By the pointer of the setting in the effective policy.
    pub(crate) settings: BTreeMap<String, Standing>,
}

/// The newest account status of the whole organization, and that which is set beside a plan.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    of_root: Option<Published>,
    /// Of the root, or of the one target that a plan changes, whichever is newer; else of any target.
    beside: Option<Published>,
    /// Whether the plan takes effect anywhere: else there is nothing to be looked for.
    is_due: bool,
}

/// The newest account status, where a draft changes declarative policies.
pub(crate) async fn newest(planning: &Planning<'_>, draft: &Draft) -> Result<Newest, JobError> {
    let touched: BTreeSet<String> = changes(draft).flat_map(|(_, targets)| targets).collect();
    if touched.is_empty() {
        return Ok(Newest::default());
    }
    let store = &planning.access.store;
    let now = planning.run.now;
    let newest = |accept: fn(&Published, &BTreeSet<String>) -> bool| {
        let touched = &touched;
        let kind = Kind::DeclarativePoliciesReport;
        async move { published::newest(store, kind, now, OLDEST, |it| accept(it, touched)).await }
    };
    let of_root = newest(|it, _| is_of_root(it)).await?;
    let beside = newest(|it, touched| {
        is_of_root(it) || touched.iter().all(|target| it.result["targetId"] == target.as_str())
    });
    let beside = match beside.await? {
        None => newest(|_, _| true).await?,
        beside => beside,
    };
    Ok(Newest { of_root, beside, is_due: true })
}

fn is_of_root(published: &Published) -> bool {
    published.result["targetId"].as_str().is_some_and(is_root)
}

fn is_root(target: &str) -> bool {
    target.starts_with("r-")
}

/// The changes of declarative policies, each with the targets that it takes effect at.
fn changes(draft: &Draft) -> impl Iterator<Item = (&Change, Vec<String>)> {
    let policy_type = PolicyKind::DeclarativeEc2.api();
    let in_force = ObjectId::InForce { policy_type: policy_type.to_owned() };
    let attachments = draft.state(&in_force).ok().map(|state| &state["attachments"]);
    draft.waves().flat_map(|wave| &wave.changes).filter_map(move |change| match &change.call {
        Operation::AttachPolicy { policy_type: of, target, .. }
        | Operation::DetachPolicy { policy_type: of, target, .. }
            if of == policy_type =>
        {
            Some((change, vec![target.clone()]))
        }
        Operation::UpdatePolicy { policy_type: of, policy, content: Some(_), .. } if of == policy_type => {
            let attachments = attachments.and_then(Value::as_object).into_iter().flatten();
            let has = attachments.filter(|(_, policies)| keys_of(policies).contains(&policy.to_string()));
            Some((change, has.map(|(target, _)| target.clone()).collect()))
        }
        _ => None,
    })
}

/// Sets the newest account status beside a plan that changes declarative policies.
pub(crate) async fn complete(
    planning: &Planning<'_>,
    draft: &mut Draft,
    effects: &Effects,
    newest: Newest,
) -> Result<(), JobError> {
    if !newest.is_due {
        return Ok(());
    }
    let newest = newest.beside;
    let is_declarative = |it: &TypeEffects| it.kind == PolicyKind::DeclarativeEc2;
    let Some(declarative) = effects.types.iter().find(|it| is_declarative(it)).filter(|_| planning.keeps)
    else {
        return Ok(());
    };
    let store = &planning.access.store;
    let planned = Plans::of(declarative);
    let mut status = AccountStatus {
        run: newest.as_ref().map(|it| it.run_id.clone()),
        observed_at: newest.as_ref().and_then(Published::observed_at),
        complete: newest.as_ref().is_some_and(Published::is_complete),
        settings: BTreeMap::new(),
    };
    match newest {
        None => draft.warnings.push(
            "No account status was published in the last 90 days: where accounts stand on it today is unknown. Run \
             declarative-policies-report first."
                .to_owned(),
        ),
        Some(newest) => count(store, &newest, &planned, &mut status).await?,
    }
    unread(&planned, &mut status);
    let kept = Kept::write(store, planning.run.run_id, DOCUMENT, &status).await?;
    let short: BTreeMap<_, _> = status
        .settings
        .iter()
        .map(|(path, it)| {
            (path, json!({"complies": it.complies, "wouldChange": it.would_change, "unknown": it.unknown}))
        })
        .collect();
    draft.details["accountStatus"] = json!({"kept": kept, "run": status.run, "settings": short});
    Ok(())
}

/// Refuses a declarative policy on the root, which reaches every account, while nobody knows where all
/// accounts stand.
pub(crate) fn on_the_root(draft: &mut Draft, newest: &Newest, refusals: &mut Refusals<'_>) {
    if newest.of_root.as_ref().is_some_and(Published::is_complete) {
        return;
    }
    let status = if newest.of_root.is_some() { "not complete" } else { "not known" };
    let on_root = |(change, targets): (&Change, Vec<String>)| match &change.call {
        Operation::AttachPolicy { policy, .. } | Operation::UpdatePolicy { policy, .. }
            if targets.iter().any(|target| is_root(target)) =>
        {
            Some(policy.to_string().trim_start_matches("new:").to_owned())
        }
        _ => None,
    };
    let policies: BTreeSet<_> = changes(draft).filter_map(on_root).collect();
    for policy in policies {
        let why = format!(
            "{policy} would be attached to the root, or changed there, and the account status of the organization is \
             {status} (publish a complete run of declarative-policies-report for the root first)"
        );
        let name = format!("root-with-incomplete-coverage:{policy}");
        draft.warnings.extend(refusals.unless_forced(&name, &why));
    }
}

/// What is planned, by class of accounts.
#[derive(Debug, Default)]
struct Plans {
    classes: Vec<Class>,
    /// In which class an account is.
    accounts: BTreeMap<String, usize>,
}

/// The settings that the last wave leaves changed in a class.
#[derive(Debug, Default)]
struct Class {
    /// By pointer; `None` for what is not known.
    settings: BTreeMap<String, Option<Scalar>>,
    /// By each name that the report may have for it, the pointer of a setting.
    named: BTreeMap<String, Vec<String>>,
    accounts: u64,
}

impl Plans {
    fn of(declarative: &TypeEffects) -> Self {
        let mut plans = Self::default();
        for class in &declarative.classes {
            let mut settings = BTreeMap::new();
            for change in class.waves.iter().flat_map(|wave| &wave.changes) {
                let Some(after) = &change.after else {
                    // What no policy sets any more is each account's own again.
                    settings.remove(&change.path);
                    continue;
                };
                let value = match after {
                    Attribute::Known(SettingValue::One(value)) if class.unknown.is_none() => {
                        read(&change.path, &value.text())
                    }
                    _ => None,
                };
                settings.insert(change.path.clone(), value);
            }
            plans.add(settings, class.accounts.iter().map(ToString::to_string));
        }
        plans
    }

    fn add(&mut self, settings: BTreeMap<String, Option<Scalar>>, accounts: impl Iterator<Item = String>) {
        let at = self.classes.len();
        let mut class = Class { settings, ..Class::default() };
        for path in class.settings.keys() {
            for name in reported_names(path) {
                class.named.entry(name).or_default().push(path.clone());
            }
        }
        for account in accounts {
            class.accounts += 1;
            self.accounts.insert(account, at);
        }
        self.classes.push(class);
    }

    fn class(&self, account: &str) -> Option<&Class> {
        self.accounts.get(account).and_then(|at| self.classes.get(*at))
    }
}

/// The value of a setting that a text stands for, if it is one that the setting can have.
fn read(path: &str, text: &str) -> Option<Scalar> {
    value_of(PolicyKind::DeclarativeEc2, path, text)
}

/// Whether a value of the report is the planned one; `None` where it cannot be told.
fn complies(path: &str, planned: &Scalar, reported: &str) -> Option<bool> {
    reported_value(path, reported).map(|reported| reported == *planned)
}

/// Reads the rows of an account status, one file after the other.
async fn count(
    store: &Store,
    newest: &Published,
    planned: &Plans,
    status: &mut AccountStatus,
) -> Result<(), JobError> {
    each_file(store, account_status::TABLE, &newest.run_id, |file| rows(file, planned, status)).await
}

fn rows(file: &std::path::Path, planned: &Plans, status: &mut AccountStatus) -> Result<(), JobError> {
    const COLUMNS: [&str; 4] = ["account_id", "region", "attribute", "value"];
    let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
    rows.each_row(|row| {
        let [Some(account), Some(region), Some(attribute), value] = row.map(Cell::text) else { return };
        let Some(class) = planned.class(account) else { return };
        for path in class.named.get(&spelled(attribute)).into_iter().flatten() {
            let planned = class.settings.get(path).and_then(Option::as_ref);
            let standing = status.settings.entry(path.clone()).or_default();
            let of_region = standing.regions.entry(region.to_owned()).or_default();
            match planned.zip(value).and_then(|(planned, value)| complies(path, planned, value)) {
                Some(true) => {
                    standing.complies += 1;
                    of_region[0] += 1;
                }
                Some(false) => {
                    standing.would_change += 1;
                    of_region[1] += 1;
                }
                None => {
                    standing.unknown += 1;
                    of_region[2] += 1;
                }
            }
        }
    })
    .map_err(JobError::defect)
}

/// Counts what the report does not speak of: in every Region that it knows, or once where it knows none.
fn unread(planned: &Plans, status: &mut AccountStatus) {
    let mut accounts: BTreeMap<&String, u64> = BTreeMap::new();
    for class in &planned.classes {
        for path in class.settings.keys() {
            *accounts.entry(path).or_default() += class.accounts;
        }
    }
    let regions: BTreeSet<String> =
        status.settings.values().flat_map(|it| it.regions.keys().cloned()).collect();
    for (path, expected) in accounts {
        let standing = status.settings.entry(path.clone()).or_default();
        if regions.is_empty() {
            standing.unknown += expected;
            standing.regions.entry(String::new()).or_default()[2] += expected;
        }
        for region in &regions {
            let of_region = standing.regions.entry(region.clone()).or_default();
            let missing = expected.saturating_sub(of_region.iter().sum());
            standing.unknown += missing;
            of_region[2] += missing;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_under_its_own_name_or_that_of_its_attribute() {
        let state = reported_names("/ec2_attributes/image_block_public_access/state");
        assert!(state.contains(&spelled("Image Block Public Access")), "{state:?}");
        let tokens = reported_names("/ec2_attributes/instance_metadata_defaults/http_tokens");
        assert!(tokens.contains(&spelled("http-tokens")), "{tokens:?}");
        assert!(!tokens.contains(&spelled("instance_metadata_defaults")), "it has several settings");
    }

    #[test]
    fn a_value_that_is_not_understood_is_neither_compliant_nor_not() {
        let of = |setting: &str, planned: &str, reported: &str| {
            let path = format!("/ec2_attributes/{setting}");
            complies(&path, &read(&path, planned).unwrap(), reported)
        };
        let hops = "instance_metadata_defaults/http_put_response_hop_limit";
        assert_eq!(
            of("image_block_public_access/state", "block_new_sharing", "block-new-sharing"),
            Some(true)
        );
        assert_eq!(of("serial_console_access/status", "disabled", "false"), Some(true));
        assert_eq!(of("instance_metadata_defaults/http_tokens", "required", "optional"), Some(false));
        assert_eq!(of(hops, "1", "-1"), Some(false));
        assert_eq!(of(hops, "-1", "-1"), Some(true));
        for odd in ["{\"state\":\"enabled\"}", "", "not-configured", "65"] {
            assert_eq!(of(hops, "1", odd), None, "{odd}");
            assert_eq!(of("instance_metadata_defaults/http_tokens", "required", odd), None, "{odd}");
        }
    }

    #[test]
    fn accounts_and_regions_that_the_report_does_not_speak_of_are_unknown() {
        let path = "/ec2_attributes/instance_metadata_defaults/http_tokens".to_owned();
        let settings: BTreeMap<_, _> = [(path.clone(), read(&path, "required"))].into();
        let mut plans = Plans::default();
        plans.add(settings, ["000000000001", "000000000002"].map(str::to_owned).into_iter());
        let none = AccountStatus { run: None, observed_at: None, complete: false, settings: BTreeMap::new() };
        let mut status = none.clone();
        unread(&plans, &mut status);
        assert_eq!(status.settings[&path].unknown, 2);
        let mut status = none;
        let standing =
            Standing { complies: 1, regions: [("r1".into(), [1, 0, 0])].into(), ..Standing::default() };
        status.settings.insert(path.clone(), standing);
        unread(&plans, &mut status);
        let standing = &status.settings[&path];
        assert_eq!((standing.complies, standing.would_change, standing.unknown), (1, 0, 1));
    }
}
