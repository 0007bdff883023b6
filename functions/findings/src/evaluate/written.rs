//! Findings as they are written while evidence is read: a file for each severity, so that the gravest
//! come first without all of them being held.

use errors::JobError;
use runtime::RunContext;
use runtime::part_file::{PartFile, Stored};
use serde::{Deserialize, Serialize};
use store::Store;

use crate::finding::{Finding, FindingId};
use crate::kinds::Severity;
use crate::organization::Organization;

/// An object of lines of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Written {
    pub(crate) key: String,
    pub(crate) etag: String,
    pub(crate) lines: u64,
}

/// Findings of one severity, in the order in which they were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OfSeverity {
    pub(crate) severity: Severity,
    pub(crate) findings: Written,
}

/// Lines of JSON on their way into an object.
#[derive(Debug)]
struct LinesFile {
    file: PartFile,
    lines: u64,
}

impl LinesFile {
    fn new() -> Result<Self, JobError> {
        Ok(Self { file: PartFile::new()?, lines: 0 })
    }

    fn push<T: Serialize>(&mut self, line: &T) -> Result<(), JobError> {
        self.file.line(line)?;
        self.lines += 1;
        Ok(())
    }

    async fn finish(self, store: &Store, run: RunContext<'_>, name: &str) -> Result<Written, JobError> {
        let Stored { key, etag, .. } = self.file.finish(store, run, name).await?;
        Ok(Written { key, etag, lines: self.lines })
    }
}

/// Where findings go while evidence is read.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    organization: Option<&'a Organization>,
    files: Vec<(Severity, LinesFile)>,
    unknown: LinesFile,
    implied: LinesFile,
}

/// What was written of an evaluation.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) findings: Vec<OfSeverity>,
    pub(crate) unknown: Written,
    pub(crate) implied: Written,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(organization: Option<&'a Organization>) -> Result<Self, JobError> {
        let files = Severity::ALL.into_iter().map(|severity| Ok((severity, LinesFile::new()?)));
        let files = files.collect::<Result<_, JobError>>()?;
        Ok(Self { organization, files, unknown: LinesFile::new()?, implied: LinesFile::new()? })
    }

    /// Writes a finding; one about an account says whose it is.
    pub(crate) fn push(&mut self, mut finding: Finding) -> Result<(), JobError> {
        if let (Some(organization), Some(account)) = (self.organization, &finding.account_id) {
            finding.owner = organization.owner(account).map(str::to_owned);
        }
        if let (Some(organization), None) = (self.organization, &finding.entity_name) {
            finding.entity_name = organization.name_of(&finding.entity_id).map(str::to_owned);
        }
        match self.files.iter_mut().find(|(severity, _)| *severity == finding.severity) {
            Some((_, file)) => file.push(&finding),
            None => Err(JobError::defect("a finding's severity has no file")),
        }
    }

    /// Notes that nobody can say whether this is so.
    pub(crate) fn unknown(&mut self, id: FindingId) -> Result<(), JobError> {
        self.unknown.push(&id)
    }

    /// Notes that this is so, and that another finding says it.
    pub(crate) fn implied(&mut self, id: FindingId) -> Result<(), JobError> {
        self.implied.push(&id)
    }

    /// Writes what was found as objects of the run: by severity, and the ids of what is unknown and of what
    /// another finding says.
    pub(crate) async fn finish(self, store: &Store, run: RunContext<'_>) -> Result<Finished, JobError> {
        let mut written = Vec::new();
        for (severity, file) in self.files {
            let findings = file.finish(store, run, &format!("findings-{}.jsonl", severity.as_str())).await?;
            written.push(OfSeverity { severity, findings });
        }
        Ok(Finished {
            findings: written,
            unknown: self.unknown.finish(store, run, "unknown.jsonl").await?,
            implied: self.implied.finish(store, run, "implied.jsonl").await?,
        })
    }
}
