//! What the lane of one account left.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use models::ItemName;

use crate::entry::{Entry, Generated, NotDue};
use crate::principal::{Access, Present, Principal};
use crate::tables::Ordered;
use crate::tables::conclusion::Services;

/// How much of access is kept while a lane is read, in services and actions: about 20 MiB. An account
/// that has more is read twice.
const MOST_HELD: usize = 100_000;

/// A principal that is worked on. Of what there is more than once, the last counts.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) principal: Principal,
    pub(super) present: Present,
    pub(super) observed: Timestamp,
    pub(super) services: Option<Services>,
    pub(super) not_due: Option<NotDue>,
    pub(super) ordered: Option<Ordered>,
    pub(super) generated: Option<Generated>,
}

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) known: BTreeMap<ItemName, Known>,
    /// ARN and reason of those that are left out.
    pub(super) left_out: BTreeMap<ItemName, (String, String)>,
    /// ARNs of the request that the account does not have.
    pub(super) not_found: BTreeSet<String>,
    pub(super) accesses: Accesses,
}

impl Account {
    pub(super) fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Principal { principal, present, observed, .. } => {
                self.left_out.remove(&principal.id);
                self.not_found.remove(&principal.arn);
                self.describe(principal, present, observed);
            }
            Entry::LeftOut { principal, because, .. } => {
                self.known.remove(&principal.id);
                self.not_found.remove(&principal.arn);
                self.left_out.insert(principal.id, (principal.arn, because));
            }
            Entry::NotFound { arn, .. } => {
                self.known.retain(|_, known| known.principal.arn != arn);
                self.not_found.insert(arn);
            }
            Entry::Access { id, access } => {
                if let Some(known) = self.known.get_mut(&id) {
                    known.services = Some(Services::of(&access, known.principal.created));
                    self.accesses.take(id, access);
                }
            }
            Entry::NotDue { id, because } => {
                if let Some(known) = self.known.get_mut(&id) {
                    known.not_due = Some(because);
                }
            }
            Entry::Ordered { id, at, job_id, window, since, until } => {
                if let Some(known) = self.known.get_mut(&id) {
                    known.ordered = Some(Ordered { at, job_id, window, since, until });
                }
            }
            Entry::Generated(generated) => {
                if let Some(known) = self.known.get_mut(&generated.id) {
                    known.generated = Some(*generated);
                }
            }
        }
    }

    /// A principal that is described once more keeps what is known of it besides.
    fn describe(&mut self, principal: Principal, present: Present, observed: Timestamp) {
        match self.known.get_mut(&principal.id) {
            Some(known) => {
                known.principal = principal;
                known.present = present;
                known.observed = observed;
            }
            None => {
                let known = Known {
                    present,
                    observed,
                    services: None,
                    not_due: None,
                    ordered: None,
                    generated: None,
                    principal,
                };
                self.known.insert(known.principal.id.clone(), known);
            }
        }
    }
}

/// The access of an account's principals: all of it, or as much as is needed to read it once more.
#[derive(Debug)]
pub(super) struct Accesses {
    /// `None` where there is more than is kept.
    pub(super) held: Option<BTreeMap<ItemName, Access>>,
    /// How often each was read.
    times: BTreeMap<ItemName, u32>,
    size: usize,
    most: usize,
}

impl Default for Accesses {
    fn default() -> Self {
        Self { held: Some(BTreeMap::new()), times: BTreeMap::new(), size: 0, most: MOST_HELD }
    }
}

impl Accesses {
    fn take(&mut self, id: ItemName, access: Access) {
        *self.times.entry(id.clone()).or_default() += 1;
        let Some(held) = &mut self.held else { return };
        let rows = |it: &Access| {
            let actions = it.services.iter().map(|service| service.actions.iter().flatten().count());
            it.services.len() + actions.sum::<usize>()
        };
        self.size += rows(&access);
        if let Some(before) = held.insert(id, access) {
            self.size -= rows(&before);
        }
        if self.size > self.most {
            self.held = None;
        }
    }

    /// Whether it is the last of this principal, as the lane is read once more.
    pub(super) fn is_last(&mut self, id: &ItemName) -> bool {
        let Some(left) = self.times.get_mut(id) else { return false };
        *left = left.saturating_sub(1);
        *left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::GrantedService;
    use serde_json::{Value, json};

    const NOW: &str = "2026-11-21T06:30:00Z";

    fn described(id: &str) -> Value {
        json!({"id": id, "arn": format!("arn:aws:iam::012345678901:role/{id}"), "name": id, "path": "/",
            "kind": "role", "created": null})
    }

    fn entries(entries: Vec<Value>) -> Account {
        let mut account = Account::default();
        for entry in entries {
            account.take(serde_json::from_value(entry).unwrap());
        }
        account
    }

    fn principal(id: &str, attached: u64, without_document: u64) -> Value {
        let present = json!({"bySource": {"attached": attached}, "withoutDocument": without_document});
        let entry = json!({"principal": described(id), "account": "012345678901", "present": present,
            "observed": NOW});
        json!({"principal": entry})
    }

    fn access(id: &str, services: usize) -> Value {
        let service = json!({"namespace": "s3", "name": "Amazon S3", "entities": 0});
        json!({"access": {"id": id, "access": {"completed": NOW, "services": vec![service; services]}}})
    }

    fn id(text: &str) -> ItemName {
        text.parse().unwrap()
    }

    #[test]
    fn of_a_principal_that_was_described_and_read_again_the_last_counts() {
        let account = entries(vec![
            principal("AROA1", 2, 1),
            access("AROA1", 3),
            principal("AROA1", 1, 0),
            access("AROA1", 2),
        ]);
        let known = &account.known[&id("AROA1")];
        assert_eq!(known.present.without_document, 0);
        assert_eq!(known.present.by_source.values().sum::<u64>(), 1);
        assert_eq!(known.services.unwrap().granted(), 2);
        assert_eq!(account.accesses.held.unwrap()[&id("AROA1")].services.len(), 2);
    }

    #[test]
    fn a_principal_that_is_left_out_or_gone_when_the_account_is_described_again_is_not_worked_on() {
        let left_out = |id: &str| json!({"leftOut": {"principal": described(id), "account": "012345678901", "because": "why"}});
        let gone =
            json!({"notFound": {"arn": "arn:aws:iam::012345678901:role/AROA2", "account": "012345678901"}});
        let account = entries(vec![
            principal("AROA1", 0, 0),
            principal("AROA2", 0, 0),
            left_out("AROA3"),
            left_out("AROA1"),
            gone,
            principal("AROA3", 0, 0),
        ]);
        assert_eq!(account.known.keys().collect::<Vec<_>>(), [&id("AROA3")]);
        assert_eq!(account.left_out.keys().collect::<Vec<_>>(), [&id("AROA1")]);
        assert_eq!(account.not_found.len(), 1);
    }

    #[test]
    fn access_of_a_principal_that_nothing_describes_is_not_counted() {
        let account = entries(vec![access("AROA1", 1)]);
        assert!(account.known.is_empty() && account.accesses.held.unwrap().is_empty());
    }

    #[test]
    fn more_access_than_is_kept_is_read_once_more_and_the_last_of_each_principal_is_told() {
        let of = |services| {
            let service = GrantedService {
                namespace: "s3".into(),
                name: "Amazon S3".into(),
                last: None,
                region: None,
                entities: None,
                actions: None,
                granted_by: None,
            };
            Access {
                completed: NOW.parse().unwrap(),
                services: vec![service; services],
                granting_not_read: None,
            }
        };
        let mut accesses = Accesses { most: 4, ..Accesses::default() };
        accesses.take(id("AROA1"), of(3));
        accesses.take(id("AROA1"), of(4));
        assert!(accesses.held.is_some());
        accesses.take(id("AROA2"), of(1));
        assert!(accesses.held.is_none());
        let again = ["AROA1", "AROA1", "AROA2", "AROA3"].map(|it| accesses.is_last(&id(it)));
        assert_eq!(again, [false, true, true, false]);
    }
}
