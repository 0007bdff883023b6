//! What becomes of a request.

use errors::JobError;
use jiff::SignedDuration;
use models::{AccountRequestId, ErrorName};
use organizations::AccountRequest;

use super::find::MOST_ASKS;
use super::{Next, Working, failed};
use crate::item::Item;
use crate::reasons::{self, Class, EMAIL_ALREADY_EXISTS};
use crate::state::{Because, Stage, Whose};

/// How long after a failure that passes by itself it is asked again, the first time.
const RETRY_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// And after one that passes when something else has ended.
const WAIT_FOR: SignedDuration = SignedDuration::from_hours(1);

impl Working<'_, '_> {
    pub(super) async fn follow(
        &mut self,
        item: &Item,
        id: &AccountRequestId,
        whose: Whose,
    ) -> Result<Next, JobError> {
        let request = match self.organization.account_request(id).await {
            Err(error) if error.aws().is_some_and(|aws| aws.is("CreateAccountStatusNotFound")) => {
                return Ok(self.vanished(id, whose));
            }
            request => request?,
        };
        match (request.state.as_str(), whose) {
            ("SUCCEEDED", Whose::Ours) => self.succeeded(item, &request).await,
            ("SUCCEEDED", whose) => self.may_be_it(item, &request, whose).await,
            ("FAILED", Whose::Ours) => self.failed(item, &request).await,
            // Whether it was for this account nobody can tell; that it made none is certain.
            ("FAILED", whose) => Ok(self.not_it(id, whose)),
            // In progress, or a word of the future.
            _ => self.wait_or_leave(item, "its request has not ended", self.poll()).await,
        }
    }

    async fn succeeded(&mut self, item: &Item, request: &AccountRequest) -> Result<Next, JobError> {
        self.remember(request);
        self.note(item).await?;
        let Some(account) = request.account.clone() else {
            // AWS names it in every such answer; where it does not, the address tells.
            return Ok(self.go(Stage::Search { because: Because::Lost, token: None, round: 1 }));
        };
        Ok(self.go(Stage::Place { account }))
    }

    /// An account of this name was made: is it the one?
    async fn may_be_it(
        &mut self,
        item: &Item,
        request: &AccountRequest,
        whose: Whose,
    ) -> Result<Next, JobError> {
        if let Some(id) = &request.account {
            match self.described(id).await? {
                Some(account) if item.wished.has_email(&account.email) => {
                    self.remember(request);
                    return Ok(self.go(Stage::Has { account: id.clone() }));
                }
                None if self.may_show_later() => return Ok(self.poll()),
                _ => {}
            }
        }
        Ok(self.not_it(&request.id, whose))
    }

    /// The request was for another account, or made none.
    fn not_it(&mut self, id: &AccountRequestId, whose: Whose) -> Next {
        self.lane.state.progress.others_requests.insert(id.clone());
        self.back(whose)
    }

    /// AWS does not know the request any more: there may be an account all the same.
    fn vanished(&mut self, id: &AccountRequestId, whose: Whose) -> Next {
        tracing::warn!(request = id.as_str(), "AWS does not know a request for an account any more");
        self.lane.state.progress.others_requests.insert(id.clone());
        self.back(whose)
    }

    fn back(&mut self, whose: Whose) -> Next {
        let now = self.lane.now();
        self.go(match whose {
            Whose::Ours => Stage::Asked { at: now },
            Whose::Maybe { asked } => Stage::Asked { at: asked },
            Whose::Others => Stage::Begin,
        })
    }

    async fn failed(&mut self, item: &Item, request: &AccountRequest) -> Result<Next, JobError> {
        self.remember(request);
        let word = request.failure_reason.clone().unwrap_or_default();
        if word == EMAIL_ALREADY_EXISTS {
            // Here, or elsewhere?
            return Ok(self.go(Stage::Search { because: Because::EmailTaken, token: None, round: 1 }));
        }
        let reason = reasons::of_failure(&word);
        let asks = self.lane.state.progress.asks;
        let pause = match reason.class {
            Class::Retry => Some(RETRY_AFTER * i32::try_from(asks.max(1)).unwrap_or(1)),
            Class::Wait => Some(WAIT_FOR),
            Class::Operator | Class::Permanent => None,
        };
        match pause {
            Some(pause) if asks < MOST_ASKS => {
                tracing::info!(item = item.name.as_str(), reason = word, "is asked for again");
                self.lane.state.progress.not_before = self.lane.now().checked_add(pause).ok();
                Ok(self.go(Stage::Begin))
            }
            _ => {
                let error = failed("AWS did not make the account", &printable(&word), reason);
                self.refuse(item, &error, Some((&word, reason))).await?;
                Ok(Next::On)
            }
        }
    }
}

/// A word of AWS's, bounded.
fn printable(word: &str) -> String {
    match word {
        "" => "it gave no reason".to_owned(),
        word => word.chars().filter(|it| it.is_ascii_graphic()).take(100).collect(),
    }
}

/// An account that AWS has made and closed, or that somebody has.
pub(super) fn closed(account: &str, word: &str) -> JobError {
    JobError::new(
        ErrorName::JobFailed,
        format!("account {account} is there, and its state is {word}"),
        "Ask AWS Support why, or reopen it if somebody has closed it. While it is closed its address cannot be used again.",
    )
}
