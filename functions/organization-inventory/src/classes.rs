//! Classes of accounts: those with the same policies of a type attached on their way from the root.
//!
//! Where two policies of a type are attached to one root, unit or account, their order decides which
//! assignment wins, and no API tells the order. So such a place counts as itself, and not by what is
//! attached to it.

use std::collections::BTreeMap;

use models::{AccountId, PolicyId, RunId};
use sha2::{Digest, Sha256};

/// Of a class, besides one account: so many are read to see whether they agree.
const SAMPLE_OF: usize = 20;
const SMALLEST_SAMPLE: usize = 2;

/// Accounts in which a type should come to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Class {
    /// Those to be read come first.
    pub(crate) members: Vec<AccountId>,
    /// How many of them are read.
    pub(crate) read: usize,
}

/// One step on the way from the root to an account.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step<'a> {
    Policy(&'a PolicyId),
    /// Several policies, whose order is this place's own.
    Place(&'a str),
}

/// The classes of the accounts, by the way to each and the policies attached on it. Always in the
/// same order for a run.
pub(crate) fn classes<'a>(
    ways: impl IntoIterator<Item = (&'a AccountId, &'a Vec<String>)>,
    attached: &BTreeMap<String, Vec<PolicyId>>,
    run: &RunId,
) -> Vec<Class> {
    let mut members: BTreeMap<Vec<Step<'_>>, Vec<AccountId>> = BTreeMap::new();
    for (account, way) in ways {
        let steps = way.iter().filter_map(|place| match attached.get(place).map(Vec::as_slice) {
            None | Some([]) => None,
            Some([policy]) => Some(Step::Policy(policy)),
            Some(_) => Some(Step::Place(place)),
        });
        members.entry(steps.collect()).or_default().push(account.clone());
    }
    members.into_values().map(|members| class(members, run)).collect()
}

fn class(mut members: Vec<AccountId>, run: &RunId) -> Class {
    // By a hash, so that over time different accounts are read.
    members.sort_by_cached_key(|account| {
        <[u8; 32]>::from(Sha256::new().chain_update(run.as_str()).chain_update(account.as_str()).finalize())
    });
    let sample = members.len().div_ceil(SAMPLE_OF).max(SMALLEST_SAMPLE);
    let read = (1 + sample).min(members.len());
    Class { members, read }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> RunId {
        text.parse().unwrap()
    }

    fn account(number: usize) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    fn policy(number: usize) -> PolicyId {
        format!("p-{number:08}").parse().unwrap()
    }

    fn ways(count: usize, way: &[&str]) -> BTreeMap<AccountId, Vec<String>> {
        let way =
            |id: &AccountId| way.iter().map(|&it| it.to_owned()).chain([id.to_string()]).collect::<Vec<_>>();
        (0..count).map(account).map(|id| (id.clone(), way(&id))).collect()
    }

    #[test]
    fn accounts_are_of_a_class_when_the_same_policies_are_attached_on_their_way() {
        let mut all = ways(10, &["r", "ou-1"]);
        all.extend(
            (10..15).map(account).map(|id| (id.clone(), vec!["r".into(), "ou-2".into(), id.to_string()])),
        );
        let mut attached = BTreeMap::from([("r".to_owned(), vec![policy(1)])]);
        let count =
            |attached: &BTreeMap<_, _>| classes(&all, attached, &run("20261121T063000Z-9f86d081")).len();
        assert_eq!(count(&attached), 1, "units without policies make no difference");
        attached.insert("ou-2".into(), vec![policy(2)]);
        assert_eq!(count(&attached), 2);
        attached.insert(account(3).to_string(), vec![policy(3)]);
        assert_eq!(count(&attached), 3);
        attached.insert("ou-1".into(), vec![policy(2)]);
        assert_eq!(count(&attached), 2, "the same policy at another place of the same depth");
    }

    #[test]
    fn where_several_are_attached_their_order_is_the_places_own() {
        let mut all = ways(2, &["r", "ou-1"]);
        all.extend(
            (10..12).map(account).map(|id| (id.clone(), vec!["r".into(), "ou-2".into(), id.to_string()])),
        );
        let both = vec![policy(1), policy(2)];
        let attached = BTreeMap::from([("ou-1".to_owned(), both.clone()), ("ou-2".to_owned(), both)]);
        assert_eq!(classes(&all, &attached, &run("20261121T063000Z-9f86d081")).len(), 2);
    }

    #[test]
    fn one_account_and_a_twentieth_are_read_and_at_least_two_more() {
        for (size, read) in [(1, 1), (2, 2), (3, 3), (40, 3), (41, 4), (1_000, 51)] {
            let ways = ways(size, &["r"]);
            let classes = classes(&ways, &BTreeMap::new(), &run("20261121T063000Z-9f86d081"));
            assert_eq!((classes[0].members.len(), classes[0].read), (size, read));
        }
    }

    #[test]
    fn a_run_reads_the_same_accounts_when_it_goes_on_and_another_run_others() {
        let ways = ways(100, &["r"]);
        let of = |id| classes(&ways, &BTreeMap::new(), &run(id));
        assert_eq!(of("20261121T063000Z-9f86d081"), of("20261121T063000Z-9f86d081"));
        assert_ne!(of("20261121T063000Z-9f86d081"), of("20261122T063000Z-9f86d081"));
    }
}
