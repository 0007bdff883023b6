//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use local_aws::FaultRule;
use models::{Kind, RunId};

use crate::kinds;

/// Runs the slow jobs of an AWS organization: on a simulated AWS on this machine, or on a stack that
/// is deployed.
#[derive(Debug, Parser)]
#[command(name = "muster", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a job and follow it to its end.
    Run(Run),
    /// Plan changes of the organization, and show them. Nothing is changed.
    Plan(Plan),
    /// Make the changes of a plan, and follow them to their proof.
    Apply(Apply),
    /// Plan to take back what a run has changed, and show it. Nothing is changed.
    Rollback(Rollback),
    /// Serve the simulated AWS, with the stack deployed, for the AWS CLI, any SDK and `cargo lambda`.
    Up(Up),
    /// Show where the newest page of findings is, or open it.
    Report(Report),
    /// Show the runs of a stack and what is still open.
    Status(At),
    /// Go on with a run that did not finish, or run again what failed.
    Resume(Resume),
    /// Stop a run. What it started at AWS is cancelled by the sweep.
    Stop(Stop),
    /// Check what a stack needs, without changing anything.
    Doctor(At),
    /// Show what a run established about AWS's undocumented report; it names no account.
    Evidence(Evidence),
    /// Turn a report's CSV that you have into evidence. Needs no AWS.
    Parse(Parse),
}

/// Where `muster up` serves unless it is told otherwise.
pub(crate) const ENDPOINT: &str = "http://127.0.0.1:4566";

/// Which stack.
#[derive(Debug, Clone, Args)]
pub(crate) struct At {
    /// A stack that is deployed to AWS, in the Region and account of your AWS configuration. Without
    /// it, what `muster up` serves on this machine.
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// Where `muster up` serves.
    #[arg(long, value_name = "URL", default_value = ENDPOINT, conflicts_with = "stack")]
    pub endpoint: String,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The kind of job.
    #[arg(value_parser = kinds::parser(), default_value = Kind::Findings.as_str())]
    pub kind: Kind,
    /// Run on a stack that is deployed to AWS instead of the simulation.
    #[arg(long, value_name = "NAME", conflicts_with = "Simulation")]
    pub stack: Option<String>,
    /// The request, as the state machine takes it, such as '{"targetId": "ou-ab12-c3d4e5f6"}'.
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = request)]
    pub request: serde_json::Value,
    /// Say what the run would take (items, calls, time, state transitions, US dollars), and start
    /// nothing.
    #[arg(long)]
    pub estimate: bool,
    /// Open the page of findings when the run has ended.
    #[arg(long)]
    pub open: bool,
    /// Then change the simulated organization and run findings once more, to show drift.
    #[arg(long, conflicts_with = "stack")]
    pub again: bool,
    #[command(flatten)]
    pub simulation: Simulation,
}

/// The page of findings.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Open it in the browser.
    #[arg(long)]
    pub open: bool,
    /// Where the page of a stack is written to.
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub to: PathBuf,
    #[command(flatten)]
    pub at: At,
}

/// Where changes are planned and made.
#[derive(Debug, Args)]
pub(crate) struct Where {
    /// A stack that is deployed to AWS, instead of the simulation.
    #[arg(long, value_name = "NAME", conflicts_with = "Simulation")]
    pub stack: Option<String>,
    #[command(flatten)]
    pub simulation: Simulation,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The kind of job.
    #[arg(value_parser = kinds::changing())]
    pub kind: Kind,
    /// How the organization shall be: a file of JSON, as the request's member `desired` takes it.
    #[arg(long, value_name = "FILE")]
    pub desired: PathBuf,
    #[command(flatten)]
    pub at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The run that has made the plan.
    pub plan: RunId,
    /// The plan's digest, as it was shown: what is applied is what was read.
    #[arg(long, value_name = "SHA-256")]
    pub digest: String,
    /// Apply it although nobody can say what it comes to in some accounts.
    #[arg(long)]
    pub accept_unknown: bool,
    /// Hours after which the run is ended, 1 to 168.
    #[arg(long, value_name = "HOURS")]
    pub deadline_hours: Option<u32>,
    #[command(flatten)]
    pub at: Where,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The run that has made changes.
    pub run: RunId,
    #[command(flatten)]
    pub at: Where,
}

/// The simulated AWS.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The simulation")]
pub(crate) struct Simulation {
    /// Accounts of the organization.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub accounts: u32,
    /// Regions of the report.
    #[arg(long, default_value_t = 17, value_parser = clap::value_parser!(u32).range(1..=34))]
    pub regions: u32,
    /// What everything is generated from; the same seed gives the same organization.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// One account in so many cannot be read by the report; 0 is none.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub unreadable_one_in: u32,
    /// Deliver this CSV as the report. The organization then has the CSV's accounts and Regions.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["accounts", "regions", "layout", "unreadable_one_in"])]
    pub report_csv: Option<PathBuf>,
    /// The layout of the generated CSV. AWS documents none.
    #[arg(long, value_enum, default_value_t = LayoutName::Wide)]
    pub layout: LayoutName,
    /// The account that the stack lives in.
    #[arg(long, value_enum, default_value_t = TopologyName::Management)]
    pub topology: TopologyName,
    /// Minutes that the report takes.
    #[arg(long, value_name = "MINUTES", default_value_t = 90)]
    pub report_minutes: u32,
    /// Minutes that somebody else's report is in the way.
    #[arg(long, value_name = "MINUTES", default_value_t = 0)]
    pub busy_minutes: u32,
    /// A fault, such as `lost-answer@ec2:StartDeclarativePoliciesReport`, `throttle@*#12*3` or
    /// `crash-after@s3:PutObject#2`: what, at which operation, from its n-th call on, how many times.
    #[arg(long = "fault", value_name = "FAULT@OPERATION#N*TIMES")]
    pub faults: Vec<FaultRule>,
    /// What AWS leaves open, the other way around than it is simulated by default.
    #[arg(long = "switch", value_enum, value_name = "SWITCH")]
    pub switches: Vec<Switch>,
    /// Run the functions in this process, or as the binaries that are deployed.
    #[arg(long, value_enum, default_value_t = LambdaMode::InProcess)]
    pub lambda: LambdaMode,
    /// Simulated seconds in a real one, or `max`.
    #[arg(long, value_name = "N|max", value_parser = speed)]
    pub speed: Option<Speed>,
    /// Folder of the simulated buckets; objects are plain files there.
    #[arg(long, value_name = "DIR", default_value = "muster-out")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Port on 127.0.0.1.
    #[arg(long, default_value_t = 4566)]
    pub port: u16,
    /// Write what the functions read from their environment to this file, as
    /// `cargo lambda watch --env-file` takes it.
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    #[command(flatten)]
    pub simulation: Simulation,
}

/// Outcomes that can be run again, as the functions spell them. A run that succeeded is not one.
const RETRIED: [&str; 4] = ["failed", "overdue", "skipped", "carriedOver"];

#[derive(Debug, Args)]
pub(crate) struct Resume {
    pub run_id: RunId,
    /// Also run again what ended so.
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', value_parser = RETRIED)]
    pub retry: Vec<String>,
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// The run's id, or its execution's name or ARN.
    pub run: String,
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Args)]
pub(crate) struct Evidence {
    /// The run; the newest that has evidence where it is left out.
    pub run_id: Option<RunId>,
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Args)]
pub(crate) struct Parse {
    /// The report's CSV.
    pub file: PathBuf,
    /// Where the evidence goes.
    #[arg(long, value_name = "DIR", default_value = "muster-out/parsed")]
    pub out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TopologyName {
    /// The management account.
    Management,
    /// A member, delegated administrator for EC2, that reads the organization with the role of
    /// infra/roles/management-roles.yaml in the management account.
    Delegated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutName {
    /// A row for each account and Region.
    Wide,
    /// A row for each account, Region and attribute.
    Long,
}

/// What AWS's documentation leaves open, or contradicts itself about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Error codes of EC2's report operations do not end in `Exception`.
    CodesWithoutSuffix,
    /// A well-formed report id that nobody knows is `InvalidDeclarativePoliciesReportId.NotFound`.
    UnknownReportNotFound,
    /// A well-formed report id that nobody knows is left out of the list.
    UnknownReportEmpty,
    /// A dry run is refused while another report runs.
    DryRunLooksAtReports,
    /// Reports are delivered by way of `organizations.amazonaws.com`.
    CalledViaOrganizations,
    /// Lists of Organizations have empty pages with a token in between.
    EmptyPages,
    /// Accounts have no `Status`, only `State`.
    NoAccountStatus,
    /// Accounts have no `Paths`.
    NoAccountPaths,
    /// One account in seven has effective policies that are invalid.
    InvalidEffectivePolicies,
    /// An access report is read with the credentials that ordered it, not by the session's name.
    AccessReportByToken,
    /// Pages of an access report are shorter than they might be, now and then.
    ShortAccessReportPages,
    /// An access report about a policy that only denies lists all that it does not deny.
    DenyOnlyPoliciesAllowTheRest,
    /// A page of services last accessed has 200 of them unless told otherwise, as was observed, not 100,
    /// as is documented.
    LongLastAccessedPages,
    /// One job in three on services last accessed fails, by what it is about.
    FailingLastAccessedJobs,
    /// Pages of an account's IAM are shorter than they might be, now and then.
    ShortIamPages,
    /// The management account has the roles of infra/roles/member-roles.yaml too.
    MemberRolesInManagementAccount,
    /// A second policy generation of an account and Region is a `ConflictException`.
    SecondGenerationConflicts,
    /// A policy generation that nobody knows is denied.
    UnknownGenerationDenied,
    /// A policy generation that nobody knows is not found.
    UnknownGenerationNotFound,
    /// The daily quota of policy generations is of the last 24 hours, not of the day.
    RollingGenerationDay,
    /// Policy generations are listed from the oldest on.
    OldestGenerationFirst,
    /// The first start of a policy generation is throttled, the second ends in an internal error.
    FirstGenerationsRefused,
    /// There is one account, in no organization.
    NoOrganization,
    /// Within a minute after a change of policies, another of the same type is refused.
    PolicyChangesInProgress,
    /// Within seconds after a write to the organization, another one is refused.
    ConcurrentModifications,
    /// The first requests for accounts fail, for one reason after the other, and the next one vanishes.
    FirstAccountsFail,
    /// Accounts and units have names that were made to do harm where they are shown.
    HostileTexts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LambdaMode {
    InProcess,
    Processes,
}

/// How fast the simulated clock goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Speed {
    Times(f64),
    Max,
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    match text.parse::<f64>() {
        Ok(times) if times.is_finite() && times > 0.0 => Ok(Speed::Times(times)),
        _ => Err("must be a positive number, or max".to_owned()),
    }
}

fn request(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(value),
        Ok(_) => Err("must be a JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_deployed_stack_takes_no_arguments_of_the_simulation() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' ')).map(|_| ());
        assert!(parse("muster run --stack muster").is_ok());
        assert!(parse("muster run organization-inventory --stack muster --estimate").is_ok());
        assert!(parse("muster run organization").is_err());
        assert!(parse("muster run --again --open").is_ok());
        assert!(parse("muster run --stack muster --again").is_err());
        assert!(parse("muster run --stack muster --seed 2").is_err());
        assert!(parse("muster run --stack muster --topology delegated").is_err());
        assert!(parse("muster run --report-csv x.csv --accounts 5").is_err());
        assert!(parse("muster run --speed 0").is_err());
        assert!(parse("muster run --request []").is_err());
        assert!(parse("muster run --fault boom@*").is_err());
    }

    #[test]
    fn a_run_that_succeeded_is_not_offered_to_be_run_again() {
        let resume = |retry: &str| {
            Arguments::try_parse_from(["muster", "resume", "20261121T063000Z-9f86d081", "--retry", retry])
        };
        assert!(resume("failed,overdue,skipped,carriedOver").is_ok());
        let refused = resume("succeeded").unwrap_err().to_string();
        assert!(refused.contains("[possible values: failed, overdue, skipped, carriedOver]"), "{refused}");
        for outcome in RETRIED {
            serde_json::from_value::<models::OutcomeStatus>(serde_json::json!(outcome)).unwrap();
        }
    }
}
