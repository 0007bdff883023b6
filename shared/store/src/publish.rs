//! From `runs/` to `tables/`: what a committed run publishes.
//!
//! Publication is a list of copies, each pinned to the version that was checked, and then the
//! manifest. Doing it twice does nothing new, so whoever finds a committed run finishes it.

use errors::JobError;
use models::record::PublishedFile;
use models::{ItemName, Kind, RunId, keys};
use serde::Serialize;
use serde_json::Value;

use crate::objects::{Store, to_json};
use crate::published::Published;

/// The table with one row for each published run.
pub const RUNS_TABLE: &str = "runs";

/// What `runs/<run-id>/manifest.json` says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest<'a> {
    pub schema_version: u32,
    pub kind: Kind,
    pub run_id: &'a RunId,
    pub files: &'a [PublishedFile],
    pub result: &'a Value,
}

impl Manifest<'_> {
    pub const VERSION: u32 = 1;
}

/// Publishes the tables, then the manifest, then the run's row in `runs`: a view that starts from
/// `runs` never sees a run whose other tables are not there. Last, that there is such a run.
pub async fn publish(store: &Store, item: &ItemName, manifest: &Manifest<'_>) -> Result<(), JobError> {
    let row = keys::table_prefix(RUNS_TABLE);
    let (rows, tables): (Vec<_>, Vec<_>) = manifest.files.iter().partition(|file| file.key.starts_with(&row));
    copy_all(store, &tables).await?;
    store.put(&keys::manifest(manifest.run_id), to_json(manifest)?).await?;
    copy_all(store, &rows).await?;
    let published = Published {
        schema_version: Published::VERSION,
        kind: manifest.kind,
        run_id: manifest.run_id.clone(),
        item: item.clone(),
        result: manifest.result.clone(),
    };
    let key = format!("{}{}.json", keys::published(manifest.kind), manifest.run_id);
    store.put(&key, to_json(&published)?).await.map(drop)
}

async fn copy_all(store: &Store, files: &[&PublishedFile]) -> Result<(), JobError> {
    for file in files {
        store.copy(&file.part, &file.etag, &file.key).await?;
    }
    Ok(())
}
