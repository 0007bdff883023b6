//! `muster run --again`: what changes in the simulated organization before it is looked at once more.

use std::time::Duration;

use local_aws::Aws;

use crate::view;

/// Evidence that is older is read again: all that the first run has left.
pub(crate) const MAX_AGE_HOURS: u32 = 1;
const LATER: Duration = Duration::from_secs(2 * 3_600);

/// Of the quota of a service control policy, 10,240 characters, nearly all.
const LARGE: usize = 9_900;

/// Lets time pass, and something happen: an account that cannot be read any more, one that is closed, and
/// a policy that has grown.
pub(crate) async fn change(aws: &Aws) {
    aws.clock().sleep(LATER).await;
    let mut told = Vec::new();
    aws.change(|_, organization| {
        let management = organization.management_account.clone();
        let mut members =
            organization.accounts.iter_mut().filter(|it| it.id != management && it.state == "ACTIVE");
        if let Some(account) = members.next() {
            account.unreadable = Some("AccessDenied");
            told.push(format!("{} ({}) cannot be read any more", account.name, account.id));
        }
        if let Some(account) = members.next() {
            account.state = "SUSPENDED";
            told.push(format!("{} ({}) is closed", account.name, account.id));
        }
        let own = |kind: &str, aws_managed: bool| kind == "SERVICE_CONTROL_POLICY" && !aws_managed;
        if let Some(policy) = organization.policies.iter_mut().find(|it| own(&it.kind, it.aws_managed)) {
            let missing = LARGE.saturating_sub(policy.content.chars().count());
            // White space counts.
            policy.content.push_str(&" ".repeat(missing));
            told.push(format!("the policy {} ({}) has grown to {LARGE} characters", policy.name, policy.id));
        }
    });
    view::say("\nTwo hours later, and then:");
    for line in told {
        view::say(&format!("  {}", view::line(&line)));
    }
}
