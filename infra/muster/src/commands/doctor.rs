//! `muster doctor`: what a stack needs, looked at without changing anything.

mod account;
mod organization;
mod report;

use comfy_table::{CellAlignment, ContentArrangement};

use super::block_on;
use crate::arguments::At;
use crate::client::Stack;
use crate::{Done, Problem, view};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Fail,
    /// It could not be looked at, or what it means is not established.
    Unknown,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    /// What was seen and, unless it passes, what to do.
    text: String,
}

impl Check {
    fn pass(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Pass, text: text.into() }
    }

    fn fail(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, text: text.into() }
    }

    fn unknown(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Unknown, text: text.into() }
    }

    /// A check that AWS refused to answer.
    fn refused(name: &'static str, problem: &Problem) -> Self {
        Self::unknown(name, problem.to_string())
    }
}

pub(crate) fn main(at: &At) -> Done {
    block_on(async {
        let stack = Stack::at(at).await?;
        let caller = account::caller(&stack).await;
        let mut checks = vec![caller.check()];
        checks.extend(organization::checks(&stack, &caller).await);
        checks.extend(account::checks(&stack, &caller).await?);
        checks.extend(report::checks(&stack).await?);
        show(&checks);
        match checks.iter().filter(|check| check.verdict == Verdict::Fail).count() {
            0 => Ok(()),
            failed => Err(Problem::other(format!("{failed} of {} checks failed", checks.len()))),
        }
    })
}

fn show(checks: &[Check]) {
    let mut table = view::table(["", "check", "what was seen"]);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(120);
    for check in checks {
        let verdict = match check.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
            Verdict::Unknown => "unknown",
        };
        table.add_row([verdict, check.name, &view::line(&check.text)]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    view::say(&table.to_string());
}
