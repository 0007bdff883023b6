//! The table `generated_policies`.

use errors::JobError;
use jiff::Timestamp;
use models::Failure;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use super::conclusion::Services;
use super::covered::{Covered, Ordered};
use super::millis;
use super::status::{Status, Unknown};
use crate::entry::Generated;
use crate::principal::{Present, Principal, PrincipalKind, Source};
use crate::request::Request;

pub(super) const TABLE: Table = Table {
    name: "generated_policies",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("account_id", Kind::Text),
        Column::required("principal_arn", Kind::Text),
        // IAM's own: a principal that is made anew under the same name has another.
        Column::required("principal_id", Kind::Text),
        // `role` or `user`.
        Column::required("principal_type", Kind::Text),
        Column::required("path", Kind::Text),
        Column::optional("created_at", Kind::Timestamp),
        // `generated`, `no_activity`, `valid_policy_exists`, `failed`, `carried_over`, `overdue` or
        // `unknown`.
        Column::required("status", Kind::Text),
        Column::optional("unknown_because", Kind::Text),
        // Why there is no policy.
        Column::optional("error", Kind::Text),
        Column::optional("error_text", Kind::Text),
        Column::optional("last_activity_at", Kind::Timestamp),
        // What tells of activity: `service_last_accessed`, `role_last_used`, a list as JSON.
        Column::required("activity_sources", Kind::Text),
        Column::optional("no_activity_since", Kind::Timestamp),
        // The policy that counts, and the run that generated it.
        Column::optional("valid_policy_at", Kind::Timestamp),
        Column::optional("valid_policy_run_id", Kind::Text),
        // Services that its policies allow; nothing where access was not read.
        Column::optional("granted_services", Kind::Integer),
        Column::optional("used_services", Kind::Integer),
        Column::optional("unused_services", Kind::Integer),
        Column::optional("unknown_services", Kind::Integer),
        // What of the trail AWS says that it read, else what was asked for; nothing where none of it.
        Column::optional("window_days", Kind::Integer),
        // A list as JSON; nothing where it is all Regions of the trail.
        Column::optional("window_regions", Kind::Text),
        // From when to when.
        Column::optional("window_start_at", Kind::Timestamp),
        Column::optional("window_end_at", Kind::Timestamp),
        // AWS's id of the last generation that was ordered.
        Column::optional("job_id", Kind::Text),
        Column::optional("ordered_at", Kind::Timestamp),
        Column::optional("started_at", Kind::Timestamp),
        Column::optional("completed_at", Kind::Timestamp),
        // `true` or `false`, AWS's word; nothing where it says nothing.
        Column::optional("is_complete", Kind::Text),
        Column::optional("policies", Kind::Integer),
        Column::optional("policies_with_placeholders", Kind::Integer),
        Column::optional("service_level_templates", Kind::Integer),
        Column::optional("placeholders", Kind::Integer),
        // Of the policies, those that grant nothing or that nobody can read.
        Column::optional("policies_without_statements", Kind::Integer),
        // Of ValidatePolicy, by type; nothing where it could not be asked.
        Column::optional("findings_error", Kind::Integer),
        Column::optional("findings_security_warning", Kind::Integer),
        Column::optional("findings_warning", Kind::Integer),
        Column::optional("findings_suggestion", Kind::Integer),
        // Of types that are not known.
        Column::optional("findings_other", Kind::Integer),
        // `PASS` or `FAIL`; nothing where CheckNoNewAccess was not asked, or could not be.
        Column::optional("no_new_access", Kind::Text),
        // The key of all documents.
        Column::optional("documents", Kind::Text),
        // The policies that it has at present.
        Column::required("present_inline", Kind::Integer),
        Column::required("present_attached", Kind::Integer),
        Column::required("present_group_inline", Kind::Integer),
        Column::required("present_group_attached", Kind::Integer),
        Column::required("present_boundary", Kind::Integer),
        // Those of them whose document could not be had.
        Column::required("present_without_document", Kind::Integer),
        // An object as JSON.
        Column::required("tags", Kind::Text),
        // When the principal was described.
        Column::required("observed_at", Kind::Timestamp),
        // What the row does not say, a list of words as JSON.
        Column::required("caveats", Kind::Text),
        Column::required("schema_version", Kind::Integer),
    ],
};

const SCHEMA_VERSION: i64 = 1;

/// What is known of a principal.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) account: &'a str,
    pub(crate) principal: &'a Principal,
    pub(crate) present: &'a Present,
    pub(crate) observed: Timestamp,
    pub(crate) services: Option<&'a Services>,
    pub(crate) last_activity: Option<Timestamp>,
    pub(crate) status: Status<'a>,
    pub(crate) failure: Option<&'a Failure>,
    pub(crate) ordered: Option<&'a Ordered>,
}

impl Row<'_> {
    /// How much of the trail its policy covers, or its last order asks for.
    pub(crate) fn covered(&self, request: &Request) -> Covered {
        let asked = || self.ordered.map(|it| Covered::asked(it, request)).unwrap_or_default();
        match self.status {
            Status::Generated(Generated { read: Some(read), .. }) => Covered::told(read),
            _ => asked(),
        }
    }

    /// `service_last_accessed` where access was read; IAM tells of every role when it was last used.
    fn activity_sources(&self) -> Vec<&'static str> {
        let services = self.services.map(|_| "service_last_accessed");
        let role = (self.principal.kind == PrincipalKind::Role).then_some("role_last_used");
        services.into_iter().chain(role).collect()
    }

    fn caveats(&self, request: &Request) -> Vec<&'static str> {
        let mut caveats = Vec::new();
        match self.status {
            Status::Generated(generated) => {
                caveats.push(match request.without_cloud_trail {
                    true => "made_without_cloudtrail",
                    false => "covers_only_window_and_regions",
                });
                match generated.is_complete {
                    Some(true) => {}
                    Some(false) => caveats.push("is_not_complete"),
                    None => caveats.push("completeness_not_told"),
                }
                if generated.read.is_none() && !request.without_cloud_trail {
                    caveats.push("window_not_told");
                }
                if generated.placeholders > 0 {
                    caveats.push("has_placeholders");
                }
                if generated.without_statements > 0 {
                    caveats.push("has_policies_without_statements");
                }
                if generated.not_validated.is_some() {
                    caveats.push("not_validated");
                }
                if generated.new_access_not_checked.is_some() {
                    caveats.push("new_access_not_checked");
                }
                let window = generated.window.as_ref();
                if window.is_some_and(|it| it.only_last_use) {
                    caveats.push("only_regions_of_last_use");
                }
                caveats.extend(["data_events_not_covered", "pass_role_not_tracked"]);
            }
            Status::NoActivity { .. } => {
                caveats.extend(["activity_lag_4_hours", "only_what_its_policies_allow"]);
            }
            _ => {}
        }
        if self.services.is_some() {
            caveats.push("denied_attempts_count_as_use");
        }
        if self.present.without_document > 0 {
            caveats.push("present_policies_not_all_known");
        }
        caveats
    }
}

/// The table being written.
#[derive(Debug)]
pub(crate) struct GeneratedPolicies<'a> {
    run: RunContext<'a>,
    request: &'a Request,
    file: TableFile,
}

/// A list of words as JSON.
fn words(words: &[&str]) -> Result<String, JobError> {
    serde_json::to_string(words).map_err(JobError::defect)
}

/// How many findings of a type; nothing where there is no policy to have any.
fn findings(generated: Option<&Generated>, kind: &str) -> Option<u64> {
    generated?.findings.as_ref().map(|findings| findings.get(kind).copied().unwrap_or(0))
}

const FINDINGS: [&str; 4] = ["ERROR", "SECURITY_WARNING", "WARNING", "SUGGESTION"];

impl<'a> GeneratedPolicies<'a> {
    pub(crate) fn new(run: RunContext<'a>, request: &'a Request) -> Result<Self, JobError> {
        let file = TableFile::new(TABLE.name, TABLE.columns)?;
        Ok(Self { run, request, file })
    }

    /// Adds what is known of a principal.
    pub(crate) fn push(&mut self, row: &Row<'_>) -> Result<(), JobError> {
        let principal = row.principal;
        let (mut generated, mut since, mut valid, mut because) = (None, None, None, None);
        match row.status {
            Status::Generated(it) => generated = Some(it),
            Status::NoActivity { since: at } => since = Some(at),
            Status::ValidPolicyExists { at, run } => valid = Some((at, run)),
            Status::Unknown(why) => because = Some(why),
            Status::Failed | Status::CarriedOver | Status::Overdue => {}
        }
        let covered = row.covered(self.request);
        let regions = covered.regions.as_ref().map(serde_json::to_string).transpose();
        let regions = regions.map_err(JobError::defect)?;
        let tags = serde_json::to_string(&principal.tags).map_err(JobError::defect)?;
        let [sources, caveats] = [row.activity_sources(), row.caveats(self.request)].map(|it| words(&it));
        let (sources, caveats) = (sources?, caveats?);
        let other = generated.and_then(|it| it.findings.as_ref()).map(|findings| {
            let known: u64 = FINDINGS.iter().filter_map(|kind| findings.get(*kind)).sum();
            findings.values().sum::<u64>() - known
        });
        let [error, security_warning, warning, suggestion] = FINDINGS.map(|kind| findings(generated, kind));
        let is_complete = generated.and_then(|it| it.is_complete);
        let present = |source| row.present.by_source.get(&source).copied().unwrap_or(0);
        self.file.push(&[
            self.run.run_id.as_str().into(),
            row.account.into(),
            (&principal.arn).into(),
            principal.id.as_str().into(),
            principal.kind.as_str().into(),
            (&principal.path).into(),
            millis(principal.created).into(),
            row.status.as_str().into(),
            because.map(Unknown::as_str).into(),
            row.failure.map(|it| &it.error).into(),
            row.failure.map(|it| &it.cause).into(),
            millis(row.last_activity).into(),
            (&sources).into(),
            millis(since).into(),
            millis(valid.map(|(at, _)| at)).into(),
            valid.map(|(_, run)| run.as_str()).into(),
            row.services.map(Services::granted).into(),
            row.services.map(|it| it.used).into(),
            row.services.map(|it| it.not_used).into(),
            row.services.map(|it| it.unknown).into(),
            covered.days.into(),
            regions.as_ref().into(),
            millis(covered.since).into(),
            millis(covered.until).into(),
            row.ordered.map(|it| &it.job_id).into(),
            millis(row.ordered.map(|it| it.at)).into(),
            millis(generated.map(|it| it.started)).into(),
            millis(generated.map(|it| it.completed)).into(),
            is_complete.map(|it| if it { "true" } else { "false" }).into(),
            generated.map(|it| it.policies).into(),
            generated.map(|it| it.with_placeholders).into(),
            generated.map(|it| it.service_level).into(),
            generated.map(|it| it.placeholders).into(),
            generated.map(|it| it.without_statements).into(),
            error.into(),
            security_warning.into(),
            warning.into(),
            suggestion.into(),
            other.into(),
            generated.and_then(|it| it.no_new_access.as_ref()).into(),
            generated.map(|it| &it.documents).into(),
            present(Source::Inline).into(),
            present(Source::Attached).into(),
            present(Source::GroupInline).into(),
            present(Source::GroupAttached).into(),
            present(Source::PermissionsBoundary).into(),
            row.present.without_document.into(),
            (&tags).into(),
            row.observed.as_millisecond().into(),
            (&caveats).into(),
            SCHEMA_VERSION.into(),
        ])
    }

    pub(crate) async fn finish(self, store: &Store) -> Result<Part, JobError> {
        self.file.finish(store, self.run).await
    }
}

#[cfg(test)]
mod tests;
