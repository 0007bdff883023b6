//! Which principals the account has, whose turn it is, and in what order.

use std::collections::{BTreeMap, BTreeSet};

use errors::JobError;
use jiff::SignedDuration;
use models::{ItemName, OutcomeStatus};

use super::{Next, Working};
use crate::cursor::{self, Cursor};
use crate::discover::discover;
use crate::entry::Entry;
use crate::item::{Item, Work};
use crate::need::{self, Candidate, Decided, Terms};
use crate::principal::{Activity, Present, Principal};
use crate::window::Active;

impl Working<'_, '_> {
    /// Lists the principals: the access of each is asked for, and then they are put into an order.
    pub(super) async fn discover(&mut self) -> Result<Next, JobError> {
        let described = self.iam.described().await?;
        let observed = self.lane.now();
        let ids: BTreeSet<ItemName> = described.iter().map(|it| it.principal.id.clone()).collect();
        let request = self.lane.request();
        let found = discover(request, &self.account, described, &self.config.own_roles(), observed);
        let mut items = Vec::new();
        self.keep_current(&found.chosen, observed).await?;
        for described in found.chosen {
            let principal = described.principal;
            let work = Work::Access { principal: principal.clone() };
            items.push(Item { name: item_name("access", &principal.id)?, work });
            let (account, present) = (self.account.clone(), Present::of(&described.policies));
            self.lane.write(&Entry::Principal { principal, account, present, observed }).await?;
        }
        for (principal, because) in found.left_out {
            let account = self.account.clone();
            self.lane.write(&Entry::LeftOut { principal, account, because }).await?;
        }
        for arn in found.not_found {
            let account = self.account.clone();
            self.lane.write(&Entry::NotFound { arn, account }).await?;
        }
        items.push(Item { name: "order".parse().map_err(JobError::defect)?, work: Work::Order });
        self.lane.add(items).await?;
        cursor::update(&self.config.store, &self.account, |cursor| cursor.retain(&ids)).await?;
        self.lane.finish(OutcomeStatus::Succeeded, None)?;
        Ok(Next::Ended)
    }

    /// Decides for whom a policy is generated, and in what order.
    pub(super) async fn order(&mut self) -> Result<Next, JobError> {
        // What was read before it counts once it is in the record.
        self.lane.commit().await?;
        let request = self.lane.request();
        let cursor = Cursor::read(&self.config.store, &self.account).await?;
        let asked = request.window_days();
        let mut past = cursor.past(&self.config.store, self.lane.run_id(), asked).await?;
        let (principals, mut activities) = self.known().await?;
        let active = active(&principals, &activities);
        let candidates = principals
            .into_values()
            .map(|principal| Candidate {
                activity: activities.remove(&principal.id),
                past: past.remove(&principal.id).unwrap_or_default(),
                principal,
            })
            .collect();
        let Decided { due, not_due } = need::decide(candidates, self.terms());
        for (id, because) in not_due {
            self.lane.write(&Entry::NotDue { id, because }).await?;
        }
        let items: Result<Vec<_>, _> = due
            .into_iter()
            .map(|principal| {
                let name = item_name("generate", &principal.id)?;
                let active = active.of(&principal);
                Ok::<_, JobError>(Item { name, work: Work::Generate { principal, active } })
            })
            .collect();
        self.lane.add(items?).await?;
        self.lane.finish(OutcomeStatus::Succeeded, None)?;
        Ok(Next::Ended)
    }

    /// What counts for everybody who is decided about now.
    pub(super) fn terms(&self) -> Terms {
        let request = self.lane.request();
        Terms {
            now: self.lane.now(),
            window: SignedDuration::from_hours(24 * i64::from(request.window_days())),
            valid: request.valid(),
            anew: !request.principals.is_empty() || !request.is_window_chosen(),
        }
    }

    /// The principals that the lane works on, and their activity as far as it was read: the last word on
    /// each.
    async fn known(&self) -> Result<(BTreeMap<ItemName, Principal>, Activities), JobError> {
        let (mut principals, mut activities) = (BTreeMap::new(), Activities::new());
        self.lane
            .so_far()?
            .all_entries(|entry: Entry| {
                match entry {
                    Entry::Principal { principal, .. } => {
                        drop(principals.insert(principal.id.clone(), principal))
                    }
                    Entry::LeftOut { principal, .. } => drop(principals.remove(&principal.id)),
                    Entry::Access { id, access } => drop(activities.insert(id, Activity::of(&access))),
                    _ => {}
                }
                Ok(())
            })
            .await?;
        Ok((principals, activities))
    }
}

type Activities = BTreeMap<ItemName, Activity>;

/// Where the principals of an account have been active.
struct Regions {
    own: BTreeMap<ItemName, BTreeSet<String>>,
    account: BTreeSet<String>,
}

fn active(principals: &BTreeMap<ItemName, Principal>, activities: &Activities) -> Regions {
    let of = |principal: &Principal| {
        let read = activities.get(&principal.id).into_iter().flat_map(|it| it.regions.iter().cloned());
        read.chain(principal.last_region.clone()).collect()
    };
    let own: BTreeMap<ItemName, BTreeSet<String>> =
        principals.values().map(|it| (it.id.clone(), of(it))).collect();
    Regions { account: own.values().flatten().cloned().collect(), own }
}

impl Regions {
    fn of(&self, principal: &Principal) -> Active {
        let own = self.own.get(&principal.id).cloned().unwrap_or_default();
        Active { own, account: self.account.clone() }
    }
}

fn item_name(work: &str, id: &ItemName) -> Result<ItemName, JobError> {
    format!("{work}-{id}").parse().map_err(JobError::defect)
}
