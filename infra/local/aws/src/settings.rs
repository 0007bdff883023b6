//! Switches: what AWS leaves open, and what a run of the simulation is to meet.

use std::path::PathBuf;
use std::time::Duration;

use crate::access_analyzer::AccessAnalyzerSettings;
use crate::access_reports::AccessReportSettings;
use crate::iam_accounts::IamAccountSettings;
use crate::organization::OrganizationSettings;
use crate::principals::PrincipalSettings;

/// How the simulated AWS behaves where its documentation is silent or contradicts itself, and how
/// its jobs go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Error codes of the report operations end in `Exception`, as AWS's pages have it, or not, as
    /// was observed.
    pub exception_suffix: bool,
    /// What AWS answers for a report id that is well formed and unknown.
    pub unknown_report: UnknownReport,
    /// The word for a report that is not finished.
    pub running_word: &'static str,
    /// Whether a dry run is refused while another report runs.
    pub dry_run_looks_at_reports: bool,
    /// The last service of the call chain when the report is written: AWS's pages name two.
    pub called_via_last: String,
    /// How long a report takes.
    pub report_duration: Duration,
    /// How the next reports end; those after the last end as complete.
    pub report_outcomes: Vec<ReportOutcome>,
    /// How long a new report does not show in Describe.
    pub describe_lag: Duration,
    /// How long after its completion the report's object appears.
    pub delivery_lag: Duration,
    /// How an account that could not be read shows in the report.
    pub unreadable: Unreadable,
    /// The columns' order and the grain of the report.
    pub layout: Layout,
    /// The CSV to deliver instead of a generated one.
    pub report_csv: Option<PathBuf>,
    /// Whether AWS's own summary is counted from that CSV, or from the organization.
    pub summary_of_csv: bool,
    /// Whether Organizations still answers `Status` beside `State`.
    pub account_status: bool,
    /// Whether Organizations answers `Paths`.
    pub account_paths: bool,
    /// Policy type and account of effective policies that are invalid.
    pub invalid_effective_policies: Vec<(String, String)>,
    /// One account in so many, by its id, has effective policies that are invalid, of every type that
    /// is on; 0 is none.
    pub invalid_effective_policies_one_in: u64,
    /// Whether lists have empty pages with a token in between.
    pub empty_pages: bool,
    /// The most that a function's request takes on its way; how long each does is drawn. Without it
    /// requests take no time, and what works side by side does so in step.
    pub request_latency: Duration,
    /// Whether request rates are enforced: Organizations', and those of [`IamAccountSettings::rate`].
    pub throttles: bool,
    /// Access Analyzer.
    pub access_analyzer: AccessAnalyzerSettings,
    /// IAM's access report.
    pub access_reports: AccessReportSettings,
    /// The roles and users of the accounts.
    pub principals: PrincipalSettings,
    /// IAM of the accounts.
    pub iam_accounts: IamAccountSettings,
    /// The codes by which EventBridge refuses the next entries of PutEvents, whose others it takes.
    pub event_refusals: Vec<&'static str>,
    /// Organizations, where it changes.
    pub organization: OrganizationSettings,
}

/// The answer for a well-formed report id that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownReport {
    InvalidParameter,
    NotFound,
    /// Describe leaves it out; the others answer `InvalidParameter`.
    Empty,
}

/// How a report ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutcome {
    Complete,
    /// With no cause given.
    Error,
    /// By somebody else, half way.
    Cancelled,
    /// It is no longer listed, half way.
    Vanish,
    /// It never ends.
    Never,
    /// Complete, but without an object.
    NoObject,
    /// Complete, with two objects.
    TwoObjects,
}

/// How an account that could not be read shows in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    Omitted,
    Blank,
    ErrorText,
}

/// The report's layout. AWS documents none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A row for each account and Region, a column for each attribute.
    Wide,
    /// A row for each account, Region and attribute.
    Long,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            exception_suffix: true,
            unknown_report: UnknownReport::InvalidParameter,
            running_word: "running",
            dry_run_looks_at_reports: false,
            called_via_last: "report.declarative-policies-ec2.amazonaws.com".to_owned(),
            report_duration: Duration::from_secs(90 * 60),
            report_outcomes: Vec::new(),
            describe_lag: Duration::ZERO,
            delivery_lag: Duration::ZERO,
            unreadable: Unreadable::Omitted,
            layout: Layout::Wide,
            report_csv: None,
            summary_of_csv: false,
            account_status: true,
            account_paths: true,
            invalid_effective_policies: Vec::new(),
            invalid_effective_policies_one_in: 0,
            empty_pages: false,
            request_latency: Duration::ZERO,
            throttles: true,
            access_analyzer: AccessAnalyzerSettings::default(),
            access_reports: AccessReportSettings::default(),
            principals: PrincipalSettings::default(),
            iam_accounts: IamAccountSettings::default(),
            event_refusals: Vec::new(),
            organization: OrganizationSettings::default(),
        }
    }
}
