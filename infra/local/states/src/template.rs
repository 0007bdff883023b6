//! Payload templates: `Parameters` and `ItemSelector`. A member whose name ends in `.$` takes its
//! value from a path; everything else stands as it is.

use serde_json::{Map, Value};

use crate::path::Path;

/// A value with places to fill in.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    Literal(Value),
    Path(Path),
    Object(Vec<(String, Template)>),
    Array(Vec<Template>),
}

/// Data that a template is filled from.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    pub input: &'a Value,
    pub context: &'a Value,
}

impl<'a> Data<'a> {
    /// What lies at the path, or the path as an error.
    pub fn at(self, path: &Path) -> Result<&'a Value, String> {
        path.get(if path.context { self.context } else { self.input })
            .ok_or_else(|| format!("The path {:?} leads nowhere in the state's input", path.as_str()))
    }
}

impl Template {
    pub fn parse(value: &Value) -> Result<Self, String> {
        Ok(match value {
            Value::Object(members) => Self::Object(
                members.iter().map(|(name, value)| Self::member(name, value)).collect::<Result<_, _>>()?,
            ),
            Value::Array(elements) => {
                Self::Array(elements.iter().map(Self::parse).collect::<Result<_, _>>()?)
            }
            literal => Self::Literal(literal.clone()),
        })
    }

    fn member(name: &str, value: &Value) -> Result<(String, Self), String> {
        let Some(name) = name.strip_suffix(".$") else { return Ok((name.to_owned(), Self::parse(value)?)) };
        match value.as_str() {
            Some(text) if text.starts_with("States.") => Err(format!("the intrinsic function {text:?}")),
            Some(text) => {
                Ok((name.to_owned(), Self::Path(Path::parse(text).map_err(|error| error.to_string())?)))
            }
            None => Err(format!("{name}.$ with a value that is not a path")),
        }
    }

    pub fn fill(&self, data: Data<'_>) -> Result<Value, String> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Path(path) => data.at(path)?.clone(),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, template)| Ok((name.clone(), template.fill(data)?)))
                    .collect::<Result<Map<_, _>, String>>()?,
            ),
            Self::Array(elements) => {
                Value::Array(elements.iter().map(|template| template.fill(data)).collect::<Result<_, _>>()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_is_filled_from_input_and_context() {
        let template = Template::parse(&json!({
            "fixed": [1, {"x": true}],
            "from.$": "$.a",
            "inner": {"id.$": "$$.Execution.Id"},
        }))
        .unwrap();
        let (input, context) = (json!({"a": [2]}), json!({"Execution": {"Id": "arn"}}));
        let filled = template.fill(Data { input: &input, context: &context }).unwrap();
        assert_eq!(filled, json!({"fixed": [1, {"x": true}], "from": [2], "inner": {"id": "arn"}}));
        let missing = template.fill(Data { input: &json!({}), context: &context }).unwrap_err();
        assert!(missing.contains("$.a"), "{missing}");
    }

    #[test]
    fn intrinsic_functions_are_refused_by_name() {
        let error = Template::parse(&json!({"x.$": "States.UUID()"})).unwrap_err();
        assert!(error.contains("States.UUID()"), "{error}");
    }
}
