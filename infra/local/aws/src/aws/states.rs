//! What state machines need: functions, lists in S3, permissions, and who is told of their ends.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use local_states::{Services, StatusChange, TaskError};
use serde_json::Value;

use super::{Call, Inner, lock, stop_executions};
use crate::faults::Fault;
use crate::iam::{Principal, Question};
use crate::lambda::{FunctionError, InvokeError, Lambda};

impl Inner {
    /// The caller that a state machine's or a schedule's role is.
    pub(super) fn role(&self, role: &str) -> Principal {
        let name = role.rsplit('/').next().unwrap_or_default();
        Principal {
            account: self.account.clone(),
            arn: format!("arn:{}:sts::{}:assumed-role/{name}/states", self.partition, self.account),
            policy: Some(self.roles.get(role).map(|role| role.policy).unwrap_or_default()),
            role: Some(role.to_owned()),
            sandbox: None,
            function: Some(name.to_owned()),
        }
    }
}

impl Services for Inner {
    fn invoke(
        &self,
        role: &str,
        function: &str,
        payload: Value,
    ) -> BoxFuture<'static, Result<Value, TaskError>> {
        let lambda = self.lambda.clone();
        let Some(function) = lambda.function(function) else {
            let error =
                TaskError::new("Lambda.ResourceNotFoundException", format!("Function not found: {function}"));
            return async { Err(error) }.boxed();
        };
        if let Err(denied) =
            self.gate.check(&self.role(role), &Question::new("lambda:InvokeFunction", &function.arn))
        {
            let error = TaskError::new("Lambda.AccessDeniedException", denied.to_string());
            return async { Err(error) }.boxed();
        }
        lock(&self.world).calls.push(Call {
            function: "states".to_owned(),
            action: "lambda:Invoke".to_owned(),
            names_owner: false,
        });
        let fault = self.faults.next("lambda:Invoke");
        if let Some(error) = fault.and_then(refusal) {
            return async { Err(error) }.boxed();
        }
        if fault == Some(Fault::StopBefore) {
            stop_executions(&self.states);
        }
        let states = self.states.clone();
        async move {
            let result = match fault {
                Some(Fault::CrashBefore) => Err(crash(&lambda, &function.name)),
                _ => lambda.invoke(&function.name, payload).await.map_err(|error| failure(&error)),
            };
            match fault {
                Some(Fault::CrashAfter) => return Err(crash(&lambda, &function.name)),
                Some(Fault::StopAfter) => stop_executions(&states),
                _ => {}
            }
            match fault.and_then(lost_answer) {
                Some(error) => Err(error),
                None => result,
            }
        }
        .boxed()
    }

    fn read_list(
        &self,
        role: &str,
        bucket: &str,
        key: &str,
    ) -> BoxFuture<'static, Result<Vec<Value>, TaskError>> {
        let arn = format!("arn:{}:s3:::{bucket}/{key}", self.partition);
        let place = self.storage.bucket(bucket).unwrap_or_default();
        let read = match place.authorize(&self.gate, &self.role(role), "s3:GetObject", &arn) {
            Err(denied) => Err(TaskError::new("S3.AccessDenied", denied.to_string())),
            Ok(()) => match self.storage.read(bucket, key) {
                None => Err(TaskError::new("S3.NoSuchKey", key)),
                Some(bytes) => serde_json::from_slice(&bytes)
                    .map_err(|error| TaskError::new("S3.NotAList", error.to_string())),
            },
        };
        async { read }.boxed()
    }

    fn authorize(&self, role: &str, action: &str, resource: &str) -> Result<(), TaskError> {
        self.gate
            .check(&self.role(role), &Question::new(action, resource))
            .map_err(|denied| TaskError::new("States.Permissions", denied.to_string()))
    }

    fn status_changed(&self, change: StatusChange) {
        for listener in lock(&self.listeners).iter() {
            listener(&change);
        }
    }
}

/// What a fault answers in place of an invocation.
fn refusal(fault: Fault) -> Option<TaskError> {
    Some(match fault {
        Fault::Throttle => TaskError::new("Lambda.TooManyRequestsException", "Rate Exceeded."),
        Fault::ServerError => TaskError::new("Lambda.ServiceException", ""),
        Fault::Cut => TaskError::new("Lambda.SdkClientException", ""),
        Fault::Deny => TaskError::new("Lambda.AccessDeniedException", ""),
        _ => return None,
    })
}

/// What a fault answers in place of what the function did.
fn lost_answer(fault: Fault) -> Option<TaskError> {
    Some(match fault {
        Fault::LostAnswer | Fault::Truncate => TaskError::new("Lambda.ClientExecutionTimeoutException", ""),
        Fault::ServerErrorAfter => TaskError::new("Lambda.ServiceException", ""),
        _ => return None,
    })
}

/// Ends a process of the function, and says so: the next invocation begins cold.
fn crash(lambda: &Lambda, function: &str) -> TaskError {
    lambda.end_idle(function);
    let message = "Error: Runtime exited with error: signal: killed";
    task_error(&FunctionError::new("Runtime.ExitError", message))
}

fn failure(error: &InvokeError) -> TaskError {
    match error {
        InvokeError::Function(error) => task_error(error),
        InvokeError::NotFound => TaskError::new("Lambda.ResourceNotFoundException", ""),
    }
}

/// A function's error as Step Functions has it: the name as it is, the rest as text.
fn task_error(error: &FunctionError) -> TaskError {
    TaskError::new(error.error_type.clone(), error.to_value().to_string())
}

#[cfg(test)]
mod tests;
