//! Reading each type of state.

use std::time::Duration;

use serde_json::Value;

use super::fields::Fields;
use super::{
    Catcher, Choice, Common, Concurrency, InvalidDefinition, Items, Map, Parallel, Pass, Resource,
    ResultPath, Retrier, Rule, State, StateMachine, Task, Tolerated, Transition, Wait,
};
use crate::moment;
use crate::name::is_name;
use crate::path::Path;
use crate::template::Template;

impl State {
    pub(super) fn parse(name: &str, value: &Value) -> Result<Self, InvalidDefinition> {
        let mut fields = Fields::new(format!("state {name:?}"), value)?;
        fields.ignore("Comment");
        let state = match fields.str("Type")? {
            "Task" => Self::Task(task(&mut fields)?),
            "Wait" => Self::Wait(wait(&mut fields)?, transition(&mut fields)?),
            "Choice" => Self::Choice(choice(&mut fields)?),
            "Pass" => Self::Pass(Pass {
                result: fields.optional("Result").cloned(),
                parameters: fields.optional_template("Parameters")?,
                result_path: result_path(&mut fields)?,
                transition: transition(&mut fields)?,
            }),
            "Parallel" => Self::Parallel(parallel(&mut fields)?),
            "Map" => Self::Map(Box::new(map(&mut fields)?)),
            "Succeed" => Self::Succeed,
            "Fail" => Self::Fail { error: fields.text("Error")?, cause: fields.text("Cause")? },
            other => return Err(fields.error(format!("the type {other:?} is not supported"))),
        };
        fields.end()?;
        Ok(state)
    }
}

fn transition(fields: &mut Fields<'_>) -> Result<Transition, InvalidDefinition> {
    match (fields.optional_str("Next")?, fields.bool("End")?) {
        (Some(next), false) => Ok(Transition::Next(next.to_owned())),
        (None, true) => Ok(Transition::End),
        _ => Err(fields.error("needs either Next or End")),
    }
}

fn result_path(fields: &mut Fields<'_>) -> Result<ResultPath, InvalidDefinition> {
    let text = match fields.optional("ResultPath") {
        None => "$",
        Some(Value::Null) => return Ok(ResultPath::Discard),
        Some(Value::String(text)) => text,
        Some(_) => return Err(fields.error("ResultPath is not a path")),
    };
    match Path::parse(text) {
        Ok(path) if path.is_reference() => Ok(ResultPath::At(path)),
        _ => Err(fields.error(format!("ResultPath {text:?} is not a path to a member"))),
    }
}

fn task(fields: &mut Fields<'_>) -> Result<Task, InvalidDefinition> {
    let arn = fields.str("Resource")?;
    let service = arn.strip_prefix("arn:").and_then(|rest| rest.split_once(":states:::"));
    let resource = match service {
        Some((_, "lambda:invoke")) => Resource::LambdaInvoke,
        Some((_, "states:startExecution.sync:2")) => Resource::StartExecutionSync,
        _ => return Err(fields.error(format!("the resource {arn:?} is not supported"))),
    };
    let parameters = fields.optional_template("Parameters")?;
    Ok(Task {
        resource,
        parameters: parameters.ok_or_else(|| fields.error("Parameters is missing"))?,
        timeout: fields.optional_u64("TimeoutSeconds")?.map(Duration::from_secs),
        common: common(fields)?,
    })
}

fn common(fields: &mut Fields<'_>) -> Result<Common, InvalidDefinition> {
    let retry: Vec<Retrier> = fields
        .array("Retry")?
        .iter()
        .map(|value| retrier(fields.place(), value))
        .collect::<Result<_, _>>()?;
    let catch: Vec<Catcher> = fields
        .array("Catch")?
        .iter()
        .map(|value| catcher(fields.place(), value))
        .collect::<Result<_, _>>()?;
    all_is_last(fields, retry.iter().map(|it| it.errors.as_slice()).collect())?;
    all_is_last(fields, catch.iter().map(|it| it.errors.as_slice()).collect())?;
    Ok(Common { result_path: result_path(fields)?, retry, catch, transition: transition(fields)? })
}

/// `States.ALL` must stand alone and last.
fn all_is_last(fields: &Fields<'_>, lists: Vec<&[String]>) -> Result<(), InvalidDefinition> {
    let last = lists.len().saturating_sub(1);
    for (index, errors) in lists.into_iter().enumerate() {
        if errors.iter().any(|error| error == "States.ALL") && (errors.len() > 1 || index != last) {
            return Err(fields.error("States.ALL must stand alone, in the last entry"));
        }
    }
    Ok(())
}

fn errors(fields: &mut Fields<'_>) -> Result<Vec<String>, InvalidDefinition> {
    let names: Option<Vec<String>> =
        fields.array("ErrorEquals")?.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    names.filter(|names| !names.is_empty()).ok_or_else(|| fields.error("ErrorEquals is not a list of names"))
}

fn retrier(place: &str, value: &Value) -> Result<Retrier, InvalidDefinition> {
    let mut fields = Fields::new(format!("{place}, Retry"), value)?;
    fields.ignore("Comment");
    let errors = errors(&mut fields)?;
    let backoff_rate = fields.optional_f64("BackoffRate")?.unwrap_or(2.0);
    if backoff_rate < 1.0 {
        return Err(fields.error("BackoffRate is below 1"));
    }
    let full_jitter = match fields.optional_str("JitterStrategy")? {
        None | Some("NONE") => false,
        Some("FULL") => true,
        Some(other) => return Err(fields.error(format!("JitterStrategy {other:?} is not supported"))),
    };
    let positive = |fields: &mut Fields<'_>, name: &str| match fields.optional_u64(name)? {
        Some(0) => Err(fields.error(format!("{name} is 0"))),
        seconds => Ok(seconds.map(Duration::from_secs)),
    };
    let retrier = Retrier {
        errors,
        interval: positive(&mut fields, "IntervalSeconds")?.unwrap_or(Duration::from_secs(1)),
        max_attempts: u32::try_from(fields.optional_u64("MaxAttempts")?.unwrap_or(3)).unwrap_or(u32::MAX),
        backoff_rate,
        max_delay: positive(&mut fields, "MaxDelaySeconds")?,
        full_jitter,
    };
    fields.end()?;
    Ok(retrier)
}

fn catcher(place: &str, value: &Value) -> Result<Catcher, InvalidDefinition> {
    let mut fields = Fields::new(format!("{place}, Catch"), value)?;
    fields.ignore("Comment");
    let catcher = Catcher {
        errors: errors(&mut fields)?,
        result_path: result_path(&mut fields)?,
        next: fields.str("Next")?.to_owned(),
    };
    fields.end()?;
    Ok(catcher)
}

fn wait(fields: &mut Fields<'_>) -> Result<Wait, InvalidDefinition> {
    match fields.optional_u64("Seconds")? {
        Some(seconds @ ..=99_999_999) => return Ok(Wait::Seconds(seconds)),
        Some(_) => return Err(fields.error("Seconds is more than 99999999")),
        None => {}
    }
    if let Some(path) = fields.optional_path("SecondsPath")? {
        return Ok(Wait::SecondsPath(path));
    }
    if let Some(text) = fields.optional_str("Timestamp")? {
        let moment = moment::parse(text).map(Wait::Timestamp);
        return moment.ok_or_else(|| fields.error("Timestamp is not a time"));
    }
    match fields.optional_path("TimestampPath")? {
        Some(path) => Ok(Wait::TimestampPath(path)),
        None => Err(fields.error("needs Seconds, SecondsPath, Timestamp or TimestampPath")),
    }
}

fn choice(fields: &mut Fields<'_>) -> Result<Choice, InvalidDefinition> {
    let rules: Vec<Rule> =
        fields.array("Choices")?.iter().map(|value| rule(fields.place(), value)).collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Err(fields.error("Choices is empty"));
    }
    Ok(Choice { rules, default: fields.optional_str("Default")?.map(str::to_owned) })
}

fn rule(place: &str, value: &Value) -> Result<Rule, InvalidDefinition> {
    let mut fields = Fields::new(format!("{place}, Choices"), value)?;
    fields.ignore("Comment");
    let variable = fields.optional_path("Variable")?.ok_or_else(|| fields.error("Variable is missing"))?;
    let next = fields.str("Next")?.to_owned();
    let text = fields.optional_str("StringEquals")?.map(|text| Value::String(text.to_owned()));
    let truth = fields.optional("BooleanEquals").filter(|value| value.is_boolean()).cloned();
    let equals = match (text, truth) {
        (Some(value), None) | (None, Some(value)) => Some(value),
        _ => None,
    };
    match equals {
        Some(equals) => {
            fields.end()?;
            Ok(Rule { variable, equals, next })
        }
        None => match fields.end() {
            Err(error) => Err(error),
            Ok(()) => Err(InvalidDefinition {
                place: place.to_owned(),
                problem: "a rule needs either StringEquals or BooleanEquals".to_owned(),
            }),
        },
    }
}

fn parallel(fields: &mut Fields<'_>) -> Result<Parallel, InvalidDefinition> {
    let mut branches = Vec::new();
    for (index, branch) in fields.array("Branches")?.iter().enumerate() {
        let mut inner = Fields::new(format!("{}, branch {index}", fields.place()), branch)?;
        inner.ignore("Comment");
        branches.push(StateMachine::flow(&mut inner)?);
        inner.end()?;
    }
    if branches.is_empty() {
        return Err(fields.error("Branches is empty"));
    }
    Ok(Parallel { branches, parameters: fields.optional_template("Parameters")?, common: common(fields)? })
}

fn map(fields: &mut Fields<'_>) -> Result<Map, InvalidDefinition> {
    let Some(mut inner) = fields.inner("ItemProcessor")? else {
        return Err(fields.error("ItemProcessor is missing"));
    };
    let mut distributed = false;
    if let Some(mut config) = inner.inner("ProcessorConfig")? {
        distributed = match config.optional_str("Mode")? {
            None | Some("INLINE") => false,
            Some("DISTRIBUTED") => true,
            Some(other) => return Err(config.error(format!("the Mode {other:?} is not supported"))),
        };
        match config.optional_str("ExecutionType")? {
            Some("STANDARD") if distributed => {}
            None if !distributed => {}
            other => return Err(config.error(format!("the ExecutionType {other:?} is not supported"))),
        }
        config.end()?;
    }
    inner.ignore("Comment");
    let processor = StateMachine::flow(&mut inner)?;
    inner.end()?;
    let path = fields.optional_path("ItemsPath")?;
    let items = match fields.inner("ItemReader")? {
        None => Items::Path(path.map_or_else(|| Path::parse("$").map_err(|_| fields.error("$")), Ok)?),
        Some(_) if !distributed => {
            return Err(fields.error("the field \"ItemReader\" is not supported in INLINE mode"));
        }
        Some(_) if path.is_some() => return Err(fields.error("ItemsPath and ItemReader exclude each other")),
        Some(reader) => Items::S3(item_reader(reader)?),
    };
    let tolerated = tolerated(fields)?;
    if !distributed && tolerated != Tolerated::default() {
        return Err(fields.error("tolerated failures are not supported in INLINE mode"));
    }
    Ok(Map {
        items,
        selector: fields.optional_template("ItemSelector")?,
        processor,
        distributed,
        label: if distributed { label(fields)? } else { None },
        concurrency: concurrency(fields)?,
        tolerated,
        common: common(fields)?,
    })
}

fn concurrency(fields: &mut Fields<'_>) -> Result<Concurrency, InvalidDefinition> {
    match (fields.optional_u64("MaxConcurrency")?, fields.optional_path("MaxConcurrencyPath")?) {
        (Some(_), Some(_)) => Err(fields.error("MaxConcurrency and MaxConcurrencyPath exclude each other")),
        (_, Some(path)) => Ok(Concurrency::Path(path)),
        (fixed, None) => Ok(Concurrency::Fixed(fixed.unwrap_or(0))),
    }
}

/// A `Label`: 1 to 40 characters, none that an execution's name may not have either (Step Functions
/// Developer Guide, "Using Map state in Distributed mode").
fn label(fields: &mut Fields<'_>) -> Result<Option<String>, InvalidDefinition> {
    match fields.optional_str("Label")? {
        Some(label) if !is_name(label, 40) => {
            Err(fields.error(format!("Label {label:?} is not 1 to 40 characters that an ARN may have")))
        }
        label => Ok(label.map(str::to_owned)),
    }
}

fn tolerated(fields: &mut Fields<'_>) -> Result<Tolerated, InvalidDefinition> {
    let tolerated = Tolerated {
        count: fields.optional_u64("ToleratedFailureCount")?,
        percentage: fields.optional_f64("ToleratedFailurePercentage")?,
    };
    match tolerated.percentage {
        Some(share) if !(0.0..=100.0).contains(&share) => {
            Err(fields.error("ToleratedFailurePercentage is not between 0 and 100"))
        }
        _ => Ok(tolerated),
    }
}

fn item_reader(mut reader: Fields<'_>) -> Result<Template, InvalidDefinition> {
    let resource = reader.str("Resource")?;
    if !resource.ends_with(":states:::s3:getObject") {
        return Err(reader.error(format!("the resource {resource:?} is not supported")));
    }
    if let Some(mut config) = reader.inner("ReaderConfig")? {
        match config.str("InputType")? {
            "JSON" => {}
            other => return Err(config.error(format!("the InputType {other:?} is not supported"))),
        }
        config.end()?;
    }
    let parameters = reader.optional_template("Parameters")?;
    let parameters = parameters.ok_or_else(|| reader.error("Parameters is missing"))?;
    reader.end()?;
    Ok(parameters)
}
