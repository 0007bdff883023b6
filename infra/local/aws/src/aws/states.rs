//! What state machines need: functions, lists in S3, permissions, and who is told of their ends.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use local_states::{Services, StatusChange, TaskError};
use serde_json::Value;

use super::{Call, Inner, lock};
use crate::faults::Fault;
use crate::iam::{Principal, Question};
use crate::lambda::{FunctionError, InvokeError};

impl Inner {
    /// The caller that a state machine's or a schedule's role is.
    pub(super) fn role(&self, role: &str) -> Principal {
        let name = role.rsplit('/').next().unwrap_or_default();
        Principal {
            account: self.account.clone(),
            arn: format!("arn:{}:sts::{}:assumed-role/{name}/states", self.partition, self.account),
            policy: Some(
                lock(&self.roles).get(role).map(|role| Arc::clone(&role.policy)).unwrap_or_default(),
            ),
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
        lock(&self.world)
            .calls
            .push(Call { function: "states".to_owned(), action: "lambda:Invoke".to_owned() });
        let fault = self.faults.next("lambda:Invoke");
        let refused = match fault {
            Some(Fault::Throttle) => {
                Some(TaskError::new("Lambda.TooManyRequestsException", "Rate Exceeded."))
            }
            Some(Fault::ServerError) => Some(TaskError::new("Lambda.ServiceException", "")),
            Some(Fault::Cut) => Some(TaskError::new("Lambda.SdkClientException", "")),
            Some(Fault::Deny) => Some(TaskError::new("Lambda.AccessDeniedException", "")),
            _ => None,
        };
        if let Some(error) = refused {
            return async { Err(error) }.boxed();
        }
        if fault == Some(Fault::StopBefore) {
            self.stop_executions();
        }
        let lost = match fault {
            Some(Fault::LostAnswer | Fault::Truncate) => {
                Some(TaskError::new("Lambda.ClientExecutionTimeoutException", ""))
            }
            Some(Fault::ServerErrorAfter) => Some(TaskError::new("Lambda.ServiceException", "")),
            _ => None,
        };
        async move {
            let result = lambda.invoke(&function.name, payload).await;
            match (result, lost) {
                (_, Some(error)) => Err(error),
                (Ok(value), None) => Ok(value),
                (Err(InvokeError::Function(error)), None) => Err(task_error(&error)),
                (Err(InvokeError::NotFound), None) => {
                    Err(TaskError::new("Lambda.ResourceNotFoundException", ""))
                }
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

/// A function's error as Step Functions has it: the name as it is, the rest as text.
fn task_error(error: &FunctionError) -> TaskError {
    TaskError::new(error.error_type.clone(), error.to_value().to_string())
}

#[cfg(test)]
mod tests;
