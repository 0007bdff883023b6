//! The run's result: headline numbers, which a ticket carries.

use std::collections::{BTreeMap, BTreeSet};

use models::Coverage;
use serde_json::{Map, Value, json};

use crate::entry::Generated;
use crate::plan::Basis;
use crate::tables::Covered;
use crate::tables::status::Status;

/// Examples of one thing in the result.
pub(super) const EXAMPLES: usize = 3;
/// Characters of a text in it that AWS or the request has made.
const CHARACTERS: usize = 80;
/// Regions in the result, and reasons of gaps.
const MOST: usize = 10;

/// The beginning of a text that may be long.
pub(super) fn brief(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What is counted while accounts are gone through.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) principals: u64,
    /// Those that a policy was to be generated for.
    pub(super) due: u64,
    statuses: BTreeMap<&'static str, u64>,
    /// Days of the windows of generated policies.
    days: BTreeMap<u64, u64>,
    regions: BTreeSet<String>,
    findings: BTreeMap<String, u64>,
    incomplete: u64,
    with_placeholders: u64,
    not_found: u64,
    not_found_examples: Vec<String>,
}

impl Totals {
    pub(super) fn principal(&mut self, status: Status<'_>) {
        self.principals += 1;
        *self.statuses.entry(status.as_str()).or_default() += 1;
    }

    pub(super) fn generated(&mut self, generated: &Generated, covered: Covered) {
        if let Some(days) = covered.days {
            *self.days.entry(days).or_default() += 1;
        }
        self.regions.extend(covered.regions.unwrap_or_default());
        for (kind, count) in generated.findings.iter().flatten() {
            *self.findings.entry(kind.clone()).or_default() += count;
        }
        self.incomplete += u64::from(generated.is_complete != Some(true));
        self.with_placeholders += u64::from(generated.placeholders > 0);
    }

    pub(super) fn not_found(&mut self, arn: &str) {
        self.not_found += 1;
        if self.not_found_examples.len() < EXAMPLES {
            self.not_found_examples.push(brief(arn));
        }
    }

    /// `rows` of each table, `conclusions` of the rows of access.
    pub(super) fn result(
        &self,
        basis: &Basis,
        coverage: &Coverage,
        left_out: &Value,
        rows: &BTreeMap<&str, u64>,
        conclusions: &BTreeMap<&'static str, u64>,
    ) -> Value {
        let with = |status: &str| self.statuses.get(status).copied().unwrap_or(0);
        let findings: BTreeMap<_, _> =
            self.findings.iter().take(MOST).map(|(it, n)| (brief(it), n)).collect();
        json!({
            "inventory": {"runId": basis.inventory, "observedAt": basis.inventory_observed_at},
            "accounts": basis.accounts,
            "accountsRead": coverage.seen_accounts,
            "managementAccount": basis.management_account,
            "principals": self.principals,
            "noActivity": with("no_activity"),
            "validPolicyExists": with("valid_policy_exists"),
            "due": self.due,
            "generated": with("generated"),
            "notComplete": self.incomplete,
            "withPlaceholders": self.with_placeholders,
            "failed": with("failed"),
            "carriedOver": with("carried_over"),
            "overdue": with("overdue"),
            "unknown": with("unknown"),
            "leftOut": left_out,
            "windows": {"days": self.spread()},
            "regions": {
                "count": self.regions.len(),
                "examples": self.regions.iter().take(MOST).map(|it| brief(it)).collect::<Vec<_>>(),
            },
            "findings": findings,
            "rows": rows,
            "conclusions": conclusions,
            "unmatched": basis.unmatched,
            "notFound": {"count": self.not_found, "examples": self.not_found_examples},
            "gaps": gaps(coverage),
        })
    }

    /// Of the windows' days; nothing where no trail was read.
    fn spread(&self) -> Value {
        let count: u64 = self.days.values().sum();
        let mut before = 0;
        let median = self.days.iter().find(|&(_, &of)| {
            before += of;
            before * 2 >= count
        });
        match (self.days.first_key_value(), median, self.days.last_key_value()) {
            (Some((min, _)), Some((median, _)), Some((max, _))) => {
                json!({"min": min, "median": median, "max": max})
            }
            _ => Value::Null,
        }
    }
}

/// How often each reason occurred: of many, the most frequent, and the rest together.
fn gaps(coverage: &Coverage) -> Map<String, Value> {
    let mut gaps: Vec<_> = coverage.gaps.iter().map(|(reason, gap)| (gap.count, reason)).collect();
    gaps.sort_by(|one, other| other.cmp(one));
    let rest: u64 = gaps.iter().skip(MOST).map(|(count, _)| count).sum();
    let mut told: Map<_, _> =
        gaps.iter().take(MOST).map(|(count, reason)| (brief(reason), json!(count))).collect();
    if rest > 0 {
        told.insert("other reasons".to_owned(), json!(rest));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::left_out::LeftOut;
    use crate::plan::ManagementAccount;

    fn basis() -> Basis {
        Basis {
            inventory: "20261121T063000Z-9f86d081".parse().unwrap(),
            inventory_observed_at: Some("2026-11-21T06:30:00.123456789Z".parse().unwrap()),
            snapshot: "runs/20261121T063000Z-9f86d081/parts/organization/w/snapshot.jsonl".into(),
            accounts: 50_000,
            management_account: ManagementAccount::Excluded,
            unmatched: vec!["ou-ab12-".to_owned() + &"c".repeat(32); 5],
        }
    }

    fn generated(kind: &str) -> Generated {
        let at = "2026-11-21T06:30:00Z";
        serde_json::from_value(json!({
            "id": "AROA1", "jobId": "j", "started": at, "completed": at, "window": null, "isComplete": null,
            "documents": "d", "policies": 1, "withPlaceholders": 1, "serviceLevel": 1, "placeholders": 2, "withoutStatements": 0,
            "findings": {kind: 2},
        }))
        .unwrap()
    }

    fn covered(days: u64, region: &str) -> Covered {
        Covered { days: Some(days), regions: Some([region.to_owned()].into()), ..Covered::default() }
    }

    fn result(totals: &Totals, coverage: &Coverage, left_out: &LeftOut) -> Value {
        let key = "runs/20261121T063000Z-9f86d081/parts/organization/00000000-0000-0000-0000-000000000000/left-out.jsonl";
        let rows = [("generated_policies", 3_000_000), ("principal_access", 300_000_000)].into();
        let conclusions = ["used", "not_used", "not_tracked", "unknown"].map(|it| (it, 300_000_000)).into();
        totals.result(&basis(), coverage, &left_out.told(Some(key)), &rows, &conclusions)
    }

    #[test]
    fn a_result_leaves_a_ticket_room_whatever_an_organization_is_like() {
        let long = "é".repeat(3_000);
        let (mut totals, mut left_out, mut coverage) =
            (Totals::default(), LeftOut::default(), Coverage::default());
        for number in 0..200_u64 {
            let text = format!("{number}{long}");
            totals.principal(Status::Failed);
            totals.generated(
                &generated(["ERROR", "SECURITY_WARNING", "WARNING"][number as usize % 3]),
                covered(number, &format!("eu-central-{number}")),
            );
            totals.not_found(&format!("arn:aws:iam::012345678901:role/{number}{}", "a".repeat(500)));
            left_out
                .principal(
                    "012345678901",
                    &format!("arn:aws:iam::012345678901:role/{}", "b".repeat(500)),
                    &format!("excluded by tag {number} {}", "c".repeat(200)),
                )
                .unwrap();
            coverage.gap(&format!("policies that were not generated: {number:013}"), || text);
        }
        let bytes = result(&totals, &coverage, &left_out).to_string().len();
        assert!(bytes < 3_000, "{bytes}");
    }

    #[test]
    fn windows_are_told_by_the_least_the_median_and_the_most_of_their_days() {
        let mut totals = Totals::default();
        assert_eq!(totals.spread(), Value::Null);
        for days in [90, 5, 90, 20, 17] {
            totals.generated(&generated("ERROR"), covered(days, "eu-central-1"));
        }
        assert_eq!(totals.spread(), json!({"min": 5, "median": 20, "max": 90}));
        let result = result(&totals, &Coverage::default(), &LeftOut::default());
        assert_eq!(result["findings"], json!({"ERROR": 10}));
        assert_eq!(result["regions"], json!({"count": 1, "examples": ["eu-central-1"]}));
        // Nothing says that these are complete.
        assert_eq!((&result["notComplete"], &result["withPlaceholders"]), (&json!(5), &json!(5)));
    }

    #[test]
    fn a_failed_generation_is_counted_as_failed_and_not_as_no_activity() {
        let mut totals = Totals::default();
        for status in [Status::Failed, Status::CarriedOver, Status::Overdue] {
            totals.principal(status);
        }
        let result = result(&totals, &Coverage::default(), &LeftOut::default());
        for (member, count) in
            [("principals", 3), ("noActivity", 0), ("failed", 1), ("carriedOver", 1), ("overdue", 1)]
        {
            assert_eq!(result[member], count, "{member}");
        }
    }

    #[test]
    fn of_many_reasons_the_most_frequent_are_told_and_the_rest_is_counted() {
        let mut coverage = Coverage::default();
        for number in 1..=12 {
            coverage.gap_many(&format!("reason {number:02}"), number, []);
        }
        let told = gaps(&coverage);
        assert_eq!(
            (told.len(), &told["reason 12"], &told["other reasons"]),
            (MOST + 1, &json!(12), &json!(3))
        );
    }
}
