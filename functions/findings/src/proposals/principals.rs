//! Least-privilege policies: the generated ones that are whole, listed with where their documents are.

use serde_json::json;

use super::{Draft, ProposalKind};
use crate::evaluate::Evaluation;

/// One entry for all of them: there can be hundreds of thousands.
pub(super) fn draft(evaluation: &Evaluation) -> Option<Draft> {
    let principals = &evaluation.principals;
    let target = evaluation.organization_id.as_deref().unwrap_or("organization");
    let mut draft = Draft::of(ProposalKind::LeastPrivilege, target, "");
    if principals.proposable == 0 {
        return None;
    }
    draft.name = "least-privilege".to_owned();
    draft.proposal.why = format!(
        "Access Analyzer generated a complete and valid policy for {} roles and users from what they have done. It \
         knows of no other use.",
        principals.proposable
    );
    draft.proposal.apply = "Each entry of `principals` names the documents of one role or user; where it says \
                            placeholders, fill them in first. Compare a document with the present policies \
                            (`current`), then `aws iam put-role-policy` or `put-user-policy`, and remove the others \
                            after a time."
        .to_owned();
    draft.content = Some(json!({
        "principals": principals.proposals,
        "more": principals.proposable.saturating_sub(principals.proposals.len() as u64),
        "table": "generated_policies",
    }));
    Some(draft)
}
