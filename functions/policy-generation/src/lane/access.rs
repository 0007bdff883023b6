//! Service-last-accessed data of one principal: a job of seconds, waited for on the spot.

use std::time::Duration;

use errors::JobError;
use models::{ErrorName, OutcomeStatus};
use runtime::PollSchedule;
use runtime::lanes::Turn;

use super::{AccessJob, Next, Working};
use crate::entry::Entry;
use crate::iam::Standing;
use crate::principal::Principal;

/// How often a job is asked for while it is lingered for.
const EVERY: Duration = Duration::from_secs(1);
/// How long one is lingered for before the state machine polls.
const LINGER: Duration = Duration::from_secs(25);
/// For one that takes longer.
const SLOW: PollSchedule =
    PollSchedule { first: Duration::from_secs(5), growth: 0.15, longest: Duration::from_secs(300) };
/// How often an item's job may be lost: AWS lets only the same role, in one session, read it.
const MOST_LOST: u32 = 1;

impl Working<'_, '_> {
    pub(super) async fn access(&mut self, principal: &Principal) -> Result<Next, JobError> {
        if self.lane.state.access.is_none() {
            let id = match self.iam.order(&principal.arn).await {
                // It is not there to be asked about, and nothing is missing.
                Err(error) if error.name() == ErrorName::Gone => return self.removed(principal).await,
                ordered => ordered?,
            };
            let Some(item) = self.lane.item() else { return Ok(Next::Ended) };
            let job = AccessJob { item: item.name.clone(), id, ordered: self.lane.now() };
            self.lane.state.access = Some(job);
        }
        let begun = self.lane.elapsed();
        loop {
            tokio::time::sleep(EVERY).await;
            if let Some(next) = self.look_at_access(principal).await? {
                return Ok(next);
            }
            // One that was lost may be readable by these very credentials alone.
            let stays = self.lane.state.lost > 0 && self.lane.has_time();
            if self.lane.elapsed() - begun >= LINGER && !stays {
                let since = self.lane.state.access.as_ref().map_or(self.lane.now(), |job| job.ordered);
                return Ok(Next::Turn(Turn::Wait(self.wait(&SLOW, since))));
            }
        }
    }

    async fn removed(&mut self, principal: &Principal) -> Result<Next, JobError> {
        let (principal, account) = (principal.clone(), self.account.clone());
        let because = "it was removed since the account was read".to_owned();
        self.lane.write(&Entry::LeftOut { principal, account, because }).await?;
        self.lane.finish(OutcomeStatus::Succeeded, None)?;
        Ok(Next::Ended)
    }

    /// Asks where the job stands; `None` while it is in progress.
    async fn look_at_access(&mut self, principal: &Principal) -> Result<Option<Next>, JobError> {
        let Some(job) = self.lane.state.access.clone() else { return Ok(Some(Next::Turn(Turn::Again))) };
        Ok(match self.iam.standing(&job.id).await? {
            Standing::InProgress => None,
            Standing::Complete(mut access) => {
                let namespaces = access.services.iter().map(|it| it.namespace.clone()).collect();
                let granting = match self.iam.granting(&principal.arn, namespaces).await {
                    Err(error) if ErrorName::TRANSIENT.contains(&error.name()) => return Err(error),
                    // What was used is known all the same; that these are not read is counted.
                    Err(error) => {
                        access.granting_not_read = Some(error.to_string());
                        None
                    }
                    Ok(granting) => Some(granting),
                };
                let mut granting = granting.unwrap_or_default();
                for service in &mut access.services {
                    service.granted_by = granting.remove(&service.namespace);
                }
                self.lane.write(&Entry::Access { id: principal.id.clone(), access }).await?;
                self.lane.state.access = None;
                self.lane.finish(OutcomeStatus::Succeeded, None)?;
                Some(Next::Ended)
            }
            Standing::Failed(error) => return Err(error),
            Standing::Unknown if self.lane.state.lost >= MOST_LOST => {
                return Err(JobError::new(
                    ErrorName::Gone,
                    "its job of service-last-accessed data is not known to AWS any more, twice",
                    "Resume the run with retry \"failed\".",
                ));
            }
            Standing::Unknown => {
                self.lane.state.lost += 1;
                self.lane.state.access = None;
                Some(Next::Turn(Turn::Again))
            }
        })
    }
}
