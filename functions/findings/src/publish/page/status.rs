//! Where accounts stand on the attributes: readiness, and who deviates.

use std::collections::{BTreeMap, BTreeSet};

use super::charts::{Bar, GOOD, UNKNOWN, WARN, bars};
use super::text::{clean, number, short};
use super::view::{self, Chart, Page};
use super::{BARS, DEVIATIONS};
use crate::evaluate::{Attributes, Deviation, Evaluation, Readiness};

pub(super) fn readiness(page: &mut Page, evaluation: &Evaluation) {
    let attributes = &evaluation.attributes;
    page.has_readiness = !attributes.readiness.is_empty();
    page.readiness = attributes.readiness.iter().map(attribute).collect();
    let bar = |it: &Readiness| Bar {
        label: clean(&it.attribute),
        numbers: vec![it.matched, it.unmatched, it.unknown],
    };
    let drawn: Vec<_> = attributes.readiness.iter().take(BARS).map(bar).collect();
    let ready = attributes.readiness.iter().filter(|it| it.is_ready).count();
    page.readiness_chart = Chart {
        svg: bars(&[("matched", GOOD), ("unmatched", WARN), ("unknown", UNKNOWN)], &drawn),
        caption: format!(
            "Accounts matched, unmatched and unknown, by attribute. {ready} of {} attributes can be enforced: every \
             account has the value in every Region, and nothing is missing.",
            attributes.readiness.len()
        ),
    };
    regions(page, attributes);
    page.deviations =
        attributes.deviations.iter().take(DEVIATIONS).map(|it| deviation(it, attributes)).collect();
    page.has_deviations = !page.deviations.is_empty();
    let more = attributes.deviating.saturating_sub(page.deviations.len() as u64);
    if more > 0 {
        page.deviations_more = format!("{} more in the table account_status.", number(more));
    }
}

/// What stands how in each Region: cells of an account and an attribute.
fn regions(page: &mut Page, attributes: &Attributes) {
    let mut regions: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    for (region, counts) in attributes.readiness.iter().flat_map(|it| &it.regions) {
        let of_region = regions.entry(region).or_default();
        of_region.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
    }
    // Those that deviate most come first.
    let mut regions: Vec<_> = regions.into_iter().collect();
    regions.sort_by_key(|(_, [_, unmatched, unknown])| std::cmp::Reverse((*unmatched, *unknown)));
    let bar = |(region, counts): &(&str, [u64; 3])| Bar { label: clean(region), numbers: counts.to_vec() };
    let drawn: Vec<_> = regions.iter().take(BARS).map(bar).collect();
    page.regions_chart = Chart {
        svg: bars(&[("matched", GOOD), ("unmatched", WARN), ("unknown", UNKNOWN)], &drawn),
        caption: match regions.len().saturating_sub(drawn.len()) {
            0 => "Attributes of accounts matched, unmatched and unknown, by Region.".to_owned(),
            more => format!(
                "Attributes of accounts matched, unmatched and unknown, by Region: those that deviate most; {more} more are in the table."
            ),
        },
    };
    page.regions = regions.iter().map(|(name, counts)| region(name, *counts)).collect();
}

fn region(name: &str, [matched, unmatched, unknown]: [u64; 3]) -> view::Region {
    view::Region {
        region: clean(name),
        matched: number(matched),
        unmatched: number(unmatched),
        unknown: number(unknown),
    }
}

fn attribute(it: &Readiness) -> view::Readiness {
    let (state, tone) = match it {
        it if it.is_ready => ("ready", "good"),
        it if it.unmatched > 0 => ("deviates", "warn"),
        it if it.is_uniform => ("uniform", "plain"),
        _ => ("unknown", "unknown"),
    };
    let regions: Vec<_> = it.regions.iter().map(|(name, counts)| region(name, *counts)).collect();
    view::Readiness {
        attribute: short(&it.attribute),
        most_frequent: it.most_frequent.as_deref().map(short).unwrap_or_default(),
        matched: number(it.matched),
        unmatched: number(it.unmatched),
        unknown: number(it.unknown),
        state: state.to_owned(),
        tone,
        has_regions: !regions.is_empty(),
        regions,
    }
}

fn deviation(it: &Deviation, attributes: &Attributes) -> view::Deviation {
    let of = attributes.readiness.iter().find(|readiness| readiness.attribute == it.attribute);
    let regions: BTreeSet<&str> = it.values.values().flatten().map(String::as_str).collect();
    let all = of.is_some_and(|of| of.regions.len() == regions.len());
    view::Deviation {
        attribute: short(&it.attribute),
        most_frequent: of.and_then(|of| of.most_frequent.as_deref()).map(short).unwrap_or_default(),
        account_id: it.account_id.clone(),
        account_name: it.account_name.as_deref().map(short).unwrap_or_default(),
        owner: it.owner.as_deref().map(short).unwrap_or_default(),
        regions: if all {
            "all".to_owned()
        } else {
            clean(&regions.into_iter().collect::<Vec<_>>().join(", "))
        },
        value: short(&it.values.keys().cloned().collect::<Vec<_>>().join(", ")),
    }
}
