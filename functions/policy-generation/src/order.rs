//! A generation as it is ordered: the same from the same, however often a step is made.

use jiff::{SignedDuration, Timestamp};
use models::{RoleArn, RunId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::request::{Request, Trail};
use crate::window::Window;

/// What StartPolicyGeneration is asked. Kept in the lane's record before the call: a call that is repeated
/// with the same client token has to have the same input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) principal_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cloud_trail: Option<CloudTrail>,
    pub(crate) client_token: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CloudTrail {
    pub(crate) trails: Vec<Trail>,
    pub(crate) access_role: RoleArn,
    pub(crate) start: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<Timestamp>,
}

/// What an order is made from, besides the principal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) request: &'a Request,
    /// The stack's trail.
    pub(crate) trail: &'a str,
    /// Access Analyzer's role in the account.
    pub(crate) access_role: &'a RoleArn,
    pub(crate) now: Timestamp,
    /// Counts the resumes: what failed is ordered anew, or AWS would answer with the job that failed.
    pub(crate) again: u32,
    /// Counts the orders for the principal since.
    pub(crate) attempt: u32,
}

impl Order {
    /// The order for a principal; `window` is what counts where the request does not say itself what is
    /// read.
    pub(crate) fn new(basis: Basis<'_>, principal_arn: &str, window: &Window) -> Self {
        let request = basis.request;
        let cloud_trail = match &request.cloud_trail_details {
            _ if request.without_cloud_trail => None,
            Some(given) => Some(CloudTrail {
                trails: given.trails.clone(),
                access_role: given.access_role.clone().unwrap_or_else(|| basis.access_role.clone()),
                start: given.start_time,
                end: given.end_time,
            }),
            None => {
                // Seconds, as they go over the wire.
                let end = Timestamp::from_second(basis.now.as_second()).unwrap_or(basis.now);
                let start = end - SignedDuration::from_hours(24 * i64::from(window.days));
                let trail = Trail {
                    cloud_trail_arn: basis.trail.to_owned(),
                    regions: window.regions.clone(),
                    all_regions: window.regions.is_empty().then_some(true),
                };
                Some(CloudTrail {
                    trails: vec![trail],
                    access_role: basis.access_role.clone(),
                    start,
                    end: Some(end),
                })
            }
        };
        let client_token = match &request.client_token {
            Some(token) => token.clone(),
            None => token(basis, principal_arn, cloud_trail.as_ref()),
        };
        Self { principal_arn: principal_arn.to_owned(), cloud_trail, client_token }
    }
}

/// A token of this run, principal, window, Regions and attempt: 64 hexadecimal digits.
fn token(basis: Basis<'_>, principal_arn: &str, cloud_trail: Option<&CloudTrail>) -> String {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(text);
    };
    add(basis.run.as_str());
    add(principal_arn);
    add(&basis.again.to_string());
    add(&basis.attempt.to_string());
    if let Some(details) = cloud_trail {
        add(details.access_role.as_str());
        add(&details.start.to_string());
        add(&details.end.map(|it| it.to_string()).unwrap_or_default());
        for trail in &details.trails {
            add(&trail.cloud_trail_arn);
            add(&trail.all_regions.unwrap_or(false).to_string());
            trail.regions.iter().for_each(|region| add(region));
        }
    }
    models::digest::hexadecimal(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:iam::012345678901:role/reader";

    fn order(request: serde_json::Value, run: &str, attempt: u32, days: u32) -> Order {
        order_of(request, run, (0, attempt), &Window::of(days, ["eu-central-1"]))
    }

    fn order_of(
        request: serde_json::Value,
        run: &str,
        (again, attempt): (u32, u32),
        window: &Window,
    ) -> Order {
        let request: Request = serde_json::from_value(request).unwrap();
        let run = run.parse().unwrap();
        let access_role = "arn:aws:iam::012345678901:role/service-role/AccessAnalyzer".parse().unwrap();
        let basis = Basis {
            run: &run,
            request: &request,
            trail: "arn:aws:cloudtrail:eu-central-1:000000000001:trail/organization",
            access_role: &access_role,
            now: "2026-11-21T06:30:00.5Z".parse().unwrap(),
            again,
            attempt,
        };
        Order::new(basis, ARN, window)
    }

    const RUN: &str = "20261121T063000Z-9f86d081";

    #[test]
    fn a_token_is_the_same_for_the_same_and_another_for_any_other_run_attempt_window_or_region() {
        let one = order(json!({}), RUN, 1, 90);
        assert_eq!(one, order(json!({}), RUN, 1, 90));
        assert_eq!(one.client_token.len(), 64);
        for other in [
            order(json!({}), "20261121T063000Z-9f86d082", 1, 90),
            order(json!({}), RUN, 2, 90),
            order(json!({}), RUN, 1, 45),
        ] {
            assert_ne!(one.client_token, other.client_token);
        }
    }

    #[test]
    fn what_failed_is_ordered_anew_when_the_run_is_resumed_even_where_nothing_else_has_changed() {
        let details = json!({"trails": [{"cloudTrailArn": "arn:aws:cloudtrail:eu-west-1:000000000001:trail/x",
            "allRegions": true}], "startTime": "2026-11-01T00:00:00Z"});
        for request in [json!({"cloudTrailDetails": details}), json!({"withoutCloudTrail": true})] {
            let window = Window::of(90, ["eu-central-1"]);
            let of = |again| order_of(request.clone(), RUN, (again, 1), &window).client_token;
            assert_eq!(of(1), of(1));
            assert_ne!(of(0), of(1));
        }
    }

    #[test]
    fn where_no_region_is_known_all_of_the_trails_are_asked_for() {
        let order = order_of(json!({}), RUN, (0, 1), &Window::of(10, []));
        let trail = &order.cloud_trail.unwrap().trails[0];
        assert_eq!((trail.regions.len(), trail.all_regions), (0, Some(true)));
    }

    #[test]
    fn what_the_request_says_counts_before_what_is_learned_and_its_token_is_used_as_given() {
        let given = json!({"principals": [ARN], "clientToken": "mine", "cloudTrailDetails": {
            "trails": [{"cloudTrailArn": "arn:aws:cloudtrail:eu-west-1:000000000001:trail/x", "allRegions": true}],
            "startTime": "2026-11-01T00:00:00Z"}});
        let order = order(given, RUN, 3, 90);
        assert_eq!(order.client_token, "mine");
        let details = order.cloud_trail.unwrap();
        assert_eq!((details.end, details.trails[0].all_regions), (None, Some(true)));
        assert_eq!(details.start, "2026-11-01T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn without_cloudtrail_nothing_of_it_is_asked_and_times_are_whole_seconds() {
        assert_eq!(order(json!({"withoutCloudTrail": true}), RUN, 1, 90).cloud_trail, None);
        let details = order(json!({}), RUN, 1, 90).cloud_trail.unwrap();
        assert_eq!(details.end, Some("2026-11-21T06:30:00Z".parse().unwrap()));
        assert_eq!(details.start, "2026-08-23T06:30:00Z".parse().unwrap());
    }
}
