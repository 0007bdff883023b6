//! How far a run has come that makes changes: one small document beside its plan.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

    pub(crate) fn wave_mut(&mut self, wave: usize) -> Option<&mut WaveProgress> {
        if self.waves.len() <= wave {
            self.waves.resize_with(wave + 1, WaveProgress::default);
        }
        self.waves.get_mut(wave)
    }
}
