//! JSON, read so that nothing of it is lost: `serde_json`'s own values keep the last of two equal
//! keys in silence.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::pointer;
use crate::value::Scalar;

/// The deepest place that AWS documents, in `image_criteria`, is 8 levels deep.
pub(crate) const MAX_DEPTH: usize = 32;

/// So many repeated keys are told; one is enough to refuse.
const MAX_REPEATED: usize = 50;

/// A JSON value whose objects keep every key in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    One(Scalar),
    Many(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    /// What it is, for messages.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::One(Scalar::Text(text)) => format!("the string {}", crate::problem::shown(text)),
            Self::One(Scalar::Null) => "null".to_owned(),
            Self::One(scalar) => format!("the value {}", scalar.text()),
            Self::Many(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }

    /// The values of a list of single values.
    pub(crate) fn scalars(&self) -> Option<Vec<Scalar>> {
        let Self::Many(items) = self else { return None };
        items
            .iter()
            .map(|item| match item {
                Self::One(scalar) => Some(scalar.clone()),
                Self::Many(_) | Self::Object(_) => None,
            })
            .collect()
    }
}

/// What was read, and the pointers of keys that came more than once in one object.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) node: Node,
    pub(crate) repeated: Vec<String>,
}

/// Reads one JSON value and nothing behind it. The error is `serde_json`'s message.
pub(crate) fn read(content: &str) -> Result<Read, String> {
    let mut state = State { keys: Vec::new(), repeated: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_str(content);
    let seed = Seed { state: &mut state, depth: 0 };
    let node = seed.deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    Ok(Read { node, repeated: state.repeated })
}

struct State {
    keys: Vec<String>,
    repeated: Vec<String>,
}

struct Seed<'a> {
    state: &'a mut State,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::One(Scalar::Null))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::One(Scalar::Bool(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::One(Scalar::Number(value.to_string())))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::One(Scalar::Number(value.to_string())))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        let number = serde_json::Number::from_f64(value).ok_or_else(|| E::custom("not a finite number"))?;
        Ok(Node::One(Scalar::Number(number.to_string())))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::One(Scalar::Text(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let depth = deeper(self.depth)?;
        let mut items = Vec::new();
        loop {
            self.state.keys.push(items.len().to_string());
            let item = access.next_element_seed(Seed { state: &mut *self.state, depth })?;
            self.state.keys.pop();
            match item {
                Some(item) => items.push(item),
                None => return Ok(Node::Many(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let depth = deeper(self.depth)?;
        let mut seen = HashSet::new();
        let mut members = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            self.state.keys.push(key.clone());
            if !seen.insert(key.clone()) && self.state.repeated.len() < MAX_REPEATED {
                let path = self.state.keys.iter().fold(String::new(), |path, key| pointer::join(&path, key));
                self.state.repeated.push(path);
            }
            let value = access.next_value_seed(Seed { state: &mut *self.state, depth })?;
            self.state.keys.pop();
            members.push((key, value));
        }
        Ok(Node::Object(members))
    }
}

fn deeper<E: de::Error>(depth: usize) -> Result<usize, E> {
    if depth >= MAX_DEPTH {
        return Err(E::custom(format_args!("nested more than {MAX_DEPTH} levels deep")));
    }
    Ok(depth + 1)
}
