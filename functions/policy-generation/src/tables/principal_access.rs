//! The table `principal_access`.

use std::collections::BTreeMap;

use errors::JobError;
use jiff::Timestamp;
use runtime::tables::TableFile;
use runtime::{Part, RunContext};
use store::Store;
use table::{Column, Kind, Table};

use super::conclusion::{
    Conclusion, IAM, LAG_HOURS, PASS_ROLE, TRACKING_DAYS, Unknown, is_new, of_action, of_service,
};
use super::millis;
use crate::principal::{Access, GrantedService, Principal};

pub(super) const TABLE: Table = Table {
    name: "principal_access",
    columns: &[
        Column::required("run_id", Kind::Text),
        Column::required("account_id", Kind::Text),
        Column::required("principal_arn", Kind::Text),
        Column::required("principal_id", Kind::Text),
        Column::required("service_namespace", Kind::Text),
        Column::required("service_name", Kind::Text),
        // Nothing in the row of the service itself.
        Column::optional("action_name", Kind::Text),
        // Whether AWS listed actions of the service. It lists none where it tracks none, and also where
        // the principal used none of those that it tracks.
        Column::required("actions_tracked", Kind::Boolean),
        Column::optional("last_used_at", Kind::Timestamp),
        Column::optional("last_used_region", Kind::Text),
        // ARNs and names of the policies that allow the service, a list as JSON; nothing where that could
        // not be read.
        Column::optional("granted_by", Kind::Text),
        // `used`, `not_used` (within the tracking period), `not_tracked` or `unknown`.
        Column::required("conclusion", Kind::Text),
        Column::optional("unknown_because", Kind::Text),
        Column::required("tracking_period_at_least_days", Kind::Integer),
        Column::required("activity_shows_within_hours", Kind::Integer),
        Column::required("observed_at", Kind::Timestamp),
        Column::required("schema_version", Kind::Integer),
    ],
};

const SCHEMA_VERSION: i64 = 1;

/// Whose access it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) account: &'a str,
    pub(crate) principal: &'a Principal,
}

/// The table being written.
#[derive(Debug)]
pub(crate) struct PrincipalAccess<'a> {
    run: RunContext<'a>,
    file: TableFile,
    /// Rows, by their conclusion.
    pub(crate) conclusions: BTreeMap<&'static str, u64>,
}

/// A row's own part.
struct Line<'a> {
    action: Option<&'a str>,
    last: Option<Timestamp>,
    region: Option<&'a String>,
    conclusion: Conclusion,
}

impl<'a> PrincipalAccess<'a> {
    pub(crate) fn new(run: RunContext<'a>) -> Result<Self, JobError> {
        let file = TableFile::new(TABLE.name, TABLE.columns)?;
        Ok(Self { run, file, conclusions: BTreeMap::new() })
    }

    /// Adds what is known of a principal's access; answers how many rows conclude nothing, by the reason.
    pub(crate) fn push(
        &mut self,
        owner: Owner<'_>,
        access: &Access,
    ) -> Result<BTreeMap<Unknown, u64>, JobError> {
        let is_new = is_new(owner.principal.created, access.completed);
        let mut unknown = BTreeMap::new();
        for service in &access.services {
            let granted_by = service.granted_by.as_ref().map(serde_json::to_string).transpose();
            let granted_by = granted_by.map_err(JobError::defect)?;
            for line in lines(service, is_new) {
                *self.conclusions.entry(line.conclusion.as_str()).or_default() += 1;
                if let Some(because) = line.conclusion.because() {
                    *unknown.entry(because).or_default() += 1;
                }
                self.file.push(&[
                    self.run.run_id.as_str().into(),
                    owner.account.into(),
                    (&owner.principal.arn).into(),
                    owner.principal.id.as_str().into(),
                    (&service.namespace).into(),
                    (&service.name).into(),
                    line.action.into(),
                    service.actions.is_some().into(),
                    millis(line.last).into(),
                    line.region.into(),
                    granted_by.as_ref().into(),
                    line.conclusion.as_str().into(),
                    line.conclusion.because().map(Unknown::as_str).into(),
                    TRACKING_DAYS.into(),
                    LAG_HOURS.into(),
                    access.completed.as_millisecond().into(),
                    SCHEMA_VERSION.into(),
                ])?;
            }
        }
        Ok(unknown)
    }

    pub(crate) async fn finish(self, store: &Store) -> Result<Part, JobError> {
        self.file.finish(store, self.run).await
    }
}

/// The rows of a service: its own, those of the actions that AWS lists, and of IAM the one that AWS never
/// lists.
fn lines(service: &GrantedService, is_new: bool) -> Vec<Line<'_>> {
    let conclusion = of_service(service, is_new);
    let own = Line { action: None, last: service.last, region: service.region.as_ref(), conclusion };
    let actions = service.actions.iter().flatten().map(|action| Line {
        action: Some(&action.name),
        last: action.last,
        region: action.region.as_ref(),
        conclusion: of_action(action, conclusion, is_new),
    });
    let mut lines: Vec<_> = std::iter::once(own).chain(actions).collect();
    if service.namespace == IAM && lines.iter().all(|line| line.action != Some(PASS_ROLE)) {
        let conclusion = Conclusion::NotTracked;
        lines.push(Line { action: Some(PASS_ROLE), last: None, region: None, conclusion });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::TrackedAction;

    const THEN: Option<Timestamp> = Some(Timestamp::UNIX_EPOCH);

    fn service(namespace: &str, used: bool, actions: Option<&[(&str, bool)]>) -> GrantedService {
        let at = |used: bool| if used { THEN } else { None };
        let action = |(name, used): &(&str, bool)| TrackedAction {
            name: (*name).to_owned(),
            last: at(*used),
            region: None,
        };
        GrantedService {
            namespace: namespace.into(),
            name: namespace.to_uppercase(),
            last: at(used),
            region: used.then(|| "eu-central-1".into()),
            entities: Some(i64::from(used)),
            actions: actions.map(|actions| actions.iter().map(action).collect()),
            granted_by: None,
        }
    }

    fn shown(service: &GrantedService) -> Vec<(Option<&str>, &'static str)> {
        lines(service, false).iter().map(|line| (line.action, line.conclusion.as_str())).collect()
    }

    #[test]
    fn a_service_has_a_row_of_its_own_and_one_for_each_action_that_aws_lists() {
        let listed = service("s3", true, Some(&[("CreateBucket", true), ("DeleteBucket", false)]));
        let expected = [(None, "used"), (Some("CreateBucket"), "used"), (Some("DeleteBucket"), "not_used")];
        assert_eq!(shown(&listed), expected);
        assert_eq!(shown(&service("sqs", false, None)), [(None, "not_used")]);
    }

    #[test]
    fn iam_has_a_row_that_says_that_passing_a_role_is_not_tracked() {
        let used = service("iam", true, Some(&[("CreateRole", false)]));
        let expected = [(None, "used"), (Some("CreateRole"), "not_used"), (Some(PASS_ROLE), "not_tracked")];
        assert_eq!(shown(&used), expected);
        assert_eq!(
            shown(&service("iam", false, None)),
            [(None, "unknown"), (Some(PASS_ROLE), "not_tracked")]
        );
        // Should AWS list it one day, AWS's word counts.
        let listed = service("iam", true, Some(&[(PASS_ROLE, true)]));
        assert_eq!(shown(&listed), [(None, "used"), (Some(PASS_ROLE), "used")]);
    }

    #[test]
    fn rows_that_conclude_nothing_are_counted_by_the_reason() {
        let principal: Principal = serde_json::from_value(serde_json::json!({
            "id": "AROA1", "arn": "arn:aws:iam::012345678901:role/reader", "name": "reader", "path": "/",
            "kind": "role", "created": null,
        }))
        .unwrap();
        let (run_id, item) = ("20261121T063000Z-9f86d081".parse().unwrap(), "organization".parse().unwrap());
        let now = Timestamp::UNIX_EPOCH;
        let run = RunContext {
            run_id: &run_id,
            item: &item,
            attempt: 1,
            writer: "w",
            now,
            deadline: now,
            max_age: None,
        };
        let mut table = PrincipalAccess::new(run).unwrap();
        let odd = GrantedService { entities: Some(1), ..service("sqs", false, None) };
        let services = vec![service("s3", true, None), odd, service("iam", false, None)];
        let access = Access { completed: Timestamp::UNIX_EPOCH, services, granting_not_read: None };
        let unknown = table.push(Owner { account: "012345678901", principal: &principal }, &access).unwrap();
        let expected = [(Unknown::ContradictsItself, 1), (Unknown::PassRoleNotTracked, 1)];
        assert_eq!(unknown, expected.into());
        assert_eq!(table.conclusions, [("used", 1), ("unknown", 2), ("not_tracked", 1)].into());
    }
}
