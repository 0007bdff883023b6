//! Reads some columns again, a batch of rows at a time: bounded memory at any size of the file.

use std::fs::File;
use std::path::Path;

use parquet::basic::Type as PhysicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::Cell;

/// Rows that are read at once.
const BATCH: usize = 8 * 1024;

/// Some columns of a file.
pub struct Reader<const N: usize> {
    file: SerializedFileReader<File>,
    columns: [Option<usize>; N],
    group: usize,
    batch: [Batch; N],
    rows: usize,
    next: usize,
}

impl<const N: usize> std::fmt::Debug for Reader<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("group", &self.group).finish_non_exhaustive()
    }
}

impl<const N: usize> Reader<N> {
    /// Opens a file that has columns of these names.
    pub fn open(path: &Path, names: &[&str; N]) -> Result<Self, ParquetError> {
        let reader = Self::open_with(path, names)?;
        match reader.columns.iter().zip(names).find(|(column, _)| column.is_none()) {
            Some((_, name)) => Err(ParquetError::General(format!("there is no column {name}"))),
            None => Ok(reader),
        }
    }

    /// Opens a file that may be older than some of these columns: they are then empty in every row.
    pub fn open_with(path: &Path, names: &[&str; N]) -> Result<Self, ParquetError> {
        let file = SerializedFileReader::new(File::open(path)?)?;
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        let mut columns = [None; N];
        for (column, name) in columns.iter_mut().zip(names) {
            *column = schema.columns().iter().position(|it| it.name() == *name);
        }
        let mut batch: [Batch; N] = std::array::from_fn(|_| Batch::Absent);
        for ((batch, column), name) in batch.iter_mut().zip(&columns).zip(names) {
            let Some(column) = column else { continue };
            *batch = match schema.column(*column).physical_type() {
                PhysicalType::BYTE_ARRAY => Batch::Texts(Values::default()),
                PhysicalType::INT64 => Batch::Integers(Values::default()),
                PhysicalType::BOOLEAN => Batch::Booleans(Values::default()),
                other => {
                    return Err(ParquetError::General(format!("the column {name} is of the type {other}")));
                }
            };
        }
        Ok(Self { file, columns, group: 0, batch, rows: 0, next: 0 })
    }

    /// Hands every row to `take`: the columns' cells, in the order of their names. A time is its
    /// milliseconds.
    pub fn each_row(&mut self, mut take: impl FnMut([Cell<'_>; N])) -> Result<(), ParquetError> {
        loop {
            while self.next == self.rows {
                if !self.read()? {
                    return Ok(());
                }
            }
            let mut row = [Cell::Null; N];
            for (cell, batch) in row.iter_mut().zip(&self.batch) {
                *cell = batch.cell(self.next)?;
            }
            self.next += 1;
            take(row);
        }
    }

    /// Reads the next rows; whether there may be more.
    fn read(&mut self) -> Result<bool, ParquetError> {
        self.next = 0;
        self.rows = 0;
        let mut rows = None;
        for batch in &mut self.batch {
            let Some(read) = batch.read()? else { continue };
            if rows.is_some_and(|rows| rows != read) {
                return Err(ParquetError::General("columns have different numbers of rows".to_owned()));
            }
            rows = Some(read);
        }
        if let Some(rows @ 1..) = rows {
            self.rows = rows;
            return Ok(true);
        }
        if self.group == self.file.num_row_groups() {
            return Ok(false);
        }
        let group = self.file.get_row_group(self.group)?;
        for (column, batch) in self.columns.iter().zip(&mut self.batch) {
            let Some(column) = column else { continue };
            batch.begin(group.get_column_reader(*column)?)?;
        }
        self.group += 1;
        Ok(true)
    }
}

/// The rows of one column that are read.
enum Batch {
    /// The file has no such column.
    Absent,
    Texts(Values<ByteArrayType>),
    Integers(Values<Int64Type>),
    Booleans(Values<BoolType>),
}

/// What is read of a column of one type.
struct Values<T: DataType> {
    reader: Option<ColumnReaderImpl<T>>,
    values: Vec<T::T>,
    levels: Vec<i16>,
    /// Where the value of each row is; none where it has none.
    places: Vec<Option<usize>>,
}

impl<T: DataType> Default for Values<T> {
    fn default() -> Self {
        Self { reader: None, values: Vec::new(), levels: Vec::new(), places: Vec::new() }
    }
}

impl Batch {
    /// Begins with a column of the next row group.
    fn begin(&mut self, column: ColumnReader) -> Result<(), ParquetError> {
        match (self, column) {
            (Self::Texts(values), ColumnReader::ByteArrayColumnReader(reader)) => {
                values.reader = Some(reader);
            }
            (Self::Integers(values), ColumnReader::Int64ColumnReader(reader)) => values.reader = Some(reader),
            (Self::Booleans(values), ColumnReader::BoolColumnReader(reader)) => values.reader = Some(reader),
            _ => return Err(ParquetError::General("a column is not of its own type".to_owned())),
        }
        Ok(())
    }

    /// Reads the next rows of the present row group; `None` of a column that is not there.
    fn read(&mut self) -> Result<Option<usize>, ParquetError> {
        match self {
            Self::Absent => Ok(None),
            Self::Texts(values) => values.read().map(Some),
            Self::Integers(values) => values.read().map(Some),
            Self::Booleans(values) => values.read().map(Some),
        }
    }

    fn cell(&self, row: usize) -> Result<Cell<'_>, ParquetError> {
        Ok(match self {
            Self::Absent => Cell::Null,
            Self::Texts(values) => match values.at(row) {
                None => Cell::Null,
                Some(value) => Cell::Text(ByteArray::as_utf8(value)?),
            },
            Self::Integers(values) => values.at(row).copied().into(),
            Self::Booleans(values) => values.at(row).copied().into(),
        })
    }
}

impl<T: DataType> Values<T> {
    fn read(&mut self) -> Result<usize, ParquetError> {
        self.values.clear();
        self.levels.clear();
        self.places.clear();
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let (rows, values, _) = reader.read_records(BATCH, Some(&mut self.levels), None, &mut self.values)?;
        let mut next = 0;
        for row in 0..rows {
            // A column that is required has no levels.
            let is_there = self.levels.is_empty() || self.levels.get(row).is_some_and(|level| *level > 0);
            self.places.push(is_there.then_some(next));
            next += usize::from(is_there);
        }
        if next != values {
            return Err(ParquetError::General("a column's values are not those of its rows".to_owned()));
        }
        Ok(rows)
    }

    fn at(&self, row: usize) -> Option<&T::T> {
        self.places.get(row).copied().flatten().and_then(|place| self.values.get(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Kind, RowWriter};

    #[test]
    fn what_was_written_is_read_again_whatever_its_size() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let columns = [
            Column::required("one", Kind::Text),
            Column::required("number", Kind::Integer),
            Column::optional("two", Kind::Text),
            Column::optional("at", Kind::Timestamp),
            Column::required("is_odd", Kind::Boolean),
        ];
        let mut writer = RowWriter::new(file.reopen().unwrap(), "table", &columns).unwrap();
        const ROWS: u64 = 3 * BATCH as u64 + 5;
        let one = |row: u64| format!("r{}", row % 7);
        let two = |row: u64| (!row.is_multiple_of(3)).then(|| format!("t{}", row % 5));
        let at = |row: u64| (!row.is_multiple_of(4)).then_some(row);
        for row in 0..ROWS {
            let (one, two) = (one(row), two(row));
            let is_odd = row % 2 == 1;
            writer
                .push(&[(&one).into(), row.into(), two.as_ref().into(), at(row).into(), is_odd.into()])
                .unwrap();
        }
        writer.finish().unwrap();
        let mut reader = Reader::open(file.path(), &["two", "one", "at", "is_odd", "number"]).unwrap();
        let mut row = 0;
        reader
            .each_row(|cells| {
                let (one, two) = (one(row), two(row));
                let expected: [Cell<'_>; 5] =
                    [two.as_ref().into(), (&one).into(), at(row).into(), (row % 2 == 1).into(), row.into()];
                assert_eq!(cells, expected, "{row}");
                row += 1;
            })
            .unwrap();
        assert_eq!(row, ROWS);
        assert!(Reader::open(file.path(), &["three"]).is_err());
    }

    #[test]
    fn a_column_that_a_file_is_older_than_is_empty() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let columns = [Column::required("one", Kind::Text)];
        let mut writer = RowWriter::new(file.reopen().unwrap(), "table", &columns).unwrap();
        writer.push(&["a".into()]).unwrap();
        writer.finish().unwrap();
        let mut rows = Vec::new();
        let mut reader = Reader::open_with(file.path(), &["new", "one"]).unwrap();
        reader.each_row(|[new, one]| rows.push((new == Cell::Null, one == Cell::Text("a")))).unwrap();
        assert_eq!(rows, [(true, true)]);
    }
}
