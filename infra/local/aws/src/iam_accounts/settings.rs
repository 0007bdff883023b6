//! Switches of the accounts' IAM: what AWS leaves open, and how jobs go.

use std::time::Duration;

/// How the accounts' IAM behaves where AWS documents nothing, and how its jobs end.
#[derive(Debug, Clone)]
pub struct IamAccountSettings {
    /// How many services a page of last accessed details has when nothing is said: AWS documents 100,
    /// and 200 were observed.
    pub default_page: usize,
    /// For how many services a page says which policies grant them: there is no documented number, and
    /// nothing to ask for another.
    pub granting_page: usize,
    /// Whether pages are shorter than they might be now and then, with more to come.
    pub short_pages: bool,
    /// How long a job takes, about: drawn for each between half of it and once and a half.
    pub job_duration: Duration,
    /// Requests of an account per second, and how many at once, of all these operations together. AWS
    /// publishes no rates of IAM: these are invented. Without them nothing is throttled.
    pub rate: Option<(f64, f64)>,
    /// How the next jobs end, whoever orders them; those after the last end as they do.
    pub outcomes: Vec<AccessedOutcome>,
    /// How jobs about an ARN end.
    pub outcome_of: Vec<(String, AccessedOutcome)>,
    /// Jobs about one ARN in so many fail; 0 is none.
    pub failing_one_in: u64,
}

impl Default for IamAccountSettings {
    fn default() -> Self {
        Self {
            default_page: 100,
            granting_page: 100,
            short_pages: false,
            job_duration: Duration::from_secs(4),
            rate: Some((10.0, 20.0)),
            outcomes: Vec::new(),
            outcome_of: Vec::new(),
            failing_one_in: 0,
        }
    }
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessedOutcome {
    Complete,
    /// With the code and the message of `Error`: AWS documents none.
    Failed {
        code: &'static str,
        message: &'static str,
    },
    /// It never ends.
    Never,
    /// Half way nobody knows it any more.
    Vanish,
    /// Complete, after so long.
    Slow(Duration),
}

impl AccessedOutcome {
    /// A failure of no special kind.
    pub const FAILED: Self =
        Self::Failed { code: "SERVICE_ERROR", message: "The report could not be generated." };
}
