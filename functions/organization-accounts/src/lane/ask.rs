//! Asking for an account: at its turn, under the writer's lease, with the intent on record.

use std::time::Duration;

use errors::JobError;
use jiff::SignedDuration;
use models::{ErrorName, keys};
use organizations::{AccountRequest, Refusal, reason_of};
use runtime::lanes::Turn;
use store::{Asked, Lease};

use super::{BETWEEN_LOOKS, Next, Working, failed};
use crate::item::Item;
use crate::reasons::{self, Class};
use crate::state::{Stage, Whose};
use crate::turns::Turns;

/// Accounts that AWS works on at a time, whoever asked for them.
pub(crate) const IN_FLIGHT: usize = 5;
/// The longest that an invocation stays until its turn.
const STAYS: Duration = Duration::from_secs(30);
/// While as many are in progress, or somebody changes the organization.
pub(super) const FOR_ROOM: Duration = Duration::from_secs(30);
/// While another lane of this run holds the lease, how often, and while another run does.
const FOR_A_LANE: Duration = Duration::from_secs(2);
const LOOKS: u32 = 15;
pub(super) const FOR_THE_LEASE: Duration = Duration::from_secs(20);
/// While AWS refuses every account for a reason that passes by itself, and for how long: an organization
/// is being set up for "up to an hour".
const REFUSED: Duration = Duration::from_secs(120);
const REFUSED_WITHIN: SignedDuration = SignedDuration::from_mins(70);

impl<'w> Working<'w, '_> {
    pub(super) async fn ask(&mut self, item: &Item) -> Result<Next, JobError> {
        let turns = Turns { store: &self.config.store, spacing: self.config.spacing() };
        if let Some(left) = turns.left(self.lane.now()).await? {
            // A turn is seconds away: staying costs less than coming back.
            if left > STAYS {
                return Ok(Next::Turn(Turn::Wait(left)));
            }
            tokio::time::sleep(left).await;
            return Ok(Next::On);
        }
        let mut lease = match self.lease().await? {
            Ok(lease) => lease,
            Err(wait) => return Ok(Next::Turn(wait)),
        };
        let asked = self.ask_under(&mut lease, turns, item).await;
        self.give_back(lease).await;
        asked
    }

    /// The writer's lease, or how long to wait for it.
    pub(super) async fn lease(&self) -> Result<Result<Lease<'w>, Turn>, JobError> {
        let (config, run) = (self.config, self.lane.run_id());
        let mut looks = 0;
        loop {
            let now = self.lane.now();
            let holder =
                match config.store.lease(keys::ORGANIZATION_WRITER, run, self.lane.writer(), now).await? {
                    Asked::Granted(lease) => return Ok(Ok(lease)),
                    Asked::Held(holder) => holder,
                };
            looks += 1;
            // Another lane of this run, or this very step made twice: what it does takes a moment, and whoever
            // left before it has ended would change the lane's record under it.
            if holder.run == *run && looks < LOOKS {
                tokio::time::sleep(FOR_A_LANE).await;
                continue;
            }
            tracing::info!(holder = holder.run.as_str(), until = %holder.until, "somebody else writes");
            return Ok(Err(Turn::Wait(FOR_THE_LEASE)));
        }
    }

    /// A lease that is not given back is over in some minutes.
    pub(super) async fn give_back(&self, lease: Lease<'_>) {
        if let Err(error) = lease.give_back().await {
            tracing::warn!("the lease could not be given back: {error}");
        }
    }

    async fn ask_under(
        &mut self,
        lease: &mut Lease<'_>,
        turns: Turns<'_>,
        item: &Item,
    ) -> Result<Next, JobError> {
        // Whoever of us asks holds the lease: what is in progress now stays so few.
        let open = self.organization.account_requests(&["IN_PROGRESS"]).await?;
        let others = &self.lane.state.progress.others_requests;
        let same = |it: &&AccountRequest| it.account_name == item.wished.name && !others.contains(&it.id);
        if let Some(same) = open.iter().find(same) {
            return Ok(self.go(Stage::Requested { request: same.id.clone(), whose: Whose::Others }));
        }
        if open.len() >= IN_FLIGHT {
            return Ok(Next::Turn(Turn::Wait(FOR_ROOM)));
        }
        // The run may have been stopped meanwhile, or gone on in another execution.
        if !self.lane.goes_on().await? {
            return Ok(Next::Turn(Turn::Again));
        }
        let writer = self.config.writer.open(self.lane.run_id()).await?;
        if let Some(wait) = self.keep(lease).await? {
            return Ok(Next::Turn(wait));
        }
        let now = self.lane.now();
        if let Some(left) = turns.take(self.lane.run_id(), now).await? {
            return Ok(Next::Turn(Turn::Wait(left)));
        }
        self.go(Stage::Asked { at: now });
        // From here on a lost answer is looked for. Of two invocations that come here only one gets on.
        self.lane.commit().await?;
        let account = item.wished.asked_by(self.lane.run_id(), &item.digest);
        let asked = match item.wished.gov_cloud {
            false => writer.create_account(&account).await,
            true => writer.create_gov_cloud_account(&account).await,
        };
        match asked {
            Ok(request) => self.asked(item, request).await,
            Err(refusal) => self.refused(item, refusal, open.len()).await,
        }
    }

    /// AWS has begun.
    async fn asked(&mut self, item: &Item, request: AccountRequest) -> Result<Next, JobError> {
        tracing::info!(item = item.name.as_str(), request = request.id.as_str(), "asked for an account");
        self.remember(&request);
        self.lane.state.progress.asks += 1;
        self.lane.state.refused_since = None;
        self.go(Stage::Requested { request: request.id, whose: Whose::Ours });
        self.note(item).await?;
        self.lane.commit().await?;
        Ok(self.poll())
    }

    /// The call was not answered with a request.
    async fn refused(&mut self, item: &Item, refusal: Refusal, open: usize) -> Result<Next, JobError> {
        let error = match refusal {
            // What became of it is looked for.
            Refusal::Open(error) => {
                tracing::warn!(item = item.name.as_str(), error = error.name().as_str(), "no answer");
                self.lane.state.progress.asks += 1;
                return Ok(Next::Turn(Turn::Wait(BETWEEN_LOOKS)));
            }
            Refusal::Finalizing(error) => {
                self.go(Stage::Begin);
                return self.wait_out(error);
            }
            refusal => refusal.into_error(),
        };
        // It has had no effect.
        self.go(Stage::Begin);
        if ErrorName::TRANSIENT.contains(&error.name()) {
            tracing::info!(item = item.name.as_str(), error = error.name().as_str(), "not now");
            return Ok(Next::Turn(Turn::Wait(FOR_ROOM)));
        }
        if !error.aws().is_some_and(|aws| aws.is("ConstraintViolation")) {
            return Err(error);
        }
        let word = reason_of(&error).unwrap_or_default().to_owned();
        let reason = reasons::of_constraint(&word);
        if reason.class == Class::Wait {
            // Which of these words AWS has for too many at a time is not established; while there are
            // others in progress, it may be that.
            if open > 0 {
                return Ok(Next::Turn(Turn::Wait(FOR_ROOM)));
            }
            if self.may_pass() {
                return Ok(Next::Turn(Turn::Wait(REFUSED)));
            }
        }
        let error = failed(&item.wished.redacted(&error.to_string()), &word, reason);
        self.refuse(item, &error, Some((&word, reason))).await?;
        Ok(Next::On)
    }

    fn wait_out(&mut self, error: JobError) -> Result<Next, JobError> {
        if self.may_pass() {
            return Ok(Next::Turn(Turn::Wait(REFUSED)));
        }
        Err(JobError::new(
            ErrorName::NotEnabled,
            error.to_string(),
            "The organization should have been set up within an hour. Ask AWS Support, then resume the run with retry \
             \"failed\".",
        ))
    }

    /// Whether a reason that passes by itself, and is the same for every account, still may. Counted for
    /// all accounts of the lane together.
    fn may_pass(&mut self) -> bool {
        let now = self.lane.now();
        let since = *self.lane.state.refused_since.get_or_insert(now);
        now.duration_since(since) < REFUSED_WITHIN
    }
}
