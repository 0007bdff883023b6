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
    /// When accounts were last seen to lie as planned, before its first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) placed_at: Option<Timestamp>,
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

impl WaveProgress {
    /// Takes over what an invocation has seen, unless another has seen more meanwhile.
    pub(crate) fn follow(&mut self, seen: &Self) {
        let behind = (self.baked_at.is_some() && seen.baked_at.is_none())
            || (self.proven_at.is_some() && seen.proven_at.is_none());
        if !behind {
            let proven_at = self.proven_at;
            self.clone_from(seen);
            self.proven_at = proven_at.or(seen.proven_at);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_that_ends_late_takes_nothing_back() {
        let at = |second| Timestamp::from_second(second).ok();
        let begun = WaveProgress { made_at: at(1), shown: 1, ..WaveProgress::default() };
        let proven = WaveProgress { proven_at: at(2), shown: 2, ..begun.clone() };
        let baked = WaveProgress { baked_at: at(3), ..proven.clone() };
        for (present, seen) in [(&proven, &begun), (&baked, &begun), (&baked, &proven)] {
            let mut followed = present.clone();
            followed.follow(seen);
            assert_eq!(followed, *present);
            let mut forward = seen.clone();
            forward.follow(present);
            assert_eq!(forward, *present);
        }
        let later = WaveProgress { proven_at: at(9), ..proven.clone() };
        let mut first = proven.clone();
        first.follow(&later);
        assert_eq!(first.proven_at, at(2), "the time in which it is left alone has begun");
    }
}
