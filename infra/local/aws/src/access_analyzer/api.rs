//! The operations, in REST and JSON.

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::compare;
use super::content::{Form, Source};
use super::errors::{Problems, conflict, denied, field, quota, validation};
use super::input::{self, Object, Query};
use super::jobs::{Accepted, PolicyGeneration, PolicyGenerations, Replay};
use super::outcome::{Judge, SERVICE};
use super::settings::{
    AccessAnalyzerSettings, CancelEnded, JobErrorCode, PolicyGenerationOutcome, SecondGeneration,
    StartRefusal, TokenReuse, UnknownGeneration,
};
use super::start::{Order, Place};
use super::validate::{self, PolicyType};
use crate::iam::{Gate, Principal, Question, Roles, dependents};
use crate::organization::{Organization, mix, mix_text};
use crate::principals::PrincipalSettings;
use crate::wire::ApiError;

const GENERATIONS: &str = "/policy/generation";
const START: &str = "StartPolicyGeneration";

const LOCALES: [&str; 10] = ["DE", "EN", "ES", "FR", "IT", "JA", "KO", "PT_BR", "ZH_CN", "ZH_TW"];
const RESOURCE_TYPES: [&str; 6] = [
    "AWS::S3::Bucket",
    "AWS::S3::AccessPoint",
    "AWS::S3::MultiRegionAccessPoint",
    "AWS::S3ObjectLambda::AccessPoint",
    TRUST_POLICY,
    "AWS::DynamoDB::Table",
];
const TRUST_POLICY: &str = "AWS::IAM::AssumeRolePolicyDocument";

/// The operation of a method and a path.
pub(crate) fn operation(method: &Method, path: &str) -> Option<&'static str> {
    let job = path.strip_prefix(GENERATIONS).and_then(|rest| rest.strip_prefix('/'));
    match (method, path, job.filter(|job| !job.is_empty() && !job.contains('/'))) {
        (&Method::PUT, GENERATIONS, _) => Some(START),
        (&Method::GET, GENERATIONS, _) => Some("ListPolicyGenerations"),
        (&Method::GET, _, Some(_)) => Some("GetGeneratedPolicy"),
        (&Method::PUT, _, Some(_)) => Some("CancelPolicyGeneration"),
        (&Method::POST, "/policy/validation", _) => Some("ValidatePolicy"),
        (&Method::POST, "/policy/check-no-new-access", _) => Some("CheckNoNewAccess"),
        _ => None,
    }
}

/// What the operations work on.
pub(crate) struct Analyzer<'a> {
    pub(crate) generations: &'a mut PolicyGenerations,
    pub(crate) organization: &'a Organization,
    pub(crate) settings: &'a mut AccessAnalyzerSettings,
    pub(crate) principals: &'a PrincipalSettings,
    pub(crate) roles: &'a Roles,
    pub(crate) gate: &'a Gate,
    pub(crate) partition: &'a str,
    /// The Region in which everything else is.
    pub(crate) home_region: &'a str,
    pub(crate) now: Timestamp,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a Principal,
    /// Which it is signed for.
    pub(crate) region: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) body: &'a Bytes,
}

impl Asked<'_> {
    fn job(&self) -> Result<String, ApiError> {
        input::decoded(self.path.rsplit('/').next().unwrap_or_default())
    }

    fn account(&self) -> &str {
        &self.caller.account
    }
}

impl Analyzer<'_> {
    /// Answers one request. No operation is about a resource that policies can name (Service
    /// Authorization Reference).
    pub(crate) fn call(&mut self, asked: Asked<'_>) -> Result<Value, ApiError> {
        let action = format!("access-analyzer:{}", asked.operation);
        self.gate.check(asked.caller, &Question::new(&action, "*")).map_err(denied)?;
        match asked.operation {
            START => self.start(asked),
            "GetGeneratedPolicy" => self.get(asked),
            "CancelPolicyGeneration" => self.cancel(asked),
            "ListPolicyGenerations" => self.list(asked),
            "ValidatePolicy" => self.validate(asked),
            _ => check_no_new_access(asked),
        }
    }

    fn start(&mut self, asked: Asked<'_>) -> Result<Value, ApiError> {
        Query::parse(asked.query, &[])?;
        if !self.settings.refusals.is_empty() {
            return Err(refused(self.settings.refusals.remove(0), asked.account()));
        }
        let place = Place { account: asked.account(), partition: self.partition, now: self.now };
        let (order, token) = Order::read(&input::body(asked.body)?, place, self.settings)?;
        if let Some(cloud_trail) = &order.cloud_trail {
            for action in dependents("access-analyzer:StartPolicyGeneration").flat_map(|row| &row.needs) {
                let question = Question::new(action, &cloud_trail.access_role)
                    .with("iam:PassedToService", SERVICE)
                    .dependent();
                self.gate.check(asked.caller, &question).map_err(denied)?;
            }
        }
        let (account, region, now) = (asked.account(), asked.region, self.now);
        let place = self.generations.place(account, region, now);
        match token.as_deref().and_then(|token| place.replay(token, &order)) {
            Some(Replay::Same(id)) => return Ok(json!({"jobId": id})),
            Some(Replay::Another) => {
                return Err(match self.settings.token_reuse {
                    TokenReuse::Conflict => conflict(account),
                    TokenReuse::Validation => field("clientToken", "came with another request before"),
                });
            }
            None => {}
        }
        if place.is_busy() {
            return Err(match self.settings.second {
                SecondGeneration::ServiceQuotaExceeded => quota(account),
                SecondGeneration::Conflict => conflict(account),
            });
        }
        if place.is_spent(region, self.settings.day, now) {
            return Err(quota(account));
        }
        let outcome = next_outcome(self.settings, &order.principal);
        let number = place.next() as u64;
        let draw = mix_text(self.organization.seed, account);
        let judge = Judge {
            organization: self.organization,
            settings: self.settings,
            principals: self.principals,
            roles: self.roles,
            gate: self.gate,
            partition: self.partition,
            home_region: self.home_region,
            account,
            now,
        };
        let ending = judge.ending(&order, outcome, mix(draw ^ number));
        let accepted = Accepted { order, token, caller: &asked.caller.arn, ending };
        let id = place.start((account, region), accepted, self.organization.seed, now);
        Ok(json!({"jobId": id}))
    }

    fn get(&mut self, asked: Asked<'_>) -> Result<Value, ApiError> {
        let known = ["includeResourcePlaceholders", "includeServiceLevelTemplate"];
        let query = Query::parse(asked.query, &known)?;
        let form = Form { placeholders: query.boolean(known[0])?, service_level: query.boolean(known[1])? };
        let id = asked.job()?;
        let place = self.generations.place(asked.account(), asked.region, self.now);
        let job = place.find(&id, self.now).cloned();
        let job = job.ok_or_else(|| unknown(&id, self.settings.unknown))?;
        let mut details = shown(&job);
        if let super::PolicyGenerationState::Failed { code, message } = &job.state {
            details["jobError"] = json!({"code": JobErrorCode::name(*code), "message": message});
        }
        if let Some(members) = details.as_object_mut() {
            members.remove("principalArn");
        }
        let mut source = Source {
            recent: &mut self.generations.recent,
            organization: self.organization,
            settings: self.settings,
            principals: self.principals,
            roles: self.roles,
            partition: self.partition,
        };
        Ok(json!({"jobDetails": details, "generatedPolicyResult": source.result(&job, form)}))
    }

    fn cancel(&mut self, asked: Asked<'_>) -> Result<Value, ApiError> {
        Query::parse(asked.query, &[])?;
        let mut problems = Problems::default();
        Object::of_body(&input::body(asked.body)?, &[], &mut problems)?;
        problems.refuse()?;
        let id = asked.job()?;
        let place = self.generations.place(asked.account(), asked.region, self.now);
        if place.find(&id, self.now).is_none() {
            return Err(unknown(&id, self.settings.unknown));
        }
        if place.cancel(&id, self.now) || self.settings.cancel_ended == CancelEnded::Accepted {
            return Ok(json!({}));
        }
        Err(validation("other", format!("The policy generation {id} is not in progress.")))
    }

    fn list(&mut self, asked: Asked<'_>) -> Result<Value, ApiError> {
        let query = Query::parse(asked.query, &["principalArn", "maxResults", "nextToken"])?;
        let of = query.get("principalArn");
        if of.is_some_and(|arn| !input::is_arn(arn, "iam", &["role/", "user/"])) {
            return Err(field("principalArn", "must be the ARN of a role or user"));
        }
        let most = query.page("maxResults", self.settings.page)?;
        let (oldest_first, now) = (self.settings.oldest_first, self.now);
        // A token names the last one that was listed, so that those that begin later move nothing.
        let scope = format!("{}/{}/{}", asked.account(), asked.region, of.unwrap_or_default());
        let after = query.get("nextToken").map(|token| page_of(token, &scope)).transpose()?;
        let place = self.generations.place(asked.account(), asked.region, now);
        let jobs = place.shown(now).filter(|(_, job)| of.is_none_or(|arn| job.principal == arn));
        let mut listed: Vec<_> = if oldest_first { jobs.collect() } else { jobs.rev().collect() };
        if let Some(after) = after {
            listed.retain(|(number, _)| if oldest_first { *number > after } else { *number < after });
        }
        let more = listed.len() > most;
        listed.truncate(most);
        let last = listed.last().map(|(number, _)| *number).filter(|_| more);
        let listed: Vec<_> = listed.into_iter().map(|(_, job)| shown(job)).collect();
        Ok(paged(json!({"policyGenerations": listed}), last, &scope))
    }

    fn validate(&mut self, asked: Asked<'_>) -> Result<Value, ApiError> {
        let query = Query::parse(asked.query, &["maxResults", "nextToken"])?;
        let most = query.page("maxResults", self.settings.page)?;
        let body = input::body(asked.body)?;
        let mut problems = Problems::default();
        let known = ["policyDocument", "policyType", "validatePolicyResourceType", "locale"];
        let members = Object::of_body(&body, &known, &mut problems)?;
        let document = members.required_text("policyDocument", &mut problems).unwrap_or_default();
        let kind = members.required_text("policyType", &mut problems);
        let found = PolicyType::NAMES.iter().find(|(name, _)| Some(*name) == kind).map(|(_, kind)| *kind);
        if kind.is_some() && found.is_none() {
            problems.add("policyType", "is no type of a policy");
        }
        let resource = members.text("validatePolicyResourceType", &mut problems);
        if resource.is_some_and(|it| !RESOURCE_TYPES.contains(&it)) {
            problems.add("validatePolicyResourceType", "is no type of a resource");
        } else if resource.is_some() && found != Some(PolicyType::Resource) {
            problems.add("validatePolicyResourceType", "is for the policy type RESOURCE_POLICY only");
        }
        // All findings are in English.
        if members.text("locale", &mut problems).is_some_and(|it| !LOCALES.contains(&it)) {
            problems.add("locale", "is no locale");
        }
        problems.refuse()?;
        let kind = found.ok_or_else(ApiError::server)?;
        let scope = format!("{kind:?}/{resource:?}/{document}");
        let from = query.get("nextToken").map(|token| page_of(token, &scope)).transpose()?.unwrap_or(0);
        let all = validate::findings(document, kind, resource == Some(TRUST_POLICY));
        let to = from.saturating_add(most).min(all.len());
        let page = all.get(from..to).ok_or_else(|| field("nextToken", "is not valid"))?;
        Ok(paged(json!({"findings": page}), (to < all.len()).then_some(to), &scope))
    }
}

fn check_no_new_access(asked: Asked<'_>) -> Result<Value, ApiError> {
    Query::parse(asked.query, &[])?;
    let body = input::body(asked.body)?;
    let mut problems = Problems::default();
    let known = ["newPolicyDocument", "existingPolicyDocument", "policyType"];
    let members = Object::of_body(&body, &known, &mut problems)?;
    let new = members.required_text(known[0], &mut problems).unwrap_or_default();
    let existing = members.required_text(known[1], &mut problems).unwrap_or_default();
    let kind = members.required_text(known[2], &mut problems);
    if kind.is_some_and(|kind| !["IDENTITY_POLICY", "RESOURCE_POLICY"].contains(&kind)) {
        problems.add(known[2], "is no type of a policy that can be compared");
    }
    problems.refuse()?;
    let read = |name: &str, document: &str| {
        serde_json::from_str::<Value>(document).map_err(|error| {
            ApiError::new(400, "InvalidParameterException", format!("{name} is no JSON: {error}"))
        })
    };
    compare::no_new_access(&read(known[0], new)?, &read(known[1], existing)?).map_err(|compare::NoPolicy| {
        let message = "The policy documents are not policies that can be compared.";
        ApiError::new(422, "UnprocessableEntityException", message)
    })
}

fn refused(refusal: StartRefusal, account: &str) -> ApiError {
    match refusal {
        StartRefusal::Throttled { retry_after_seconds } => {
            ApiError::new(429, "ThrottlingException", "Rate exceeded").retry_after(retry_after_seconds)
        }
        StartRefusal::Internal { retry_after_seconds } => {
            ApiError::new(500, "InternalServerException", "An internal error has occurred")
                .retry_after(retry_after_seconds)
        }
        StartRefusal::Conflict => conflict(account),
        StartRefusal::ServiceQuotaExceeded => quota(account),
    }
}

fn next_outcome(settings: &mut AccessAnalyzerSettings, principal: &str) -> PolicyGenerationOutcome {
    if let Some((_, outcome)) = settings.outcome_of.iter().find(|(arn, _)| arn == principal) {
        return *outcome;
    }
    if !settings.outcomes.is_empty() {
        return settings.outcomes.remove(0);
    }
    let hash = mix_text(0, principal);
    let fails = settings.failing_one_in > 0 && hash.is_multiple_of(settings.failing_one_in);
    match fails {
        true => PolicyGenerationOutcome::Failed(JobErrorCode::Service),
        false => PolicyGenerationOutcome::Complete,
    }
}

fn unknown(id: &str, answer: UnknownGeneration) -> ApiError {
    let message = format!("The policy generation {id} was not found.");
    match answer {
        UnknownGeneration::Validation => field("jobId", message),
        UnknownGeneration::AccessDenied => denied(message),
        UnknownGeneration::ResourceNotFound => ApiError::new(404, "ResourceNotFoundException", message)
            .with("resourceId", id)
            .with("resourceType", "PolicyGeneration"),
    }
}

/// What a list shows of a generation.
fn shown(job: &PolicyGeneration) -> Value {
    let mut shown = json!({
        "jobId": job.id,
        "principalArn": job.principal,
        "status": job.state.name(),
        "startedOn": job.started.to_string(),
    });
    if let Some(ended) = job.ended {
        shown["completedOn"] = json!(ended.to_string());
    }
    shown
}

/// A page, with the token of the next if there is one.
fn paged(mut page: Value, next: Option<usize>, scope: &str) -> Value {
    if let Some(next) = next {
        page["nextToken"] = json!(token(next, scope));
    }
    page
}

fn token(number: usize, scope: &str) -> String {
    let salt = mix_text(mix(number as u64), scope);
    format!("{number:06}{salt:016x}")
}

/// The number in a token, if it is one of this scope.
fn page_of(given: &str, scope: &str) -> Result<usize, ApiError> {
    let number = given.len().checked_sub(16).and_then(|end| given.get(..end)?.parse().ok());
    number.filter(|number| token(*number, scope) == given).ok_or_else(|| field("nextToken", "is not valid"))
}
