//! Switches of Access Analyzer: what AWS leaves open, and how generations go.

use std::time::Duration;

/// How Access Analyzer behaves where AWS documents nothing, and how its generations end.
#[derive(Debug, Clone)]
pub struct AccessAnalyzerSettings {
    /// What a start is answered while another generation of the account and Region is in progress.
    pub second: SecondGeneration,
    /// What a day of the daily quota is.
    pub day: QuotaDay,
    /// What Get and Cancel answer for a generation that is unknown.
    pub unknown: UnknownGeneration,
    /// What Cancel answers for a generation that has ended.
    pub cancel_ended: CancelEnded,
    /// What a client token is answered that came with another request before.
    pub token_reuse: TokenReuse,
    /// What comes of a trail that names Regions and wants all of them.
    pub both_region_forms: BothRegionForms,
    /// What comes of a request without `cloudTrailDetails`.
    pub without_trail: WithoutTrail,
    /// Whether lists begin with the oldest: their order is not documented.
    pub oldest_first: bool,
    /// How many generations or findings a page has that asks for no number.
    pub page: usize,
    /// Whether Access Analyzer says for which account it takes on the access role, as
    /// `aws:SourceAccount`: not established.
    pub source_account: bool,
    /// The organization's trail.
    pub trail: TrailSettings,
    /// How long a generation takes at least; how much longer is drawn for each.
    pub duration: Duration,
    /// How much longer it takes for each thousand of log files.
    pub duration_per_thousand_files: Duration,
    /// How the next starts are refused, whoever makes them, one after another.
    pub refusals: Vec<StartRefusal>,
    /// How the next generations end, whoever orders them; those after the last end as they do.
    pub outcomes: Vec<PolicyGenerationOutcome>,
    /// How generations for a role or user end, by its ARN.
    pub outcome_of: Vec<(String, PolicyGenerationOutcome)>,
    /// Generations for one role or user in so many, by its ARN, fail with `SERVICE_ERROR`; 0 is none.
    pub failing_one_in: u64,
}

impl Default for AccessAnalyzerSettings {
    fn default() -> Self {
        Self {
            second: SecondGeneration::default(),
            day: QuotaDay::default(),
            unknown: UnknownGeneration::default(),
            cancel_ended: CancelEnded::default(),
            token_reuse: TokenReuse::default(),
            both_region_forms: BothRegionForms::default(),
            without_trail: WithoutTrail::default(),
            oldest_first: false,
            page: 100,
            source_account: false,
            trail: TrailSettings::default(),
            duration: Duration::from_secs(60),
            duration_per_thousand_files: Duration::from_secs(12),
            refusals: Vec::new(),
            outcomes: Vec::new(),
            outcome_of: Vec::new(),
            failing_one_in: 0,
        }
    }
}

/// The organization's trail, as far as Access Analyzer reads it.
#[derive(Debug, Clone, Default)]
pub struct TrailSettings {
    /// Without it, `organization-trail` of the management account in the simulation's Region.
    pub arn: Option<String>,
    /// The Regions that it logs; all of the organization's where there are none.
    pub regions: Vec<String>,
    pub bucket: LogBucket,
}

/// Where the trail's files are.
#[derive(Debug, Clone)]
pub struct LogBucket {
    pub name: String,
    /// The names of the roles that its policy lets read, with wildcards; `None` lacks the statement.
    pub readers: Option<String>,
    /// The KMS key of its objects.
    pub key: Option<String>,
    /// Whether the key's policy lets those roles decrypt.
    pub key_statement: bool,
}

impl Default for LogBucket {
    fn default() -> Self {
        Self {
            name: "organization-trail-logs".to_owned(),
            readers: Some("AccessAnalyzerMonitorServiceRole*".to_owned()),
            key: None,
            key_statement: true,
        }
    }
}

/// The answer while another generation is in progress. The model has both errors, and says of neither
/// when it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecondGeneration {
    #[default]
    ServiceQuotaExceeded,
    Conflict,
}

/// A day of the daily quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuotaDay {
    /// From midnight to midnight, UTC.
    #[default]
    Calendar,
    /// The last 24 hours.
    Rolling,
}

/// The answer for a generation that nobody knows. The model has no `ResourceNotFoundException` for
/// either operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownGeneration {
    #[default]
    Validation,
    AccessDenied,
    ResourceNotFound,
}

/// The answer to Cancel when the generation has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CancelEnded {
    #[default]
    Validation,
    /// As if it had been cancelled; it stays as it ended.
    Accepted,
}

/// The answer to a client token that came with another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenReuse {
    #[default]
    Conflict,
    Validation,
}

/// What comes of a trail with `regions` and `allRegions: true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BothRegionForms {
    /// A `ValidationException`.
    #[default]
    Refused,
    /// All of them are read.
    All,
}

/// What comes of a request without `cloudTrailDetails`, which the model allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutTrail {
    /// A policy of the services used, not complete.
    #[default]
    Services,
    /// A `ValidationException`.
    Refused,
}

/// How a start is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartRefusal {
    /// `ThrottlingException`, with when to try again.
    Throttled {
        retry_after_seconds: Option<u32>,
    },
    /// `InternalServerException`, with when to try again.
    Internal {
        retry_after_seconds: Option<u32>,
    },
    Conflict,
    ServiceQuotaExceeded,
}

/// Why a generation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobErrorCode {
    Authorization,
    ResourceNotFound,
    ServiceQuotaExceeded,
    Service,
}

impl JobErrorCode {
    /// As the API names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorization => "AUTHORIZATION_ERROR",
            Self::ResourceNotFound => "RESOURCE_NOT_FOUND_ERROR",
            Self::ServiceQuotaExceeded => "SERVICE_QUOTA_EXCEEDED_ERROR",
            Self::Service => "SERVICE_ERROR",
        }
    }
}

/// How a generation ends. What is wrong with its order comes before all but `Failed`, `Never` and
/// `Vanish`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyGenerationOutcome {
    Complete,
    Failed(JobErrorCode),
    /// After so long.
    Slow(Duration),
    /// Only a cancellation ends it.
    Never,
    /// Half way nobody knows it any more; the next can begin.
    Vanish,
    /// With services at service level only.
    Incomplete,
    /// With more documents than its size needs.
    SeveralDocuments,
    /// Succeeded, and without `generatedPolicies`: AWS's model does not require them.
    WithoutPolicies,
}
