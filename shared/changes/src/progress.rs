//! How far a run has come that makes changes: one small document beside its plan.

use errors::JobError;
use jiff::Timestamp;
use models::{RunId, keys};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

/// How far a run has come, wave by wave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Progress {
    pub(crate) waves: Vec<WaveProgress>,
}

/// How far one wave is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WaveProgress {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begun_at: Option<Timestamp>,
    /// When the last of its changes was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made_at: Option<Timestamp>,
    /// When AWS showed all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) proven_at: Option<Timestamp>,
    /// When it had been left alone for long enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) baked_at: Option<Timestamp>,
    /// How many of its objects AWS has shown as planned.
    #[serde(default)]
    pub(crate) shown: u32,
    /// What the rest of the proof has come to so far, in the kind's own words.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) proof: Value,
}

impl Progress {
    /// The first wave of so many that is not through.
    pub(crate) fn present(&self, waves: usize) -> Option<usize> {
        (0..waves).find(|wave| self.waves.get(*wave).is_none_or(|it| it.baked_at.is_none()))
    }

    pub(crate) fn wave(&self, wave: usize) -> WaveProgress {
        self.waves.get(wave).cloned().unwrap_or_default()
    }

    /// How far a run is.
    pub(crate) async fn read(store: &Store, run: &RunId) -> Result<Self, JobError> {
        let progress = store.load(&keys::change_progress(run)).await?;
        Ok(progress.map(|it| it.value).unwrap_or_default())
    }

    /// Writes down how far a wave of a run is.
    pub(crate) async fn note(
        store: &Store,
        run: &RunId,
        wave: usize,
        change: impl Fn(&mut WaveProgress) + Send + Sync,
    ) -> Result<(), JobError> {
        store
            .update(&keys::change_progress(run), |progress: &mut Self| {
                if progress.waves.len() <= wave {
                    progress.waves.resize_with(wave + 1, WaveProgress::default);
                }
                progress.waves.get_mut(wave).into_iter().for_each(&change);
            })
            .await
    }
}
