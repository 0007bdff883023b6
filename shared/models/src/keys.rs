//! Where everything lies in the bucket.
//!
//! ```text
//! raw/<kind>/<run-id>/…                  what AWS delivered, untouched
//! runs/<run-id>/claim.json               whose run it is: the first writer
//! runs/<run-id>/request-<sha256>.json    a request too large for a ticket
//! runs/<run-id>/jobs/<item>.json         the job's record
//! runs/<run-id>/plan/<writer>/…          lanes and their items
//! runs/<run-id>/lanes/<lane>.json        a lane's record
//! runs/<run-id>/parts/<item>/<writer>/…  what an invocation produced, before it is published
//! runs/<run-id>/policies/…               documents of generated policies
//! runs/<run-id>/manifest.json            what was published, and from which parts
//! open/<run-id>/<item>                   a job not yet closed
//! published/<kind>/<run-id>.json         that a run was published, and its result
//! runs/<run-id>/changes/…                a plan of changes, and what came of each
//! locks/<name>                           who is the only writer at present
//! cursors/<kind>.json                    where runs that take turns go on
//! cursors/<kind>/<name>.json             the same for one account alone
//! findings/<run-id>/…                    what findings come to, for people: report, files, proposals
//! tables/<table>/run_date=YYYY-MM-DD/<run-id>-<n>.parquet
//! ```

use crate::id::{ItemName, RunId};
use crate::ticket::Kind;

pub const OPEN: &str = "open/";
pub const RUNS: &str = "runs/";
pub const TABLES: &str = "tables/";

/// The prefix of what AWS delivers for one run.
pub fn raw(kind: Kind, run: &RunId) -> String {
    format!("raw/{kind}/{run}")
}

pub fn run(run: &RunId) -> String {
    format!("{RUNS}{run}/")
}

pub fn claim(run: &RunId) -> String {
    format!("{RUNS}{run}/claim.json")
}

/// Where a request is kept, by its digest: of one run there can be two, before and after its target
/// was known.
pub fn request(run: &RunId, sha256: &str) -> String {
    format!("{RUNS}{run}/request-{sha256}.json")
}

pub fn jobs(run: &RunId) -> String {
    format!("{RUNS}{run}/jobs/")
}

pub fn record(run: &RunId, item: &ItemName) -> String {
    format!("{RUNS}{run}/jobs/{item}.json")
}

/// Where an invocation writes what it planned. Of two that plan at once, the run's record names one.
pub fn plan(run: &RunId, writer: &str, name: &str) -> String {
    format!("{RUNS}{run}/plan/{writer}/{name}")
}

pub fn lanes(run: &RunId) -> String {
    format!("{RUNS}{run}/lanes/")
}

pub fn lane(run: &RunId, lane: &ItemName) -> String {
    format!("{RUNS}{run}/lanes/{lane}.json")
}

/// Where an invocation puts what it produced. Each writes beside the others: a step that is made
/// again while its first invocation still works never changes what that one commits to.
pub fn part(run: &RunId, item: &ItemName, writer: &str, name: &str) -> String {
    format!("{RUNS}{run}/parts/{item}/{writer}/{name}")
}

pub fn manifest(run: &RunId) -> String {
    format!("{RUNS}{run}/manifest.json")
}

pub fn marker(run: &RunId, item: &ItemName) -> String {
    format!("{OPEN}{run}/{item}")
}

/// The run and item of a marker's key; `None` for anything else that lies under `open/`.
pub fn parse_marker(key: &str) -> Option<(RunId, ItemName)> {
    let (run, item) = key.strip_prefix(OPEN)?.split_once('/')?;
    Some((run.parse().ok()?, item.parse().ok()?))
}

/// The item of a record's key.
pub fn parse_record(key: &str) -> Option<(RunId, ItemName)> {
    let (run, rest) = key.strip_prefix(RUNS)?.split_once('/')?;
    let item = rest.strip_prefix("jobs/")?.strip_suffix(".json")?;
    Some((run.parse().ok()?, item.parse().ok()?))
}

/// Where a plan of changes is kept.
pub fn change_plan(run: &RunId) -> String {
    format!("{RUNS}{run}/changes/plan.json")
}

/// Where a document beside a plan of changes is kept, such as what it comes to in each account.
pub fn change_document(run: &RunId, name: &str) -> String {
    format!("{RUNS}{run}/changes/{name}")
}

/// Where the record of one change is kept that a run makes: before the call, and after it.
pub fn change(run: &RunId, number: u32) -> String {
    format!("{RUNS}{run}/changes/made/{number:06}.json")
}

/// The prefix of those records.
pub fn changes(run: &RunId) -> String {
    format!("{RUNS}{run}/changes/made/")
}

/// How far a run has come that makes changes.
pub fn change_progress(run: &RunId) -> String {
    format!("{RUNS}{run}/changes/progress.json")
}

/// The lease of whoever writes to the organization.
pub const ORGANIZATION_WRITER: &str = "locks/organization-writer";

/// When an account was asked for last: AWS takes one request in ten seconds.
pub const ACCOUNT_CREATION: &str = "locks/account-creation";

/// Where what a run of findings publishes for people is kept.
pub fn findings(run: &RunId, name: &str) -> String {
    format!("findings/{run}/{name}")
}

/// The prefix of objects that requests refer to.
pub const REQUESTS: &str = "requests/";

/// The prefix of what is published of a kind, a document for each run.
pub fn published(kind: Kind) -> String {
    format!("published/{kind}/")
}

/// Where what a kind's published runs have done by turns is kept.
pub fn cursor(kind: Kind) -> String {
    format!("cursors/{kind}.json")
}

/// The same for kinds whose turns are of one account, or another thing with a name, alone.
pub fn cursor_of(kind: Kind, name: &str) -> String {
    format!("cursors/{kind}/{name}.json")
}

/// The prefix of everything published in a table.
pub fn table_prefix(table: &str) -> String {
    format!("{TABLES}{table}/")
}

/// Where the documents of a principal are kept that a run has generated policies for.
pub fn policies(run: &RunId, account: &str, name: &ItemName) -> String {
    format!("{RUNS}{run}/policies/{account}/{name}.json")
}

/// Where the policies are kept that the principal had before.
pub fn current_policies(run: &RunId, account: &str, name: &ItemName) -> String {
    format!("{RUNS}{run}/policies/{account}/{name}.current.json")
}

/// Where file `number` of a table is published for `run`.
pub fn table(table: &str, run: &RunId, number: u32) -> String {
    // The run id begins with its UTC date, so the partition can be told from the run alone.
    let date = run.as_str();
    let (year, month, day) =
        (date.get(0..4).unwrap_or(""), date.get(4..6).unwrap_or(""), date.get(6..8).unwrap_or(""));
    format!("{}run_date={year}-{month}-{day}/{run}-{number}.parquet", table_prefix(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_can_be_read_back() {
        let run: RunId = "20261121T063000Z-9f86d081".parse().unwrap();
        let item: ItemName = "r-ab12".parse().unwrap();
        assert_eq!(parse_marker(&marker(&run, &item)), Some((run.clone(), item.clone())));
        assert_eq!(parse_record(&record(&run, &item)), Some((run.clone(), item)));
        assert_eq!(
            table("account_status", &run, 0),
            "tables/account_status/run_date=2026-11-21/20261121T063000Z-9f86d081-0.parquet"
        );
        assert_eq!(parse_marker("open/readme.txt"), None);
        assert_eq!(parse_record("runs/20261121T063000Z-9f86d081/claim.json"), None);
    }
}
