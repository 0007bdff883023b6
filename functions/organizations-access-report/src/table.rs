//! The table `service_access`, and what a row lets anybody conclude.
//!
//! *Not used within the tracking period* is concluded only where AWS has said so about accounts that the
//! report covers. A report about a policy that is not attached is a list without data, which looks like
//! one about services that nobody used: such a list concludes nothing.

use std::collections::BTreeMap;

use errors::JobError;
use models::TargetId;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use crate::entity::account_of;
use crate::entry::{Report, Service};

/// One row for each service that a report lists. Columns are only ever added.
const COLUMNS: [Column; 23] = [
    Column::required("run_id", Kind::Text),
    Column::required("item", Kind::Text),
    Column::required("entity_id", Kind::Text),
    // `root`, `organizational_unit`, `account` or `management_account`.
    Column::required("entity_type", Kind::Text),
    Column::required("entity_path", Kind::Text),
    // The policy that was asked about; without one, the entity's and those above it.
    Column::optional("policy_id", Kind::Text),
    // The management account is limited by no policy, and AWS ignores the one that was asked about.
    Column::required("policy_ignored", Kind::Boolean),
    Column::required("service_namespace", Kind::Text),
    Column::required("service_name", Kind::Text),
    Column::optional("last_authenticated_at", Kind::Timestamp),
    Column::optional("last_authenticated_region", Kind::Text),
    Column::optional("last_authenticated_entity_path", Kind::Text),
    Column::optional("last_authenticated_account_id", Kind::Text),
    // The accounts that used it, of those that the report is about.
    Column::optional("accounts_used", Kind::Integer),
    Column::required("accounts_in_scope", Kind::Integer),
    Column::required("tracking_period_at_least_days", Kind::Integer),
    Column::required("activity_shows_within_hours", Kind::Integer),
    Column::required("observed_at", Kind::Timestamp),
    // `used`, `not_used` (within the tracking period), or `unknown`.
    Column::required("conclusion", Kind::Text),
    Column::optional("unknown_because", Kind::Text),
    // What the row does not say, a list of words as JSON.
    Column::required("caveats", Kind::Text),
    Column::required("job_id", Kind::Text),
    Column::required("schema_version", Kind::Integer),
];

/// What is published.
pub const TABLES: [Table; 1] = [Table { name: NAME, columns: &COLUMNS }];

const NAME: &str = "service_access";
const SCHEMA_VERSION: i64 = 1;
/// AWS tracks at least so many days.
const TRACKING_DAYS: i64 = 400;
/// And shows activity within so many hours.
const LAG_HOURS: i64 = 4;

/// Why nothing can be concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unknown {
    /// Nobody is there who could have used it.
    NoAccounts,
    /// The list has no data at all, as that of a policy that is not attached.
    PolicyMayNotBeAttached,
    /// AWS's own counts differ from the rows.
    CountsDiffer,
    /// The row has no count of accounts, or one that its other cells contradict.
    NoCount,
}

impl Unknown {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NoAccounts => "no_accounts",
            Self::PolicyMayNotBeAttached => "policy_may_not_be_attached",
            Self::CountsDiffer => "counts_differ",
            Self::NoCount => "no_count",
        }
    }
}

/// What a row says about the tracking period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conclusion {
    Used,
    NotUsed,
    Unknown(Unknown),
}

impl Report {
    /// Whether the policy that was asked about was ignored.
    fn policy_is_ignored(&self) -> bool {
        self.management && self.policy_id.is_some()
    }

    fn entity_type(&self) -> &'static str {
        match &self.entity_id {
            TargetId::Root(_) => "root",
            TargetId::OrganizationalUnit(_) => "organizational_unit",
            TargetId::Account(_) if self.management => "management_account",
            TargetId::Account(_) => "account",
        }
    }

    /// Why services of the report that show no use are not established as unused.
    fn doubt(&self) -> Option<Unknown> {
        let count = |some: usize| i64::try_from(some).ok();
        let without = self.services.iter().filter(|it| it.last.is_none()).count();
        let has_data = without < self.services.len();
        if self.accessible != count(self.services.len()) || self.not_accessed != count(without) {
            return Some(Unknown::CountsDiffer);
        }
        if self.accounts == 0 {
            return Some(Unknown::NoAccounts);
        }
        let is_about_policy = self.policy_id.is_some() && !self.policy_is_ignored();
        (is_about_policy && !has_data).then_some(Unknown::PolicyMayNotBeAttached)
    }

    fn caveats(&self) -> String {
        let mut caveats = vec!["scp_logic_only", "denied_attempts_count", "activity_lag_4_hours"];
        if !matches!(self.entity_id, TargetId::Account(_)) {
            caveats.push("management_account_not_included");
        }
        if self.management {
            caveats.push("no_policy_limits_the_management_account");
        }
        if self.policy_is_ignored() {
            caveats.push("policy_ignored");
        }
        // Words without anything to escape.
        format!("[\"{}\"]", caveats.join("\",\""))
    }
}

fn conclude(service: &Service, doubt: Option<Unknown>) -> Conclusion {
    match (service.last, service.accounts, doubt) {
        (Some(_), Some(1..), _) => Conclusion::Used,
        (None, Some(0), None) => Conclusion::NotUsed,
        (None, Some(0), Some(doubt)) => Conclusion::Unknown(doubt),
        _ => Conclusion::Unknown(Unknown::NoCount),
    }
}

/// The table being written.
#[derive(Debug)]
pub(crate) struct ServiceAccess<'a> {
    run: RunContext<'a>,
    file: TableFile,
    /// Rows, by their conclusion.
    pub(crate) conclusions: BTreeMap<&'static str, u64>,
    /// Rows without a conclusion, by the reason.
    pub(crate) unknown: BTreeMap<Unknown, u64>,
}

impl<'a> ServiceAccess<'a> {
    pub(crate) fn new(run: RunContext<'a>) -> Result<Self, JobError> {
        let file = TableFile::new(NAME, &COLUMNS)?;
        Ok(Self { run, file, conclusions: BTreeMap::new(), unknown: BTreeMap::new() })
    }

    /// Adds the rows of a report; answers how many of them conclude nothing, by the reason.
    pub(crate) fn push(&mut self, report: &Report) -> Result<BTreeMap<Unknown, u64>, JobError> {
        let (doubt, caveats) = (report.doubt(), report.caveats());
        let mut unknown = BTreeMap::new();
        for service in &report.services {
            let (word, because) = match conclude(service, doubt) {
                Conclusion::Used => ("used", None),
                Conclusion::NotUsed => ("not_used", None),
                Conclusion::Unknown(because) => ("unknown", Some(because)),
            };
            *self.conclusions.entry(word).or_default() += 1;
            if let Some(because) = because {
                *self.unknown.entry(because).or_default() += 1;
                *unknown.entry(because).or_default() += 1;
            }
            let account = service.entity.as_deref().and_then(account_of);
            self.file.push(&[
                self.run.run_id.as_str().into(),
                report.item.as_str().into(),
                report.entity_id.as_str().into(),
                report.entity_type().into(),
                report.entity_path.as_str().into(),
                report.policy_id.as_ref().map(|id| id.as_str()).into(),
                report.policy_is_ignored().into(),
                (&service.namespace).into(),
                (&service.name).into(),
                service.last.map(|at| at.as_millisecond()).into(),
                service.region.as_ref().into(),
                service.entity.as_ref().into(),
                account.as_ref().map(|id| id.as_str()).into(),
                service.accounts.into(),
                report.accounts.into(),
                TRACKING_DAYS.into(),
                LAG_HOURS.into(),
                report.completed.as_millisecond().into(),
                word.into(),
                because.map(Unknown::as_str).into(),
                (&caveats).into(),
                (&report.job_id).into(),
                SCHEMA_VERSION.into(),
            ])?;
        }
        Ok(unknown)
    }

    pub(crate) async fn finish(self, store: &Store) -> Result<Part, JobError> {
        self.file.finish(store, self.run).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn service(used: bool) -> Service {
        Service {
            namespace: "s3".into(),
            name: "Amazon S3".into(),
            last: used.then_some(Timestamp::UNIX_EPOCH),
            region: None,
            entity: None,
            accounts: Some(i64::from(used)),
        }
    }

    fn report(services: Vec<Service>) -> Report {
        Report {
            item: "r-ab12".parse().unwrap(),
            entity_id: "r-ab12".parse().unwrap(),
            entity_path: "o-a1b2c3d4e5/r-ab12".parse().unwrap(),
            policy_id: None,
            management: false,
            accounts: 7,
            job_id: "j".into(),
            completed: Timestamp::UNIX_EPOCH,
            accessible: i64::try_from(services.len()).ok(),
            not_accessed: i64::try_from(services.iter().filter(|it| it.last.is_none()).count()).ok(),
            services,
        }
    }

    fn concluded(report: &Report) -> Vec<Conclusion> {
        report.services.iter().map(|service| conclude(service, report.doubt())).collect()
    }

    #[test]
    fn a_service_without_use_is_unused_only_where_somebody_could_have_used_it() {
        let both = || vec![service(true), service(false)];
        assert_eq!(concluded(&report(both())), [Conclusion::Used, Conclusion::NotUsed]);
        let nobody = Report { accounts: 0, ..report(vec![service(false)]) };
        assert_eq!(concluded(&nobody), [Conclusion::Unknown(Unknown::NoAccounts)]);
    }

    #[test]
    fn a_policys_list_without_any_data_concludes_nothing() {
        let policy = Some("p-a1b2c3d4".parse().unwrap());
        let unattached = Report { policy_id: policy.clone(), ..report(vec![service(false)]) };
        assert_eq!(concluded(&unattached), [Conclusion::Unknown(Unknown::PolicyMayNotBeAttached)]);
        let attached = Report { policy_id: policy.clone(), ..report(vec![service(true), service(false)]) };
        assert_eq!(concluded(&attached), [Conclusion::Used, Conclusion::NotUsed]);
        // A policy that is ignored tells nothing about where it is attached.
        let ignored = Report {
            policy_id: policy,
            management: true,
            accounts: 1,
            entity_id: "012345678901".parse().unwrap(),
            ..report(vec![service(false)])
        };
        assert_eq!(concluded(&ignored), [Conclusion::NotUsed]);
        assert_eq!(ignored.entity_type(), "management_account");
        assert!(ignored.caveats().contains("\"policy_ignored\""));
    }

    #[test]
    fn counts_that_differ_from_the_rows_leave_what_shows_no_use_open() {
        for (accessible, not_accessed) in
            [(Some(3), Some(1)), (Some(2), Some(2)), (None, Some(1)), (Some(2), None)]
        {
            let differs = Report { accessible, not_accessed, ..report(vec![service(true), service(false)]) };
            let unknown = Conclusion::Unknown(Unknown::CountsDiffer);
            assert_eq!(concluded(&differs), [Conclusion::Used, unknown], "{accessible:?} {not_accessed:?}");
        }
    }

    #[test]
    fn a_row_that_contradicts_itself_or_has_no_count_concludes_nothing() {
        for (last, accounts) in [(None, Some(2)), (None, None), (Some(Timestamp::UNIX_EPOCH), Some(0))] {
            let odd = Service { last, accounts, ..service(false) };
            assert_eq!(conclude(&odd, None), Conclusion::Unknown(Unknown::NoCount));
        }
    }

    #[test]
    fn caveats_are_a_list_as_json() {
        let caveats: Vec<String> = serde_json::from_str(&report(Vec::new()).caveats()).unwrap();
        assert_eq!(caveats.last().map(String::as_str), Some("management_account_not_included"));
    }
}
