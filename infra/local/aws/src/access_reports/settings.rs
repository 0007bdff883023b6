//! Switches of the access report: what AWS leaves open, and how jobs go.

use std::time::Duration;

/// How IAM's access report behaves where AWS documents nothing, and how its jobs end.
#[derive(Debug, Clone, Default)]
pub struct AccessReportSettings {
    /// Who may read a report.
    pub readers: ReportReaders,
    /// What comes of an order while service control policies are off, or not all features are on.
    pub without_policies: WithoutPolicies,
    /// What a policy that only denies leaves open by itself.
    pub deny_only: DenyOnly,
    /// Whether pages are shorter than they might be now and then, with more to come.
    pub short_pages: bool,
    /// How the next jobs end, whoever orders them; those after the last end as they do.
    pub outcomes: Vec<AccessReportOutcome>,
    /// How jobs about an entity or a policy end, by its id: `ou-ab12-c3d4e5f6`, `p-ab12c3d4e5`.
    pub outcome_of: Vec<(String, AccessReportOutcome)>,
    /// Jobs about one entity in so many, by its id, fail; 0 is none.
    pub failing_one_in: u64,
}

/// Who may read a report. AWS says: the principal who ordered it, and of temporary credentials only
/// the same session; by what it tells sessions apart is not established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReportReaders {
    /// By role and session name, as in `aws:userid`: whoever takes the role on again under the same
    /// name, and every instance of one function, may read it.
    #[default]
    BySessionName,
    /// By the credentials themselves.
    ByToken,
}

impl ReportReaders {
    /// Whether a caller, with what it signs with, counts as the one who ordered a job.
    pub(crate) fn are(self, owner: (&str, Option<&str>), caller: (&str, Option<&str>)) -> bool {
        owner.0 == caller.0 && (self == Self::BySessionName || owner.1 == caller.1)
    }
}

/// What comes of an order while service control policies are off. AWS requires them, and models no
/// error for it: neither answer is established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutPolicies {
    /// It is accepted, and fails as [`AccessReportOutcome::Failed`] does.
    #[default]
    Fails,
    /// It is refused with `AccessDenied`.
    Refused,
}

/// What a report about a policy lists that has denials only. AWS says "the services that are allowed
/// by the SCP", and not what those are when it allows none by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DenyOnly {
    #[default]
    Nothing,
    /// All that it does not deny as a whole.
    TheRest,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessReportOutcome {
    Complete,
    /// With a cause that is none of the documented ones.
    Failed,
    /// It never ends, and nobody else's can begin.
    Never,
    /// Half way nobody knows it any more; the next can begin.
    Vanish,
    /// Complete, after so long.
    Slow(Duration),
}
