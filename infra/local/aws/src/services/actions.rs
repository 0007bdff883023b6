//! Actions that show one by one, in a trail or in what IAM says of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// An action of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Action {
    pub(crate) name: &'static str,
    /// Whether IAM says when it was last used.
    pub(crate) tracked: bool,
}

static ACTIONS: LazyLock<BTreeMap<&'static str, Vec<Action>>> = LazyLock::new(|| {
    let mut actions: BTreeMap<_, Vec<Action>> = BTreeMap::new();
    for line in include_str!("actions.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        if let (Some(namespace), Some(kind), Some(names)) = (columns.next(), columns.next(), columns.next()) {
            let tracked = kind == "tracked";
            let named = names.split(' ').map(|name| Action { name, tracked });
            actions.entry(namespace).or_default().extend(named);
        }
    }
    for of_service in actions.values_mut() {
        of_service.sort_unstable_by_key(|action| action.name);
    }
    actions
});

/// Those of a service, by name; of most services there are none.
pub(crate) fn actions_of(namespace: &str) -> &'static [Action] {
    ACTIONS.get(namespace).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::services;

    #[test]
    fn every_line_is_of_a_service_of_the_catalogue_and_names_each_action_once() {
        assert!(ACTIONS.len() > 20);
        for (namespace, actions) in ACTIONS.iter() {
            assert!(services().iter().any(|it| it.namespace == *namespace), "{namespace}");
            assert!(actions.windows(2).all(|pair| pair[0].name < pair[1].name), "{namespace}");
            assert!(actions.iter().all(|it| it.name.bytes().all(|byte| byte.is_ascii_alphanumeric())));
        }
    }

    #[test]
    fn some_services_have_tracked_actions_some_only_others_and_most_have_none() {
        let tracked = |actions: &Vec<Action>| actions.iter().any(|it| it.tracked);
        let (some, others): (Vec<_>, Vec<_>) = ACTIONS.values().partition(|actions| tracked(actions));
        assert!(some.len() > 10 && others.len() > 5);
        assert!(services().len() > ACTIONS.len() * 5);
    }
}
