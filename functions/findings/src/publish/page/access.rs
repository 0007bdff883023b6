//! Who uses what: services by unit, roles and users.

use super::charts::{Bar, GOOD, PLAIN, UNKNOWN, WARN, bars};
use super::text::{clean, count, listed, number, short};
use super::view::{self, Chart, Page};
use super::{BARS, SERVICES, UNITS};
use crate::evaluate::{Evaluation, UnitServices};

pub(super) fn services(page: &mut Page, evaluation: &Evaluation) {
    let mut units: Vec<&UnitServices> = evaluation.services.0.iter().collect();
    units.sort_by_key(|unit| evaluation.places.get(&unit.id).map_or(0, |place| place.ancestors.len()));
    let name = |unit: &UnitServices| {
        evaluation.places.get(&unit.id).map_or_else(|| unit.id.clone(), |place| place.name.clone())
    };
    page.has_unused = !units.is_empty();
    page.unused = units
        .iter()
        .take(UNITS)
        .map(|unit| {
            let names: Vec<&str> = unit.not_used.iter().map(String::as_str).collect();
            let (names, more) = listed(&names, SERVICES);
            let (state, tone) = match unit.unknown {
                0 => ("complete".to_owned(), "good"),
                unknown => (format!("{} unknown", number(unknown)), "unknown"),
            };
            view::Unused {
                unit_id: unit.id.clone(),
                unit_name: short(&name(unit)),
                services: number(unit.not_used.len() as u64),
                of: number((unit.used.len() + unit.not_used.len()) as u64 + unit.unknown),
                state,
                tone,
                names: clean(&names),
                more: if more > 0 { format!("and {} more", number(more)) } else { String::new() },
            }
        })
        .collect();
    let bar = |unit: &&UnitServices| Bar {
        label: clean(&name(unit)),
        numbers: vec![unit.used.len() as u64, unit.not_used.len() as u64, unit.unknown],
    };
    page.unused_chart = Chart {
        svg: bars(
            &[("used", GOOD), ("not used", WARN), ("unknown", UNKNOWN)],
            &units.iter().take(BARS).map(bar).collect::<Vec<_>>(),
        ),
        caption:
            "Services that policies leave open to each unit: used, not used, and of which it is unknown."
                .to_owned(),
    };
    if let Some(unit) = units.first() {
        page.unused_note = format!(
            "Not used is said of at least {} days, of the accounts below a unit, and not of the management account.",
            unit.tracking_days
        );
    }
}

/// What came of roles and users, as the page says it.
const STATUSES: [(&str, &str, &str); 7] = [
    ("generated", "policy generated", "from what they have done in the window"),
    ("valid_policy_exists", "policy still valid", "an earlier run has generated it"),
    ("no_activity", "no activity", "nothing shows in AWS's tracking period"),
    ("failed", "failed", "AWS ended the generation with an error: nothing is concluded"),
    ("overdue", "overdue", "not done at the deadline: nothing is concluded"),
    ("carried_over", "left to the next run", "the day's quota is used up: nothing is concluded"),
    ("unknown", "unknown", "nobody can say: nothing is concluded"),
];

pub(super) fn principals(page: &mut Page, evaluation: &Evaluation) {
    let principals = &evaluation.principals;
    page.has_principals = principals.principals > 0;
    let known = STATUSES
        .iter()
        .filter_map(|(word, status, note)| Some((*status, *note, *principals.statuses.get(*word)?)));
    let known: Vec<_> = known.collect();
    page.principals = known
        .iter()
        .map(|(status, note, count)| view::Principals {
            status: (*status).to_owned(),
            count: number(*count),
            note: (*note).to_owned(),
        })
        .collect();
    let drawn: Vec<_> = known
        .iter()
        .map(|(status, _, count)| Bar { label: (*status).to_owned(), numbers: vec![*count] })
        .collect();
    page.principals_chart = Chart {
        svg: bars(&[("", PLAIN)], &drawn),
        caption: "Roles and users by what is known of them.".to_owned(),
    };
    if page.has_principals {
        page.principals_note = format!(
            "{} in {}; {} have services that they do not use, and of {} access was not read.",
            count(principals.principals, "role or user", "roles and users"),
            count(principals.accounts_read, "account", "accounts"),
            number(principals.with_unused_services),
            number(principals.access_unknown),
        );
    }
    let mut services: Vec<(&String, &u64)> = principals.unused.iter().collect();
    services.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then(a.cmp(b)));
    page.unused_by_service = services
        .into_iter()
        .take(SERVICES)
        .map(|(service, count)| view::ByService { service: short(service), principals: number(*count) })
        .collect();
}
