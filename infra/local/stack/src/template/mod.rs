//! A SAM template: read, its parameters given, its functions resolved.

mod resolve;
mod rules;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use resolve::Resolver;
pub use resolve::Surroundings;
use value::Value;

/// Why a template is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {place}: {problem}")]
pub struct InvalidTemplate {
    pub place: String,
    pub problem: String,
}

impl InvalidTemplate {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// A template as it is written.
#[derive(Debug, Clone)]
pub struct Template {
    parameters: BTreeMap<String, Json>,
    rules: BTreeMap<String, Vec<rules::Assertion>>,
    conditions: BTreeMap<String, Value>,
    resources: BTreeMap<String, Declared>,
    outputs: BTreeMap<String, Output>,
}

/// A resource as it is declared.
#[derive(Debug, Clone)]
struct Declared {
    kind: String,
    condition: Option<String>,
    properties: Value,
    binary: Option<String>,
}

/// An output as it is declared.
#[derive(Debug, Clone)]
struct Output {
    condition: Option<String>,
    value: Value,
}

/// A resource with everything resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub kind: String,
    pub properties: Json,
    /// The binary that `rust-cargolambda` builds for a function.
    pub binary: Option<String>,
    /// What `Ref` gives.
    pub reference: String,
    /// What `GetAtt … Arn` gives, where the type has it.
    pub arn: Option<String>,
}

/// A template with everything resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    pub parameters: BTreeMap<String, Json>,
    pub resources: BTreeMap<String, Resource>,
    pub outputs: BTreeMap<String, String>,
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let document: yaml_serde::Value =
            yaml_serde::from_str(text).map_err(|error| InvalidTemplate::new("YAML", error.to_string()))?;
        let mut sections = Value::read("the template", document)?.into_map("the template")?;
        sections.remove("AWSTemplateFormatVersion");
        sections.remove("Description");
        sections.remove("Metadata");
        match sections.remove("Transform").and_then(|it| it.as_text().map(str::to_owned)).as_deref() {
            None | Some("AWS::Serverless-2016-10-31") => {}
            Some(other) => {
                return Err(InvalidTemplate::new("Transform", format!("{other} is not supported")));
            }
        }
        let mut section = |name: &str| sections.remove(name).unwrap_or_default().into_map(name);
        let parameters = section("Parameters")?
            .into_iter()
            .map(|(name, value)| Ok((name, value.literal("Parameters")?)))
            .collect::<Result<_, InvalidTemplate>>()?;
        let rules = section("Rules")?
            .into_iter()
            .map(|(name, rule)| Ok((name.clone(), rules::read(&name, rule)?)))
            .collect::<Result<_, InvalidTemplate>>()?;
        let conditions = section("Conditions")?;
        let mut globals = section("Globals")?;
        let function_globals = globals.remove("Function").unwrap_or_default();
        if let Some(name) = globals.keys().next() {
            return Err(InvalidTemplate::new("Globals", format!("{name} is not supported")));
        }
        let mut resources = BTreeMap::new();
        for (name, declared) in section("Resources")? {
            let declared = Declared::read(&name, declared, &function_globals)?;
            resources.insert(name, declared);
        }
        let mut outputs = BTreeMap::new();
        for (name, output) in section("Outputs")? {
            let output = Output::read(&name, output)?;
            outputs.insert(name, output);
        }
        match sections.keys().next() {
            Some(name) => {
                Err(InvalidTemplate::new("the template", format!("the section {name} is not supported")))
            }
            None => Ok(Self { parameters, rules, conditions, resources, outputs }),
        }
    }

    /// Resolves everything for a stack of this name in these surroundings, with these parameters.
    pub fn resolve(
        &self,
        surroundings: &Surroundings,
        given: &BTreeMap<String, String>,
    ) -> Result<Resolved, InvalidTemplate> {
        let resolver = Resolver::new(self, surroundings, given)?;
        for (name, rule) in &self.rules {
            rules::check(name, rule, &resolver)?;
        }
        let mut resources = BTreeMap::new();
        for (name, declared) in &self.resources {
            if !resolver.exists(declared.condition.as_deref())? {
                continue;
            }
            let properties = resolver.value(name, &declared.properties)?.unwrap_or_default();
            resources.insert(
                name.clone(),
                Resource {
                    kind: declared.kind.clone(),
                    properties,
                    binary: declared.binary.clone(),
                    reference: resolver.reference(name)?,
                    arn: resolver.attribute(name, "Arn").ok(),
                },
            );
        }
        let mut outputs = BTreeMap::new();
        for (name, output) in &self.outputs {
            if !resolver.exists(output.condition.as_deref())? {
                continue;
            }
            let resolved = resolver.value(name, &output.value)?.unwrap_or_default();
            outputs.insert(name.clone(), resolved.as_str().unwrap_or_default().to_owned());
        }
        Ok(Resolved { parameters: resolver.into_parameters(), resources, outputs })
    }

    /// The template's parameters, as declared.
    pub fn parameters(&self) -> &BTreeMap<String, Json> {
        &self.parameters
    }

    /// The names of parameters and resources that something refers to.
    pub fn referred(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let properties = self.resources.values().map(|declared| &declared.properties);
        let outputs = self.outputs.values().map(|output| &output.value);
        for value in self.conditions.values().chain(properties).chain(outputs) {
            value.referred(&mut names);
        }
        names.extend(self.resources.values().filter_map(|declared| declared.condition.clone()));
        names.extend(self.outputs.values().filter_map(|output| output.condition.clone()));
        names
    }
}

impl Declared {
    fn read(name: &str, declared: Value, function_globals: &Value) -> Result<Self, InvalidTemplate> {
        let mut members = declared.into_map(name)?;
        let kind = text(members.remove("Type")).ok_or_else(|| InvalidTemplate::new(name, "has no Type"))?;
        let condition = text(members.remove("Condition"));
        members.remove("DeletionPolicy");
        members.remove("UpdateReplacePolicy");
        let binary = match members.remove("Metadata") {
            None => None,
            Some(metadata) => Some(binary(name, metadata)?),
        };
        let mut properties = members.remove("Properties").unwrap_or_default();
        if let Some(other) = members.keys().next() {
            return Err(InvalidTemplate::new(name, format!("the attribute {other} is not supported")));
        }
        if kind == "AWS::Serverless::Function" {
            properties = function_globals.clone().merged_with(properties);
        }
        Ok(Self { kind, condition, properties, binary })
    }
}

impl Output {
    fn read(name: &str, output: Value) -> Result<Self, InvalidTemplate> {
        let mut members = output.into_map(name)?;
        let condition = text(members.remove("Condition"));
        let value = members.remove("Value").ok_or_else(|| InvalidTemplate::new(name, "has no Value"))?;
        members.remove("Description");
        match members.keys().next() {
            Some(other) => Err(InvalidTemplate::new(name, format!("the attribute {other} is not supported"))),
            None => Ok(Self { condition, value }),
        }
    }
}

fn text(value: Option<Value>) -> Option<String> {
    value.and_then(|it| it.as_text().map(str::to_owned))
}

/// The binary that a function's build metadata names.
fn binary(name: &str, metadata: Value) -> Result<String, InvalidTemplate> {
    let metadata = metadata.literal(name)?;
    match (metadata["BuildMethod"].as_str(), metadata["BuildProperties"]["Binary"].as_str()) {
        (Some("rust-cargolambda"), Some(binary)) => Ok(binary.to_owned()),
        _ => Err(InvalidTemplate::new(
            name,
            "Metadata other than rust-cargolambda with a Binary is not supported",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            stack: "s".into(),
            partition: "aws".into(),
            region: "eu-central-1".into(),
            account: "012345678901".into(),
        }
    }

    fn resolve(text: &str, given: &[(&str, &str)]) -> Result<Resolved, InvalidTemplate> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Template::parse(text)?.resolve(&surroundings(), &given)
    }

    const TEMPLATE: &str = r#"
Parameters:
  Name: { Type: String, Default: "", AllowedPattern: "^[a-z]*$" }
  Share: { Type: Number, Default: 0.5, MinValue: 0.01, MaxValue: 1 }
  Buckets: { Type: CommaDelimitedList, Default: "", AllowedPattern: "^[a-z]*$" }
Rules:
  NameAndBuckets:
    Assertions:
      - Assert: !Not [!And [!Equals [!Ref Name, "x"], !Equals [!Join ["", !Ref Buckets], "y"]]]
        AssertDescription: x and y do not go together
Conditions:
  Named: !Not [!Equals [!Ref Name, ""]]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
  Key:
    Type: AWS::SNS::Topic
    Condition: Named
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      Account: 012345678901
      Resource: !Sub "arn:${AWS::Partition}:s3:::${Bucket}/*"
      Inner: !Sub ["${X}-${!Y}", { X: !Ref Share }]
      Maybe: !If [Named, !Ref Name, !Ref AWS::NoValue]
      List: !Split [",", !Join ["", [!Join ["/*,", !Ref Buckets], "/*"]]]
      Encoded: { "Fn::Base64": !Sub "in ${Database}" }
  Database:
    Type: AWS::Glue::Database
    Properties:
      DatabaseInput:
        Name: !Join ["_", !Split ["-", "a-stack"]]
Outputs:
  Bucket: { Value: !Ref Bucket }
  Key: { Condition: Named, Value: !Ref Key }
"#;

    #[test]
    fn functions_are_resolved_and_no_value_leaves_nothing() {
        let resolved = resolve(TEMPLATE, &[("Buckets", "a, b")]).unwrap();
        let properties = &resolved.resources["Policy"].properties;
        let bucket = &resolved.resources["Bucket"].reference;
        assert_eq!(properties["Resource"], format!("arn:aws:s3:::{bucket}/*"));
        assert_eq!(properties["Inner"], "0.5-${Y}");
        assert_eq!(properties["Account"], "012345678901");
        assert_eq!(properties.get("Maybe"), None);
        assert_eq!(properties["List"], serde_json::json!(["a/*", "b/*"]));
        assert_eq!(properties["Encoded"], "aW4gYV9zdGFjaw==", "of \"in a_stack\"");
        assert!(!resolved.resources.contains_key("Key"));
        assert_eq!(resolved.outputs.keys().collect::<Vec<_>>(), ["Bucket"]);
        let named = resolve(TEMPLATE, &[("Name", "x")]).unwrap();
        assert_eq!(named.resources["Policy"].properties["Maybe"], "x");
        assert_eq!(named.resources["Key"].arn.as_ref(), Some(&named.outputs["Key"]));
    }

    #[test]
    fn parameters_that_a_rule_forbids_together_are_refused() {
        let error = resolve(TEMPLATE, &[("Name", "x"), ("Buckets", "y")]).unwrap_err();
        assert_eq!(
            (error.place.as_str(), error.problem.as_str()),
            ("NameAndBuckets", "x and y do not go together")
        );
        assert!(resolve(TEMPLATE, &[("Name", "x"), ("Buckets", "z")]).is_ok());
    }

    /// CloudFormation refuses such a template: an unresolved dependency.
    #[test]
    fn what_is_not_made_cannot_be_referred_to() {
        for refers in ["!Ref Key", "!GetAtt Key.Arn", "!Sub '${Key}'", "!Sub '${Key.Arn}'"] {
            let text = format!("{TEMPLATE}  Refers: {{ Value: {refers} }}\n");
            assert!(resolve(&text, &[("Name", "x")]).is_ok(), "{refers}");
            let error = resolve(&text, &[]).unwrap_err();
            assert_eq!(error.place, "Refers", "{refers}");
            assert!(error.problem.contains("Key is not made with these parameters"), "{error}");
        }
    }

    #[test]
    fn parameters_are_held_to_their_declaration() {
        for (given, problem) in [
            (("Name", "UPPER"), "AllowedPattern"),
            (("Buckets", "a, B"), "\"B\" does not match its AllowedPattern"),
            (("Share", "2"), "MaxValue"),
            (("Share", "x"), "Number"),
            (("Nme", "x"), "no parameter"),
        ] {
            let error = resolve(TEMPLATE, &[given]).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (text, name) in [
            ("Mappings: {}", "Mappings"),
            ("Rules: { A: { RuleCondition: x, Assertions: [] } }", "Assertions"),
            (
                "Resources: { A: { Type: 'AWS::S3::Bucket', Properties: { X: !ImportValue y } } }",
                "ImportValue",
            ),
            ("Resources: { A: { Type: 'AWS::S3::Bucket', Properties: { X: !Ref Nobody } } }", "Nobody"),
            ("Resources: { A: { Type: 'AWS::S3::Bucket', CreationPolicy: {} } }", "CreationPolicy"),
            ("Resources: { A: { Type: 'AWS::Unheard::Of' } }", "AWS::Unheard::Of"),
            ("Resources: { A: { Type: 'AWS::S3::Bucket', Properties: { X: !GetAtt A.Colour } } }", "Colour"),
        ] {
            let error = resolve(text, &[]).unwrap_err().to_string();
            assert!(error.contains(name), "{text}: {error}");
        }
    }
}
