//! Giving every function of a template its value.

use std::collections::BTreeMap;

use aws_smithy_types::base64;
use serde_json::{Map, Value as Json, json};

use super::value::Value;
use super::{Declared, InvalidTemplate, Template};

/// Where a stack is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    pub stack: String,
    pub partition: String,
    pub region: String,
    pub account: String,
}

pub(super) struct Resolver<'a> {
    template: &'a Template,
    surroundings: &'a Surroundings,
    parameters: BTreeMap<String, Json>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        template: &'a Template,
        surroundings: &'a Surroundings,
        given: &BTreeMap<String, String>,
    ) -> Result<Self, InvalidTemplate> {
        if let Some(name) = given.keys().find(|name| !template.parameters.contains_key(*name)) {
            return Err(InvalidTemplate::new(name.as_str(), "the template has no parameter of this name"));
        }
        let parameters = template
            .parameters
            .iter()
            .map(|(name, declared)| Ok((name.clone(), parameter(name, declared, given.get(name))?)))
            .collect::<Result<_, InvalidTemplate>>()?;
        Ok(Self { template, surroundings, parameters })
    }

    pub(super) fn into_parameters(self) -> BTreeMap<String, Json> {
        self.parameters
    }

    /// Whether what is under this condition is made.
    pub(super) fn exists(&self, condition: Option<&str>) -> Result<bool, InvalidTemplate> {
        condition.map_or(Ok(true), |name| self.condition(name))
    }

    fn condition(&self, name: &str) -> Result<bool, InvalidTemplate> {
        match self.template.conditions.get(name) {
            Some(value) => self.truth(name, value),
            None => Err(InvalidTemplate::new(name, "there is no condition of this name")),
        }
    }

    pub(super) fn truth(&self, place: &str, value: &Value) -> Result<bool, InvalidTemplate> {
        match value {
            Value::Equals(left, right) => {
                Ok(text(&self.required(place, left)?) == text(&self.required(place, right)?))
            }
            Value::Not(value) => Ok(!self.truth(place, value)?),
            Value::And(values) => Ok(self.truths(place, values)?.into_iter().all(|truth| truth)),
            Value::Or(values) => Ok(self.truths(place, values)?.into_iter().any(|truth| truth)),
            _ => Err(InvalidTemplate::new(
                place,
                "a condition other than Equals, Not, And and Or is not supported",
            )),
        }
    }

    /// Each is looked at, so that a mistake in one shows.
    fn truths(&self, place: &str, values: &[Value]) -> Result<Vec<bool>, InvalidTemplate> {
        values.iter().map(|value| self.truth(place, value)).collect()
    }

    fn required(&self, place: &str, value: &Value) -> Result<Json, InvalidTemplate> {
        self.value(place, value)?.ok_or_else(|| InvalidTemplate::new(place, "AWS::NoValue cannot stand here"))
    }

    /// The value, or nothing for `AWS::NoValue`.
    pub(super) fn value(&self, place: &str, value: &Value) -> Result<Option<Json>, InvalidTemplate> {
        Ok(Some(match value {
            Value::Null => Json::Null,
            Value::Bool(value) => json!(value),
            Value::Number(number) => Json::Number(number.clone()),
            Value::Text(text) => json!(text),
            Value::List(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for item in items {
                    resolved.extend(self.value(place, item)?);
                }
                Json::Array(resolved)
            }
            Value::Map(members) => {
                let mut resolved = Map::new();
                for (name, value) in members {
                    if let Some(value) = self.value(&format!("{place}, {name}"), value)? {
                        resolved.insert(name.clone(), value);
                    }
                }
                Json::Object(resolved)
            }
            Value::Ref(name) if name == "AWS::NoValue" => return Ok(None),
            Value::Ref(name) => self.referred(place, name)?,
            Value::GetAtt(resource, attribute) => {
                json!(
                    self.attribute(resource, attribute)
                        .map_err(|error| InvalidTemplate::new(place, error.problem))?
                )
            }
            Value::Sub(text, names) => json!(self.substitute(place, text, names)?),
            Value::Join(delimiter, value) => match self.required(place, value)? {
                Json::Array(items) => json!(items.iter().map(text).collect::<Vec<_>>().join(delimiter)),
                _ => return Err(InvalidTemplate::new(place, "Join of something else than a list")),
            },
            Value::Split(delimiter, value) => {
                json!(text(&self.required(place, value)?).split(delimiter.as_str()).collect::<Vec<_>>())
            }
            Value::Base64(value) => json!(base64::encode(text(&self.required(place, value)?))),
            Value::If(condition, then, otherwise) => {
                return self.value(place, if self.condition(condition)? { then } else { otherwise });
            }
            Value::Equals(..) | Value::Not(_) | Value::And(_) | Value::Or(_) => {
                json!(self.truth(place, value)?)
            }
        }))
    }

    fn substitute(
        &self,
        place: &str,
        template: &str,
        names: &BTreeMap<String, Value>,
    ) -> Result<String, InvalidTemplate> {
        let mut pieces = template.split("${");
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let Some((name, rest)) = piece.split_once('}') else {
                return Err(InvalidTemplate::new(place, "Sub with a ${ that is not closed"));
            };
            match (name.strip_prefix('!'), names.get(name), name.split_once('.')) {
                (Some(literal), ..) => out.push_str(&format!("${{{literal}}}")),
                (None, Some(value), _) => out.push_str(&text(&self.required(place, value)?)),
                (None, None, Some((resource, attribute))) => out.push_str(
                    &self
                        .attribute(resource, attribute)
                        .map_err(|error| InvalidTemplate::new(place, error.problem))?,
                ),
                (None, None, None) => out.push_str(&text(&self.referred(place, name)?)),
            }
            out.push_str(rest);
        }
        Ok(out)
    }

    fn referred(&self, place: &str, name: &str) -> Result<Json, InvalidTemplate> {
        let here = self.surroundings;
        Ok(match name {
            "AWS::StackName" => json!(here.stack),
            "AWS::Partition" => json!(here.partition),
            "AWS::Region" => json!(here.region),
            "AWS::AccountId" => json!(here.account),
            _ => match self.parameters.get(name) {
                Some(value) => value.clone(),
                None => {
                    json!(self.reference(name).map_err(|error| InvalidTemplate::new(place, error.problem))?)
                }
            },
        })
    }

    fn declared(&self, name: &str) -> Result<&Declared, InvalidTemplate> {
        let declared = self.template.resources.get(name);
        let declared = declared
            .ok_or_else(|| InvalidTemplate::new(name, format!("there is no parameter or resource {name}")))?;
        match self.exists(declared.condition.as_deref())? {
            true => Ok(declared),
            false => Err(InvalidTemplate::new(name, format!("{name} is not made with these parameters"))),
        }
    }

    /// A resource's name: the one it is given, or one made from the stack's.
    fn name(&self, resource: &str, property: &str) -> Result<String, InvalidTemplate> {
        let given = self.given(resource, property)?;
        Ok(given.unwrap_or_else(|| format!("{}-{resource}", self.surroundings.stack)))
    }

    /// A property of a resource as text, if it has it; one within another behind a dot.
    fn given(&self, resource: &str, property: &str) -> Result<Option<String>, InvalidTemplate> {
        let mut value = &self.declared(resource)?.properties;
        for name in property.split('.') {
            let Value::Map(members) = value else { return Ok(None) };
            let Some(member) = members.get(name) else { return Ok(None) };
            value = member;
        }
        self.required(resource, value).map(|value| Some(text(&value)))
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        let here = self.surroundings;
        format!("arn:{}:{service}:{}:{}:{resource}", here.partition, here.region, here.account)
    }

    /// What `Ref` gives for a resource.
    pub(super) fn reference(&self, resource: &str) -> Result<String, InvalidTemplate> {
        let here = self.surroundings;
        Ok(match self.declared(resource)?.kind.as_str() {
            "AWS::S3::Bucket" => format!("{}-{}-{}", here.stack, resource, here.account).to_lowercase(),
            "AWS::Serverless::Function" => self.name(resource, "FunctionName")?,
            "AWS::IAM::Role" => self.name(resource, "RoleName")?,
            "AWS::Logs::LogGroup" => self.name(resource, "LogGroupName")?,
            "AWS::Glue::Database" => self.name(resource, "DatabaseInput.Name")?,
            "AWS::Glue::Table" => self.name(resource, "TableInput.Name")?,
            "AWS::SQS::Queue" => {
                let name = self.name(resource, "QueueName")?;
                format!("https://sqs.{}.amazonaws.com/{}/{name}", here.region, here.account)
            }
            "AWS::Serverless::StateMachine" | "AWS::SNS::Topic" => self.attribute(resource, "Arn")?,
            "AWS::S3::BucketPolicy"
            | "AWS::Events::Rule"
            | "AWS::Scheduler::Schedule"
            | "AWS::SNS::TopicPolicy"
            | "AWS::SNS::Subscription"
            | "AWS::Athena::NamedQuery"
            | "AWS::CloudWatch::Alarm"
            | "AWS::CloudWatch::Dashboard" => self.name(resource, "Name")?,
            other => {
                return Err(InvalidTemplate::new(resource, format!("the type {other} is not supported")));
            }
        })
    }

    /// What `GetAtt` gives for a resource.
    pub(super) fn attribute(&self, resource: &str, attribute: &str) -> Result<String, InvalidTemplate> {
        let kind = self.declared(resource)?.kind.as_str();
        let here = self.surroundings;
        Ok(match (kind, attribute) {
            ("AWS::Serverless::Function", "Arn") => {
                self.arn("lambda", &format!("function:{}", self.name(resource, "FunctionName")?))
            }
            ("AWS::Serverless::StateMachine", "Arn") => {
                self.arn("states", &format!("stateMachine:{}", self.name(resource, "Name")?))
            }
            ("AWS::Serverless::StateMachine", "Name") => self.name(resource, "Name")?,
            ("AWS::IAM::Role", "Arn") => {
                let (path, name) = (self.given(resource, "Path")?, self.name(resource, "RoleName")?);
                let path = path.unwrap_or_else(|| "/".to_owned());
                format!("arn:{}:iam::{}:role{path}{name}", here.partition, here.account)
            }
            ("AWS::S3::Bucket", "Arn") => {
                format!("arn:{}:s3:::{}", here.partition, self.reference(resource)?)
            }
            ("AWS::Logs::LogGroup", "Arn") => {
                self.arn("logs", &format!("log-group:{}:*", self.reference(resource)?))
            }
            ("AWS::SQS::Queue", "Arn") => self.arn("sqs", &self.name(resource, "QueueName")?),
            ("AWS::SQS::Queue", "QueueName") => self.name(resource, "QueueName")?,
            ("AWS::Events::Rule", "Arn") => {
                self.arn("events", &format!("rule/{}", self.name(resource, "Name")?))
            }
            ("AWS::SNS::Topic", "Arn") => self.arn("sns", &self.name(resource, "TopicName")?),
            _ => {
                return Err(InvalidTemplate::new(
                    resource,
                    format!("the attribute {attribute} of {kind} is not supported"),
                ));
            }
        })
    }
}

/// A value as text, as CloudFormation puts numbers and booleans into texts.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A parameter's value: given or default, and as declared.
fn parameter(name: &str, declared: &Json, given: Option<&String>) -> Result<Json, InvalidTemplate> {
    let invalid = |problem: String| Err(InvalidTemplate::new(name, problem));
    let Some(value) = given.cloned().or_else(|| declared.get("Default").map(text)) else {
        return invalid("the parameter has no default and must be given".to_owned());
    };
    if let Some(pattern) = declared["AllowedPattern"].as_str() {
        let pattern = match regex_lite::Regex::new(&format!("^(?:{pattern})$")) {
            Ok(pattern) => pattern,
            Err(error) => return invalid(format!("AllowedPattern: {error}")),
        };
        // Of a list it is every element's.
        let is_list = declared["Type"] == "CommaDelimitedList";
        let parts: Vec<&str> = if is_list { value.split(',').map(str::trim).collect() } else { vec![&value] };
        if let Some(part) = parts.into_iter().find(|part| !pattern.is_match(part)) {
            return invalid(format!("{part:?} does not match its AllowedPattern"));
        }
    }
    if let Some(allowed) = declared["AllowedValues"].as_array()
        && !allowed.iter().any(|it| text(it) == value)
    {
        return invalid(format!("{value:?} is not one of its AllowedValues"));
    }
    match declared["Type"].as_str() {
        Some("String") => Ok(json!(value)),
        Some("Number") => {
            let Ok(number) = value.parse::<f64>() else {
                return invalid(format!("{value:?} is not a Number"));
            };
            if declared["MinValue"].as_f64().is_some_and(|least| number < least) {
                return invalid(format!("{value} is below MinValue"));
            }
            if declared["MaxValue"].as_f64().is_some_and(|most| number > most) {
                return invalid(format!("{value} is above MaxValue"));
            }
            Ok(json!(value))
        }
        Some("CommaDelimitedList") if value.is_empty() => Ok(json!([""])),
        Some("CommaDelimitedList") => Ok(json!(value.split(',').map(str::trim).collect::<Vec<_>>())),
        other => invalid(format!("the parameter type {other:?} is not supported")),
    }
}
