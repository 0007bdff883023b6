//! The operations of the Step Functions API, in their JSON shapes.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::service::{Deployed, Execution, ExecutionStatus, Refused, StepFunctions, TaskError};

/// A time as the JSON protocol has it: seconds since the epoch.
pub fn epoch_seconds(at: Timestamp) -> Value {
    json!(at.as_millisecond() as f64 / 1_000.0)
}

/// The ARN that an operation is about, for authorisation.
pub fn resource(operation: &str, body: &Value) -> String {
    let member = match operation {
        "StartExecution" | "DescribeStateMachine" | "ListExecutions" => "stateMachineArn",
        "DescribeExecution" | "GetExecutionHistory" | "StopExecution" => "executionArn",
        _ => return "*".to_owned(),
    };
    body[member].as_str().unwrap_or("*").to_owned()
}

/// Answers one operation.
pub fn call(service: &StepFunctions, operation: &str, body: &Value) -> Result<Value, Refused> {
    match operation {
        "CreateStateMachine" => create(service, body),
        "DescribeStateMachine" => {
            service.machine(arn(body, "stateMachineArn")?).map(|it| describe_machine(&it))
        }
        "ListStateMachines" => {
            let all = service.machines().iter().map(|it| machine_item(it)).collect();
            page(body, "stateMachines", all)
        }
        "StartExecution" => start(service, body),
        "DescribeExecution" => {
            service.execution(arn(body, "executionArn")?).map(|it| describe_execution(&it))
        }
        "StopExecution" => {
            let text_of = |name: &str| body[name].as_str().map(str::to_owned);
            let at = service.stop(arn(body, "executionArn")?, text_of("error"), text_of("cause"))?;
            Ok(json!({"stopDate": epoch_seconds(at)}))
        }
        "ListExecutions" => list_executions(service, body),
        "GetExecutionHistory" => history(service, body),
        other => Err(Refused::new("UnknownOperationException", format!("{other} is not simulated"))),
    }
}

fn create(service: &StepFunctions, body: &Value) -> Result<Value, Refused> {
    if body["type"].as_str().is_some_and(|kind| kind != "STANDARD") {
        return Err(Refused::new(
            "StateMachineTypeNotSupported",
            "only STANDARD state machines are simulated",
        ));
    }
    let machine =
        service.create_machine(text(body, "name")?, arn(body, "roleArn")?, text(body, "definition")?)?;
    Ok(json!({"stateMachineArn": machine.arn, "creationDate": epoch_seconds(machine.created)}))
}

fn start(service: &StepFunctions, body: &Value) -> Result<Value, Refused> {
    let input = body["input"].as_str().unwrap_or("{}");
    let input = serde_json::from_str(input).map_err(|error| {
        Refused::new("InvalidExecutionInput", format!("Invalid State Machine Execution Input: '{error}'"))
    })?;
    let execution = service.start(arn(body, "stateMachineArn")?, body["name"].as_str(), input)?;
    Ok(json!({"executionArn": execution.arn, "startDate": epoch_seconds(execution.started)}))
}

fn machine_item(machine: &Deployed) -> Value {
    json!({
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": epoch_seconds(machine.created),
    })
}

fn describe_machine(machine: &Deployed) -> Value {
    let mut described = machine_item(machine);
    described["status"] = json!("ACTIVE");
    described["definition"] = json!(machine.source);
    described["roleArn"] = json!(machine.role);
    described
}

fn execution_item(execution: &Execution) -> Value {
    let mut item = json!({
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status().as_str(),
        "startDate": epoch_seconds(execution.started),
    });
    if let Some(ended) = execution.ended() {
        item["stopDate"] = epoch_seconds(ended);
    }
    item
}

fn describe_execution(execution: &Execution) -> Value {
    let mut described = execution_item(execution);
    described["input"] = json!(execution.input.to_string());
    described["inputDetails"] = json!({"included": true});
    if let Some(output) = execution.output() {
        described["output"] = json!(output.to_string());
        described["outputDetails"] = json!({"included": true});
    }
    if let (Some(described), Value::Object(error)) =
        (described.as_object_mut(), execution.error().map(|error| error.details()).unwrap_or_default())
    {
        described.extend(error);
    }
    described
}

fn list_executions(service: &StepFunctions, body: &Value) -> Result<Value, Refused> {
    let machine = service.machine(arn(body, "stateMachineArn")?)?;
    let status = body["statusFilter"].as_str();
    if let Some(unknown) = status.filter(|it| ExecutionStatus::ALL.iter().all(|known| known.as_str() != *it))
    {
        return Err(invalid("statusFilter", unknown, "Member must satisfy enum value set"));
    }
    let wanted = |execution: &Execution| {
        // Children of a distributed Map are listed by map run, not by machine.
        let own = !execution.arn.contains('/');
        own && execution.machine.arn == machine.arn
            && status.is_none_or(|status| execution.status().as_str() == status)
    };
    let newest_first = service.executions().into_iter().rev().filter(|it| wanted(it));
    page(body, "executions", newest_first.map(|it| execution_item(&it)).collect())
}

fn history(service: &StepFunctions, body: &Value) -> Result<Value, Refused> {
    let execution = service.execution(arn(body, "executionArn")?)?;
    let data = body["includeExecutionData"].as_bool().unwrap_or(true);
    let mut events: Vec<Value> =
        execution.history().events().iter().map(|event| event.to_api(data)).collect();
    if body["reverseOrder"].as_bool() == Some(true) {
        events.reverse();
    }
    page(body, "events", events)
}

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refused> {
    body[name].as_str().ok_or_else(|| invalid(name, "null", "Member must not be null"))
}

/// A member that must be an ARN.
fn arn<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refused> {
    let arn = text(body, name)?;
    match arn.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", _, _, _, _, resource] if !resource.is_empty() => Ok(arn),
        _ => Err(Refused::new("InvalidArn", format!("Invalid Arn: '{arn}'"))),
    }
}

fn invalid(name: &str, value: &str, constraint: &str) -> Refused {
    let message = format!(
        "1 validation error detected: Value {value} at '{name}' failed to satisfy constraint: {constraint}"
    );
    Refused::new("ValidationException", message)
}

/// One page of a list: `maxResults` (100 unless given, at most 1,000) from where the token says.
fn page(body: &Value, member: &str, all: Vec<Value>) -> Result<Value, Refused> {
    let size = match body["maxResults"].as_i64() {
        None | Some(0) => 100,
        Some(size @ 1..=1_000) => usize::try_from(size).unwrap_or(1_000),
        Some(size) => {
            return Err(invalid("maxResults", &size.to_string(), "Member must be between 0 and 1000"));
        }
    };
    let from: usize = match body["nextToken"].as_str() {
        None => 0,
        Some(token) => {
            let position = token.strip_prefix("token-").and_then(|position| position.parse().ok());
            position.ok_or_else(|| Refused::new("InvalidToken", format!("Invalid Token: '{token}'")))?
        }
    };
    let mut answer = json!({member: all.iter().skip(from).take(size).collect::<Vec<_>>()});
    if from + size < all.len() {
        answer["nextToken"] = json!(format!("token-{}", from + size));
    }
    Ok(answer)
}

/// The `detail` of EventBridge's `Step Functions Execution Status Change`.
pub fn status_change_detail(execution: &Execution, status: ExecutionStatus) -> Value {
    let ended = execution.ended().filter(|_| status != ExecutionStatus::Running);
    let said = |member: fn(TaskError) -> String| execution.error().map(member).filter(|it| !it.is_empty());
    json!({
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": status.as_str(),
        "startDate": execution.started.as_millisecond(),
        "stopDate": ended.map(|at| at.as_millisecond()),
        "input": execution.input.to_string(),
        "inputDetails": {"included": true},
        "output": execution.output().map(|output| output.to_string()),
        "outputDetails": execution.output().map(|_| json!({"included": true})),
        "error": said(|error| error.error),
        "cause": said(|error| error.cause),
    })
}
