//! From an HTTP request to its answer, with its fault if it has one.

mod analyzer;
mod organizations;

use std::sync::Arc;
use std::time::Duration;

use super::{Call, Inner, World, lock, stop_executions};
use crate::access_reports::{self, Iam};
use crate::cloudformation;
use crate::ec2::{self, Ec2};
use crate::events::Here;
use crate::faults::Fault;
use crate::iam::{Principal, Question};
use crate::iam_accounts::{self, IamAccounts};
use crate::lambda::InvokeError;
use crate::sts::{self, Sts};
use crate::wire::aws_query;
use crate::wire::query::{self, Form};
use crate::wire::refusal::{
    conflict, denied, invalid_credentials, no_operation, refuse, server_error, throttled, truncate,
};
use crate::wire::xml::Element;
use crate::wire::{self, ApiError, Body, Disconnected, Protocol, Request, Response, Target, json};

/// A request, taken apart.
struct Incoming {
    target: Target,
    protocol: Protocol,
    principal: Arc<Principal>,
    request_id: String,
    parts: http::request::Parts,
    body: Body,
    /// The whole body, except S3's.
    bytes: bytes::Bytes,
}

impl Incoming {
    fn has(&self, header: &str) -> bool {
        self.parts.headers.contains_key(header)
    }

    /// Whether an S3 request names the account that must own each bucket it is about: a copy has two.
    fn names_owner(&self) -> bool {
        self.target.service == "s3"
            && self.has("x-amz-expected-bucket-owner")
            && (self.target.operation != "CopyObject" || self.has("x-amz-source-expected-bucket-owner"))
    }

    /// Whether the fault can happen to this request.
    fn can_meet(&self, fault: Fault) -> bool {
        fault != Fault::Conflict
            || (self.target.action() == "s3:PutObject" && (self.has("if-match") || self.has("if-none-match")))
    }
}

impl Inner {
    pub(super) async fn call(&self, request: Request) -> Result<Response, Disconnected> {
        let request_id = {
            let mut world = self.settle();
            world.requests += 1;
            format!("11111111-0000-4000-8000-{:012}", world.requests)
        };
        let protocol = match Target::protocol_of(&request) {
            Ok(protocol) => protocol,
            Err(error) => return Ok(refuse(Protocol::Json, &error, &request_id)),
        };
        let (parts, body) = request.into_parts();
        let (bytes, body) = match protocol {
            Protocol::S3 => (bytes::Bytes::new(), body),
            _ => (wire::collect(body).await?, Body::empty()),
        };
        let request = http::Request::from_parts(parts, body);
        let Some(target) = Target::of(&request, Some(&bytes)) else {
            return Ok(refuse(protocol, &no_operation(protocol), &request_id));
        };
        let (key, token) =
            (target.access_key.as_deref().unwrap_or_default(), target.session_token.as_deref());
        let principal = match self.gate.identities.authenticate(key, token, self.clock.now()) {
            Ok(principal) => principal,
            Err(error) => {
                return Ok(refuse(protocol, &invalid_credentials(protocol, &error), &request_id));
            }
        };
        let (parts, body) = request.into_parts();
        self.answer(Incoming { target, protocol, principal, request_id, parts, body, bytes }).await
    }

    /// Answers a request, with its fault if it has one. Faults are for functions.
    async fn answer(&self, incoming: Incoming) -> Result<Response, Disconnected> {
        let action = incoming.target.action();
        let Some(sandbox) = incoming.principal.sandbox else { return self.serve(incoming).await };
        self.clock.sleep(self.on_its_way()).await;
        lock(&self.world).calls.push(Call {
            function: incoming.principal.function.clone().unwrap_or_default(),
            action: action.clone(),
            names_owner: incoming.names_owner(),
        });
        let fault = self.faults.next(&action).filter(|fault| incoming.can_meet(*fault));
        let Some(fault) = fault else { return self.serve(incoming).await };
        tracing::debug!(action, fault = fault.name(), "fault");
        if fault == Fault::StopBefore {
            stop_executions(&self.states);
        }
        let (protocol, request_id) = (incoming.protocol, incoming.request_id.clone());
        let response = match fault.takes_effect() {
            true => Some(self.serve(incoming).await?),
            false => None,
        };
        let refused = |error: &ApiError| Ok(refuse(protocol, error, &request_id));
        match fault {
            Fault::Throttle => refused(&throttled(protocol)),
            Fault::ServerError | Fault::ServerErrorAfter => refused(&server_error(protocol)),
            Fault::Cut | Fault::LostAnswer => Err(Disconnected),
            Fault::Deny => refused(&denied(protocol)),
            Fault::Conflict => refused(&conflict()),
            Fault::CrashBefore | Fault::CrashAfter => {
                self.lambda.crash(sandbox);
                std::future::pending().await
            }
            Fault::StopAfter => {
                stop_executions(&self.states);
                response.ok_or(Disconnected)
            }
            Fault::StopBefore => response.ok_or(Disconnected),
            Fault::Truncate => response.map(truncate).ok_or(Disconnected),
        }
    }

    /// How long a function's request takes until it arrives.
    fn on_its_way(&self) -> Duration {
        let mut world = lock(&self.world);
        let most = u64::try_from(world.settings.request_latency.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(world.random.u64(0..=most))
    }

    /// Answers a request as AWS would on a good day.
    async fn serve(&self, incoming: Incoming) -> Result<Response, Disconnected> {
        let (protocol, request_id) = (incoming.protocol, incoming.request_id.clone());
        let answered = match incoming.target.service {
            "s3" => return self.serve_s3(incoming).await,
            "ec2" => self.serve_ec2(&incoming),
            "iam" => self.serve_iam(&incoming),
            "access-analyzer" => self.serve_access_analyzer(&incoming),
            "organizations" => self.serve_organizations(&incoming),
            "states" => self.serve_states(&incoming),
            "events" => self.serve_events(&incoming),
            "cloudformation" => self.serve_cloudformation(&incoming),
            "sts" => self.serve_sts(&incoming),
            _ => self.serve_lambda(&incoming).await,
        };
        Ok(answered.unwrap_or_else(|error| refuse(protocol, &error, &request_id)))
    }

    async fn serve_s3(&self, incoming: Incoming) -> Result<Response, Disconnected> {
        let request = http::Request::from_parts(incoming.parts, incoming.body);
        let mut response = self.s3.call(request).await.map_err(|_| Disconnected)?;
        if let Ok(value) = http::HeaderValue::from_str(&incoming.request_id) {
            response.headers_mut().insert("x-amz-request-id", value);
        }
        Ok(response)
    }

    fn serve_ec2(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        let mut guard = self.settle();
        let World { organization, reports, settings, .. } = &mut *guard;
        let mut ec2 = Ec2 {
            reports,
            organization,
            settings,
            storage: &self.storage,
            gate: &self.gate,
            partition: &self.partition,
            region: &self.region,
            now: self.clock.now(),
        };
        let operation = &incoming.target.operation;
        let members = ec2::call(&mut ec2, &incoming.principal, operation, &Form::parse(&incoming.bytes))?;
        Ok(query::success(operation, &incoming.request_id, members))
    }

    fn serve_iam(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        let mut guard = self.settle();
        let world = &mut *guard;
        let access_key = incoming.target.access_key.as_deref().unwrap_or_default();
        let caller = access_reports::Caller { principal: &incoming.principal, access_key };
        let (operation, form) = (&incoming.target.operation, Form::parse(&incoming.bytes));
        let members = match iam_accounts::serves(operation) {
            true => self.call_iam_accounts(world, caller, operation, &form)?,
            false => {
                let mut iam = Iam {
                    reports: &mut world.access_reports,
                    organization: &world.organization,
                    settings: &mut world.settings.access_reports,
                    gate: &self.gate,
                    partition: &self.partition,
                    now: self.clock.now(),
                };
                iam.call(caller, operation, &form)?
            }
        };
        Ok(aws_query::success(operation, access_reports::NAMESPACE, &incoming.request_id, members))
    }

    fn call_iam_accounts(
        &self,
        world: &mut World,
        caller: access_reports::Caller<'_>,
        operation: &str,
        form: &Form,
    ) -> Result<Vec<Element>, ApiError> {
        let now = self.clock.now();
        let rate = world.settings.iam_accounts.rate.filter(|_| world.settings.throttles);
        let allows = |rate| world.throttle.take(&caller.principal.account, "iam", rate, None, now);
        if !rate.is_none_or(allows) {
            return Err(throttled(Protocol::AwsQuery));
        }
        let mut iam = IamAccounts {
            jobs: &mut world.accessed,
            organization: &world.organization,
            settings: &mut world.settings.iam_accounts,
            principals: &world.settings.principals,
            readers: world.settings.access_reports.readers,
            roles: &self.roles,
            gate: &self.gate,
            partition: &self.partition,
            now,
        };
        iam.call(caller, operation, form)
    }

    fn serve_states(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        let body = json::body(&incoming.bytes)?;
        let operation = &incoming.target.operation;
        let resource = local_states::api::resource(operation, &body);
        self.allow(&incoming.principal, &Question::new(&incoming.target.action(), &resource))?;
        let answer = local_states::api::call(&self.states, operation, &body)
            .map_err(|refused| ApiError::new(400, refused.code, refused.message))?;
        Ok(json::success(json::Version::V1_0, &incoming.request_id, &answer))
    }

    fn serve_events(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        let (body, operation) = (json::body(&incoming.bytes)?, &incoming.target.operation);
        if operation != "PutEvents" {
            let message = format!("{operation} is not simulated");
            return Err(ApiError::new(400, "UnknownOperationException", message));
        }
        let bus = format!("arn:{}:events:{}:{}:event-bus/default", self.partition, self.region, self.account);
        self.allow(&incoming.principal, &Question::new("events:PutEvents", &bus))?;
        let (account, region, now) = (&self.account, &self.region, self.clock.now());
        let here = Here { account, region, bus: &bus, now };
        let answer = self.bus.put(&here, &body, &mut lock(&self.world).settings.event_refusals)?;
        Ok(json::success(json::Version::V1_1, &incoming.request_id, &answer))
    }

    fn serve_cloudformation(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        let operation = &incoming.target.operation;
        self.allow(&incoming.principal, &Question::new(&incoming.target.action(), "*"))?;
        let members = cloudformation::call(&lock(&self.stacks), operation, &Form::parse(&incoming.bytes))?;
        Ok(aws_query::success(operation, cloudformation::NAMESPACE, &incoming.request_id, members))
    }

    fn serve_sts(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        let operation = &incoming.target.operation;
        let service = Sts {
            gate: &self.gate,
            roles: &self.roles,
            organization: &lock(&self.world).organization,
            partition: &self.partition,
            now: self.clock.now(),
        };
        let members = service.call(&incoming.principal, operation, &Form::parse(&incoming.bytes))?;
        Ok(aws_query::success(operation, sts::NAMESPACE, &incoming.request_id, members))
    }

    async fn serve_lambda(&self, incoming: &Incoming) -> Result<Response, ApiError> {
        if incoming.target.operation == "GetAccountSettings" {
            self.allow(&incoming.principal, &Question::new("lambda:GetAccountSettings", "*"))?;
            let settings = self.lambda.account_settings().to_string();
            return Ok(wire::answer(200, "application/json", &incoming.request_id, settings));
        }
        let path = incoming.parts.uri.path();
        let name = path.trim_start_matches("/2015-03-31/functions/").trim_end_matches("/invocations");
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
        let function = self.lambda.function(&name).ok_or_else(|| {
            ApiError::new(404, "ResourceNotFoundException", format!("Function not found: {name}"))
        })?;
        self.allow(&incoming.principal, &Question::new("lambda:InvokeFunction", &function.arn))?;
        let payload = json::body(&incoming.bytes).map_err(|error| {
            let message = format!("Could not parse request body into json: {}", error.message);
            ApiError::new(400, "InvalidRequestContentException", message)
        })?;
        let kind = incoming.parts.headers.get("x-amz-invocation-type").and_then(|value| value.to_str().ok());
        if kind == Some("DryRun") {
            return Ok(wire::answer(204, "application/json", &incoming.request_id, ""));
        }
        if kind == Some("Event") {
            let (lambda, name) = (self.lambda.clone(), function.name.clone());
            tokio::spawn(async move { lambda.invoke_event(&name, payload).await });
            return Ok(wire::answer(202, "application/json", &incoming.request_id, ""));
        }
        let (payload, failed) = match self.lambda.invoke(&function.name, payload).await {
            Ok(payload) => (payload, false),
            Err(InvokeError::Function(error)) => (error.to_value(), true),
            Err(InvokeError::NotFound) => return Err(ApiError::server()),
        };
        let mut response = wire::answer(200, "application/json", &incoming.request_id, payload.to_string());
        response.headers_mut().insert("x-amz-executed-version", http::HeaderValue::from_static("$LATEST"));
        if failed {
            response
                .headers_mut()
                .insert("x-amz-function-error", http::HeaderValue::from_static("Unhandled"));
        }
        Ok(response)
    }

    fn allow(&self, principal: &Principal, question: &Question<'_>) -> Result<(), ApiError> {
        self.gate
            .check(principal, question)
            .map_err(|denied| ApiError::new(400, "AccessDeniedException", denied.to_string()))
    }
}

#[cfg(test)]
mod tests;
