//! Which of an account's principals are worked on, and why the others are not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use models::AccountId;
use wildmatch::WildMatch;

use crate::principal::{Described, Principal, PrincipalKind};
use crate::request::{Filter, Request};

/// An account's principals, told apart.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    pub(crate) chosen: Vec<Described>,
    /// Those that are not worked on, and why. Where the request names ARNs, only of these.
    pub(crate) left_out: Vec<(Principal, String)>,
    /// ARNs of the request that the account does not have.
    pub(crate) not_found: Vec<String>,
}

/// Chooses by the ARNs of the request, or else by its filters. `own_roles` are the names of Muster's own
/// roles in the account.
pub(crate) fn discover(
    request: &Request,
    account: &AccountId,
    described: Vec<Described>,
    own_roles: &[&str],
    now: Timestamp,
) -> Discovered {
    let wanted = request.principals.iter().filter(|arn| arn.account().as_ref() == Some(account));
    let mut wanted: BTreeSet<&str> = wanted.map(crate::request::PrincipalArn::as_str).collect();
    let (include, exclude) = (Matcher::new(&request.include), Matcher::new(&request.exclude));
    let mut discovered = Discovered::default();
    for it in described {
        let principal = &it.principal;
        let why = if request.principals.is_empty() {
            never(principal, own_roles).or_else(|| filtered(&include, &exclude, principal, now))
        } else if wanted.remove(principal.arn.as_str()) {
            never(principal, own_roles)
        } else {
            continue;
        };
        match why {
            None => discovered.chosen.push(it),
            Some(why) => discovered.left_out.push((it.principal, why)),
        }
    }
    discovered.not_found = wanted.into_iter().map(str::to_owned).collect();
    discovered
}

/// Why a principal is worked on in no case.
fn never(principal: &Principal, own_roles: &[&str]) -> Option<String> {
    if principal.is_service_linked() {
        return Some("a service-linked role: only AWS can change its policies".to_owned());
    }
    // Names of IAM differ by more than case.
    let is_own = principal.kind == PrincipalKind::Role
        && own_roles.iter().any(|name| name.eq_ignore_ascii_case(&principal.name));
    is_own.then(|| "one of Muster's own roles".to_owned())
}

fn filtered(
    include: &Matcher<'_>,
    exclude: &Matcher<'_>,
    principal: &Principal,
    now: Timestamp,
) -> Option<String> {
    let excluded = exclude.fits(principal, now).find_map(|(_, fit)| match fit {
        Fit::By(why) => Some(format!("excluded by {why}")),
        Fit::No | Fit::Unknown => None,
    });
    excluded.or_else(|| {
        let unfit = include.fits(principal, now).find(|(_, fit)| *fit == Fit::No);
        unfit.map(|(member, _)| format!("not included by {member}"))
    })
}

/// Whether a principal fits a member of a filter.
#[derive(Debug, PartialEq, Eq)]
enum Fit {
    /// By what.
    By(String),
    No,
    /// What it depends on is not known: that leaves nothing out.
    Unknown,
}

impl Fit {
    fn by(what: Option<String>) -> Self {
        what.map_or(Self::No, Self::By)
    }
}

/// A filter, with its patterns read once.
struct Matcher<'a> {
    filter: &'a Filter,
    names: Vec<(&'a str, WildMatch)>,
}

impl<'a> Matcher<'a> {
    fn new(filter: &'a Filter) -> Self {
        let names = filter.names.iter().map(|name| (name.as_str(), WildMatch::new(name))).collect();
        Self { filter, names }
    }

    /// How the principal fits each of the members that are given, under their names in the request.
    fn fits(&self, principal: &Principal, now: Timestamp) -> impl Iterator<Item = (&'static str, Fit)> {
        let filter = self.filter;
        let kinds = (!filter.kinds.is_empty()).then(|| {
            let kind = filter.kinds.get(&principal.kind);
            Fit::by(kind.map(|kind| format!("kind {}", kind.as_str())))
        });
        let paths = (!filter.path_prefixes.is_empty()).then(|| {
            let prefix = filter.path_prefixes.iter().find(|prefix| principal.path.starts_with(*prefix));
            Fit::by(prefix.map(|prefix| format!("path {prefix}")))
        });
        let names = (!self.names.is_empty()).then(|| {
            let name = self.names.iter().find(|(_, pattern)| pattern.matches(&principal.name));
            Fit::by(name.map(|(name, _)| format!("name {name}")))
        });
        let tags = (!filter.tags.is_empty()).then(|| Fit::by(tagged(&filter.tags, &principal.tags)));
        let age = filter.older_than_days.map(|days| aged(days, principal.created, now));
        let members = [
            ("kinds", kinds),
            ("pathPrefixes", paths),
            ("names", names),
            ("tags", tags),
            ("olderThanDays", age),
        ];
        members.into_iter().filter_map(|(member, fit)| Some((member, fit?)))
    }
}

fn tagged(wanted: &BTreeMap<String, BTreeSet<String>>, tags: &BTreeMap<String, String>) -> Option<String> {
    let has = |(key, values): &(&String, &BTreeSet<String>)| {
        tags.get(*key).is_some_and(|value| values.is_empty() || values.contains(value))
    };
    wanted.iter().find(has).map(|(key, _)| format!("tag {key}"))
}

fn aged(days: u32, created: Option<Timestamp>, now: Timestamp) -> Fit {
    let Some(created) = created else { return Fit::Unknown };
    let is_old = now.duration_since(created) >= SignedDuration::from_hours(24 * i64::from(days));
    Fit::by(is_old.then(|| format!("age, made at least {days} days ago")))
}

#[cfg(test)]
mod tests;
