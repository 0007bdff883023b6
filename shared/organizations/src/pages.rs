//! Following `NextToken` to the end.

use std::collections::HashSet;
use std::future::Future;

use errors::JobError;
use models::ErrorName;

/// Every item of a list, from all of its pages; an error on any page is the list's.
pub(crate) async fn all<T, F, P>(mut page: P) -> Result<Vec<T>, JobError>
where
    P: FnMut(Option<String>) -> F,
    F: Future<Output = Result<(Vec<T>, Option<String>), JobError>>,
{
    let mut items = Vec::new();
    let mut seen = HashSet::new();
    let mut token = None;
    loop {
        let (page_items, next) = page(token).await?;
        items.extend(page_items);
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(items) };
        if !seen.insert(next.clone()) {
            return Err(token_loop());
        }
        token = Some(next);
    }
}

/// One page, and the token of the next: of a list that may outlast an invocation.
pub type Page<T> = (Vec<T>, Option<String>);

/// A token came back: the pages would never end.
pub fn token_loop() -> JobError {
    JobError::new(
        ErrorName::Incomplete,
        "AWS answered a page token it had answered before, so the list cannot be read to its end",
        "Run again; if it persists, open a case with AWS.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_empty_page_with_a_token_is_followed() {
        let pages = [(vec![1], Some("a")), (vec![], Some("b")), (vec![2], None)];
        let mut number = 0;
        let items = all(|_| {
            let (items, next) = pages[number].clone();
            number += 1;
            async move { Ok((items, next.map(str::to_owned))) }
        })
        .await;
        assert_eq!(items.ok(), Some(vec![1, 2]));
    }

    #[tokio::test]
    async fn a_token_that_comes_back_is_an_error_not_an_endless_loop() {
        let answer = all(|_| async { Ok((vec![1], Some("again".to_owned()))) }).await;
        assert_eq!(answer.map_err(|error| error.name()), Err(ErrorName::Incomplete));
    }

    #[tokio::test]
    async fn an_error_in_the_middle_of_a_list_fails_the_list() {
        let mut number = 0;
        let answer = all(|_| {
            number += 1;
            let result =
                if number == 1 { Ok((vec![1], Some("a".to_owned()))) } else { Err(JobError::invalid("no")) };
            async { result }
        })
        .await;
        assert!(answer.is_err(), "{answer:?}");
    }
}
