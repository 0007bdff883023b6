//! How much of CloudTrail a generation covers: what AWS says that it read, else what it was asked to.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::analyzer::TrailRead;
use crate::request::{Request, Trail};
use crate::window::Window;

/// The last generation that was ordered for a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ordered {
    pub(crate) at: Timestamp,
    pub(crate) job_id: String,
    /// Where Muster has chosen it.
    pub(crate) window: Option<Window>,
    /// What is to be read, from when to when; `None` without CloudTrail.
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Covered {
    /// From when to when; `None` where nothing of the trail is covered.
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    /// Whole days in between: of the last one, not all was read.
    pub(crate) days: Option<u64>,
    /// `None` for all of the trail.
    pub(crate) regions: Option<BTreeSet<String>>,
}

impl Covered {
    /// What was asked for.
    pub(crate) fn asked(ordered: &Ordered, request: &Request) -> Self {
        let (Some(since), Some(until)) = (ordered.since, ordered.until) else { return Self::default() };
        let regions = match (&ordered.window, &request.cloud_trail_details) {
            (Some(window), _) => (!window.regions.is_empty()).then(|| window.regions.clone()),
            (None, Some(details)) => of_trails(&details.trails),
            (None, None) => return Self::default(),
        };
        Self::of(since, until, regions)
    }

    /// What AWS says that it read.
    pub(crate) fn told(read: &TrailRead) -> Self {
        Self::of(read.start, read.end, of_trails(&read.trails))
    }

    fn of(since: Timestamp, until: Timestamp, regions: Option<BTreeSet<String>>) -> Self {
        const DAY: i64 = SignedDuration::from_hours(24).as_secs();
        let days = u64::try_from(until.duration_since(since).as_secs() / DAY).unwrap_or(0);
        Self { since: Some(since), until: Some(until), days: Some(days), regions }
    }
}

/// The Regions of all trails together; `None` where one is read in all of its Regions.
fn of_trails(trails: &[Trail]) -> Option<BTreeSet<String>> {
    let all = trails.iter().any(|trail| trail.all_regions == Some(true));
    (!all).then(|| trails.iter().flat_map(|trail| trail.regions.iter().cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ARN: &str = "arn:aws:cloudtrail:eu-central-1:012345678901:trail/organization";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn ordered(window: Option<Window>) -> Ordered {
        Ordered {
            at: at("2026-11-21T06:30:00Z"),
            job_id: "j".into(),
            window,
            since: Some(at("2026-11-01T00:00:00Z")),
            until: Some(at("2026-11-21T06:30:00Z")),
        }
    }

    fn days_and_regions(covered: Covered) -> (Option<u64>, Option<BTreeSet<String>>) {
        (covered.days, covered.regions)
    }

    #[test]
    fn what_was_chosen_or_what_the_request_says_itself_was_asked_for() {
        let regions = BTreeSet::from(["eu-central-1".to_owned()]);
        let window = Window { days: 20, regions: regions.clone(), only_last_use: false };
        let chosen = Covered::asked(&ordered(Some(window)), &Request::default());
        assert_eq!(days_and_regions(chosen), (Some(20), Some(regions.clone())));
        let given = |trail: Value| {
            let details = json!({"trails": [trail], "startTime": "2026-11-01T00:00:00Z"});
            let request = serde_json::from_value(json!({"cloudTrailDetails": details})).unwrap();
            days_and_regions(Covered::asked(&ordered(None), &request))
        };
        let some = given(json!({"cloudTrailArn": ARN, "regions": ["eu-central-1"]}));
        assert_eq!(some, (Some(20), Some(regions)));
        assert_eq!(given(json!({"cloudTrailArn": ARN, "allRegions": true})), (Some(20), None));
        let without = Ordered { since: None, until: None, ..ordered(None) };
        assert_eq!(Covered::asked(&without, &Request::default()), Covered::default());
    }

    #[test]
    fn what_aws_says_that_it_read_is_told_in_its_own_words() {
        let trail = |regions: &[&str]| Trail {
            cloud_trail_arn: ARN.into(),
            regions: regions.iter().map(|it| (*it).to_owned()).collect(),
            all_regions: None,
        };
        let (start, end) = (at("2026-11-11T00:00:00Z"), at("2026-11-21T00:00:00Z"));
        let read = TrailRead { start, end, trails: vec![trail(&["eu-west-1"]), trail(&["us-east-1"])] };
        let told = Covered::told(&read);
        assert_eq!((told.since, told.until, told.days), (Some(start), Some(end), Some(10)));
        assert_eq!(told.regions, Some(BTreeSet::from(["eu-west-1".to_owned(), "us-east-1".to_owned()])));
    }
}
