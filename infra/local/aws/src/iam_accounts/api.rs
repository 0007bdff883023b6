//! The operations, in IAM's Query protocol.

use jiff::{SignedDuration, Timestamp};

use super::accessed::second;
use super::authorization_details::{Filter, Listed};
use super::jobs::{AccessedJobs, Granularity, Job, Order, State};
use super::settings::{AccessedOutcome, IamAccountSettings};
use super::source::{IamArn, Source, entity_type};
use crate::access_reports::{Caller, ReportReaders};
use crate::iam::{Gate, Question, Roles};
use crate::markers::{Page, Paged};
use crate::organization::{Account, Organization, mix_text};
use crate::principals::{Held, Member, PrincipalSettings};
use crate::services::{Statements, services};
use crate::wire::ApiError;
use crate::wire::form::{self, constraint, invalid, member};
use crate::wire::query::Form;
use crate::wire::xml::Element;

const AUTHORIZATION: &str = "GetAccountAuthorizationDetails";
const GENERATE: &str = "GenerateServiceLastAccessedDetails";
const GET: &str = "GetServiceLastAccessedDetails";
const ENTITIES: &str = "GetServiceLastAccessedDetailsWithEntities";
const GRANTING: &str = "ListPoliciesGrantingServiceAccess";

/// Each operation, and the members of its request.
const OPERATIONS: [(&str, &[&str]); 5] = [
    (AUTHORIZATION, &["Filter", "MaxItems", "Marker"]),
    (GENERATE, &["Arn", "Granularity"]),
    (GET, &["JobId", "MaxItems", "Marker"]),
    (ENTITIES, &["JobId", "ServiceNamespace", "MaxItems", "Marker"]),
    (GRANTING, &["Arn", "ServiceNamespaces", "Marker"]),
];

/// Whether the operation is one of these.
pub(crate) fn serves(operation: &str) -> bool {
    OPERATIONS.iter().any(|(name, _)| *name == operation)
}

/// What the operations work on.
pub(crate) struct IamAccounts<'a> {
    pub(crate) jobs: &'a mut AccessedJobs,
    pub(crate) organization: &'a Organization,
    pub(crate) settings: &'a mut IamAccountSettings,
    pub(crate) principals: &'a PrincipalSettings,
    pub(crate) readers: ReportReaders,
    pub(crate) roles: &'a Roles,
    pub(crate) gate: &'a Gate,
    pub(crate) partition: &'a str,
    pub(crate) now: Timestamp,
}

impl<'a> IamAccounts<'a> {
    /// Answers one operation with the members of its result.
    pub(crate) fn call(
        &mut self,
        caller: Caller<'_>,
        operation: &str,
        form: &Form,
    ) -> Result<Vec<Element>, ApiError> {
        let known = OPERATIONS.iter().find(|(name, _)| *name == operation);
        let (_, known) = known.ok_or_else(|| form::unknown_operation(operation))?;
        form::only(form, known)?;
        let account = self.organization.accounts.iter().find(|it| it.id == caller.principal.account);
        let account = account.ok_or_else(|| {
            let message = format!("The account {} is not simulated", caller.principal.account);
            ApiError::new(403, "AccessDenied", message)
        })?;
        match operation {
            AUTHORIZATION => self.authorization_details(caller, account, form),
            GENERATE => self.generate(caller, account, form),
            GET => self.get(caller, account, form),
            ENTITIES => self.with_entities(caller, account, form),
            _ => self.granting(caller, account, form),
        }
    }

    /// The operations that begin with `Get` are about no resource, the others about what they name
    /// (Service Authorization Reference).
    fn authorize(&self, caller: Caller<'_>, operation: &str, resource: &str) -> Result<(), ApiError> {
        self.gate
            .check(caller.principal, &Question::new(&format!("iam:{operation}"), resource))
            .map_err(|denied| ApiError::new(403, "AccessDenied", denied.to_string()))
    }

    /// The ARN of a request, which must be of the account itself, and the caller allowed to name it.
    fn arn<'f>(
        &self,
        caller: Caller<'_>,
        account: &Account,
        operation: &str,
        form: &'f Form,
        kinds: &[&str],
    ) -> Result<IamArn<'f>, ApiError> {
        let arn = IamArn::parse(member(form, "Arn")?, self.partition, kinds)?;
        self.authorize(caller, operation, arn.text)?;
        if arn.is_of(&account.id) {
            return Ok(arn);
        }
        // Which error AWS answers is not established.
        let message = format!("{} is not of the account {}.", arn.text, account.id);
        Err(ApiError::new(403, "AccessDenied", message))
    }

    fn authorization_details(
        &self,
        caller: Caller<'_>,
        account: &Account,
        form: &Form,
    ) -> Result<Vec<Element>, ApiError> {
        let filter = Filter::parse(&form.list("Filter.member"))?;
        let most = form::max_items(form, 100)?;
        let marker = form::marker(form)?;
        self.authorize(caller, AUTHORIZATION, "*")?;
        let listed = Listed::new(self, account, &filter);
        let of_account = ["authorization", account.id.as_str()];
        let list = Paged::new(of_account.into_iter().chain(filter.names().map(|name| -> &str { name })));
        let page = self.page(list, marker, listed.len(), most)?;
        let mut members = listed.elements(self, page.items.clone());
        members.extend(end(page));
        Ok(members)
    }

    fn generate(
        &mut self,
        caller: Caller<'_>,
        account: &Account,
        form: &Form,
    ) -> Result<Vec<Element>, ApiError> {
        let granularity = match form.get("Granularity") {
            None => Granularity::default(),
            Some(name) => form::one_of("granularity", name, Granularity::NAMES)?,
        };
        let arn = self.arn(caller, account, GENERATE, form, &["user", "group", "role", "policy"])?;
        self.source(account, arn).ok_or_else(|| no_such(arn.text))?;
        let order = Order {
            caller: caller.principal.arn.clone(),
            session: caller.session().map(str::to_owned),
            arn: arn.text.to_owned(),
            granularity,
        };
        let outcome = self.outcome(arn.text);
        let duration = SignedDuration::try_from(self.settings.job_duration).unwrap_or(SignedDuration::MAX);
        let id = self.jobs.start(order, outcome, duration, self.organization.seed, self.now);
        Ok(vec![Element::text("JobId", id)])
    }

    /// How the next job is told to end.
    fn outcome(&mut self, arn: &str) -> AccessedOutcome {
        if !self.settings.outcomes.is_empty() {
            return self.settings.outcomes.remove(0);
        }
        if let Some((_, outcome)) = self.settings.outcome_of.iter().find(|(of, _)| of == arn) {
            return *outcome;
        }
        let hash = mix_text(0, arn);
        match self.settings.failing_one_in {
            0 => AccessedOutcome::Complete,
            one_in if hash.is_multiple_of(one_in) => AccessedOutcome::FAILED,
            _ => AccessedOutcome::Complete,
        }
    }

    /// The job that is asked for, and its state.
    fn job(&self, caller: Caller<'_>, id: &str) -> Result<(Job, State), ApiError> {
        let job = self.jobs.find(id, &caller.principal.arn, caller.session(), self.readers);
        job.and_then(|job| Some((job.clone(), job.state(self.now)?))).ok_or_else(|| {
            ApiError::new(404, "NoSuchEntity", format!("Report with job id {id} was not found."))
        })
    }

    /// What the job is about, as it was when the job began: who has been deleted since is still there.
    fn source_of(&self, account: &Account, job: &Job) -> Result<Source, ApiError> {
        let kinds = ["user", "group", "role", "policy"];
        let arn = IamArn::parse(&job.order.arn, self.partition, &kinds)?;
        let then = PrincipalSettings { deleted: Vec::new(), ..self.principals.clone() };
        crate::principals::find(self.organization, arn.text, &then)
            .map(|member| Source::Member(Box::new(member)))
            .or_else(|| self.source(account, arn))
            .ok_or_else(|| no_such(arn.text))
    }

    fn get(&mut self, caller: Caller<'_>, account: &Account, form: &Form) -> Result<Vec<Element>, ApiError> {
        let id = form::job_id(form)?;
        let most = form::max_items(form, self.settings.default_page)?;
        let marker = form::marker(form)?;
        self.authorize(caller, GET, "*")?;
        let (job, state) = self.job(caller, id)?;
        let mut members = head(&job, state);
        if let State::Completed { .. } = state {
            let rows = match self.jobs.read(&job.id) {
                Some(rows) => rows,
                None => {
                    let source = self.source_of(account, &job)?;
                    let rows = self.rows(account, &source, job.started);
                    self.jobs.keep(&job.id, rows)
                }
            };
            let list = Paged::new(["services", job.id.as_str()]);
            let page = self.page(list, marker, rows.len(), most)?;
            let shown = rows.get(page.items.clone()).unwrap_or_default();
            let shown = shown.iter().map(|row| row.element(job.order.granularity));
            members.push(Element::text("JobType", job.order.granularity.name()));
            members.push(Element::members("ServicesLastAccessed", shown));
            members.extend(end(page));
        }
        Ok(members)
    }

    fn with_entities(
        &self,
        caller: Caller<'_>,
        account: &Account,
        form: &Form,
    ) -> Result<Vec<Element>, ApiError> {
        let id = form::job_id(form)?;
        let namespace = namespace(member(form, "ServiceNamespace")?)?;
        let most = form::max_items(form, 100)?;
        let marker = form::marker(form)?;
        self.authorize(caller, ENTITIES, "*")?;
        let (job, state) = self.job(caller, id)?;
        let mut members = head(&job, state);
        if let State::Completed { .. } = state {
            let source = self.source_of(account, &job)?;
            let entities = self.who_used(account, &source, namespace, job.started);
            let list = Paged::new(["entities", job.id.as_str(), namespace]);
            let page = self.page(list, marker, entities.len(), most)?;
            let shown = entities.get(page.items.clone()).unwrap_or_default();
            members.push(Element::members("EntityDetailsList", shown.iter().map(entity)));
            members.extend(end(page));
        }
        Ok(members)
    }

    fn granting(&self, caller: Caller<'_>, account: &Account, form: &Form) -> Result<Vec<Element>, ApiError> {
        let namespaces = form.list("ServiceNamespaces.member");
        if !(1..=200).contains(&namespaces.len()) {
            let given = namespaces.len().to_string();
            return Err(constraint("serviceNamespaces", &given, "a list of 1 to 200 namespaces"));
        }
        let marker = form::marker(form)?;
        for given in &namespaces {
            namespace(given)?;
        }
        let arn = self.arn(caller, account, GRANTING, form, &["user", "group", "role"])?;
        let source = self.source(account, arn).ok_or_else(|| no_such(arn.text))?;
        let list = Paged::new(["granting", arn.text].into_iter().chain(namespaces.iter().copied()));
        let page = self.page(list, marker, namespaces.len(), self.settings.granting_page)?;
        let held: Vec<_> = self
            .policies(account, &source)
            .into_iter()
            .map(|policy| (Statements::parse(&policy.document), policy))
            .collect();
        let entries = namespaces.get(page.items.clone()).unwrap_or_default().iter().map(|namespace| {
            let granting = held.iter().filter(|(statements, _)| statements.grants(namespace));
            let policies = granting.map(|(_, policy)| granting_policy(policy));
            vec![Element::text("ServiceNamespace", namespace), Element::members("Policies", policies)]
        });
        let mut members = vec![Element::members("PoliciesGrantingServiceAccess", entries)];
        members.extend(end(page));
        Ok(members)
    }

    fn page(&self, list: Paged, marker: Option<&str>, length: usize, most: usize) -> Result<Page, ApiError> {
        list.page(marker, length, most, self.settings.short_pages)
            .ok_or_else(|| invalid("Invalid Marker: it is not of this list"))
    }
}

/// How every list ends.
fn end(page: Page) -> impl Iterator<Item = Element> {
    let truncated = Element::text("IsTruncated", page.next.is_some());
    std::iter::once(truncated).chain(page.next.map(|marker| Element::text("Marker", marker)))
}

/// What an answer about a job begins with, and all that it is unless the job is complete.
fn head(job: &Job, state: State) -> Vec<Element> {
    let moment = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let created = Element::text("JobCreationDate", moment(job.started));
    let status = |name: &str| Element::text("JobStatus", name);
    let not_more = || Element::text("IsTruncated", false);
    match state {
        // Observed: the members that the model says are always there are not.
        State::InProgress => vec![status("IN_PROGRESS"), created, not_more()],
        State::Completed { at } => {
            vec![status("COMPLETED"), created, Element::text("JobCompletionDate", moment(at))]
        }
        State::Failed { at, code, message } => vec![
            status("FAILED"),
            created,
            Element::text("JobCompletionDate", moment(at)),
            not_more(),
            Element::new("Error").child(Element::text("Message", message)).child(Element::text("Code", code)),
        ],
    }
}

fn entity((member, last): &(Member, Option<Timestamp>)) -> Vec<Element> {
    let info = Element::new("EntityInfo").children([
        Element::text("Arn", &member.arn),
        Element::text("Name", &member.name),
        Element::text("Type", entity_type(member.kind)),
        Element::text("Id", &member.id),
        Element::text("Path", &member.path),
    ]);
    let last = last.map(|at| Element::text("LastAuthenticated", second(at)));
    std::iter::once(info).chain(last).collect()
}

/// A policy that grants a service: an inline one with what it is a part of, a managed one by its ARN.
fn granting_policy(policy: &Held) -> Vec<Element> {
    let name = Element::text("PolicyName", &policy.name);
    match &policy.arn {
        Some(arn) => vec![name, Element::text("PolicyType", "MANAGED"), Element::text("PolicyArn", arn)],
        None => vec![
            name,
            Element::text("PolicyType", "INLINE"),
            Element::text("EntityType", policy.owner.kind),
            Element::text("EntityName", &policy.owner.name),
        ],
    }
}

/// A namespace that is one. What AWS answers for another is not established.
fn namespace(given: &str) -> Result<&str, ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !(1..=64).contains(&given.len()) || !given.bytes().all(allowed) {
        return Err(constraint("serviceNamespace", given, r"[\w-]*, 1 to 64 characters"));
    }
    match services().binary_search_by_key(&given, |service| service.namespace) {
        Ok(_) => Ok(given),
        Err(_) => {
            let message = format!("The service namespace {given} is not valid.");
            Err(ApiError::new(400, "InvalidInput", message))
        }
    }
}

fn no_such(arn: &str) -> ApiError {
    ApiError::new(404, "NoSuchEntity", format!("ARN {arn} cannot be found."))
}
