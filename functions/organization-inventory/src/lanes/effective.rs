//! What the policies of each enabled type come to in every account.
//!
//! Accounts fall into [classes](crate::classes). The first of a class and a sample of it are read; if
//! AWS answered all of them the same, the rest is derived, else every account of the class is read.
//! What cannot be read agrees with nothing, so nothing is derived from it.

use std::collections::{BTreeMap, HashSet};

use errors::JobError;
use models::digest::sha256_of_json;
use models::{AccountId, OutcomeStatus, PolicyId};
use organizations::{AccountState, EffectivePolicy, Organization, Root};
use runtime::lanes::{Outcomes, Results, Turn};

use super::{ACCOUNTS, InventoryLane, POLICIES, STRUCTURE, State, gap, needed, pages, passes, wait};
use crate::classes::{Class, classes};
use crate::entry::{Answer, Derived, Effective, Entry};
use crate::policies::Policies;
use crate::request::{EffectivePolicies, Target};
use crate::tree::Tree;

/// Types of which AWS computes no effective policy: all that apply count as they are.
const WITHOUT: [&str; 2] = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];

/// Accounts of a class that AWS answered differently, for policies were attached or detached meanwhile.
const CHANGED: &str = "attachments changed while effective policies were read";

/// The types that are enabled on the root and have effective policies.
pub(crate) fn types(root: &Root) -> Vec<String> {
    let enabled =
        root.policy_types.iter().filter(|it| it.is_enabled() && !WITHOUT.contains(&it.name.as_str()));
    enabled.map(|it| it.name.clone()).collect()
}

pub(crate) async fn turn(
    organization: &Organization,
    own: &AccountId,
    lane: &mut InventoryLane<'_>,
) -> Result<Turn, JobError> {
    // A type whose policies could not be read is no reason not to read the accounts.
    let Some(policies) = lane.closed(&[POLICIES]).await? else { return Ok(wait(lane)) };
    let Some(structure) = needed(lane, &[ACCOUNTS, STRUCTURE]).await? else {
        return Ok(wait(lane));
    };
    let organized = Organized::read(&structure, &policies).await?;
    while let Some(item) = lane.item() {
        let kind = item.name.to_string();
        let mut reading =
            Reading { organization, own, kind: &kind, organized: &organized, known: HashSet::new() };
        if !reading.accounts(lane).await? || !reading.invalid(lane).await? {
            break;
        }
        lane.finish(OutcomeStatus::Succeeded, None)?;
        if !lane.has_time() {
            break;
        }
    }
    Ok(Turn::Again)
}

/// The accounts to read, and what is attached on the way to each.
struct Organized {
    /// Of accounts in use, or whose state AWS does not tell: the places on their way, or nothing where
    /// they lie could be told by.
    ways: BTreeMap<AccountId, Option<Vec<String>>>,
    /// By type and place. Of a type whose attachments could not all be read, nothing.
    attached: BTreeMap<String, Option<BTreeMap<String, Vec<PolicyId>>>>,
}

impl Organized {
    async fn read(structure: &Results<'_>, policies: &Results<'_>) -> Result<Self, JobError> {
        let (mut organization, mut root, mut units) = (None, None, Vec::new());
        let (mut accounts, mut parents) = (Vec::new(), BTreeMap::new());
        let mut read = Policies::default();
        let mut attached: BTreeMap<String, Option<BTreeMap<String, Vec<PolicyId>>>> = BTreeMap::new();
        for results in [structure, policies] {
            results
                .all_entries(|entry| {
                    match entry {
                        Entry::Organization(it) => organization = Some(it),
                        Entry::Root(it) => root = Some(it),
                        Entry::Unit(it) => units.push(it),
                        Entry::AccountsBegin => accounts.clear(),
                        Entry::Account(it) => accounts.push(it),
                        Entry::Parent { account, parent } => drop(parents.insert(account, parent)),
                        other => read.take(other),
                    }
                    Ok(())
                })
                .await?;
        }
        for policy in read.into_values() {
            let of_type = attached.entry(policy.policy.kind.clone()).or_insert_with(|| Some(BTreeMap::new()));
            match (policy.targets, of_type.as_mut()) {
                (Ok(targets), Some(places)) => {
                    for target in targets {
                        let place: &mut Vec<_> = places.entry(target.to_string()).or_default();
                        place.push(policy.policy.id.clone());
                    }
                }
                _ => *of_type = None,
            }
        }
        for outcome in policies.outcomes().await?.values().flat_map(Outcomes::missing) {
            attached.insert(outcome.item.to_string(), None);
        }
        let (Some(organization), Some(root)) = (organization, root) else {
            return Err(JobError::defect("the structure was read without an organization or a root"));
        };
        let tree = Tree::new(&organization, &root, &units);
        let in_use = accounts.iter().filter(|it| !matches!(it.state, AccountState::NotActive(_)));
        let ways = in_use.map(|it| (it.id.clone(), tree.way_to_account(it, &parents))).collect();
        Ok(Self { ways, attached })
    }

    /// The classes of a type, and the accounts that belong to none of them.
    fn classes(&self, kind: &str, run: &models::RunId) -> (Vec<Class>, Vec<AccountId>) {
        let none = BTreeMap::new();
        let attached = match self.attached.get(kind) {
            None => &none,
            Some(Some(attached)) => attached,
            Some(None) => return (Vec::new(), self.ways.keys().cloned().collect()),
        };
        let ways = self.ways.iter().filter_map(|(account, way)| Some((account, way.as_ref()?)));
        let alone = self.ways.iter().filter(|(_, way)| way.is_none()).map(|(account, _)| account.clone());
        (classes(ways, attached, run), alone.collect())
    }
}

/// What is read of one type.
struct Reading<'a> {
    organization: &'a Organization,
    own: &'a AccountId,
    kind: &'a str,
    organized: &'a Organized,
    /// Digests of contents that this turn has written.
    known: HashSet<String>,
}

impl Reading<'_> {
    /// Reads or derives every account; `true` after the last.
    async fn accounts(&mut self, lane: &mut InventoryLane<'_>) -> Result<bool, JobError> {
        let (mut class, mut member, mut first, mut full) = match lane.state.clone() {
            State::New => (0, 0, None, false),
            State::Effective { class, member, first, full } => (class, member, first, full),
            _ => return Ok(true),
        };
        let (classes, alone) = self.work(lane);
        loop {
            let place = classes.get(class);
            let members = place.map_or(alone.as_slice(), |class| &class.members);
            let Some(account) = members.get(member) else {
                if place.is_none() {
                    lane.state = State::Invalid;
                    return Ok(true);
                }
                (class, member, first, full) = (class + 1, 0, None, false);
                continue;
            };
            let number = place.and_then(|_| u32::try_from(class).ok());
            let answer = self.read(lane, account, number).await?;
            member += 1;
            if let (Some(place), false) = (place, full) {
                let agrees = match &first {
                    None => !matches!(answer, Answer::Unreadable { .. }),
                    Some((_, first)) => answer.agrees(first),
                };
                if !agrees {
                    full = true;
                    self.explain(lane, first.as_ref().map(|(account, _)| account), account).await?;
                } else {
                    let first = first.get_or_insert((account.clone(), answer));
                    if member == place.read {
                        self.derive(lane, class, first, &place.members[member..]).await?;
                        member = place.members.len();
                    }
                }
            }
            lane.state = State::Effective { class, member, first: first.clone(), full };
            lane.checkpoint().await?;
            if !lane.has_time() {
                return Ok(false);
            }
        }
    }

    /// Classes to read by samples, and accounts to read each by itself.
    fn work(&self, lane: &InventoryLane<'_>) -> (Vec<Class>, Vec<AccountId>) {
        let request = lane.request();
        if !request.targets.is_empty() {
            let account = |target: &Target| match target {
                Target::Own => self.own.clone(),
                Target::Account(id) => id.clone(),
            };
            return (Vec::new(), request.targets.iter().map(account).collect());
        }
        match request.effective_policies {
            EffectivePolicies::All => (Vec::new(), self.organized.ways.keys().cloned().collect()),
            EffectivePolicies::Classes | EffectivePolicies::None => {
                self.organized.classes(self.kind, lane.run_id())
            }
        }
    }

    async fn read(
        &mut self,
        lane: &mut InventoryLane<'_>,
        account: &AccountId,
        class: Option<u32>,
    ) -> Result<Answer, JobError> {
        // Of the account that asks, AWS answers without a target: any account may ask about itself.
        let asks = lane.request().targets.contains(&Target::Own) && account == self.own;
        let target = Some(account).filter(|_| !asks);
        let answer = match self.organization.effective_policy(self.kind, target).await {
            Ok(EffectivePolicy::Content { content, updated }) => {
                let digest = sha256_of_json(&content);
                if self.known.insert(digest.clone()) {
                    lane.write(&Entry::Content { digest: digest.clone(), content }).await?;
                }
                Answer::Content { digest, updated }
            }
            Ok(EffectivePolicy::NotFound) => Answer::NotFound,
            Err(error) if passes(&error) => return Err(error),
            Err(error) => Answer::Unreadable { error: error.to_string() },
        };
        let (kind, account) = (self.kind.to_owned(), account.clone());
        lane.write(&Entry::Effective(Effective { kind, account, class, answer: answer.clone() })).await?;
        Ok(answer)
    }

    async fn derive(
        &self,
        lane: &mut InventoryLane<'_>,
        class: usize,
        (from, answer): &(AccountId, Answer),
        accounts: &[AccountId],
    ) -> Result<(), JobError> {
        if accounts.is_empty() {
            return Ok(());
        }
        lane.write(&Entry::Derived(Derived {
            kind: self.kind.to_owned(),
            class: u32::try_from(class).unwrap_or(u32::MAX),
            from: from.clone(),
            answer: answer.clone(),
            accounts: accounts.to_vec(),
        }))
        .await
    }

    /// Two accounts of a class were answered differently: looks whether what is attached on their
    /// ways still is what made them a class.
    async fn explain(
        &self,
        lane: &mut InventoryLane<'_>,
        first: Option<&AccountId>,
        other: &AccountId,
    ) -> Result<(), JobError> {
        let attached = self.organized.attached.get(self.kind).and_then(Option::as_ref);
        for account in first.into_iter().chain([other]) {
            let way = self.organized.ways.get(account).and_then(Option::as_ref);
            for place in way.into_iter().flatten() {
                let now = match self.organization.policies_on(place, self.kind).await {
                    Ok(policies) => policies,
                    Err(error) if passes(&error) => return Err(error),
                    Err(_) => continue,
                };
                let mut now: Vec<_> = now.into_iter().map(|policy| policy.id).collect();
                let mut then = attached.and_then(|it| it.get(place)).cloned().unwrap_or_default();
                now.sort_unstable();
                then.sort_unstable();
                if now != then {
                    gap(lane, CHANGED, format!("{} at {place}", self.kind)).await?;
                }
            }
        }
        Ok(())
    }

    /// Reads which accounts AWS finds invalid, and why; `true` after the last.
    async fn invalid(&self, lane: &mut InventoryLane<'_>) -> Result<bool, JobError> {
        let kind = || self.kind.to_owned();
        if !matches!(lane.state, State::Each { .. }) {
            let page = |token| self.organization.invalid_accounts_page(self.kind, token);
            let entry = |account| Entry::InvalidListed { kind: kind(), account };
            if !pages(lane, &Entry::InvalidBegin { kind: kind() }, page, entry).await? {
                return Ok(false);
            }
            lane.state = State::Each { done: 0 };
            lane.commit().await?;
        }
        let mut done = match lane.state {
            State::Each { done } => done,
            _ => 0,
        };
        let invalid = self.listed_as_invalid(lane).await?;
        while let Some(account) = invalid.get(done) {
            let errors = self.organization.validation_errors(self.kind, account).await?;
            lane.write(&Entry::Invalid { kind: kind(), account: account.clone(), errors }).await?;
            done += 1;
            lane.state = State::Each { done };
            lane.checkpoint().await?;
            if !lane.has_time() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn listed_as_invalid(&self, lane: &InventoryLane<'_>) -> Result<Vec<AccountId>, JobError> {
        let mut accounts = Vec::new();
        lane.so_far()?
            .all_entries(|entry| {
                match entry {
                    Entry::InvalidBegin { kind } if kind == self.kind => accounts.clear(),
                    Entry::InvalidListed { kind, account } if kind == self.kind => accounts.push(account),
                    _ => {}
                }
                Ok(())
            })
            .await?;
        Ok(accounts)
    }
}
