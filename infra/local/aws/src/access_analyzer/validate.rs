//! ValidatePolicy: some of AWS's checks, with AWS's codes, texts and links.
//!
//! AWS has more than a hundred checks (IAM user guide, "IAM policy validation check reference"); these
//! are those that a generated policy, or one that was written by hand in its place, is likely to meet.
//! No finding therefore says nothing about AWS. Locations are as in AWS's examples: `value` for a
//! member, `index` for an element, offsets in characters. That `key` is for a name that is wrong and
//! `substring` for a variable is not established.

use serde_json::{Value as Json, json};

use super::documents::MOST;
use super::json_tree::{Node, Value, parse};
use crate::iam::like;
use crate::services::services;

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyType {
    Identity,
    Resource,
    ServiceControl,
    ResourceControl,
}

impl PolicyType {
    pub(super) const NAMES: [(&'static str, Self); 4] = [
        ("IDENTITY_POLICY", Self::Identity),
        ("RESOURCE_POLICY", Self::Resource),
        ("SERVICE_CONTROL_POLICY", Self::ServiceControl),
        ("RESOURCE_CONTROL_POLICY", Self::ResourceControl),
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Identity => "identity policy",
            Self::Resource => "resource policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
        }
    }
}

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
    "Condition",
];

const PASS_ROLE: &str = "Using the iam:PassRole action with wildcards (*) in the resource can be overly permissive because it allows iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement.";
const PASS_ROLE_STAR: &str = "Using wildcards (*) in the action and the resource can be overly permissive because it allows iam:PassRole permissions on all resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement.";

/// A step on the way to a value.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Element(usize),
    /// The name of a member.
    Name(&'a str),
    /// A part of a text: its start and its length.
    Part(usize, usize),
}

/// The findings of one document.
struct Checks<'a> {
    text: Vec<char>,
    kind: PolicyType,
    trust: bool,
    findings: Vec<Json>,
    document: &'a str,
}

/// Everything that is found in a policy, in the order of its text. `trust` is of a role's trust policy.
pub(super) fn findings(document: &str, kind: PolicyType, trust: bool) -> Vec<Json> {
    let text = document.chars().collect();
    let mut checks = Checks { text, kind, trust, findings: Vec::new(), document };
    match parse(document) {
        Err(broken) => {
            let lines = document.split_inclusive('\n').take(broken.line.saturating_sub(1));
            let at = lines.map(|line| line.chars().count()).sum::<usize>() + broken.column;
            let said = format!(
                "Fix the JSON syntax error at index {at} line {} column {}.",
                broken.line, broken.column
            );
            let at = at.min(checks.text.len());
            let nowhere = Node { start: at, end: at, value: Value::Other };
            checks.find("ERROR", "JSON_SYNTAX_ERROR", said, &[(&[], &nowhere)]);
        }
        Ok(policy) => checks.policy(&policy),
    }
    checks.findings
}

impl Checks<'_> {
    fn find(&mut self, kind: &str, code: &str, details: impl Into<String>, places: &[(&[Step<'_>], &Node)]) {
        let anchor = match kind {
            "SECURITY_WARNING" => "security-warning",
            "WARNING" => "general-warning",
            "SUGGESTION" => "suggestion",
            _ => "error",
        };
        let page =
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html";
        let check = code.to_ascii_lowercase().replace('_', "-");
        let locations: Vec<_> = places
            .iter()
            .map(|(path, node)| {
                let path: Vec<_> = path
                    .iter()
                    .map(|step| match step {
                        Step::Member(name) => json!({"value": name}),
                        Step::Element(number) => json!({"index": number}),
                        Step::Name(name) => json!({"key": name}),
                        Step::Part(start, length) => {
                            json!({"substring": {"start": start, "length": length}})
                        }
                    })
                    .collect();
                json!({"path": path, "span": {
                    "start": self.position(node.start), "end": self.position(node.end),
                }})
            })
            .collect();
        self.findings.push(json!({
            "findingType": kind,
            "issueCode": code,
            "findingDetails": details.into(),
            "learnMoreLink": format!("{page}#access-analyzer-reference-policy-checks-{anchor}-{check}"),
            "locations": locations,
        }));
    }

    fn position(&self, offset: usize) -> Json {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.iter().filter(|it| **it == '\n').count();
        let column = before.iter().rev().take_while(|it| **it != '\n').count();
        json!({"line": line + 1, "column": column, "offset": offset})
    }

    fn policy(&mut self, policy: &Node) {
        if !matches!(policy.value, Value::Object(_)) {
            return self.mismatch("Object", &[], policy);
        }
        self.names(policy, &["Version", "Id", "Statement"], &[]);
        match policy.get("Version").map(|node| (node, node.text())) {
            None => {
                let said = "We recommend that you specify the Version element to help you with debugging permission issues.";
                self.find("WARNING", "MISSING_VERSION", said, &[(&[], policy)]);
            }
            Some((_, Some("2012-10-17" | "2008-10-17"))) => {}
            Some((node, Some(version))) => {
                let said = format!(
                    "The version {version} is not valid. Use one of the following versions: 2008-10-17, 2012-10-17"
                );
                self.find("ERROR", "INVALID_VERSION", said, &[(&[Step::Member("Version")], node)]);
            }
            Some((node, None)) => self.mismatch("String", &[Step::Member("Version")], node),
        }
        let size = self.document.chars().filter(|it| !it.is_whitespace()).count();
        if self.kind == PolicyType::Identity && size > MOST {
            let said = format!(
                "The {size} characters in the identity policy, excluding whitespace, exceed the {MOST} character maximum for inline and managed policies. We recommend that you use multiple granular policies."
            );
            self.find("ERROR", "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", said, &[(&[], policy)]);
        }
        let Some(statements) = policy.get("Statement") else {
            return self.find(
                "ERROR",
                "MISSING_STATEMENT",
                "Add a statement to the policy",
                &[(&[], policy)],
            );
        };
        for (number, statement) in statements.elements() {
            let mut path = vec![Step::Member("Statement")];
            path.extend(number.map(Step::Element));
            self.statement(statement, &path);
        }
    }

    fn mismatch(&mut self, expected: &str, path: &[Step<'_>], node: &Node) {
        let said = format!("The text does not match the expected JSON data type {expected}.");
        self.find("ERROR", "DATA_TYPE_MISMATCH", said, &[(path, node)]);
    }

    /// Finds the names of an object that are none of those that are known.
    fn names(&mut self, object: &Node, known: &[&str], path: &[Step<'_>]) {
        for (node, _) in object.members() {
            let name = node.text().unwrap_or_default();
            if !known.contains(&name) {
                let said = format!("The policy element {name} is not valid.");
                self.find("ERROR", "INVALID_POLICY_ELEMENT", said, &[(&at(path, Step::Name(name)), node)]);
            }
        }
    }

    fn statement(&mut self, statement: &Node, path: &[Step<'_>]) {
        if !matches!(statement.value, Value::Object(_)) {
            return self.mismatch("Object", path, statement);
        }
        self.names(statement, &ELEMENTS, path);
        let here: &[(&[Step<'_>], &Node)] = &[(path, statement)];
        match statement.get("Effect").map(|node| (node, node.text())) {
            None => {
                let said = "Add an Effect element to the policy statement with a value of Allow or Deny.";
                self.find("ERROR", "MISSING_EFFECT", said, here);
            }
            Some((_, Some("Allow" | "Deny"))) => {}
            Some((node, Some(effect))) => {
                let said = format!("The effect {effect} is not valid. Use Allow or Deny.");
                self.find("ERROR", "INVALID_EFFECT", said, &[(&at(path, Step::Member("Effect")), node)]);
            }
            Some((node, None)) => self.mismatch("String", &at(path, Step::Member("Effect")), node),
        }
        if statement.get("Sid").and_then(Node::text) == Some("") {
            let said = "Add a value to the empty string in the Sid element.";
            let node = statement.get("Sid").unwrap_or(statement);
            self.find("SUGGESTION", "EMPTY_SID_VALUE", said, &[(&at(path, Step::Member("Sid")), node)]);
        }
        if statement.get("Action").is_none() && statement.get("NotAction").is_none() {
            let said = "Add an Action or NotAction element to the policy statement.";
            self.find("ERROR", "MISSING_ACTION", said, here);
        }
        if !self.trust && statement.get("Resource").is_none() && statement.get("NotResource").is_none() {
            let said = "Add a Resource or NotResource element to the policy statement.";
            self.find("ERROR", "MISSING_RESOURCE", said, here);
        }
        self.principals(statement, path);
        for element in ["Action", "NotAction"] {
            self.actions(statement, element, path);
        }
        for element in ["Resource", "NotResource"] {
            self.resources(statement, element, path);
        }
        self.pass_role(statement, path);
    }

    fn principals(&mut self, statement: &Node, path: &[Step<'_>]) {
        let named = ["Principal", "NotPrincipal"]
            .into_iter()
            .find_map(|name| statement.get(name).map(|node| (name, node)));
        match (self.kind, named) {
            (PolicyType::Resource, None) => {
                let said = "Add a Principal element to the policy statement.";
                self.find("ERROR", "MISSING_PRINCIPAL", said, &[(path, statement)]);
            }
            (PolicyType::Identity, Some((name, node))) => {
                let said = format!(
                    "The policy type {} does not support the Principal element. Remove the Principal element.",
                    self.kind.words()
                );
                self.find("ERROR", "UNSUPPORTED_PRINCIPAL", said, &[(&at(path, Step::Member(name)), node)]);
            }
            (PolicyType::ServiceControl, Some((name, node))) => {
                let said = "SCPs do not support specifying principals. Remove the Principal or NotPrincipal element.";
                self.find(
                    "ERROR",
                    "SCP_SYNTAX_ERROR_PRINCIPAL",
                    said,
                    &[(&at(path, Step::Member(name)), node)],
                );
            }
            _ => {}
        }
    }

    fn actions(&mut self, statement: &Node, element: &str, path: &[Step<'_>]) {
        let Some(list) = statement.get(element) else { return };
        let path = at(path, Step::Member(element));
        if list.value == Value::Array(Vec::new()) {
            let said = "This statement includes no actions and does not affect the policy. Specify actions.";
            self.find("SUGGESTION", "EMPTY_ARRAY_ACTION", said, &[(&path, list)]);
        }
        for (number, node) in list.elements() {
            let mut path = path.clone();
            path.extend(number.map(Step::Element));
            let Some(action) = node.text() else {
                self.mismatch("String", &path, node);
                continue;
            };
            if action == "*" {
                continue;
            }
            let service = action.split(':').next().unwrap_or_default();
            match action.split_once(':') {
                Some((_, name)) if is_word(name) => {}
                _ => {
                    let said = format!("The action {action} does not exist.");
                    self.find("ERROR", "INVALID_ACTION", said, &[(&path, node)]);
                    continue;
                }
            }
            if !services().iter().any(|it| it.namespace.eq_ignore_ascii_case(service)) {
                let said = format!("The service {service} specified in the action does not exist.");
                self.find("ERROR", "INVALID_SERVICE_IN_ACTION", said, &[(&path, node)]);
            }
        }
    }

    fn resources(&mut self, statement: &Node, element: &str, path: &[Step<'_>]) {
        let Some(list) = statement.get(element) else { return };
        let path = at(path, Step::Member(element));
        if list.value == Value::Array(Vec::new()) {
            let said =
                "This statement includes no resources and does not affect the policy. Specify resources.";
            self.find("SUGGESTION", "EMPTY_ARRAY_RESOURCE", said, &[(&path, list)]);
        }
        for (number, node) in list.elements() {
            let mut path = path.clone();
            path.extend(number.map(Step::Element));
            let Some(resource) = node.text() else {
                self.mismatch("String", &path, node);
                continue;
            };
            if resource != "*" && resource.split(':').count() < 6 {
                let said = "Resource ARNs must include at least 6 fields in the following structure: arn:partition:service:region:account:resource";
                self.find("ERROR", "MISSING_ARN_FIELD", said, &[(&path, node)]);
            }
            for (start, length, closed) in variables(resource) {
                let (code, said) = match (closed, length) {
                    (false, _) => (
                        "MISSING_BRACE_IN_VARIABLE",
                        "The policy variable is missing a closing curly brace. Add } after the variable text.",
                    ),
                    // Its `${}` alone.
                    (true, 3) => (
                        "EMPTY_VARIABLE",
                        "Empty policy variable. Remove the ${ } variable structure or provide a variable within the structure.",
                    ),
                    _ => continue,
                };
                let from = node.start + 1 + start;
                let part = Node { start: from, end: from + length, value: Value::Other };
                self.find("ERROR", code, said, &[(&at(&path, Step::Part(start, length)), &part)]);
            }
        }
    }

    /// A statement that allows a role to be passed on anything.
    fn pass_role(&mut self, statement: &Node, path: &[Step<'_>]) {
        let allows = statement.get("Effect").and_then(Node::text) == Some("Allow");
        let bound = statement.get("Condition").is_some_and(|condition| {
            let mut keys = condition.members().iter().flat_map(|(_, keys)| keys.members());
            keys.any(|(key, _)| key.text().is_some_and(|key| key.eq_ignore_ascii_case("iam:PassedToService")))
        });
        let (Some(actions), Some(resources)) = (statement.get("Action"), statement.get("Resource")) else {
            return;
        };
        if !allows || bound || self.kind != PolicyType::Identity {
            return;
        }
        let Some((on, resource)) = resources.elements().into_iter().find(|(_, it)| it.text() == Some("*"))
        else {
            return;
        };
        let mut to = at(path, Step::Member("Resource"));
        to.extend(on.map(Step::Element));
        for (number, node) in actions.elements() {
            let action = node.text().unwrap_or_default().to_ascii_lowercase();
            let (code, said) = match action.as_str() {
                "iam:passrole" => ("PASS_ROLE_WITH_STAR_IN_RESOURCE", PASS_ROLE),
                star if star.contains('*') && like(star, "iam:passrole") => {
                    ("PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", PASS_ROLE_STAR)
                }
                _ => continue,
            };
            let mut from = at(path, Step::Member("Action"));
            from.extend(number.map(Step::Element));
            self.find("SECURITY_WARNING", code, said, &[(&from, node), (&to, resource)]);
        }
    }
}

fn at<'a>(path: &[Step<'a>], step: Step<'a>) -> Vec<Step<'a>> {
    path.iter().copied().chain([step]).collect()
}

/// What an action's name may be, with wildcards.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*?".contains(&byte))
}

/// The policy variables of a text: where each begins, its length, and whether it is closed.
fn variables(text: &str) -> Vec<(usize, usize, bool)> {
    let found = text.match_indices("${").map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.find('}').map(|end| end + 1);
        let length = rest[..end.unwrap_or(rest.len())].chars().count();
        (text[..at].chars().count(), length, end.is_some())
    });
    found.collect()
}
