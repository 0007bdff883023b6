//! What goes wrong on request: at which call of the functions, and how.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Refused as too many; no effect.
    Throttle,
    /// A server error; no effect.
    ServerError,
    /// A server error after the effect.
    ServerErrorAfter,
    /// The connection ends before the request arrives.
    Cut,
    /// The effect takes place and the answer is lost.
    LostAnswer,
    /// Denied by IAM.
    Deny,
    /// The function's process dies before the request leaves.
    CrashBefore,
    /// The function's process dies after the effect, before the answer.
    CrashAfter,
    /// The execution is stopped before the request arrives.
    StopBefore,
    /// The execution is stopped after the effect; the function goes on.
    StopAfter,
    /// The body of the answer breaks off half way.
    Truncate,
    /// S3 answers a conditional PutObject that it met another write of the key; no effect. Other calls
    /// go on as if nothing had been asked for.
    Conflict,
}

impl Fault {
    /// Those that can happen to every call, for tests that try each at each. `Conflict` is not among
    /// them: it is one operation's, so at most calls of a run nothing would be tried.
    pub const ALL: [Self; 11] = [
        Self::Throttle,
        Self::ServerError,
        Self::ServerErrorAfter,
        Self::Cut,
        Self::LostAnswer,
        Self::Deny,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::StopBefore,
        Self::StopAfter,
        Self::Truncate,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::ServerError => "server-error",
            Self::ServerErrorAfter => "server-error-after",
            Self::Cut => "cut",
            Self::LostAnswer => "lost-answer",
            Self::Deny => "deny",
            Self::CrashBefore => "crash-before",
            Self::CrashAfter => "crash-after",
            Self::StopBefore => "stop-before",
            Self::StopAfter => "stop-after",
            Self::Truncate => "truncate",
            Self::Conflict => "conflict",
        }
    }

    /// Everything that can be asked for.
    fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain([Self::Conflict])
    }

    /// Whether the call takes effect.
    pub(crate) fn takes_effect(self) -> bool {
        matches!(
            self,
            Self::ServerErrorAfter
                | Self::LostAnswer
                | Self::CrashAfter
                | Self::StopAfter
                | Self::StopBefore
                | Self::Truncate
        )
    }
}

/// A fault, and the calls it happens to: those of an operation (or all), from the n-th on, so many
/// times. Written `FAULT@OPERATION#N*TIMES`, such as `lost-answer@ec2:StartDeclarativePoliciesReport`
/// or `throttle@*#12*3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    pub fault: Fault,
    /// `service:Operation`, or `None` for every call.
    pub operation: Option<String>,
    /// Counts from 1 over the calls that match.
    pub nth: u64,
    pub times: u64,
}

/// A fault's text that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a fault: FAULT@OPERATION#N*TIMES, with FAULT one of {names}", names = Fault::every().map(Fault::name).collect::<Vec<_>>().join(", "))]
pub struct InvalidFault(String);

impl FromStr for FaultRule {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let invalid = || InvalidFault(text.to_owned());
        let (name, rest) = text.split_once('@').ok_or_else(invalid)?;
        let fault = Fault::every().find(|fault| fault.name() == name).ok_or_else(invalid)?;
        let (operation, count) = match rest.split_once('#') {
            Some((operation, count)) => (operation, Some(count)),
            None => (rest, None),
        };
        let (nth, times) = match count.map(|count| count.split_once('*').unwrap_or((count, "1"))) {
            None => (1, 1),
            Some((nth, times)) => {
                (nth.parse().map_err(|_| invalid())?, times.parse().map_err(|_| invalid())?)
            }
        };
        let operation = match operation {
            "*" => None,
            // Anything else would never match, and the fault would quietly not happen.
            named
                if named.split_once(':').is_some_and(|(service, it)| is_service(service) && is_word(it)) =>
            {
                Some(named.to_owned())
            }
            _ => return Err(invalid()),
        };
        if nth == 0 || times == 0 {
            return Err(invalid());
        }
        Ok(Self { fault, operation, nth, times })
    }
}

/// Such as `access-analyzer`.
fn is_service(text: &str) -> bool {
    text.split('-').all(is_word)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.as_deref().unwrap_or("*");
        write!(f, "{}@{operation}#{}*{}", self.fault.name(), self.nth, self.times)
    }
}

/// The rules of a run, and how often each has matched.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<(FaultRule, u64)>>,
}

impl Faults {
    pub fn new(rules: Vec<FaultRule>) -> Self {
        Self { rules: Mutex::new(rules.into_iter().map(|rule| (rule, 0)).collect()) }
    }

    pub fn add(&self, rule: FaultRule) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push((rule, 0));
    }

    /// The fault of the next call of this operation, if it has one.
    pub(crate) fn next(&self, operation: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fault = None;
        for (rule, matched) in rules.iter_mut() {
            if rule.operation.as_deref().is_none_or(|it| it == operation) {
                *matched += 1;
                if (rule.nth..rule.nth.saturating_add(rule.times)).contains(matched) {
                    fault = fault.or(Some(rule.fault));
                }
            }
        }
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_back_from_its_text() {
        for (text, shown) in [
            ("throttle@*", "throttle@*#1*1"),
            (
                "lost-answer@ec2:StartDeclarativePoliciesReport#2",
                "lost-answer@ec2:StartDeclarativePoliciesReport#2*1",
            ),
            ("cut@s3:PutObject#3*4", "cut@s3:PutObject#3*4"),
            (
                "throttle@access-analyzer:StartPolicyGeneration",
                "throttle@access-analyzer:StartPolicyGeneration#1*1",
            ),
            ("conflict@s3:PutObject#2", "conflict@s3:PutObject#2*1"),
        ] {
            let rule: FaultRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), shown);
            assert_eq!(shown.parse(), Ok(rule));
        }
        for text in [
            "",
            "throttle",
            "explode@*",
            "throttle@ec2",
            "throttle@ec2-:X",
            "throttle@*#0",
            "throttle@*#x",
            "throttle@*#1*0",
            "cut@s3:PutObject*2",
        ] {
            assert!(text.parse::<FaultRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_counts_only_its_own_operation() {
        let faults = Faults::new(vec!["cut@s3:PutObject#2*2".parse().unwrap()]);
        let seen: Vec<_> = ["s3:PutObject", "s3:GetObject", "s3:PutObject", "s3:PutObject", "s3:PutObject"]
            .map(|operation| faults.next(operation).is_some())
            .to_vec();
        assert_eq!(seen, [false, false, true, true, false]);
    }
}
