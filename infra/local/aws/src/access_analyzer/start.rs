//! An order for a generation, read and checked.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::errors::{Problems, field};
use super::input::{Object, is_arn, owner};
use super::settings::{AccessAnalyzerSettings, BothRegionForms, WithoutTrail};
use crate::wire::ApiError;

/// The longest time range, in days (IAM user guide, Access Analyzer quotas).
const LONGEST_DAYS: i64 = 90;

/// A trail to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    pub arn: String,
    pub regions: Option<Vec<String>>,
    pub all_regions: Option<bool>,
}

/// Which trails are to be read, with which role, and of which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudTrail {
    pub trails: Vec<Trail>,
    pub access_role: String,
    pub start: Timestamp,
    /// Without it, the moment of the start.
    pub end: Option<Timestamp>,
}

/// An order, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) principal: String,
    pub(super) cloud_trail: Option<CloudTrail>,
}

/// Who orders, where and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) account: &'a str,
    pub(super) partition: &'a str,
    pub(super) now: Timestamp,
}

impl Order {
    /// Reads an order and its client token. That principal and role must be the caller's account's is
    /// AWS's; that it says so with `ValidationException` is not established.
    pub(super) fn read(
        body: &Value,
        place: Place<'_>,
        settings: &AccessAnalyzerSettings,
    ) -> Result<(Self, Option<String>), ApiError> {
        let mut problems = Problems::default();
        let known = ["policyGenerationDetails", "cloudTrailDetails", "clientToken"];
        let members = Object::of_body(body, &known, &mut problems)?;
        let details = members.required_object("policyGenerationDetails", &["principalArn"], &mut problems);
        let principal = details
            .and_then(|details| of_account(&details, "principalArn", PRINCIPALS, place, &mut problems));
        let known = ["trails", "accessRole", "startTime", "endTime"];
        let cloud_trail = members.object("cloudTrailDetails", &known, &mut problems);
        let cloud_trail =
            cloud_trail.and_then(|details| CloudTrail::read(&details, place, settings, &mut problems));
        let token = members.text("clientToken", &mut problems).map(str::to_owned);
        if token.as_deref() == Some("") {
            problems.add("clientToken", "must not be empty");
        }
        problems.refuse()?;
        if cloud_trail.is_none() && settings.without_trail == WithoutTrail::Refused {
            return Err(field("cloudTrailDetails", "is required"));
        }
        let principal = principal.ok_or_else(ApiError::server)?;
        Ok((Self { principal, cloud_trail }, token))
    }
}

const PRINCIPALS: &[&str] = &["role/", "user/"];
const ROLES: &[&str] = &["role/"];

/// A role or user of the caller's account and partition.
fn of_account(
    object: &Object<'_>,
    member: &str,
    kinds: &[&str],
    place: Place<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let arn = object.required_text(member, problems)?;
    if !is_arn(arn, "iam", kinds) {
        problems.add(object.name(member), format!("must be the ARN of a {}", kinds.join(" or ")));
        return None;
    }
    if owner(arn) != (place.partition, place.account) {
        problems.add(object.name(member), format!("must be of the account {}", place.account));
    }
    Some(arn.to_owned())
}

impl CloudTrail {
    fn read(
        details: &Object<'_>,
        place: Place<'_>,
        settings: &AccessAnalyzerSettings,
        problems: &mut Problems,
    ) -> Option<Self> {
        let known = ["cloudTrailArn", "regions", "allRegions"];
        let given = details.required_objects("trails", &known, problems);
        let trails = given.iter().filter_map(|trail| Trail::read(trail, settings, problems)).collect();
        let access_role = of_account(details, "accessRole", ROLES, place, problems);
        let start = details.required_time("startTime", problems);
        let end = details.time("endTime", problems);
        let (access_role, start) = (access_role?, start?);
        let until = end.unwrap_or(place.now);
        if start >= until {
            problems.add(details.name("startTime"), "must be before the end of the time range");
        } else if until.duration_since(start) > SignedDuration::from_hours(24 * LONGEST_DAYS) {
            let message = format!("must be at most {LONGEST_DAYS} days before the end of the time range");
            problems.add(details.name("startTime"), message);
        }
        Some(Self { trails, access_role, start, end })
    }
}

impl Trail {
    fn read(trail: &Object<'_>, settings: &AccessAnalyzerSettings, problems: &mut Problems) -> Option<Self> {
        let arn = trail.required_text("cloudTrailArn", problems)?.to_owned();
        if !is_arn(&arn, "cloudtrail", &["trail/"]) {
            problems.add(trail.name("cloudTrailArn"), "must be the ARN of a trail");
        }
        let regions = trail.texts("regions", problems);
        let all_regions = trail.boolean("allRegions", problems);
        let named = regions.as_ref().is_some_and(|regions| !regions.is_empty());
        if named && all_regions == Some(true) && settings.both_region_forms == BothRegionForms::Refused {
            problems.add(trail.name("regions"), "must not be given with allRegions");
        }
        Some(Self { arn, regions, all_regions })
    }

    /// The Regions that are to be read of it; `None` is all. Without either form it is the trail's own
    /// Region: not established.
    pub(super) fn wanted(&self) -> Option<Vec<&str>> {
        if self.all_regions == Some(true) {
            return None;
        }
        match &self.regions {
            Some(regions) if !regions.is_empty() => Some(regions.iter().map(String::as_str).collect()),
            _ => Some(vec![self.arn.split(':').nth(3).unwrap_or_default()]),
        }
    }
}
