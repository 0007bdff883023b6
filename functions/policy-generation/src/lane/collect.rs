//! What a generation left: its documents, what AWS says about them, and what the principal has beside
//! them.

use std::collections::BTreeMap;

use errors::JobError;
use models::{AccountId, ErrorName, OutcomeStatus, keys};
use runtime::lanes::Turn;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Generation, Next, Working};
use crate::analyzer::{Documents, Finding, Standing, TrailRead};
use crate::cursor;
use crate::entry::{Entry, Generated};
use crate::item::Work;
use crate::principal::{CurrentPolicy, Principal};
use crate::window::Window;

/// The object with all documents of one generation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'a> {
    schema_version: u32,
    principal: &'a Principal,
    account: &'a AccountId,
    job_id: &'a str,
    /// What of the trail was asked for; absent where the request said itself, or asked for none.
    window: Option<&'a Window>,
    /// What of CloudTrail AWS says that it read; absent where it says nothing.
    read: Option<&'a TrailRead>,
    is_complete: Option<bool>,
    /// The documents as AWS gave them, as text.
    generated: &'a Documents,
    /// Of each of `generated.policies`, in their order; absent where AWS could not be asked.
    findings: Option<&'a [Vec<Finding>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_validated: Option<&'a str>,
    /// The same of CheckNoNewAccess, where it was asked.
    no_new_access: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_access_not_checked: Option<&'a str>,
    /// What the principal had when it was discovered.
    current: &'a [CurrentPolicy],
}

impl Working<'_, '_> {
    /// The collect step: reads what a generation left.
    pub(super) async fn collect(&mut self) -> Result<Turn, JobError> {
        let next = self.read().await;
        Ok(match self.ended(next).await? {
            Next::Ended => Turn::Again,
            Next::Turn(turn) => turn,
        })
    }

    async fn read(&mut self) -> Result<Next, JobError> {
        let Some(generation) = self.lane.state.generation.clone() else { return Ok(Next::Turn(Turn::Again)) };
        let Some(Work::Generate { principal, .. }) = self.lane.item().map(|item| item.work.clone()) else {
            return Ok(Next::Turn(Turn::Again));
        };
        let Some(job) = &generation.job else { return Ok(Next::Turn(Turn::Again)) };
        let Standing::Succeeded { started, completed } = self.analyzer.standing(job).await? else {
            // The status step says what else it is.
            return Ok(Next::Turn(Turn::Poll(std::time::Duration::from_secs(1))));
        };
        let documents = self.analyzer.documents(job, &principal.arn).await?;
        if documents.policies.is_empty() {
            let error = JobError::new(
                ErrorName::Incomplete,
                "AWS says that its generation succeeded, and has no policy of it",
                "Nothing is known of what the principal needs. Resume the run with retry \"failed\".",
            );
            return self.came_to_nothing(error).await;
        }
        let (findings, not_validated) = told(self.findings(&documents).await)?;
        let current = self.current(&principal).await?;
        let (no_new_access, new_access_not_checked) = match self.lane.request().check_no_new_access {
            true => told(self.no_new_access(&documents, &current).await)?,
            false => (None, None),
        };
        let key = keys::policies(self.lane.run_id(), self.account.as_str(), &principal.id);
        let kept = Kept {
            schema_version: 1,
            principal: &principal,
            account: &self.account,
            job_id: job,
            window: generation.window.as_ref(),
            read: documents.read.as_ref(),
            is_complete: documents.is_complete,
            generated: &documents,
            findings: findings.as_deref(),
            not_validated: not_validated.as_deref(),
            no_new_access: no_new_access.as_deref(),
            new_access_not_checked: new_access_not_checked.as_deref(),
            current: &current,
        };
        let bytes = serde_json::to_vec_pretty(&kept).map_err(JobError::defect)?;
        self.config.store.put(&key, bytes).await?;
        let count = |of: &[String]| u64::try_from(of.len()).unwrap_or(u64::MAX);
        let generated = Generated {
            id: principal.id.clone(),
            job_id: job.clone(),
            started,
            completed,
            window: generation.window.clone(),
            read: documents.read.clone(),
            is_complete: documents.is_complete,
            documents: key,
            policies: count(&documents.policies),
            with_placeholders: count(&documents.with_resource_placeholders),
            service_level: count(&documents.service_level_template),
            placeholders: documents.placeholders(),
            without_statements: documents.without_statements(),
            findings: findings.as_deref().map(by_type),
            not_validated,
            no_new_access: no_new_access.as_deref().and_then(worst),
            new_access_not_checked,
        };
        self.lane.write(&Entry::Generated(Box::new(generated))).await?;
        self.learn(&generation, &principal, completed).await?;
        self.lane.state.generation = None;
        self.lane.finish(OutcomeStatus::Succeeded, None)?;
        Ok(Next::Ended)
    }

    /// Remembers for later runs what worked.
    async fn learn(
        &mut self,
        generation: &Generation,
        principal: &Principal,
        completed: jiff::Timestamp,
    ) -> Result<(), JobError> {
        self.passed().await?;
        let (run, window_days) = (self.lane.run_id().clone(), self.lane.request().window_days());
        let policy = cursor::Generated { at: completed, run, window_days };
        cursor::update(&self.config.store, &self.account, |cursor| {
            cursor.tried(&principal.id, completed);
            // What was made from something of a request's own counts for no other.
            if let Some(window) = &generation.window {
                cursor.generate(&principal.id, &policy);
                cursor.learned.succeeded(window);
            }
        })
        .await
    }

    async fn findings(&self, documents: &Documents) -> Result<Vec<Vec<Finding>>, JobError> {
        let mut findings = Vec::with_capacity(documents.policies.len());
        for policy in &documents.policies {
            findings.push(self.analyzer.validate(policy).await?);
        }
        Ok(findings)
    }

    /// What AWS says of each document beside all that the principal has, which has to be known whole.
    async fn no_new_access(
        &self,
        documents: &Documents,
        current: &[CurrentPolicy],
    ) -> Result<Vec<String>, JobError> {
        let Some(existing) = together(current) else {
            return Err(JobError::new(
                ErrorName::Incomplete,
                "not every policy that it has at present is known, so there is nothing to compare with",
                "See present_without_document of its row.",
            ));
        };
        let mut answers = Vec::with_capacity(documents.policies.len());
        for policy in &documents.policies {
            answers.push(self.analyzer.no_new_access(policy, &existing).await?);
        }
        Ok(answers)
    }
}

/// What AWS says about a policy, or why it says nothing: the policy is there all the same.
fn told<T>(said: Result<T, JobError>) -> Result<(Option<T>, Option<String>), JobError> {
    match said {
        Ok(said) => Ok((Some(said), None)),
        Err(error) if ErrorName::TRANSIENT.contains(&error.name()) => Err(error),
        Err(error) => Ok((None, Some(error.to_string()))),
    }
}

/// All statements of the policies that grant something, as one document; `None` where one is not known.
fn together(current: &[CurrentPolicy]) -> Option<String> {
    let mut statements = Vec::new();
    for policy in current.iter().filter(|it| it.source != crate::principal::Source::PermissionsBoundary) {
        let document: Value = serde_json::from_str(policy.document.as_deref()?).ok()?;
        match document.get("Statement")? {
            Value::Array(several) => statements.extend(several.iter().cloned()),
            one => statements.push(one.clone()),
        }
    }
    // Statements of different policies may have the same id.
    for statement in &mut statements {
        statement.as_object_mut()?.remove("Sid");
    }
    Some(json!({"Version": "2012-10-17", "Statement": statements}).to_string())
}

fn by_type(findings: &[Vec<Finding>]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for finding in findings.iter().flatten() {
        *counts.entry(finding.kind.clone()).or_default() += 1;
    }
    counts
}

/// `PASS` only where every document passes.
fn worst(answers: &[String]) -> Option<String> {
    answers.iter().find(|it| *it != "PASS").or_else(|| answers.first()).cloned()
}
