//! Making an organization from a seed.

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::{Account, Organization, Unit, founding, policies, requests};

/// How large an organization is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Their number, unless [`Shape::ids`] has them.
    pub accounts: usize,
    pub regions: usize,
    pub seed: u64,
    /// One account in so many cannot be read by the status report; 0 is none.
    pub unreadable_one_in: usize,
    /// One account in so many is suspended; 0 is none.
    pub suspended_one_in: usize,
    /// The accounts' ids, the management account's first; made from the seed where there are none.
    pub ids: Vec<String>,
    /// The Regions; the first of AWS's where there are none.
    pub region_names: Vec<String>,
    /// There is one account, in no organization.
    pub standalone: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            accounts: 200,
            regions: 17,
            seed: 1,
            unreadable_one_in: 0,
            suspended_one_in: 0,
            ids: Vec::new(),
            region_names: Vec::new(),
            standalone: false,
        }
    }
}

/// AWS's commercial Regions, those that are on by default first.
const REGIONS: [&str; 34] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "ap-southeast-6",
];

const TEAMS: [&str; 12] = [
    "payments",
    "search",
    "identity",
    "data",
    "mobile",
    "network",
    "ledger",
    "checkout",
    "media",
    "analytics",
    "security",
    "platform",
];
const STAGES: [&str; 4] = ["dev", "test", "staging", "prod"];

/// An organization of the given shape as of `now`. The same shape gives the same organization.
pub fn generate(shape: &Shape, now: Timestamp) -> Organization {
    let mut rng = Rng::with_seed(shape.seed);
    let id = format!("o-{}", letters(&mut rng, 10));
    let root = format!("r-{}", letters(&mut rng, 4));
    let count = if shape.ids.is_empty() { shape.accounts.max(1) } else { shape.ids.len() };
    let units = units(&mut rng, &id, &root, count);
    let mut taken = std::collections::HashSet::new();
    let accounts: Vec<Account> = (0..count)
        .map(|number| {
            let account_id = shape.ids.get(number).cloned().unwrap_or_else(|| {
                loop {
                    // A tenth begins with a zero, as ids do.
                    let candidate = format!("{:012}", rng.u64(0..1_000_000_000_000));
                    if taken.insert(candidate.clone()) {
                        break candidate;
                    }
                }
            });
            // The management account lies in the root.
            let unit = (number > 0 && !units.is_empty()).then(|| &units[rng.usize(0..units.len())]);
            let parent = unit.map_or(&root, |unit| &unit.id).clone();
            let above = unit.map_or_else(|| format!("{id}/{root}/"), |unit| unit.path.clone());
            let team = TEAMS[rng.usize(0..TEAMS.len())];
            let name = match number {
                0 => "management".to_owned(),
                _ => format!("{team}-{}-{number}", STAGES[rng.usize(0..STAGES.len())]),
            };
            let one_in = |n: usize| n > 0 && number > 0 && number.is_multiple_of(n);
            Account {
                path: format!("{above}{account_id}/"),
                email: format!("aws+{name}@example.com"),
                state: if one_in(shape.suspended_one_in) { "SUSPENDED" } else { "ACTIVE" },
                unreadable: one_in(shape.unreadable_one_in).then_some("AccessDenied"),
                joined: now - SignedDuration::from_hours(24 * rng.i64(30..2_000)),
                id: account_id,
                name,
                parent,
            }
        })
        .collect();
    let policies = policies::generate(&mut rng, &root, &units, &accounts);
    let requests = requests::generate(&mut rng, &accounts, now);
    let organization = Organization {
        policy_types: policies::enabled(),
        policies,
        requests,
        management_account: accounts.first().map(|account| account.id.clone()).unwrap_or_default(),
        id,
        root,
        all_features: true,
        // Somebody administers another service from an account of their own, as organizations do.
        delegated: accounts
            .get(1)
            .map(|account| (account.id.clone(), "guardduty.amazonaws.com".to_owned()))
            .into_iter()
            .collect(),
        trusted: vec!["ec2.amazonaws.com".to_owned(), "guardduty.amazonaws.com".to_owned()],
        units,
        accounts,
        regions: match shape.region_names.as_slice() {
            [] => REGIONS.iter().take(shape.regions.max(1)).map(|&it| it.to_owned()).collect(),
            names => names.to_vec(),
        },
        seed: shape.seed,
        exists: true,
        founded: None,
        tags: Default::default(),
        resource_policy: None,
        dates: Default::default(),
        publication: Default::default(),
        type_changes: Default::default(),
        creations: Default::default(),
        last_write: None,
        made: 0,
    };
    match shape.standalone {
        true => founding::undo(organization),
        false => organization,
    }
}

/// A tree of at most five levels, about one unit for eight accounts.
fn units(rng: &mut Rng, organization: &str, root: &str, accounts: usize) -> Vec<Unit> {
    let count = (accounts / 8).min(2_000);
    let suffix = &root[2..];
    let mut units: Vec<(Unit, usize)> = Vec::with_capacity(count);
    for number in 0..count {
        let id = format!("ou-{suffix}-{}", letters(rng, 8));
        let above =
            if number < 4 { None } else { units.get(rng.usize(0..number)).filter(|(_, depth)| *depth < 5) };
        let (parent, above_path, depth) = match above {
            Some((unit, depth)) => (unit.id.clone(), unit.path.clone(), depth + 1),
            None => (root.to_owned(), format!("{organization}/{root}/"), 1),
        };
        let path = format!("{above_path}{id}/");
        let name = format!("{}-{number}", TEAMS[rng.usize(0..TEAMS.len())]);
        units.push((Unit { id, name, parent, path }, depth));
    }
    units.into_iter().map(|(unit, _)| unit).collect()
}

fn letters(rng: &mut Rng, count: usize) -> String {
    (0..count).map(|_| if rng.bool() { rng.lowercase() } else { rng.digit(10) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_same_seed_gives_the_same_organization_and_another_seed_another() {
        let now = Timestamp::UNIX_EPOCH;
        let ids = |seed| -> Vec<String> {
            generate(&Shape { seed, ..Shape::default() }, now).accounts.into_iter().map(|it| it.id).collect()
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
    }

    #[test]
    fn fifty_thousand_accounts_have_ids_of_their_own_and_a_place_in_the_tree() {
        let shape = Shape { accounts: 50_000, regions: 34, ..Shape::default() };
        let organization = generate(&shape, Timestamp::UNIX_EPOCH);
        let ids: HashSet<_> = organization.accounts.iter().map(|it| &it.id).collect();
        assert_eq!((ids.len(), organization.units.len(), organization.regions.len()), (50_000, 2_000, 34));
        assert!(
            organization
                .accounts
                .iter()
                .all(|it| it.id.len() == 12 && it.path.ends_with(&format!("{}/", it.id)))
        );
        assert!(organization.units.iter().all(|it| it.path.matches("ou-").count() <= 5));
        let unit = &organization.units[0];
        let below = organization.below(&unit.id).unwrap();
        assert!(below.iter().all(|it| it.path.contains(&unit.id)));
        assert!(organization.below("r-none").is_none());
    }
}
