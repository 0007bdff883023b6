//! Pages of a list, and the tokens between them.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::reads::Read;
use super::{error, invalid};
use crate::wire::ApiError;

/// The most items on a page, and how many there are where a request says nothing.
const PAGE: usize = 20;

/// Where a page begins.
struct Place {
    from: usize,
    /// Whether the page before this one was an empty one, of [`crate::Settings::empty_pages`].
    after_empty: bool,
}

impl Read<'_> {
    /// One page of a list. With empty pages on, every other page holds nothing and carries a token.
    pub(super) fn page<T>(
        &self,
        member: &str,
        all: impl Iterator<Item = T>,
        show: impl Fn(T) -> Value,
    ) -> Result<Value, ApiError> {
        let size = match self.request.body.get("MaxResults") {
            None | Some(Value::Null) => PAGE,
            Some(given) => size(given)?,
        };
        self.page_of(size, member, all, show)
    }

    /// One page of a list whose pages nobody can ask to be smaller.
    pub(super) fn fixed_page<T>(
        &self,
        member: &str,
        all: impl Iterator<Item = T>,
        show: impl Fn(T) -> Value,
    ) -> Result<Value, ApiError> {
        self.page_of(PAGE, member, all, show)
    }

    fn page_of<T>(
        &self,
        size: usize,
        member: &str,
        all: impl Iterator<Item = T>,
        show: impl Fn(T) -> Value,
    ) -> Result<Value, ApiError> {
        let place = self.place()?;
        let mut rest = all.skip(place.from).peekable();
        if self.settings.empty_pages && !place.after_empty && rest.peek().is_some() {
            return Ok(json!({member: [], "NextToken": self.token(place.from, true)}));
        }
        let items: Vec<Value> = rest.by_ref().take(size).map(show).collect();
        let next = place.from.saturating_add(items.len());
        let mut answer = json!({member: items});
        if rest.peek().is_some() {
            answer["NextToken"] = json!(self.token(next, false));
        }
        Ok(answer)
    }

    fn place(&self) -> Result<Place, ApiError> {
        let Some(token) = self.request.optional("NextToken")? else {
            return Ok(Place { from: 0, after_empty: false });
        };
        let not_ours = || invalid("INVALID_NEXT_TOKEN");
        let from = token.split('-').next().and_then(|from| from.parse().ok()).ok_or_else(not_ours)?;
        let after_empty = [false, true].into_iter().find(|it| self.token(from, *it) == token);
        Ok(Place { from, after_empty: after_empty.ok_or_else(not_ours)? })
    }

    /// Of this list alone: AWS says nothing of a token that is used for another, and no client has a
    /// reason to.
    fn token(&self, from: usize, after_empty: bool) -> String {
        let mut hasher = DefaultHasher::new();
        (self.request.operation, from, after_empty).hash(&mut hasher);
        for (name, value) in self.request.body.as_object().into_iter().flatten() {
            if name != "NextToken" && name != "MaxResults" && !value.is_null() {
                (name, value.to_string()).hash(&mut hasher);
            }
        }
        format!("{from}-{:016x}", hasher.finish())
    }
}

fn size(given: &Value) -> Result<usize, ApiError> {
    match given.as_i64() {
        Some(size @ 1..=20) => Ok(usize::try_from(size).unwrap_or(PAGE)),
        Some(..=0) => Err(invalid("MIN_VALUE_EXCEEDED")),
        Some(_) => Err(invalid("MAX_VALUE_EXCEEDED")),
        None if given.is_u64() => Err(invalid("MAX_VALUE_EXCEEDED")),
        None => Err(error("SerializationException", "MaxResults is not an integer")),
    }
}
