//! Following `NextToken` to the end.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use errors::JobError;
use models::ErrorName;
use tokio::time::Instant;

/// An operation and how often AWS lets an account call it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) per_second: f64,
}

/// Whose turn it is: calls of one operation are apart by what our share of its rate allows, whichever
/// lists they are of.
#[derive(Debug)]
pub(crate) struct Pace {
    share: f64,
    next: Mutex<BTreeMap<&'static str, Instant>>,
}

impl Pace {
    pub(crate) fn new(share: f64) -> Self {
        Self { share, next: Mutex::default() }
    }

    async fn turn(&self, operation: Operation) {
        let interval = Duration::from_secs_f64(1.0 / (operation.per_second * self.share).max(0.01));
        let turn = {
            let now = Instant::now();
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let next = next.entry(operation.name).or_insert(now);
            let turn = (*next).max(now);
            *next = turn + interval;
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

/// Every item of a list, from all of its pages; an error on any page is the list's.
pub(crate) async fn all<T, F, P>(pace: &Pace, operation: Operation, mut page: P) -> Result<Vec<T>, JobError>
where
    P: FnMut(Option<String>) -> F,
    F: Future<Output = Result<(Vec<T>, Option<String>), JobError>>,
{
    let mut items = Vec::new();
    let mut seen = HashSet::new();
    let mut token = None;
    loop {
        pace.turn(operation).await;
        let (page_items, next) = page(token).await?;
        items.extend(page_items);
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(items) };
        if !seen.insert(next.clone()) {
            return Err(JobError::new(
                ErrorName::Incomplete,
                "AWS answered a page token it had answered before, so the list cannot be read to its end",
                "Run again; if it persists, open a case with AWS.",
            ));
        }
        token = Some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Operation = Operation { name: "ListFast", per_second: 1_000.0 };

    #[tokio::test(start_paused = true)]
    async fn an_empty_page_with_a_token_is_followed() {
        let pages = [(vec![1], Some("a")), (vec![], Some("b")), (vec![2], None)];
        let mut number = 0;
        let items = all(&Pace::new(1.0), FAST, |_| {
            let (items, next) = pages[number].clone();
            number += 1;
            async move { Ok((items, next.map(str::to_owned))) }
        })
        .await;
        assert_eq!(items.ok(), Some(vec![1, 2]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_comes_back_is_an_error_not_an_endless_loop() {
        let answer = all(&Pace::new(1.0), FAST, |_| async { Ok((vec![1], Some("again".to_owned()))) }).await;
        assert_eq!(answer.map_err(|error| error.name()), Err(ErrorName::Incomplete));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_in_the_middle_of_a_list_fails_the_list() {
        let mut number = 0;
        let answer = all(&Pace::new(1.0), FAST, |_| {
            number += 1;
            let result =
                if number == 1 { Ok((vec![1], Some("a".to_owned()))) } else { Err(JobError::invalid("no")) };
            async { result }
        })
        .await;
        assert!(answer.is_err(), "{answer:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_no_faster_than_our_share_of_the_rate_across_pages_and_lists() {
        let begun = Instant::now();
        let pace = Pace::new(0.5);
        let operation = Operation { name: "ListAccountsForParent", per_second: 8.0 };
        for _ in 0..2 {
            let mut left = 3;
            let read = all(&pace, operation, |_| {
                left -= 1;
                let next = (left > 0).then(|| left.to_string());
                async move { Ok((vec![()], next)) }
            });
            assert_eq!(read.await.map(|items| items.len()).ok(), Some(3));
        }
        assert_eq!(begun.elapsed(), Duration::from_millis(1_250), "five pauses of 250 ms between six calls");
    }
}
