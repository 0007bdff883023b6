//! Policies: what they come to in accounts, and which quotas they are near.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use errors::JobError;
use management_policies::{Agreement, Attached, Document, Level, Levels, PolicyKind, compare};
use models::TargetId;
use organizations::quotas;
use runtime::tables::each_file;
use serde_json::{Value, json};
use store::Store;
use table::Cell;
use table::reader::Reader;

use super::Findings;
use crate::covered::{Coverage, Covered};
use crate::finding::{EntityType, Evidence as Pointer, Finding, FindingId, sql};
use crate::kinds::FindingKind;
use crate::organization::Organization;
use crate::sources::Evidence;

const POLICIES: &str = "policies";
const EFFECTIVE: &str = "effective_policies";
const ERRORS: &str = "effective_policy_errors";
const OUTCOMES: &str = "item_outcomes";
/// The tables of an inventory that are read, here and of its requests.
pub(super) const READ: &[&str] = &[POLICIES, EFFECTIVE, ERRORS, OUTCOMES, "account_requests"];
/// Lanes of an inventory, each with an item for a policy type.
const LISTS: &str = "policies";
const CONTENTS: &str = "effective-policies";

/// A quota is nearly reached at so many percent.
const NEAR_PERCENT: u64 = 80;
/// Attributes and codes that a finding lists.
const LISTED: usize = 10;

pub(crate) async fn evaluate(
    store: &Store,
    evidence: &Evidence,
    organization: Option<&Organization>,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<(), JobError> {
    let (Some(run), Some(organization)) = (evidence.run_id(), organization) else { return Ok(()) };
    let pointer = evidence.pointer();
    let mut whole = Whole::default();
    each_file(store, OUTCOMES, run, |file| whole.read(file)).await?;
    let mut policies = Policies::default();
    each_file(store, POLICIES, run, |file| policies.read(file)).await?;
    policies.sizes(&pointer, findings, coverage)?;
    attachments(organization, &whole, &pointer, findings, coverage)?;
    let mut codes = BTreeMap::new();
    each_file(store, ERRORS, run, |file| errors(file, &mut codes)).await?;
    let mut effective = EffectivePolicies {
        organization,
        policies: &policies,
        codes,
        pointer: &pointer,
        attached: COMPUTED.map(|kind| (kind, attached_at(organization, &whole, kind))).into(),
        computed: BTreeMap::new(),
        whole: &whole,
        read: BTreeMap::new(),
    };
    each_file(store, EFFECTIVE, run, |file| effective.rows(file, findings)).await?;
    for kind in [FindingKind::EffectivePolicyInvalid, FindingKind::EffectivePolicyDiffers] {
        coverage.set(kind, Covered::ByAttribute(effective.read.clone()));
    }
    Ok(())
}

/// The policy types of which a lane has read everything.
#[derive(Debug, Default)]
struct Whole {
    items: BTreeSet<(String, String)>,
}

impl Whole {
    fn read(&mut self, file: &Path) -> Result<(), JobError> {
        let mut rows = Reader::open(file, &["lane", "item", "status"]).map_err(JobError::defect)?;
        rows.each_row(|row| {
            if let [Some(lane @ (LISTS | CONTENTS)), Some(item), Some("succeeded")] = row.map(Cell::text) {
                self.items.insert((lane.to_owned(), item.to_owned()));
            }
        })
        .map_err(JobError::defect)
    }

    fn has(&self, lane: &str, policy_type: &str) -> bool {
        self.items.iter().any(|(of, item)| of == lane && item == policy_type)
    }
}

/// What is known of the policies themselves.
#[derive(Debug, Default)]
struct Policies {
    by_id: BTreeMap<String, Policy>,
}

#[derive(Debug)]
struct Policy {
    name: String,
    kind: String,
    aws_managed: bool,
    content: Option<String>,
    size: Option<i64>,
    quota: Option<i64>,
}

impl Policies {
    fn read(&mut self, file: &Path) -> Result<(), JobError> {
        const COLUMNS: [&str; 7] =
            ["policy_id", "name", "type", "aws_managed", "content", "size", "size_quota"];
        let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
        rows.each_row(|[id, name, kind, aws_managed, content, size, quota]| {
            let (Some(id), Some(kind)) = (id.text(), kind.text()) else { return };
            let policy = Policy {
                name: name.text().unwrap_or_default().to_owned(),
                kind: kind.to_owned(),
                aws_managed: aws_managed.boolean().unwrap_or(false),
                content: content.text().map(str::to_owned),
                size: size.integer(),
                quota: quota.integer(),
            };
            self.by_id.insert(id.to_owned(), policy);
        })
        .map_err(JobError::defect)
    }

    /// Policies that nearly have the most characters that they may have.
    fn sizes(
        &self,
        pointer: &Pointer,
        findings: &mut Findings<'_>,
        coverage: &mut Coverage,
    ) -> Result<(), JobError> {
        let kind = FindingKind::QuotaNearlyReached;
        for (id, policy) in self.by_id.iter().filter(|(_, policy)| !policy.aws_managed) {
            let (Some(size), Some(quota)) = (policy.size, policy.quota) else { continue };
            coverage.id(kind, FindingId::of(kind, id, Some("size")));
            if is_near(size.unsigned_abs(), quota.unsigned_abs()) {
                let text = format!("The policy has {size} characters of {quota} that it may have.");
                let finding = Finding::new(kind, EntityType::Policy, id, Some("size"), pointer)
                    .saying(text)
                    .named(Some(&policy.name))
                    .where_rows(POLICIES, format!("policy_id = {}", sql(id)))
                    .with("size", size)
                    .with("quota", quota);
                findings.push(finding)?;
            }
        }
        Ok(())
    }
}

fn is_near(count: u64, quota: u64) -> bool {
    quota > 0 && count.saturating_mul(100) >= quota.saturating_mul(NEAR_PERCENT)
}

/// Targets that nearly have the most policies of a type attached, and types with nearly the most policies.
fn attachments(
    organization: &Organization,
    whole: &Whole,
    pointer: &Pointer,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<(), JobError> {
    let kind = FindingKind::QuotaNearlyReached;
    let mut attached: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut of_type: BTreeMap<&str, u64> = BTreeMap::new();
    let mut unknown: BTreeSet<&str> = BTreeSet::new();
    for it in organization.snapshot.policies.values() {
        let policy_type = it.policy.kind.as_str();
        *of_type.entry(policy_type).or_default() += u64::from(!it.policy.aws_managed);
        match &it.targets {
            Some(targets) => {
                for target in targets {
                    *attached.entry((target.as_str(), policy_type)).or_default() += 1;
                }
            }
            // It may be attached anywhere.
            None => drop(unknown.insert(policy_type)),
        }
    }
    for ((target, policy_type), count) in attached {
        let Some(quota) = quotas::attached_policies(policy_type) else { continue };
        let attribute = format!("attached/{policy_type}");
        let quota = quota as u64;
        let is_whole = whole.has(LISTS, policy_type) && !unknown.contains(policy_type);
        let is_known = is_near(count, quota) || is_whole;
        if is_known {
            coverage.id(kind, FindingId::of(kind, target, Some(&attribute)));
        }
        if is_near(count, quota) {
            let text = format!("{count} policies of {policy_type} are attached, of {quota} that may be.");
            let mut finding =
                Finding::new(kind, EntityType::of_target(target), target, Some(&attribute), pointer)
                    .saying(text)
                    .where_rows(
                        "policy_attachments",
                        format!("target_id = {} AND type = {}", sql(target), sql(policy_type)),
                    )
                    .with("count", count)
                    .with("quota", quota);
            if let Ok(TargetId::Account(account)) = target.parse() {
                finding.account_id = Some(account.to_string());
            }
            findings.push(finding)?;
        }
    }
    let id = organization.snapshot.organization.id.as_str();
    for (policy_type, count) in of_type {
        let quota = quotas::policies(policy_type) as u64;
        let attribute = format!("policies/{policy_type}");
        if is_near(count, quota) || whole.has(LISTS, policy_type) {
            coverage.id(kind, FindingId::of(kind, id, Some(&attribute)));
        }
        if is_near(count, quota) {
            let text = format!(
                "The organization has {count} policies of {policy_type}, of {quota} that it may have."
            );
            let finding = Finding::new(kind, EntityType::Organization, id, Some(&attribute), pointer)
                .saying(text)
                .where_rows(POLICIES, format!("type = {} AND NOT aws_managed", sql(policy_type)))
                .with("count", count)
                .with("quota", quota);
            findings.push(finding)?;
        }
    }
    Ok(())
}

/// The codes of AWS's errors, by account and type.
type Codes = BTreeMap<(String, String), BTreeSet<String>>;

fn errors(file: &Path, codes: &mut Codes) -> Result<(), JobError> {
    const COLUMNS: [&str; 3] = ["account_id", "type", "code"];
    let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
    rows.each_row(|row| {
        let [Some(account), Some(policy_type), Some(code)] = row.map(Cell::text) else { return };
        let codes = codes.entry((account.to_owned(), policy_type.to_owned())).or_default();
        if codes.len() < LISTED {
            codes.insert(code.to_owned());
        }
    })
    .map_err(JobError::defect)
}

/// What policies come to in accounts.
struct EffectivePolicies<'a> {
    organization: &'a Organization,
    policies: &'a Policies,
    codes: Codes,
    pointer: &'a Pointer,
    /// By type, where policies are attached; `None` where nobody can say.
    attached: BTreeMap<PolicyKind, Option<BTreeSet<String>>>,
    /// By type and targets with policies on the way, what they come to, and what was compared with it.
    computed: BTreeMap<(PolicyKind, Vec<String>), Computed>,
    whole: &'a Whole,
    /// By type, the accounts of which it was read.
    read: BTreeMap<String, BTreeSet<String>>,
}

/// What the policies on the way to some accounts come to.
struct Computed {
    /// `None` where a policy on the way could not be read.
    levels: Option<Levels>,
    /// By content that AWS tells, the attributes that differ; `None` where nobody can say.
    compared: BTreeMap<String, Option<Vec<String>>>,
}

impl EffectivePolicies<'_> {
    fn rows(&mut self, file: &Path, findings: &mut Findings<'_>) -> Result<(), JobError> {
        const COLUMNS: [&str; 5] = ["account_id", "type", "status", "validity", "content"];
        let mut failed = Ok(());
        let mut rows = Reader::open(file, &COLUMNS).map_err(JobError::defect)?;
        rows.each_row(|[account, policy_type, status, validity, content]| {
            let (Some(account), Some(policy_type)) = (account.text(), policy_type.text()) else { return };
            if failed.is_ok() {
                let told = (status.text().unwrap_or_default(), validity.text(), content.text());
                failed = self.row(account, policy_type, told, findings);
            }
        })
        .map_err(JobError::defect)?;
        failed
    }

    fn row(
        &mut self,
        account: &str,
        policy_type: &str,
        (status, validity, content): (&str, Option<&str>, Option<&str>),
        findings: &mut Findings<'_>,
    ) -> Result<(), JobError> {
        use FindingKind::{EffectivePolicyDiffers, EffectivePolicyInvalid};
        let read = self.read.entry(policy_type.to_owned()).or_default();
        if !read.contains(account) {
            read.insert(account.to_owned());
        }
        let of = |kind| {
            let mut finding =
                Finding::new(kind, EntityType::Account, account, Some(policy_type), self.pointer).where_rows(
                    EFFECTIVE,
                    format!("account_id = {} AND type = {}", sql(account), sql(policy_type)),
                );
            finding.account_id = Some(account.to_owned());
            finding
        };
        let unknown = |kind| FindingId::of(kind, account, Some(policy_type));
        if validity == Some("invalid") {
            let codes = self.codes.get(&(account.to_owned(), policy_type.to_owned()));
            let codes: Vec<&str> = codes.into_iter().flatten().map(String::as_str).collect();
            let text = format!(
                "AWS does not accept what the policies of {policy_type} come to: {}.",
                codes.join(", ")
            );
            findings.push(of(EffectivePolicyInvalid).saying(text).with("codes", json!(codes)))?;
        } else if status == "unreadable" || !self.whole.has(CONTENTS, policy_type) {
            // Contents are read first, and only then whether they are valid.
            findings.unknown(unknown(EffectivePolicyInvalid))?;
        }
        let (Some(content), "content", Some(kind)) = (content, status, kind_of(policy_type)) else {
            return findings.unknown(unknown(EffectivePolicyDiffers));
        };
        match self.differs(account, kind, content) {
            None => findings.unknown(unknown(EffectivePolicyDiffers)),
            Some(paths) if paths.is_empty() => Ok(()),
            Some(paths) => {
                let text = format!(
                    "What AWS tells of {policy_type} is not what the attached policies come to: {}.",
                    paths.join(", ")
                );
                let mut finding = of(EffectivePolicyDiffers).saying(text).with("attributes", json!(paths));
                finding.account_id = Some(account.to_owned());
                findings.push(finding)
            }
        }
    }

    /// The attributes that AWS tells otherwise than the policies on the way to an account come to; `None`
    /// where nobody can say.
    fn differs(&mut self, account: &str, kind: PolicyKind, content: &str) -> Option<Vec<String>> {
        let path = self.organization.account(account)?.path.as_ref()?;
        let (organization, policies) = (self.organization, self.policies);
        let attached = self.attached.get(&kind)?.as_ref()?;
        let segments = path.split('/').filter(|segment| attached.contains(*segment));
        let way: Vec<String> = segments.map(str::to_owned).collect();
        let computed = self.computed.entry((kind, way)).or_insert_with_key(|(kind, way)| Computed {
            levels: levels(organization, policies, *kind, way),
            compared: BTreeMap::new(),
        });
        let levels = computed.levels.as_ref()?;
        let compared = computed.compared.entry(content.to_owned()).or_insert_with(|| {
            let told: Value = serde_json::from_str(content).ok()?;
            match compare(&levels.effective(), &told) {
                Agreement::Agrees => Some(Vec::new()),
                Agreement::Differs(differs) => {
                    Some(differs.into_iter().take(LISTED).map(|it| it.path).collect())
                }
                Agreement::Undecided(_) | Agreement::NotReadable(_) => None,
            }
        });
        compared.clone()
    }
}

/// The types of which Muster computes what policies come to.
const COMPUTED: [PolicyKind; 2] = [PolicyKind::DeclarativeEc2, PolicyKind::Tag];

fn kind_of(policy_type: &str) -> Option<PolicyKind> {
    COMPUTED.into_iter().find(|kind| kind.api() == policy_type)
}

/// Where policies of a type are attached; `None` where that is not known of some policy, or not all of them
/// could be listed.
fn attached_at(organization: &Organization, whole: &Whole, kind: PolicyKind) -> Option<BTreeSet<String>> {
    let mut targets = BTreeSet::new();
    let of_type = organization.snapshot.policies.values().filter(|it| it.policy.kind == kind.api());
    for policy in of_type {
        targets.extend(policy.targets.as_ref()?.iter().map(|target| target.as_str().to_owned()));
    }
    whole.has(LISTS, kind.api()).then_some(targets)
}

/// The policies of a type on the way; `None` where one of them could not be read.
fn levels(
    organization: &Organization,
    policies: &Policies,
    kind: PolicyKind,
    way: &[String],
) -> Option<Levels> {
    let level = |target: &String| {
        let here = organization.snapshot.policies.iter().filter(|(_, it)| {
            it.policy.kind == kind.api()
                && it.targets.iter().flatten().any(|attached| attached.as_str() == target)
        });
        let attached = here.map(|(id, _)| {
            let policy = policies.by_id.get(id.as_str()).filter(|policy| policy.kind == kind.api())?;
            let document = Document::read_attached(kind, policy.content.as_deref()?).ok()?;
            Some(Attached { policy: id.to_string(), document })
        });
        Some(Level { target: target.clone(), attached: attached.collect::<Option<_>>()? })
    };
    Levels::new(kind, way.iter().map(level).collect::<Option<_>>()?).ok()
}
