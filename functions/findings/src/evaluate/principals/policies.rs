//! Generated policies: whether each is whole, and which can be proposed.

use errors::JobError;
use table::Cell;

use super::{Findings, LeastPrivilege, Principals, Row};
use crate::kinds::FindingKind;

/// Generated policies that are listed one by one; the table has all.
const PROPOSALS: usize = 10_000;

/// The columns of `generated_policies` that tell of a policy, in the order of [`Policy::of`].
pub(super) const COLUMNS: [&str; 8] = [
    "is_complete",
    "findings_error",
    "error",
    "documents",
    "policies_with_placeholders",
    "policies",
    "policies_without_statements",
    "caveats",
];

/// What a row says of the policy that was generated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'a> {
    complete: Option<&'a str>,
    errors: Option<i64>,
    error: Option<&'a str>,
    documents: Option<&'a str>,
    with_placeholders: Option<i64>,
    policies: Option<i64>,
    without_statements: Option<i64>,
    caveats: Option<&'a str>,
}

impl<'a> Policy<'a> {
    pub(super) fn of(
        [complete, errors, error, documents, open, policies, empty, caveats]: [Cell<'a>; 8],
    ) -> Self {
        Self {
            complete: complete.text(),
            errors: errors.integer(),
            error: error.text(),
            documents: documents.text(),
            with_placeholders: open.integer(),
            policies: policies.integer(),
            without_statements: empty.integer(),
            caveats: caveats.text(),
        }
    }

    /// The findings about it, and what its row leaves unknown.
    pub(super) fn judge(&self, row: &Row<'_>, findings: &mut Findings<'_>) -> Result<(), JobError> {
        use FindingKind::{GeneratedPolicyIncomplete, GeneratedPolicyInvalid, PolicyNotGenerated};
        match row.status {
            "generated" => self.is_whole(row, findings),
            "failed" | "overdue" => {
                let error = self.error.unwrap_or("no error was told");
                let text = format!("A policy was to be generated, and was not: {error}.");
                findings.push(row.finding(PolicyNotGenerated).saying(text).with("error", error))?;
                row.unknown(GeneratedPolicyIncomplete, findings)?;
                row.unknown(GeneratedPolicyInvalid, findings)
            }
            _ => {
                row.unknown(GeneratedPolicyIncomplete, findings)?;
                row.unknown(GeneratedPolicyInvalid, findings)?;
                // Its turn has not come, or it is none of those of which a policy is made.
                match row.status {
                    "valid_policy_exists" | "no_activity" => Ok(()),
                    _ => row.unknown(PolicyNotGenerated, findings),
                }
            }
        }
    }

    fn is_whole(&self, row: &Row<'_>, findings: &mut Findings<'_>) -> Result<(), JobError> {
        match self.complete {
            Some("true") => {}
            // AWS says that it is not, or says nothing, which is no more.
            said => {
                let text = match said {
                    Some(_) => "Access Analyzer says that the generated policy is not complete.",
                    None => "Access Analyzer does not say whether the generated policy is complete.",
                };
                let finding = row.finding(FindingKind::GeneratedPolicyIncomplete).saying(text);
                findings.push(finding.with("isComplete", said.unwrap_or("not said")))?;
            }
        }
        let kind = FindingKind::GeneratedPolicyInvalid;
        match self.errors {
            Some(0) => Ok(()),
            Some(errors) => {
                let text = format!("ValidatePolicy finds {errors} errors in the generated policy.");
                findings.push(row.finding(kind).saying(text).with("errors", errors))
            }
            None => row.unknown(kind, findings),
        }
    }

    /// Counts it among those that can be proposed, if it is complete, without errors, and not empty: an
    /// empty policy allows nothing, and is none to be given to anybody.
    pub(super) fn propose(&self, row: &Row<'_>, principals: &mut Principals) {
        let is_some = matches!((self.policies, self.without_statements), (Some(1..), Some(0)));
        let ("generated", Some("true"), Some(0), Some(documents), true) =
            (row.status, self.complete, self.errors, self.documents, is_some)
        else {
            return;
        };
        principals.proposable += 1;
        if principals.proposals.len() < PROPOSALS {
            principals.proposals.push(LeastPrivilege {
                principal: row.arn.to_owned(),
                account_id: row.account.to_owned(),
                documents: documents.to_owned(),
                current: documents.replace(".json", ".current.json"),
                with_placeholders: self.with_placeholders.unwrap_or(0),
                caveats: self.caveats.unwrap_or_default().to_owned(),
            });
        }
    }
}
