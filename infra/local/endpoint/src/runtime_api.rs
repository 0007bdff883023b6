//! Lambda's Runtime API for one process: it asks for its next invocation and answers it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use local_aws::lambda::{FunctionError, Request};
use local_aws::wire::{Body, Disconnected};
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::server::{Server, serve};

type Answer = Result<Value, FunctionError>;

/// An invocation on its way to the process.
struct Pending {
    request: Request,
    answer: oneshot::Sender<Answer>,
}

/// The invocation that the process works at.
struct Current {
    id: String,
    answer: oneshot::Sender<Answer>,
}

struct State {
    arn: String,
    queue: AsyncMutex<mpsc::Receiver<Pending>>,
    current: Mutex<Option<Current>>,
}

/// The Runtime API of one process.
pub(crate) struct RuntimeApi {
    server: Server,
    queue: mpsc::Sender<Pending>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RuntimeApi {
    pub(crate) async fn bind(function_arn: &str) -> std::io::Result<Self> {
        let (queue, receiver) = mpsc::channel(1);
        let state = Arc::new(State {
            arn: function_arn.to_owned(),
            queue: AsyncMutex::new(receiver),
            current: Mutex::default(),
        });
        let server = serve(0, move |request| {
            let state = Arc::clone(&state);
            async move { state.answer(request).await }
        });
        Ok(Self { server: server.await?, queue })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` is set to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Hands an invocation to the process and waits for what it answers.
    pub(crate) async fn invoke(&self, request: Request) -> Answer {
        let (answer, answered) = oneshot::channel();
        let lost = || FunctionError::new("Runtime.ExitError", "the process gave no answer");
        self.queue.send(Pending { request, answer }).await.map_err(|_| lost())?;
        answered.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl State {
    async fn answer(&self, request: http::Request<Incoming>) -> Result<Response<Body>, Disconnected> {
        let (parts, body) = request.into_parts();
        let Some(path) = parts.uri.path().strip_prefix("/2018-06-01/runtime/") else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        let steps: Vec<&str> = path.split('/').collect();
        let bytes = body.collect().await.map_err(|_| Disconnected)?.to_bytes();
        Ok(match (&parts.method, steps.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await?,
            (&Method::POST, ["invocation", id, "response"]) => self.finish(
                id,
                serde_json::from_slice(&bytes)
                    .map_err(|error| FunctionError::new("Runtime.InvalidResponse", error.to_string())),
            ),
            (&Method::POST, ["invocation", id, "error"]) => self.finish(id, Err(reported(&bytes))),
            // The process ends next, which is what the invocation answers.
            (&Method::POST, ["init", "error"]) => status(StatusCode::ACCEPTED),
            _ => status(StatusCode::NOT_FOUND),
        })
    }

    async fn next(&self) -> Result<Response<Body>, Disconnected> {
        let Pending { request, answer } = self.queue.lock().await.recv().await.ok_or(Disconnected)?;
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let mut response = Response::new(Body::from(request.payload.to_string()));
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("lambda-runtime-aws-request-id", request.id.clone()),
            ("lambda-runtime-deadline-ms", (now + request.timeout).as_millis().to_string()),
            ("lambda-runtime-invoked-function-arn", self.arn.clone()),
            ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
        ] {
            headers.insert(name, HeaderValue::from_str(&value).map_err(|_| Disconnected)?);
        }
        *lock(&self.current) = Some(Current { id: request.id, answer });
        Ok(response)
    }

    fn finish(&self, id: &str, answer: Answer) -> Response<Body> {
        match lock(&self.current).take_if(|current| current.id == id) {
            Some(current) => {
                // Nobody waits any more when the invocation has timed out.
                let _ = current.answer.send(answer);
                status(StatusCode::ACCEPTED)
            }
            None => status(StatusCode::BAD_REQUEST),
        }
    }
}

fn reported(bytes: &[u8]) -> FunctionError {
    let reported: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |name: &str| reported[name].as_str().unwrap_or_default().to_owned();
    FunctionError::new(text("errorType"), text("errorMessage"))
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(json!({"status": status.as_str()}).to_string()));
    *response.status_mut() = status;
    response
}
