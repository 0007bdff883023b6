//! The policies of a generation: what a role or user did in its window and Regions.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::documents::{self, MOST, Statement};
use super::jobs::{PolicyGeneration, PolicyGenerationState, Shape};
use super::outcome;
use super::placeholders;
use super::recent::Recent;
use super::settings::AccessAnalyzerSettings;
use crate::iam::Roles;
use crate::organization::Organization;
use crate::principals::{PrincipalSettings, Use};

/// The most characters of a document where several are wanted.
const FEW: usize = 240;

/// Which form of the policies is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) placeholders: bool,
    pub(super) service_level: bool,
}

/// What a generation is read from.
pub(super) struct Source<'a> {
    pub(super) recent: &'a mut Recent,
    pub(super) organization: &'a Organization,
    pub(super) settings: &'a AccessAnalyzerSettings,
    pub(super) principals: &'a PrincipalSettings,
    pub(super) roles: &'a Roles,
    pub(super) partition: &'a str,
}

impl Source<'_> {
    /// `generatedPolicyResult`.
    pub(super) fn result(&mut self, job: &PolicyGeneration, form: Form) -> Value {
        let mut properties = json!({"principalArn": job.principal});
        if let Some(cloud_trail) = &job.cloud_trail {
            let trails = cloud_trail.trails.iter().map(|trail| {
                let mut shown = json!({"cloudTrailArn": trail.arn});
                if let Some(regions) = &trail.regions {
                    shown["regions"] = json!(regions);
                }
                if let Some(all) = trail.all_regions {
                    shown["allRegions"] = json!(all);
                }
                shown
            });
            properties["cloudTrailProperties"] = json!({
                "trailProperties": trails.collect::<Vec<_>>(),
                "startTime": cloud_trail.start.to_string(),
                "endTime": cloud_trail.end.unwrap_or(job.started).to_string(),
            });
        }
        if job.state != PolicyGenerationState::Succeeded || job.shape == Shape::Without {
            return json!({"properties": properties});
        }
        let (statements, complete) = self.statements(job, form);
        properties["isComplete"] = json!(complete);
        let most = if job.shape == Shape::Several { FEW } else { MOST };
        let policies: Vec<_> =
            documents::of(statements, most).into_iter().map(|policy| json!({"policy": policy})).collect();
        json!({"properties": properties, "generatedPolicies": policies})
    }

    /// The statements, and whether they have every action of every service that was used.
    fn statements(&mut self, job: &PolicyGeneration, form: Form) -> (Vec<Statement>, bool) {
        let used = self.used(job);
        let detailed = |number: usize, of: &Use| {
            job.cloud_trail.is_some()
                && !of.actions.is_empty()
                && !(job.shape == Shape::Incomplete && number.is_multiple_of(2))
        };
        let complete = job.cloud_trail.is_some()
            && job.shape != Shape::Incomplete
            && used.iter().all(|of| !of.actions.is_empty());
        if form.service_level {
            // The services that IAM knows to have been used, wherever that was.
            let recent = self.uses(job, job.started);
            return (recent.iter().map(|of| service_level(of.namespace)).collect(), complete);
        }
        let statements = used.iter().enumerate().flat_map(|(number, of)| match detailed(number, of) {
            false => vec![service_level(of.namespace)],
            true => self.action_level(of, form),
        });
        (statements.collect(), complete)
    }

    /// What was used in the window and the Regions of the generation, by service, with the actions that
    /// the trail shows.
    fn used(&mut self, job: &PolicyGeneration) -> Vec<Use> {
        let Some(cloud_trail) = &job.cloud_trail else { return self.uses(job, job.started).to_vec() };
        let end = cloud_trail.end.unwrap_or(job.started).min(job.started);
        let regions = outcome::regions(cloud_trail, &self.settings.trail);
        let read = |of: &Use| match (&regions, &of.region) {
            (None, _) => true,
            (Some(regions), region) => region.as_deref().is_some_and(|region| regions.contains(&region)),
        };
        let within = |last: Option<Timestamp>| last.is_some_and(|last| last >= cloud_trail.start);
        let mut used: Vec<_> =
            self.uses(job, end).iter().filter(|of| within(of.last) && read(of)).cloned().collect();
        used.iter_mut().for_each(|of| of.actions.retain(|action| within(action.last)));
        used
    }

    /// Everything of which use is known, as of a moment. A role or user that is gone since did it too.
    fn uses(&mut self, job: &PolicyGeneration, now: Timestamp) -> Arc<[Use]> {
        let Self { recent, organization, principals, roles, .. } = self;
        recent.uses(&job.id, now, || {
            let remembered = PrincipalSettings { deleted: Vec::new(), ..principals.clone() };
            let member = outcome::principal(organization, &remembered, roles, &job.principal);
            let uses = member.map(|member| member.uses(organization, now)).unwrap_or_default();
            uses.into_iter().filter(|of| of.last.is_some()).collect()
        })
    }

    fn action_level(&self, of: &Use, form: Form) -> Vec<Statement> {
        let names = of.actions.iter().map(|action| action.name);
        let (about, others): (Vec<_>, Vec<_>) =
            names.partition(|name| form.placeholders && placeholders::names_resource(name));
        let allow = |names: Vec<&str>, resource| {
            let actions: Vec<_> = names.iter().map(|name| format!("{}:{name}", of.namespace)).collect();
            (!actions.is_empty()).then(|| Statement::allow(actions, resource))
        };
        let about = allow(about, placeholders::of(of.namespace, self.partition));
        about.into_iter().chain(allow(others, "*".to_owned())).collect()
    }
}

/// All of a service, to be narrowed by hand. That AWS writes it so is not established.
fn service_level(namespace: &str) -> Statement {
    Statement::allow(vec![format!("{namespace}:*")], "*".to_owned())
}
