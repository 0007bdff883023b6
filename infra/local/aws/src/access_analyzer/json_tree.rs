//! A JSON document with the place of each value in its text.
//!
//! `serde_json` checks the text, and says where it is wrong; what is read here is known to be JSON.

/// A value and where it is, in characters from the start; the end is the first character after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Names, each a text where it stands, and what they name.
    Object(Vec<(Node, Node)>),
    Array(Vec<Node>),
    Text(String),
    /// A number, `true`, `false` or `null`.
    Other,
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(it, _)| it.text() == Some(name)).map(|(_, node)| node)
    }

    pub(super) fn members(&self) -> &[(Self, Self)] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, each with its index; a single value is one without.
    pub(super) fn elements(&self) -> Vec<(Option<usize>, &Self)> {
        match &self.value {
            Value::Array(elements) => {
                elements.iter().enumerate().map(|(number, node)| (Some(number), node)).collect()
            }
            _ => vec![(None, self)],
        }
    }
}

/// Why a text is no JSON: what it says, and the line from 1 on and the column at which it does.
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Node, Broken> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| Broken { line: error.line(), column: error.column() })?;
    let broken = Broken { line: 1, column: 0 };
    let mut reader = Reader { text: text.chars().collect(), at: 0 };
    reader.node().ok_or(broken)
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&mut self) -> Option<char> {
        while self.text.get(self.at).is_some_and(|it| it.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Goes over the next character that is no space.
    fn skip(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += 1;
        next
    }

    fn node(&mut self) -> Option<Node> {
        let first = self.peek()?;
        let start = self.at;
        let value = match first {
            '{' => Value::Object(self.list('}', |reader| {
                let name = reader.node()?;
                reader.skip();
                Some((name, reader.node()?))
            })?),
            '[' => Value::Array(self.list(']', Self::node)?),
            '"' => Value::Text(self.string()?),
            _ => {
                while self
                    .text
                    .get(self.at)
                    .is_some_and(|it| !",]}".contains(*it) && !it.is_ascii_whitespace())
                {
                    self.at += 1;
                }
                Value::Other
            }
        };
        Some(Node { start, end: self.at, value })
    }

    fn list<T>(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.skip();
        if self.peek()? == close {
            self.skip();
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.skip()? == close {
                return Some(items);
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                '\\' => self.at += 2,
                '"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let quoted: String = self.text.get(start..self.at)?.iter().collect();
        serde_json::from_str(&quoted).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_place_in_characters() {
        let text = "{ \"ä\\\"b\": [1, \"x\"],\n \"c\": {\"d\": null}, \"e\": [ ], \"f\": { } }";
        let Ok(tree) = parse(text) else { panic!("it is JSON") };
        let cut = |node: &Node| text.chars().skip(node.start).take(node.end - node.start).collect::<String>();
        assert_eq!(cut(&tree), text);
        let list = tree.get("ä\"b").unwrap();
        assert_eq!(cut(list), "[1, \"x\"]");
        let elements: Vec<_> = list.elements().into_iter().map(|(number, it)| (number, cut(it))).collect();
        assert_eq!(elements, [(Some(0), "1".to_owned()), (Some(1), "\"x\"".to_owned())]);
        assert_eq!(cut(tree.get("c").unwrap().get("d").unwrap()), "null");
        assert_eq!(tree.get("e").unwrap().value, Value::Array(Vec::new()));
        assert_eq!(cut(tree.get("f").unwrap()), "{ }");
    }

    #[test]
    fn what_is_no_json_says_where() {
        let Err(broken) = parse("{\n \"a\": }") else { panic!("it is no JSON") };
        assert_eq!((broken.line, broken.column), (2, 7));
    }
}
