//! A file on its way into a run: written in the function's own storage, so that a size does not matter,
//! then put as a whole.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use errors::JobError;
use models::{ErrorName, keys};
use store::Store;
use tempfile::NamedTempFile;

use crate::RunContext;

/// A file being written.
#[derive(Debug)]
pub struct PartFile {
    file: NamedTempFile,
    sink: BufWriter<File>,
}

/// Where a file of the run lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub key: String,
    pub etag: String,
    pub bytes: u64,
}

impl PartFile {
    pub fn new() -> Result<Self, JobError> {
        let file = NamedTempFile::new().map_err(|error| local_storage(&error))?;
        let sink = BufWriter::new(file.reopen().map_err(|error| local_storage(&error))?);
        Ok(Self { file, sink })
    }

    /// Writes a line of JSON.
    pub fn line(&mut self, value: &impl serde::Serialize) -> Result<(), JobError> {
        serde_json::to_writer(&mut self.sink, value).map_err(|error| local_storage(&error))?;
        self.sink.write_all(b"\n").map_err(|error| local_storage(&error))
    }

    /// Puts it among what the run's invocations write, under this name.
    pub async fn finish(
        mut self,
        store: &Store,
        run: RunContext<'_>,
        name: &str,
    ) -> Result<Stored, JobError> {
        self.sink.flush().map_err(|error| local_storage(&error))?;
        let bytes = self.file.as_file().metadata().map_err(|error| local_storage(&error))?.len();
        let key = keys::part(run.run_id, run.item, run.writer, name);
        let etag = store.put_file(&key, self.file.path()).await?;
        Ok(Stored { key, etag, bytes })
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// An error of the function's own storage: it may be full, and a step that is repeated may have another.
pub fn local_storage(error: &dyn std::fmt::Display) -> JobError {
    JobError::new(
        ErrorName::Transient,
        format!("the function's own storage could not be used: {error}"),
        "The step is repeated. If it persists, raise EphemeralStorage.",
    )
}
