//! A table written row by row.
//!
//! Each value is kept once and every row its code, so what repeats itself (a policy's content in
//! thousands of accounts) costs four bytes a row. Memory is bounded by [`GROUP_ROWS`] and
//! [`GROUP_BYTES`]; whatever comes after begins a new row group.

use std::collections::HashMap;
use std::io::Write;

use crate::{Chunk, Codes, Column, Dictionary, Kind, NULL, TableError, TableWriter, Texts};

/// The most rows of a row group.
const GROUP_ROWS: usize = 256 * 1024;
/// The most bytes of different texts in one.
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    Null,
    Text(&'a str),
    /// Also milliseconds since the epoch.
    Integer(i64),
    Boolean(bool),
}

impl<'a> Cell<'a> {
    /// The text, if it is one.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one; of a time, its milliseconds.
    pub fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// Yes or no, if it is one of them.
    pub fn boolean(self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(value),
            _ => None,
        }
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Cell<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

/// A table being written row by row.
#[derive(Debug)]
pub struct RowWriter<W: Write + Send> {
    columns: Vec<Column>,
    values: Vec<Values>,
    rows: usize,
    writer: TableWriter<W>,
}

/// The values of a column in the present row group.
#[derive(Debug)]
enum Values {
    Texts { texts: Texts, known: HashMap<Box<str>, u32>, codes: Vec<u32> },
    Integers { numbers: Vec<i64>, known: HashMap<i64, u32>, codes: Vec<u32> },
    Booleans(Vec<bool>),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Texts { texts: Texts::default(), known: HashMap::new(), codes: Vec::new() },
            Kind::Integer | Kind::Timestamp => {
                Self::Integers { numbers: Vec::new(), known: HashMap::new(), codes: Vec::new() }
            }
            Kind::Boolean => Self::Booleans(Vec::new()),
        }
    }

    /// Adds a value; `false` if it is not one of this column's.
    fn push(&mut self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (Self::Texts { texts, known, codes }, Cell::Text(text)) => {
                let code = match known.get(text) {
                    Some(&code) => code,
                    None => {
                        let code = texts.push(text);
                        known.insert(text.into(), code);
                        code
                    }
                };
                codes.push(code);
            }
            (Self::Integers { numbers, known, codes }, Cell::Integer(number)) => {
                let code = *known.entry(number).or_insert_with(|| {
                    numbers.push(number);
                    u32::try_from(numbers.len() - 1).unwrap_or(NULL)
                });
                codes.push(code);
            }
            (Self::Texts { codes, .. } | Self::Integers { codes, .. }, Cell::Null) => codes.push(NULL),
            (Self::Booleans(values), Cell::Boolean(value)) => values.push(value),
            _ => return false,
        }
        true
    }

    fn chunk(&self) -> Chunk<'_> {
        match self {
            Self::Texts { texts, codes, .. } => Chunk::Coded(Dictionary::Texts(texts), Codes::Each(codes)),
            Self::Integers { numbers, codes, .. } => {
                Chunk::Coded(Dictionary::Integers(numbers), Codes::Each(codes))
            }
            Self::Booleans(values) => Chunk::Booleans(values),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Texts { texts, .. } => texts.size(),
            Self::Integers { .. } | Self::Booleans(_) => 0,
        }
    }
}

impl<W: Write + Send> RowWriter<W> {
    pub fn new(sink: W, name: &str, columns: &[Column]) -> Result<Self, TableError> {
        Ok(Self {
            columns: columns.to_vec(),
            values: columns.iter().map(|column| Values::new(column.kind)).collect(),
            rows: 0,
            writer: TableWriter::new(sink, name, columns)?,
        })
    }

    /// Adds a row: a cell for each column.
    pub fn push(&mut self, row: &[Cell<'_>]) -> Result<(), TableError> {
        if row.len() != self.columns.len() {
            return Err(TableError::Misfit {
                column: "*",
                given: row.len(),
                problem: "a cell for each column is needed",
            });
        }
        for ((column, values), &cell) in self.columns.iter().zip(&mut self.values).zip(row) {
            if (cell == Cell::Null && !column.optional) || !values.push(cell) {
                let problem = "the cell is not of the column's kind";
                return Err(TableError::Misfit { column: column.name, given: 1, problem });
            }
        }
        self.rows += 1;
        let bytes: usize = self.values.iter().map(Values::size).sum();
        if self.rows >= GROUP_ROWS || bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let chunks: Vec<_> = self.values.iter().map(Values::chunk).collect();
        self.writer.write(self.rows, &chunks)?;
        self.rows = 0;
        self.values = self.columns.iter().map(|column| Values::new(column.kind)).collect();
        Ok(())
    }

    /// Writes the rest and the footer; answers the sink and how many rows it holds.
    pub fn finish(mut self) -> Result<(W, u64), TableError> {
        self.flush()?;
        self.writer.finish()
    }
}
