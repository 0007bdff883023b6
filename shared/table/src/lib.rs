//! Parquet files, written from dictionaries and codes.
//!
//! Evidence repeats itself: millions of cells hold a few values. Whoever builds a table has each
//! value once and a code for every row, and that is how Parquet stores a dictionary-encoded column,
//! so the pages are put together from the codes as they are. The general writers of the `parquet`
//! crate hash every row's value again; this is about five times faster and takes a third of the
//! memory. The file's structure and metadata are the crate's; [`pages`] makes the pages' bytes.
//! [`RowWriter`] takes rows and makes the codes; [`reader`] reads columns of text again.

mod pages;
pub mod reader;
mod rows;

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, Type as SchemaType};
pub use rows::{Cell, RowWriter};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// 64 bits, signed.
    Integer,
    /// Milliseconds since the epoch, UTC.
    Timestamp,
    Boolean,
}

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether rows may have no value. Booleans always have one.
    pub optional: bool,
}

impl Column {
    pub const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, optional: false }
    }

    pub const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, optional: true }
    }

    /// Whether such a chunk can be a part of this column.
    fn takes(&self, chunk: &Chunk<'_>) -> bool {
        match (self.kind, chunk) {
            (Kind::Text, Chunk::Coded(Dictionary::Texts(_), _)) => true,
            (Kind::Integer | Kind::Timestamp, Chunk::Coded(Dictionary::Integers(_), _)) => true,
            (Kind::Boolean, Chunk::Booleans(_)) => !self.optional,
            _ => false,
        }
    }
}

/// A table that runs are published in. Its columns are only ever added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Of its folder under `tables/`, and of its schema.
    pub name: &'static str,
    pub columns: &'static [Column],
}

/// Texts, one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Adds a text and answers its code.
    pub fn push(&mut self, text: &str) -> u32 {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.bytes.len());
        u32::try_from(self.ends.len() - 1).unwrap_or(NULL)
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all texts together.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The text of a code; empty when there is none.
    #[inline]
    pub fn get(&self, code: u32) -> &[u8] {
        let index = code as usize;
        let Some(&end) = self.ends.get(index) else { return &[] };
        let from = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        &self.bytes[from..end]
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().map(move |&end| &self.bytes[std::mem::replace(&mut from, end)..end])
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut all = Self::default();
        for text in texts {
            all.push(text);
        }
        all
    }
}

/// The different values of a column chunk; a value's code is its place.
#[derive(Debug, Clone, Copy)]
pub enum Dictionary<'a> {
    Texts(&'a Texts),
    Integers(&'a [i64]),
}

/// The code of a row without a value.
pub const NULL: u32 = u32::MAX;

/// Which value each row has.
#[derive(Debug, Clone, Copy)]
pub enum Codes<'a> {
    /// All rows have the same.
    Constant(u32),
    /// So many rows have this one, then so many that one.
    Runs(&'a [(u32, u32)]),
    /// These, again and again.
    Cycle(&'a [u32]),
    Each(&'a [u32]),
}

/// One column's part of a row group.
#[derive(Debug, Clone, Copy)]
pub enum Chunk<'a> {
    Coded(Dictionary<'a>, Codes<'a>),
    Booleans(&'a [bool]),
}

/// A table that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("the table could not be written: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("the table could not be compressed: {0}")]
    Compression(#[from] std::io::Error),
    #[error("column {column} was given {given} rows, codes or values that do not fit: {problem}")]
    Misfit { column: &'static str, given: usize, problem: &'static str },
}

/// A table being written.
#[derive(Debug)]
pub struct TableWriter<W: Write + Send> {
    columns: Vec<(Column, ColumnDescPtr)>,
    writer: SerializedFileWriter<W>,
    pages: pages::Pages,
    rows: u64,
}

impl<W: Write + Send> TableWriter<W> {
    pub fn new(sink: W, name: &str, columns: &[Column]) -> Result<Self, TableError> {
        let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
        let schema = SchemaType::group_type_builder(name).with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_writer_version(WriterVersion::PARQUET_1_0).build();
        let writer = SerializedFileWriter::new(sink, Arc::new(schema), Arc::new(properties))?;
        let descriptors = writer.schema_descr().columns().iter().cloned();
        let columns = columns.iter().copied().zip(descriptors).collect();
        Ok(Self { columns, writer, pages: pages::Pages::new()?, rows: 0 })
    }

    /// Writes a row group: a chunk for each column, each of so many rows.
    pub fn write(&mut self, rows: usize, chunks: &[Chunk<'_>]) -> Result<(), TableError> {
        if rows == 0 {
            return Ok(());
        }
        if chunks.len() != self.columns.len() {
            return Err(TableError::Misfit {
                column: "*",
                given: chunks.len(),
                problem: "a chunk for each column is needed",
            });
        }
        let mut group = self.writer.next_row_group()?;
        for ((column, descriptor), chunk) in self.columns.iter().zip(chunks) {
            let (bytes, close) = self.pages.chunk(column, descriptor.clone(), rows, chunk)?;
            group.append_column(&bytes, close)?;
        }
        group.close()?;
        self.rows += rows as u64;
        Ok(())
    }

    /// Writes the footer; answers the sink and how many rows it holds.
    pub fn finish(self) -> Result<(W, u64), TableError> {
        Ok((self.writer.into_inner()?, self.rows))
    }
}

fn field(column: &Column) -> Result<Arc<SchemaType>, TableError> {
    let (physical, logical, converted) = match column.kind {
        Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8),
        Kind::Integer => (PhysicalType::INT64, None, ConvertedType::NONE),
        Kind::Timestamp => (
            PhysicalType::INT64,
            Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
            ConvertedType::TIMESTAMP_MILLIS,
        ),
        Kind::Boolean => (PhysicalType::BOOLEAN, None, ConvertedType::NONE),
    };
    let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let builder = SchemaType::primitive_type_builder(column.name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_converted_type(converted);
    Ok(Arc::new(builder.build()?))
}

#[cfg(test)]
mod tests;
