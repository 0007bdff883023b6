//! Reads columns of text again, a batch of rows at a time: bounded memory at any size of the file.

use std::fs::File;
use std::path::Path;

use parquet::basic::Type as PhysicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

/// Rows that are read at once.
const BATCH: usize = 8 * 1024;

/// Some columns of text of a file.
pub struct TextReader<const N: usize> {
    file: SerializedFileReader<File>,
    columns: [usize; N],
    group: usize,
    readers: Option<[ColumnReaderImpl<ByteArrayType>; N]>,
    batch: [Batch; N],
    rows: usize,
    next: usize,
}

impl<const N: usize> std::fmt::Debug for TextReader<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextReader").field("group", &self.group).finish_non_exhaustive()
    }
}

/// The rows of one column that are read.
#[derive(Default)]
struct Batch {
    values: Vec<ByteArray>,
    levels: Vec<i16>,
    /// Where the value of each row is; none where it has none.
    places: Vec<Option<usize>>,
}

impl<const N: usize> TextReader<N> {
    /// Opens a file of which the columns of these names are text.
    pub fn open(path: &Path, names: &[&str; N]) -> Result<Self, ParquetError> {
        let file = SerializedFileReader::new(File::open(path)?)?;
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        let mut columns = [0; N];
        for (column, name) in columns.iter_mut().zip(names) {
            let found = schema.columns().iter().position(|it| it.name() == *name);
            let at = found.ok_or_else(|| ParquetError::General(format!("there is no column {name}")))?;
            if schema.column(at).physical_type() != PhysicalType::BYTE_ARRAY {
                return Err(ParquetError::General(format!("the column {name} is not text")));
            }
            *column = at;
        }
        let batch = std::array::from_fn(|_| Batch::default());
        Ok(Self { file, columns, group: 0, readers: None, batch, rows: 0, next: 0 })
    }

    /// Hands every row to `take`: the columns' texts, in the order of their names.
    pub fn each_row(&mut self, mut take: impl FnMut([Option<&str>; N])) -> Result<(), ParquetError> {
        loop {
            while self.next == self.rows {
                if !self.read()? {
                    return Ok(());
                }
            }
            let mut row = [None; N];
            for (text, batch) in row.iter_mut().zip(&self.batch) {
                *text = batch.text(self.next)?;
            }
            self.next += 1;
            take(row);
        }
    }

    /// Reads the next rows; whether there may be more.
    fn read(&mut self) -> Result<bool, ParquetError> {
        let Some(readers) = &mut self.readers else {
            if self.group == self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.group)?;
            let readers = self.columns.iter().map(|column| match group.get_column_reader(*column)? {
                ColumnReader::ByteArrayColumnReader(reader) => Ok(reader),
                _ => Err(ParquetError::General("a column of text is not one".to_owned())),
            });
            let readers: Vec<_> = readers.collect::<Result<_, _>>()?;
            let misfit = |_| ParquetError::General("a column has no reader".to_owned());
            self.readers = Some(readers.try_into().map_err(misfit)?);
            self.group += 1;
            return Ok(true);
        };
        let mut rows = None;
        for (reader, batch) in readers.iter_mut().zip(&mut self.batch) {
            let read = batch.read(reader)?;
            if rows.is_some_and(|rows| rows != read) {
                return Err(ParquetError::General("columns have different numbers of rows".to_owned()));
            }
            rows = Some(read);
        }
        self.rows = rows.unwrap_or(0);
        self.next = 0;
        if self.rows == 0 {
            self.readers = None;
        }
        Ok(true)
    }
}

impl Batch {
    fn read(&mut self, reader: &mut ColumnReaderImpl<ByteArrayType>) -> Result<usize, ParquetError> {
        self.values.clear();
        self.levels.clear();
        self.places.clear();
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

    fn text(&self, row: usize) -> Result<Option<&str>, ParquetError> {
        match self.places.get(row).copied().flatten().and_then(|place| self.values.get(place)) {
            None => Ok(None),
            Some(value) => value.as_utf8().map(Some),
        }
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
        ];
        let mut writer = RowWriter::new(file.reopen().unwrap(), "table", &columns).unwrap();
        const ROWS: u64 = 3 * BATCH as u64 + 5;
        for row in 0..ROWS {
            let one = format!("r{}", row % 7);
            let two = (row % 3 != 0).then(|| format!("t{}", row % 5));
            writer.push(&[(&one).into(), row.into(), two.as_ref().into()]).unwrap();
        }
        writer.finish().unwrap();
        let mut reader = TextReader::open(file.path(), &["two", "one"]).unwrap();
        let mut row = 0;
        reader
            .each_row(|[two, one]| {
                assert_eq!(one, Some(format!("r{}", row % 7).as_str()));
                assert_eq!(two.map(str::to_owned), (row % 3 != 0).then(|| format!("t{}", row % 5)));
                row += 1;
            })
            .unwrap();
        assert_eq!(row, ROWS);
        assert!(TextReader::open(file.path(), &["three"]).is_err());
        assert!(TextReader::open(file.path(), &["number"]).is_err());
    }
}
