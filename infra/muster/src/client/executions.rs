//! Executions: started, followed, listed, stopped.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde_json::Value;

use super::{Lanes, Stack};
use crate::{Done, Problem};

/// The state that an execution was last seen in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The stack's time when it was looked at.
    pub now: Timestamp,
    pub state: String,
    /// The run's id, once there is one.
    pub run: Option<String>,
    /// The ticket that the state was entered with; null before the first and after the last.
    pub ticket: Value,
    /// How far its lanes have come, while it works on them.
    pub lanes: Option<Lanes>,
}

/// How an execution ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub status: ExecutionStatus,
    pub started: Option<Timestamp>,
    pub stopped: Option<Timestamp>,
    pub error: String,
    pub cause: String,
    pub output: Value,
}

/// An execution in a list.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub arn: String,
    pub name: String,
    pub status: ExecutionStatus,
    pub started: Option<Timestamp>,
    pub stopped: Option<Timestamp>,
}

fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}

impl Stack {
    fn states(&self) -> Client {
        Client::new(&self.sdk)
    }

    /// Starts an execution; the answer is its ARN.
    pub(crate) async fn start(&self, machine: &str, request: &Value) -> Done<String> {
        let started = self
            .states()
            .start_execution()
            .state_machine_arn(machine)
            .input(request.to_string())
            .send()
            .await
            .map_err(Problem::aws("states:StartExecution"))?;
        Ok(started.execution_arn)
    }

    /// Looks at an execution until it has ended.
    pub(crate) async fn follow(&self, execution: &str, mut show: impl FnMut(&Seen)) -> Done<Ended> {
        loop {
            if let Some(mut seen) = self.seen(execution).await? {
                seen.lanes = self.lanes(&seen).await?;
                show(&seen);
            }
            let ended = self.described(execution).await?;
            if ended.status != ExecutionStatus::Running {
                return Ok(ended);
            }
            self.clock.sleep(self.interval).await;
        }
    }

    /// The state that an execution entered last; of lanes no more than what its ticket says.
    pub(crate) async fn seen(&self, execution: &str) -> Done<Option<Seen>> {
        // A step leaves at most a dozen events, so the newest page holds the last state entered.
        let history = self
            .states()
            .get_execution_history()
            .execution_arn(execution)
            .reverse_order(true)
            .max_results(100)
            .send()
            .await
            .map_err(Problem::aws("states:GetExecutionHistory"))?;
        let now = self.now(history.events());
        let entered = history.events().iter().find_map(HistoryEvent::state_entered_event_details);
        Ok(entered.map(|entered| {
            let input: Value =
                entered.input().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
            // Steps answer tickets; what follows the last of them is the run's result.
            let run = input["Payload"]["runId"].as_str().or(input["runId"].as_str()).map(str::to_owned);
            let ticket = input["Payload"].clone();
            Seen { now, state: entered.name().to_owned(), run, ticket, lanes: None }
        }))
    }

    /// The stack's time, as far as it can be told: where its clock is out of reach, that of the newest
    /// event, which comes first.
    fn now(&self, events: &[HistoryEvent]) -> Timestamp {
        let newest = events.first().and_then(|event| timestamp(event.timestamp()));
        newest.filter(|_| !self.clock_is_its_own).unwrap_or_else(|| self.clock.now())
    }

    /// How an execution stands, or ended.
    pub(crate) async fn described(&self, execution: &str) -> Done<Ended> {
        let described = self
            .states()
            .describe_execution()
            .execution_arn(execution)
            .send()
            .await
            .map_err(Problem::aws("states:DescribeExecution"))?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Ended {
            status: described.status().clone(),
            started: timestamp(described.start_date()),
            stopped: described.stop_date().and_then(timestamp),
            error: text(described.error()),
            cause: text(described.cause()),
            output: described.output().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default(),
        })
    }

    /// The newest executions of a machine.
    pub(crate) async fn executions(&self, machine: &str, most: i32) -> Done<Vec<Listed>> {
        let listed = self
            .states()
            .list_executions()
            .state_machine_arn(machine)
            .max_results(most)
            .send()
            .await
            .map_err(Problem::aws("states:ListExecutions"))?;
        let item = |it: &aws_sdk_sfn::types::ExecutionListItem| Listed {
            arn: it.execution_arn().to_owned(),
            name: it.name().to_owned(),
            status: it.status().clone(),
            started: timestamp(it.start_date()),
            stopped: it.stop_date().and_then(timestamp),
        };
        Ok(listed.executions().iter().map(item).collect())
    }

    /// Stops an execution.
    pub(crate) async fn stop(&self, execution: &str) -> Done {
        self.states()
            .stop_execution()
            .execution_arn(execution)
            .error("Stopped")
            .cause("Stopped by hand with `muster stop`.")
            .send()
            .await
            .map_err(Problem::aws("states:StopExecution"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sfn::types::HistoryEventType;

    fn event(seconds: i64) -> HistoryEvent {
        let event = HistoryEvent::builder().id(seconds).r#type(HistoryEventType::PassStateEntered);
        event.timestamp(DateTime::from_secs(seconds)).build().unwrap()
    }

    #[tokio::test]
    async fn the_time_of_a_served_stack_is_that_of_its_newest_event_and_not_the_time_here() {
        let of = |seconds| Timestamp::from_second(seconds).unwrap();
        let events = [event(2_000_000_000), event(1_999_999_000)];
        let mut stack = Stack::of_tests();
        stack.clock_is_its_own = false;
        assert_eq!(stack.now(&events), of(2_000_000_000));
        stack.clock_is_its_own = true;
        assert!(stack.now(&events) < of(2_000_000_000));
    }
}
