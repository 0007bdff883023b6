//! The simulated AWS with the template deployed on it, as the arguments ask for it.

mod hostile;
mod journal;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use local_aws::Settings;
use local_aws::access_analyzer::{QuotaDay, SecondGeneration, StartRefusal, UnknownGeneration};
use local_aws::access_reports::{DenyOnly, ReportReaders};
use local_aws::ec2::Given;
use local_aws::organization::{AccountCreation, FAILURES, Shape};
use local_aws::settings::{Layout, UnknownReport};
use local_clock::{Clock, Held};
use local_endpoint::{Endpoint, ProcessOptions, Processes, binaries};
use local_stack::{LocalStack, MemberRoles, StackOptions, Topology};
use serde_json::Value;

use crate::arguments::{LambdaMode, LayoutName, Simulation, Speed, Switch, TopologyName};
use crate::{Done, Problem};

/// The template's parameters without which nothing can be changed.
const ENABLED: [&str; 3] = ["EnableAccountCreation", "EnablePolicyWrites", "EnableOrganizationSetup"];

/// The name of the stack that is deployed on this machine.
pub(crate) const STACK: &str = "muster";
/// Where it is deployed.
pub(crate) const REGION: &str = "eu-central-1";

/// A stack on this machine.
#[derive(Debug)]
pub(crate) struct Local {
    pub stack: LocalStack,
    pub endpoint: Option<Endpoint>,
    /// Where the functions' processes write what they print.
    pub logs: Option<PathBuf>,
    _held: Option<Held>,
}

/// How its clock goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Over what nobody does anything in, it jumps.
    Jumping,
    /// So many times faster than real time.
    Steady,
}

/// The repository: the template, the definitions it names, and what is built from it.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The runtime that a stack on this machine needs.
pub(crate) fn runtime(simulation: &Simulation, pace: Pace) -> Done<tokio::runtime::Runtime> {
    let virtual_time = pace == Pace::Jumping && simulation.lambda == LambdaMode::InProcess;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(virtual_time)
        .build()
        .map_err(|error| Problem::other(error.to_string()))
}

/// When the simulation begins: now, or a minute after what the last command on the folder has done, whose
/// clock went faster. Of these seconds it is the first that no run in the folder is of: the seed alone
/// names the executions, so a run would be taken for one of the same second that is there, and shown with
/// the other's result.
fn epoch(out: &Path, now: SystemTime) -> Timestamp {
    let now = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let last = last_seen(out).and_then(|at| at.checked_add(SignedDuration::from_mins(1)).ok());
    let now = last.map_or(now, |last| last.max(now));
    let mut second = now.as_second();
    let runs = runs(out);
    while let Ok(epoch) = Timestamp::from_second(second) {
        let of_second = epoch.strftime("%Y%m%dT%H%M%SZ").to_string();
        if !runs.iter().any(|run| run.starts_with(&of_second)) {
            return epoch;
        }
        second += 1;
    }
    now
}

fn entries(folder: &Path) -> impl Iterator<Item = std::fs::DirEntry> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten()
}

/// The ids of the runs in the buckets of a folder.
fn runs(out: &Path) -> Vec<String> {
    let runs = entries(out).flat_map(|bucket| entries(&bucket.path().join("runs")));
    runs.map(|run| run.file_name().to_string_lossy().into_owned()).collect()
}

/// The latest that the published runs in the buckets of a folder have observed, or that a record of a run
/// was written.
fn last_seen(out: &Path) -> Option<Timestamp> {
    let kinds = entries(out).flat_map(|bucket| entries(&bucket.path().join("published")));
    let published = kinds.flat_map(|kind| entries(&kind.path()));
    let runs = entries(out).flat_map(|bucket| entries(&bucket.path().join("runs")));
    let records = runs.flat_map(|run| entries(&run.path().join("jobs")));
    let time = |file: std::fs::DirEntry, pointer: &str| -> Option<Timestamp> {
        let document: Value = serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()?;
        document.pointer(pointer)?.as_str()?.parse().ok()
    };
    let observed = published.filter_map(|file| time(file, "/result/observedAt"));
    let written = records.filter_map(|file| time(file, "/updatedAt"));
    observed.chain(written).max()
}

impl Local {
    /// Deploys the stack; with a port, or with functions as processes, behind an endpoint.
    pub(crate) async fn start(
        simulation: &Simulation,
        pace: Pace,
        default_speed: f64,
        port: Option<u16>,
    ) -> Done<Self> {
        let epoch = epoch(&simulation.out, SystemTime::now());
        let speed = simulation.speed.unwrap_or(Speed::Times(default_speed));
        let clock = match (pace, simulation.lambda, speed) {
            (Pace::Jumping, LambdaMode::InProcess, _) => Clock::virtual_time(epoch),
            (Pace::Jumping, LambdaMode::Processes, _) | (Pace::Steady, _, Speed::Max) => {
                Clock::stepped(epoch)
            }
            (Pace::Steady, _, Speed::Times(speed)) => Clock::scaled(epoch, speed),
        };
        let options = options(simulation)?;
        let (stack, endpoint, logs) = match simulation.lambda {
            LambdaMode::InProcess => {
                let stack = LocalStack::start(clock.clone(), options);
                let stack = stack.map_err(|error| Problem::other(error.to_string()))?;
                let endpoint = match port {
                    Some(port) => Some(bind(&stack, port).await?),
                    None => None,
                };
                (stack, endpoint, None)
            }
            LambdaMode::Processes => {
                let logs = simulation.out.join("logs");
                let binaries = binaries::build(&root()).await;
                let binaries = binaries.map_err(|error| Problem::other(error.to_string()))?;
                let runner = Processes::new(ProcessOptions { binaries, logs: Some(logs.clone()) }, REGION);
                let runner = Arc::new(runner);
                let stack = LocalStack::start_with(clock.clone(), options, Arc::<Processes>::clone(&runner));
                let stack = stack.map_err(|error| Problem::other(error.to_string()))?;
                let endpoint = bind(&stack, port.unwrap_or(0)).await?;
                runner.connect(&endpoint.url());
                (stack, Some(endpoint), Some(logs))
            }
        };
        if simulation.busy_minutes > 0 {
            let minutes = u64::from(simulation.busy_minutes);
            stack.aws.start_foreign_report(Duration::from_secs(minutes * 60));
        }
        if simulation.switches.contains(&Switch::HostileTexts) {
            hostile::rename(&stack.aws);
        }
        journal::go_on(&stack.aws, simulation)?;
        let held = match (pace, speed) {
            (Pace::Jumping, Speed::Times(speed)) => Some(clock.hold_to(speed)),
            _ => None,
        };
        Ok(Self { stack, endpoint, logs, _held: held })
    }
}

impl Local {
    /// Keeps what was written to the organization, for the next command on the same folder.
    pub(crate) fn remember(&self, simulation: &Simulation) -> Done {
        journal::keep(&self.stack.aws, simulation)
    }
}

async fn bind(stack: &LocalStack, port: u16) -> Done<Endpoint> {
    Endpoint::bind(&stack.aws, port).await.map_err(|error| {
        Problem::other(format!("127.0.0.1:{port} cannot be served: {error}. Choose another with --port."))
    })
}

fn options(simulation: &Simulation) -> Done<StackOptions> {
    let mut shape = Shape {
        accounts: simulation.accounts as usize,
        regions: simulation.regions as usize,
        seed: simulation.seed,
        unreadable_one_in: simulation.unreadable_one_in as usize,
        ..Shape::default()
    };
    if let Some(path) = &simulation.report_csv {
        // A CSV that is not recognised is delivered all the same: the run says what is wrong with it.
        if let Some(given) = Given::read(path).map_err(Problem::file(path))? {
            shape.ids = given.accounts.into_iter().collect();
            shape.region_names = given.regions.into_iter().collect();
        }
    }
    let mut settings = Settings {
        report_duration: Duration::from_secs(u64::from(simulation.report_minutes) * 60),
        layout: match simulation.layout {
            LayoutName::Wide => Layout::Wide,
            LayoutName::Long => Layout::Long,
        },
        report_csv: simulation.report_csv.clone(),
        summary_of_csv: true,
        ..Settings::default()
    };
    let mut member_roles = MemberRoles::default();
    for switch in &simulation.switches {
        match switch {
            Switch::CodesWithoutSuffix => settings.exception_suffix = false,
            Switch::UnknownReportNotFound => settings.unknown_report = UnknownReport::NotFound,
            Switch::UnknownReportEmpty => settings.unknown_report = UnknownReport::Empty,
            Switch::DryRunLooksAtReports => settings.dry_run_looks_at_reports = true,
            Switch::CalledViaOrganizations => {
                settings.called_via_last = "organizations.amazonaws.com".to_owned();
            }
            Switch::EmptyPages => settings.empty_pages = true,
            Switch::NoAccountStatus => settings.account_status = false,
            Switch::NoAccountPaths => settings.account_paths = false,
            Switch::InvalidEffectivePolicies => settings.invalid_effective_policies_one_in = 7,
            Switch::AccessReportByToken => settings.access_reports.readers = ReportReaders::ByToken,
            Switch::ShortAccessReportPages => settings.access_reports.short_pages = true,
            Switch::DenyOnlyPoliciesAllowTheRest => {
                settings.access_reports.deny_only = DenyOnly::TheRest;
            }
            Switch::LongLastAccessedPages => settings.iam_accounts.default_page = 200,
            Switch::FailingLastAccessedJobs => settings.iam_accounts.failing_one_in = 3,
            Switch::ShortIamPages => settings.iam_accounts.short_pages = true,
            Switch::MemberRolesInManagementAccount => member_roles.in_management_account = true,
            Switch::SecondGenerationConflicts => {
                settings.access_analyzer.second = SecondGeneration::Conflict;
            }
            Switch::UnknownGenerationDenied => {
                settings.access_analyzer.unknown = UnknownGeneration::AccessDenied;
            }
            Switch::UnknownGenerationNotFound => {
                settings.access_analyzer.unknown = UnknownGeneration::ResourceNotFound;
            }
            Switch::RollingGenerationDay => settings.access_analyzer.day = QuotaDay::Rolling,
            Switch::OldestGenerationFirst => settings.access_analyzer.oldest_first = true,
            Switch::FirstGenerationsRefused => {
                let retry_after_seconds = Some(2);
                settings.access_analyzer.refusals = vec![
                    StartRefusal::Throttled { retry_after_seconds },
                    StartRefusal::Internal { retry_after_seconds },
                ];
            }
            Switch::NoOrganization => shape.standalone = true,
            Switch::PolicyChangesInProgress => {
                settings.organization.policy_change_duration = Duration::from_secs(60);
            }
            Switch::ConcurrentModifications => {
                settings.organization.modification_window = Duration::from_secs(5);
            }
            // The organization's names are changed once it is there.
            Switch::HostileTexts => {}
            Switch::FirstAccountsFail => {
                let after = Duration::from_secs(10);
                let failures = FAILURES.iter().map(|reason| AccountCreation::Fails(reason, after));
                let vanishes = AccountCreation::Vanishes(after);
                settings.organization.account_creations = failures.chain([vanishes]).collect();
            }
        }
    }
    Ok(StackOptions {
        name: STACK.to_owned(),
        region: REGION.to_owned(),
        shape,
        settings,
        faults: simulation.faults.clone(),
        topology: match simulation.topology {
            TopologyName::Management => Topology::Management,
            TopologyName::Delegated => Topology::Delegated,
        },
        member_roles,
        // Nothing here is anybody's: everything that changes something is there to be tried.
        parameters: ENABLED.map(|name| (name.to_owned(), "true".to_owned())).into(),
        folder: Some(simulation.out.clone()),
        root: root(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_begins_in_a_second_that_no_run_in_its_folder_is_of() {
        let folder = tempfile::tempdir().unwrap();
        let second = |second| Timestamp::from_second(second).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_242_600_250);
        assert_eq!(epoch(folder.path(), now), second(1_795_242_600));
        for run in ["20261121T063000Z-9f86d081", "20261121T063001Z-9f86d081", "20261121T063003Z-9f86d081"] {
            std::fs::create_dir_all(folder.path().join("bucket/runs").join(run)).unwrap();
        }
        assert_eq!(epoch(folder.path(), now), second(1_795_242_602));
        let published = folder.path().join("bucket/published/organization-inventory");
        std::fs::create_dir_all(&published).unwrap();
        let document = r#"{"result": {"observedAt": "2026-11-21T08:00:00Z"}}"#;
        std::fs::write(published.join("20261121T063003Z-9f86d081.json"), document).unwrap();
        assert_eq!(epoch(folder.path(), now).to_string(), "2026-11-21T08:01:00Z");
        // One that failed has published nothing.
        let jobs = folder.path().join("bucket/runs/20261121T063003Z-9f86d081/jobs");
        std::fs::create_dir_all(&jobs).unwrap();
        let record = r#"{"updatedAt": "2026-11-21T09:00:00Z"}"#;
        std::fs::write(jobs.join("organization.json"), record).unwrap();
        assert_eq!(epoch(folder.path(), now).to_string(), "2026-11-21T09:01:00Z");
    }
}
