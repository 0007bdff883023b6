//! A table of a run: rows into a file of the function's own storage, then a part of the run.

use std::path::Path;

use errors::JobError;
use models::{ErrorName, RunId, keys};
use store::Store;
use table::{Cell, Column, RowWriter, Table, TableError};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::part_file::{PartFile, local_storage};
use crate::{Part, PublishedAs, RunContext};
use crate::{lanes, lifecycle};

/// Those that every kind publishes, and those that every kind whose runs have lanes does.
pub const TABLES: [Table; 2] = [lifecycle::RUNS, lanes::OUTCOMES];

/// A table being written.
#[derive(Debug)]
pub struct TableFile {
    name: &'static str,
    rows: RowWriter<PartFile>,
}

impl TableFile {
    pub fn new(name: &'static str, columns: &[Column]) -> Result<Self, JobError> {
        let rows = RowWriter::new(PartFile::new()?, name, columns).map_err(failed)?;
        Ok(Self { name, rows })
    }

    /// Adds a row: a cell for each column.
    pub fn push(&mut self, row: &[Cell<'_>]) -> Result<(), JobError> {
        self.rows.push(row).map_err(failed)
    }

    /// Writes the table as a part of the run.
    pub async fn finish(self, store: &Store, run: RunContext<'_>) -> Result<Part, JobError> {
        let (file, rows) = self.rows.finish().map_err(failed)?;
        let stored = file.finish(store, run, &format!("{}-0.parquet", self.name)).await?;
        Ok(Part::stored(PublishedAs::Table(self.name), stored, rows))
    }
}

/// The files of a table that a run has published, one after the other, each in the function's own storage
/// while `read` reads it.
pub async fn each_file(
    store: &Store,
    table: &str,
    run: &RunId,
    mut read: impl FnMut(&Path) -> Result<(), JobError>,
) -> Result<(), JobError> {
    for number in 0.. {
        let key = keys::table(table, run, number);
        let Some(mut download) = store.download(&key).await? else {
            if number > 0 {
                break;
            }
            return Err(JobError::new(
                ErrorName::Incomplete,
                format!("{key} was published and is gone"),
                "Run that kind again, then repeat this.",
            ));
        };
        let file = NamedTempFile::new().map_err(|error| local_storage(&error))?;
        let mut sink = tokio::fs::File::from_std(file.reopen().map_err(|error| local_storage(&error))?);
        while let Some(bytes) = download.next().await? {
            sink.write_all(&bytes).await.map_err(|error| local_storage(&error))?;
        }
        sink.flush().await.map_err(|error| local_storage(&error))?;
        read(file.path())?;
    }
    Ok(())
}

fn failed(error: TableError) -> JobError {
    match error {
        TableError::Misfit { .. } => JobError::defect(error),
        other => local_storage(&other),
    }
}
