//! Statements as policy documents, none longer than a managed policy may be.

use serde::Serialize;

/// The most characters of a managed policy (IAM user guide, quotas).
pub(super) const MOST: usize = 6_144;

/// A statement that allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    pub(super) effect: &'static str,
    pub(super) action: Vec<String>,
    pub(super) resource: Vec<String>,
}

impl Statement {
    pub(super) fn allow(action: Vec<String>, resource: String) -> Self {
        Self { effect: "Allow", action, resource: vec![resource] }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    version: &'static str,
    statement: &'a [Statement],
}

fn text(statements: &[Statement]) -> String {
    let document = Document { version: "2012-10-17", statement: statements };
    serde_json::to_string(&document).unwrap_or_default()
}

fn fits(statements: &[Statement], most: usize) -> bool {
    text(statements).chars().count() <= most
}

/// As many documents as it takes, each at most so long; one without statements if there are none.
pub(super) fn of(statements: Vec<Statement>, most: usize) -> Vec<String> {
    let mut documents = Vec::new();
    let mut open: Vec<Statement> = Vec::new();
    for statement in statements.into_iter().flat_map(|statement| pieces(statement, most)) {
        open.push(statement);
        if open.len() > 1 && !fits(&open, most) {
            let next = open.split_off(open.len() - 1);
            documents.push(text(&open));
            open = next;
        }
    }
    documents.push(text(&open));
    documents
}

/// A statement in pieces of its actions, each of which fits into a document, or has one action.
fn pieces(statement: Statement, most: usize) -> Vec<Statement> {
    if statement.action.len() <= 1 || fits(std::slice::from_ref(&statement), most) {
        return vec![statement];
    }
    let mut first = statement;
    let second = Statement { action: first.action.split_off(first.action.len() / 2), ..first.clone() };
    [first, second].into_iter().flat_map(|half| pieces(half, most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn actions(documents: &[String]) -> Vec<String> {
        let mut actions = Vec::new();
        for document in documents {
            let document: Value = serde_json::from_str(document).unwrap();
            assert_eq!(document["Version"], "2012-10-17");
            for statement in document["Statement"].as_array().unwrap() {
                let of = statement["Action"].as_array().unwrap();
                actions.extend(of.iter().map(|it| it.as_str().unwrap().to_owned()));
            }
        }
        actions
    }

    #[test]
    fn no_document_is_longer_than_a_managed_policy_and_no_action_is_lost() {
        let named = |number: usize| -> Vec<String> {
            (0..number).map(|it| format!("service{number}:DescribeSomethingLong{it}")).collect()
        };
        let statements: Vec<_> =
            [3, 400, 20, 90].into_iter().map(|it| Statement::allow(named(it), "*".to_owned())).collect();
        let expected: Vec<String> = statements.iter().flat_map(|it| it.action.clone()).collect();
        let documents = of(statements, MOST);
        assert!(documents.len() >= 3);
        assert!(documents.iter().all(|it| it.chars().count() <= MOST));
        assert_eq!(actions(&documents), expected);
    }

    #[test]
    fn nothing_used_is_a_document_without_statements() {
        assert_eq!(of(Vec::new(), MOST), [r#"{"Version":"2012-10-17","Statement":[]}"#]);
    }
}
