//! CloudFormation, as far as somebody asks it about a stack: what it put out.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::wire::ApiError;
use crate::wire::query::Form;
use crate::wire::xml::Element;

pub(crate) const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// A stack that is deployed.
#[derive(Debug, Clone)]
pub struct Stack {
    pub name: String,
    pub arn: String,
    pub created: Timestamp,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
}

/// Answers one operation. The caller has been authorised.
pub(crate) fn call(
    stacks: &BTreeMap<String, Stack>,
    operation: &str,
    form: &Form,
) -> Result<Vec<Element>, ApiError> {
    if operation != "DescribeStacks" {
        return Err(ApiError::new(400, "InvalidAction", format!("{operation} is not simulated")));
    }
    let wanted = form.get("StackName");
    let found: Vec<_> = stacks
        .values()
        .filter(|stack| wanted.is_none_or(|wanted| wanted == stack.name || wanted == stack.arn))
        .collect();
    if let (Some(wanted), true) = (wanted, found.is_empty()) {
        let message = format!("Stack with id {wanted} does not exist");
        return Err(ApiError::new(400, "ValidationError", message));
    }
    Ok(vec![Element::new("Stacks").children(found.into_iter().map(member))])
}

fn member(stack: &Stack) -> Element {
    let pairs =
        |name: &'static str, key: &'static str, value: &'static str, map: &BTreeMap<String, String>| {
            Element::new(name).children(map.iter().map(|(name, text)| {
                Element::new("member").child(Element::text(key, name)).child(Element::text(value, text))
            }))
        };
    Element::new("member")
        .child(Element::text("StackId", &stack.arn))
        .child(Element::text("StackName", &stack.name))
        .child(pairs("Parameters", "ParameterKey", "ParameterValue", &stack.parameters))
        .child(Element::text("CreationTime", stack.created))
        .child(Element::text("StackStatus", "CREATE_COMPLETE"))
        .child(pairs("Outputs", "OutputKey", "OutputValue", &stack.outputs))
}
