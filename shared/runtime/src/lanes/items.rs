//! The items of a lane, as the lines of JSON that they lie in S3 as. A lane may have thousands of them,
//! and an invocation is mostly about one: each is decoded when it is asked for.

use std::marker::PhantomData;

use errors::JobError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Store;

#[derive(Debug)]
pub(super) struct Items<Item> {
    lines: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    item: PhantomData<fn() -> Item>,
}

impl<Item> Default for Items<Item> {
    fn default() -> Self {
        Self { lines: Vec::new(), ends: Vec::new(), item: PhantomData }
    }
}

impl<Item: Serialize + DeserializeOwned> Items<Item> {
    pub(super) async fn read(store: &Store, key: &str) -> Result<Self, JobError> {
        let mut items = Self::default();
        let mut lines = store.lines(key, None).await?;
        while let Some(line) = lines.next_line().await? {
            items.lines.extend_from_slice(line);
            items.end();
        }
        Ok(items)
    }

    /// As they are written.
    pub(super) fn of(all: &[Item]) -> Result<Self, JobError> {
        let mut items = Self::default();
        for item in all {
            items.push(item)?;
        }
        Ok(items)
    }

    pub(super) fn push(&mut self, item: &Item) -> Result<(), JobError> {
        serde_json::to_writer(&mut self.lines, item).map_err(JobError::defect)?;
        self.end();
        Ok(())
    }

    fn end(&mut self) {
        self.lines.push(b'\n');
        self.ends.push(self.lines.len());
    }

    pub(super) fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    /// The item of this number, counted from 0; `None` behind the last.
    pub(super) fn get(&self, number: u64) -> Result<Option<Item>, JobError> {
        let Some(index) = usize::try_from(number).ok().filter(|index| *index < self.ends.len()) else {
            return Ok(None);
        };
        let begins = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        serde_json::from_slice(&self.lines[begins..self.ends[index]])
            .map(Some)
            .map_err(|error| JobError::defect(format!("item {number} is not what Muster wrote: {error}")))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Result<Item, JobError>> {
        (0..self.len()).filter_map(|number| self.get(number).transpose())
    }

    /// All lines, to be written.
    pub(super) fn to_lines(&self) -> Vec<u8> {
        self.lines.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_found_by_its_number_and_there_is_none_behind_the_last() {
        let items = Items::of(&["first".to_owned(), "sec\nond".to_owned()]).unwrap();
        let got: Vec<_> = (0..3).map(|number| items.get(number).unwrap()).collect();
        assert_eq!(got, [Some("first".to_owned()), Some("sec\nond".to_owned()), None]);
        assert_eq!(items.iter().count(), 2);
        assert_eq!(items.to_lines(), b"\"first\"\n\"sec\\nond\"\n");
        assert_eq!(Items::<String>::default().get(0).unwrap(), None);
    }

    #[test]
    fn a_line_that_is_no_item_is_an_error_that_names_it() {
        let text = Items::of(&["text".to_owned()]).unwrap();
        let numbers = Items::<u64> { lines: text.lines, ends: text.ends, item: PhantomData };
        assert!(numbers.get(0).unwrap_err().to_string().contains("item 0"));
    }
}
