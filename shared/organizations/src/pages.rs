//! Following `NextToken` to the end.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use errors::JobError;
use models::ErrorName;
use tokio::time::Instant;

/// How often an operation may be called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// AWS's rate for the operation and account, per second.
    pub(crate) per_second: f64,
    /// The part of it that is ours.
    pub(crate) share: f64,
}

impl Rate {
    fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / (self.per_second * self.share).max(0.01))
    }
}

/// Every item of a list, from all of its pages; an error on any page is the list's.
pub(crate) async fn all<T, F, P>(rate: Rate, mut page: P) -> Result<Vec<T>, JobError>
where
    P: FnMut(Option<String>) -> F,
    F: Future<Output = Result<(Vec<T>, Option<String>), JobError>>,
{
    let mut items = Vec::new();
    let mut seen = HashSet::new();
    let mut token = None;
    loop {
        let begun = Instant::now();
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
        tokio::time::sleep_until(begun + rate.interval()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Rate = Rate { per_second: 1_000.0, share: 1.0 };

    #[tokio::test(start_paused = true)]
    async fn an_empty_page_with_a_token_is_followed() {
        let pages = [(vec![1], Some("a")), (vec![], Some("b")), (vec![2], None)];
        let mut number = 0;
        let items = all(FAST, |_| {
            let (items, next) = pages[number].clone();
            number += 1;
            async move { Ok((items, next.map(str::to_owned))) }
        })
        .await;
        assert_eq!(items.ok(), Some(vec![1, 2]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_comes_back_is_an_error_not_an_endless_loop() {
        let answer = all(FAST, |_| async { Ok((vec![1], Some("again".to_owned()))) }).await;
        assert_eq!(answer.map_err(|error| error.name()), Err(ErrorName::Incomplete));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_in_the_middle_of_a_list_fails_the_list() {
        let mut number = 0;
        let answer = all(FAST, |_| {
            number += 1;
            let result =
                if number == 1 { Ok((vec![1], Some("a".to_owned()))) } else { Err(JobError::invalid("no")) };
            async { result }
        })
        .await;
        assert!(answer.is_err(), "{answer:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_read_no_faster_than_our_share_of_the_rate() {
        let begun = Instant::now();
        let mut left = 5;
        let rate = Rate { per_second: 8.0, share: 0.5 };
        let read = all(rate, |_| {
            left -= 1;
            let next = (left > 0).then(|| left.to_string());
            async move { Ok((vec![()], next)) }
        })
        .await;
        assert_eq!(read.map(|items| items.len()).ok(), Some(5));
        assert_eq!(begun.elapsed(), Duration::from_secs(1), "four pauses of 250 ms");
    }
}
