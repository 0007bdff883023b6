//! Least-privilege policies: the generated ones that are whole, listed with where their documents are.

use models::Kind;
use serde_json::json;
use wildmatch::WildMatch;

use super::{Draft, ProposalKind, covers, outdated};
use crate::evaluate::{Evaluation, LeastPrivilege};
use crate::exceptions::Exceptions;
use crate::kinds::FindingKind;

/// One entry for all of them: there can be hundreds of thousands. Left out are those that no policy may
/// deny anything, and those that an exception covers.
pub(super) fn draft(evaluation: &Evaluation, exceptions: &Exceptions, protected: &[String]) -> Option<Draft> {
    let principals = &evaluation.principals;
    if principals.proposable == 0 {
        return None;
    }
    let target = evaluation.organization_id.as_deref().unwrap_or("organization");
    let mut draft = Draft::of(ProposalKind::LeastPrivilege, target, "");
    if let Some(why) = outdated(evaluation, Kind::PolicyGeneration) {
        return Some(draft.withheld(why, &[], 0));
    }
    let protected: Vec<WildMatch> = protected.iter().map(|pattern| WildMatch::new(pattern)).collect();
    let is_left_out = |it: &&LeastPrivilege| {
        let kinds = [FindingKind::PrincipalUnusedServices, FindingKind::PrincipalWithoutActivity];
        protected.iter().any(|pattern| pattern.matches(&it.principal))
            || kinds.into_iter().any(|kind| covers(exceptions, kind, &it.principal, None))
    };
    let listed: Vec<_> = principals.proposals.iter().filter(|it| !is_left_out(it)).collect();
    if listed.is_empty() {
        return None;
    }
    draft.name = "least-privilege".to_owned();
    let more = principals.proposable.saturating_sub(principals.proposals.len() as u64);
    draft.proposal.why = format!(
        "Access Analyzer generated a complete and valid policy for {} roles and users from what they have done. It \
         knows of no other use.",
        listed.len() as u64 + more
    );
    draft.proposal.apply = "Each entry of `principals` names the documents of one role or user; where it says \
                            placeholders, fill them in first, and read its caveats. Compare a document with the present \
                            policies (`current`), then `aws iam put-role-policy` or `put-user-policy`, and remove the \
                            others after a time."
        .to_owned();
    draft.content = Some(json!({
        "principals": listed,
        "more": more,
        "table": "generated_policies",
    }));
    Some(draft)
}
