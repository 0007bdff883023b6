//! The check of one setting: operators, and the values that they take.

use crate::json::Node;
use crate::operators::{self, ALL, APPEND, ASSIGN, CHILD_CONTROL, NONE, Operators, REMOVE};
use crate::pointer;
use crate::problem::{ProblemKind, Problems, shown};
use crate::syntax::items::Items;
use crate::syntax::place::Empty;
use crate::syntax::shape::{Range, Shape};
use crate::value::Scalar;

/// Checks what stands at a setting: operators, and nothing else.
pub(crate) fn check(shape: &Shape, members: &[(String, Node)], path: &str, problems: &mut Problems) {
    let takes = if matches!(shape, Shape::List(_)) { "@@assign, @@append, @@remove" } else { ASSIGN };
    if members.is_empty() {
        problems.wrong(path, "the setting has no operator", takes);
    }
    for (key, value) in members {
        let at = pointer::join(path, key);
        match (key.as_str(), shape) {
            (CHILD_CONTROL, _) => check_control(value, &at, problems),
            (ASSIGN | APPEND | REMOVE, Shape::List(items)) => check_list(items, key, value, &at, problems),
            (ASSIGN, _) => check_one(shape, value, &at, problems),
            // "You can use this operator with only multi-valued settings."
            (APPEND | REMOVE, _) => problems.wrong(&at, format!("{key} at a single-valued setting"), ASSIGN),
            (other, _) if operators::is_operator(other) => {
                problems.wrong(&at, format!("{} is no operator", shown(other)), takes);
            }
            (other, _) => problems.wrong(
                &at,
                format!("{} stands where only operators may stand", shown(other)),
                format!("{takes}, {CHILD_CONTROL}"),
            ),
        }
    }
    let setting = members.iter().filter(|(key, _)| operators::sets_values(key)).count();
    if setting > 1 {
        problems.not_established(
            path,
            "more than one operator sets values here, and AWS's guide does not say how they combine",
            "one of @@assign, @@append, @@remove",
        );
    }
}

/// Checks a child control operator's value.
pub(crate) fn check_control(value: &Node, path: &str, problems: &mut Problems) {
    const ALLOWED: &str =
        "a list: [\"@@all\"], [\"@@none\"], or some of \"@@assign\", \"@@append\", \"@@remove\"";
    let Some(words) = value.scalars() else {
        problems.wrong(path, format!("it is {}", value.what()), ALLOWED);
        return;
    };
    let mut seen: Vec<&str> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let at = pointer::join(path, &index.to_string());
        match word {
            Scalar::Text(text) if operators::sets_values(text) || text == ALL || text == NONE => {
                if seen.contains(&text.as_str()) {
                    problems.not_established(&at, format!("{text} is named twice"), ALLOWED);
                } else {
                    seen.push(text);
                }
            }
            other => problems.wrong(&at, format!("{} is no operator", shown(&other.text())), ALLOWED),
        }
    }
    if words.is_empty() {
        problems.wrong(path, "the list is empty", ALLOWED);
    } else if seen.len() > 1 && seen.contains(&NONE) {
        problems.wrong(path, "@@none stands beside other operators", ALLOWED);
    } else if seen.len() > 1 && Operators::named(seen.iter().copied()).is_none() && seen.contains(&ALL) {
        problems.not_established(path, "@@all stands beside other operators", ALLOWED);
    }
}

fn check_one(shape: &Shape, value: &Node, path: &str, problems: &mut Problems) {
    let Node::One(scalar) = value else {
        problems.wrong(path, format!("it is {}", value.what()), allowed_value(shape));
        return;
    };
    match (shape, scalar) {
        (Shape::Choice(words), Scalar::Text(text)) if words.contains(&text.as_str()) => {}
        (Shape::Integer(range), Scalar::Text(text) | Scalar::Number(text)) => {
            check_number(range, text, path, problems);
        }
        (Shape::Text, Scalar::Text(text)) => {
            if text.trim().is_empty() {
                problems.not_established(path, "the text is empty", allowed_value(shape));
            }
        }
        // the check against the policy key is with the rule, which knows the key
        (Shape::TagKey, Scalar::Text(_)) => {}
        _ => problems.wrong(path, format!("it is {}", value.what()), allowed_value(shape)),
    }
}

fn allowed_value(shape: &Shape) -> String {
    match shape {
        Shape::Choice(words) => format!("one of {}", words.join(", ")),
        Shape::Integer(range) => {
            format!("a whole number from {} to {}, as a number or a string", range.least, range.most)
        }
        Shape::TagKey => "the policy key as a string, in the case that is wanted".to_owned(),
        _ => "a string".to_owned(),
    }
}

fn check_number(range: &Range, text: &str, path: &str, problems: &mut Problems) {
    let allowed = format!("a whole number from {} to {}", range.least, range.most);
    let plain = text.strip_prefix('-').unwrap_or(text);
    let digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) if digits && (range.least..=range.most).contains(&number) => {
            if range.doubtful == Some(number) {
                problems.not_established(path, format!("AWS's pages do not agree on {number}"), allowed);
            } else if number.to_string() != text {
                problems.not_established(
                    path,
                    format!("{} is not how {number} is written", shown(text)),
                    allowed,
                );
            }
        }
        _ => problems.wrong(path, format!("it is {}", shown(text)), allowed),
    }
}

fn check_list(items: &Items, operator: &str, value: &Node, path: &str, problems: &mut Problems) {
    let Node::Many(values) = value else {
        problems.wrong(path, format!("it is {}", value.what()), format!("a list of {}", items.allowed()));
        return;
    };
    if values.is_empty() && !(operator == ASSIGN && items.empty() == Empty::NoValue) {
        problems.not_established(path, "the list is empty", format!("at least one of {}", items.allowed()));
    }
    if let Some(most) = items.most().filter(|most| values.len() > *most && operator != REMOVE) {
        problems.wrong(
            path,
            format!("the list has {} values", values.len()),
            format!("at most {most} values"),
        );
    }
    for (index, value) in values.iter().enumerate() {
        let at = pointer::join(path, &index.to_string());
        match value {
            Node::One(Scalar::Text(text)) => {
                // what is not allowed can still be removed, if it came in before
                if let Some((kind, what)) = items.problem(text) {
                    let kind = if operator == REMOVE { ProblemKind::NotEstablished } else { kind };
                    problems.add(kind, &at, what, items.allowed());
                }
            }
            Node::One(_) if items.takes_other_scalars() => {
                problems.not_established(&at, format!("it is {}", value.what()), items.allowed());
            }
            other => problems.wrong(&at, format!("it is {}", other.what()), items.allowed()),
        }
    }
}
