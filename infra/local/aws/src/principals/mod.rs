//! The roles and users of every account.
//!
//! Nothing of them is stored: each is computed from the organization's seed, its account and its number,
//! so that 120,000 of them take no memory. Their use is drawn for each by itself: it does not add up to
//! that of their account in the organization's access report.
//!
//! * [`identity`]: names, paths, tags, trust.
//! * [`policies`]: what they may do: inline, by managed policies, in groups.
//! * [`uses`]: what they did.
//! * [`deployed`]: roles that somebody really deployed into the account, as IAM lists them.

mod deployed;
mod identity;
mod policies;
mod settings;
#[cfg(test)]
mod tests;
mod uses;

use jiff::{SignedDuration, Timestamp};

use crate::organization::{Account, Organization, mix};
use identity::Identity;
pub use policies::{Group, Held, InlinePolicy, ManagedPolicy, PolicyOwner, PolicyVersion};
pub(crate) use policies::{customer_managed, groups, managed};
pub use settings::PrincipalSettings;
pub use uses::{Use, UsedAction};

/// A role or a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub arn: String,
    pub name: String,
    /// With a slash at both ends.
    pub path: String,
    pub kind: MemberKind,
    pub created: Timestamp,
    /// 21 characters.
    pub id: String,
    /// The account's id.
    pub account: String,
    pub tags: Vec<(String, String)>,
    /// The ARN of the policy that bounds its permissions.
    pub boundary: Option<String>,
    pub inline: Vec<InlinePolicy>,
    /// The ARNs of the managed policies that are attached to it.
    pub attached: Vec<String>,
    /// The names of a user's groups.
    pub groups: Vec<String>,
    /// A role's trust policy.
    pub trust: Option<String>,
    /// Whether a role has an instance profile of its name.
    pub instance_profile: bool,
    /// Tells it from all others.
    key: u64,
    idle: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    Role,
    User,
}

impl MemberKind {
    /// As in an ARN.
    pub fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

impl Member {
    /// Whether it is a service's own: nobody else can change it.
    pub fn is_service_linked(&self) -> bool {
        self.path.starts_with("/aws-service-role/")
    }

    /// The ARN's partition.
    fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or_default()
    }
}

/// All roles and users of an account but those that are deployed, in the order of their numbers.
pub fn of_account(
    organization: &Organization,
    account: &Account,
    partition: &str,
    settings: &PrincipalSettings,
) -> Vec<Member> {
    (0..settings.number)
        .map(|number| member(organization, account, partition, settings, number))
        .filter(|member| !settings.deleted.contains(&member.arn))
        .collect()
}

/// The role or user of an ARN, unless it is gone.
pub fn find(organization: &Organization, arn: &str, settings: &PrincipalSettings) -> Option<Member> {
    let mut parts = arn.splitn(6, ':');
    let partition = parts.nth(1)?;
    let id = parts.nth(2)?;
    let account = organization.accounts.iter().find(|account| account.id == id)?;
    let is = |number: &usize| Identity::new(account.key(organization), account, *number).is_in(arn);
    // Most names end in their number.
    let name = arn.rsplit('/').next()?;
    let ending = name.rsplit(['-', '_']).next().and_then(|digits| digits.parse().ok());
    let number = ending
        .filter(|number| *number < settings.number && is(number))
        .or_else(|| (0..settings.number).find(is))?;
    let found = member(organization, account, partition, settings, number);
    (found.arn == arn && !settings.deleted.contains(&found.arn)).then_some(found)
}

fn member(
    organization: &Organization,
    account: &Account,
    partition: &str,
    settings: &PrincipalSettings,
    number: usize,
) -> Member {
    let of_account = account.key(organization);
    let identity = Identity::new(of_account, account, number);
    let key = identity.key;
    let kind = identity.kind();
    let held = policies::of_member(&identity, account, partition);
    let hours = i64::try_from(mix(key ^ 0xC4EA) % (29 * 24)).unwrap_or(0);
    Member {
        arn: format!("arn:{partition}:iam::{}:{}{}{}", account.id, kind.word(), identity.path, identity.name),
        kind,
        created: account.joined + SignedDuration::from_hours(hours),
        id: identity::id(if kind == MemberKind::Role { "AROA" } else { "AIDA" }, key),
        account: account.id.clone(),
        tags: identity.tags(account),
        boundary: held.boundary,
        inline: held.inline,
        attached: held.attached,
        groups: held.groups,
        trust: identity.trust(account, partition),
        instance_profile: identity.has_instance_profile(),
        idle: mix(key ^ 0x1D1E) % 100 < settings.idle_percent,
        key,
        name: identity.name,
        path: identity.path,
    }
}
