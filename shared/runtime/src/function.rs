//! From an event to an answer: one step of one kind as a function that runs on Lambda, in a local
//! process, or inside another program, and behaves the same in each.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use errors::JobError;
use futures_util::FutureExt;
use jiff::Timestamp;
use models::{ErrorName, ItemName, RunId};
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use crate::environment::Environment;
use crate::metrics;

/// What the platform says about one invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub request_id: String,
    /// When the platform ends the invocation; absent where nothing does.
    pub ends_at: Option<Instant>,
    begun: Instant,
    begun_at: Timestamp,
}

impl Invocation {
    pub fn new(request_id: String, ends_at: Option<Instant>) -> Self {
        let begun_at = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { request_id, ends_at, begun: Instant::now(), begun_at }
    }

    /// The same invocation, its clock set by the state machine or by the event. Time then has one
    /// source for the whole run, and the same event gives the same answer.
    pub fn entered_at(&self, entered_at: Option<Timestamp>) -> Self {
        Self { begun_at: entered_at.unwrap_or(self.begun_at), ..self.clone() }
    }

    pub fn now(&self) -> Timestamp {
        jiff::SignedDuration::try_from(self.begun.elapsed())
            .ok()
            .and_then(|elapsed| self.begun_at.checked_add(elapsed).ok())
            .unwrap_or(self.begun_at)
    }
}

/// Adds to the present step's logs whose run it is: known only once its event has been understood.
pub fn about(run: &RunId, item: Option<&ItemName>) {
    let span = tracing::Span::current();
    span.record("run_id", run.as_str());
    if let Some(item) = item {
        span.record("item", item.as_str());
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Value, JobError>> + Send>>;
type Handler = dyn Fn(Value, Invocation) -> Answer + Send + Sync;

/// One step of one kind, ready to be invoked.
#[derive(Clone)]
pub struct Function {
    kind: &'static str,
    step: &'static str,
    environment: Environment,
    handler: Arc<Handler>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("kind", &self.kind).field("step", &self.step).finish_non_exhaustive()
    }
}

impl Function {
    pub fn new<F>(
        kind: &'static str,
        step: &'static str,
        environment: &Environment,
        handler: impl Fn(Value, Invocation) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Value, JobError>> + Send + 'static,
    {
        let handler = Arc::new(move |event, invocation| Box::pin(handler(event, invocation)) as Answer);
        Self { kind, step, environment: environment.clone(), handler }
    }

    /// Answers one event. A panic becomes a [`ErrorName::Defect`]; the process goes on.
    pub async fn invoke(&self, event: Value, invocation: Invocation) -> Result<Value, JobError> {
        let ticket = &event["ticket"];
        let span = tracing::info_span!(
            "step",
            kind = self.kind,
            step = self.step,
            run_id = ticket["runId"].as_str(),
            item = ticket["item"].as_str(),
            request_id = invocation.request_id,
        );
        let begun = Instant::now();
        let answer = AssertUnwindSafe(async { (self.handler)(event, invocation).await })
            .catch_unwind()
            .instrument(span.clone())
            .await
            .unwrap_or_else(|panic| Err(JobError::defect(format!("the step panicked: {}", text(&*panic)))));
        let error = answer.as_ref().err().map(JobError::name);
        span.in_scope(|| match &answer {
            Ok(ticket) => tracing::info!(
                next = ticket["next"].as_str(),
                poll_after_seconds = ticket["pollAfterSeconds"].as_u64(),
                "answered"
            ),
            Err(error) => tracing::error!(
                error = error.name().as_str(),
                aws_code = error.aws().and_then(|aws| aws.code.as_deref()),
                aws_request_id = error.aws().and_then(|aws| aws.request_id.as_deref()),
                "{error}"
            ),
        });
        self.environment.metrics.emit(&metrics::invocation(
            self.kind,
            self.step,
            error.map(ErrorName::as_str),
            begun.elapsed(),
        ));
        answer
    }
}

fn text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<Value>>);

    impl Metrics for Kept {
        fn emit(&self, line: &Value) {
            self.0.lock().unwrap().push(line.clone());
        }
    }

    #[tokio::test]
    async fn a_panic_becomes_a_defect_with_its_message_and_the_function_goes_on() {
        let kept = Arc::new(Kept::default());
        let environment = Environment::new(
            BTreeMap::new(),
            aws_types::SdkConfig::builder().build(),
            Arc::clone(&kept) as Arc<dyn Metrics>,
        );
        let function = Function::new("kind", "step", &environment, |event: Value, _| async move {
            assert!(event["fine"] == json!(true), "boom");
            Ok(event)
        });
        let invocation = || Invocation::new("r-1".into(), None);
        let error = function.invoke(json!({}), invocation()).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::Defect);
        assert!(error.to_string().contains("boom"), "{error}");
        assert!(function.invoke(json!({"fine": true}), invocation()).await.is_ok());
        let errors: Vec<_> = kept.0.lock().unwrap().iter().map(|line| line["Failures"].clone()).collect();
        assert_eq!(errors, [json!(1), json!(0)]);
    }
}
