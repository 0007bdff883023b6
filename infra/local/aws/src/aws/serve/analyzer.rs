//! Access Analyzer.

use super::{ApiError, Incoming, Inner, Response, World, wire};
use crate::access_analyzer::{Analyzer, Asked};

impl Inner {
    pub(super) fn serve_access_analyzer(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        let mut guard = self.settle();
        let World { organization, policy_generations, settings, .. } = &mut *guard;
        let mut analyzer = Analyzer {
            generations: policy_generations,
            organization,
            settings: &mut settings.access_analyzer,
            principals: &settings.principals,
            roles: &self.roles,
            gate: &self.gate,
            partition: &self.partition,
            home_region: &self.region,
            now: self.clock.now(),
        };
        let answer = analyzer.call(Asked {
            caller: &incoming.principal,
            region: &incoming.target.region,
            operation: &incoming.target.operation,
            path: incoming.parts.uri.path(),
            query: incoming.parts.uri.query(),
            body: &incoming.bytes,
        })?;
        Ok(wire::answer(200, "application/json", &incoming.request_id, answer.to_string()))
    }
}
