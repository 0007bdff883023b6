//! XML answers. Text is escaped by the XML library.

use std::borrow::Cow;

use quick_xml::escape::escape;

/// An element with either text or children.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    name: Cow<'static, str>,
    attributes: Vec<(&'static str, String)>,
    text: Option<String>,
    children: Vec<Element>,
}

impl Element {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), attributes: Vec::new(), text: None, children: Vec::new() }
    }

    pub(crate) fn text(name: impl Into<Cow<'static, str>>, text: impl ToString) -> Self {
        Self { text: Some(text.to_string()), ..Self::new(name) }
    }

    pub(crate) fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// A list: `<name><item>…</item></name>`.
    pub(crate) fn list(name: &'static str, items: impl IntoIterator<Item = Vec<Self>>) -> Self {
        Self::new(name).children(items.into_iter().map(|members| Self::new("item").children(members)))
    }

    /// A list as all but EC2 have it: `<name><member>…</member></name>`.
    pub(crate) fn members(name: &'static str, items: impl IntoIterator<Item = Vec<Self>>) -> Self {
        Self::new(name).children(items.into_iter().map(|members| Self::new("member").children(members)))
    }

    pub(crate) fn document(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}=\"{}\"", escape(value.as_str())));
        }
        out.push('>');
        if let Some(text) = &self.text {
            out.push_str(&escape(text.as_str()));
        }
        for child in &self.children {
            child.write(out);
        }
        out.push_str(&format!("</{}>", self.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let element = Element::new("a").attribute("x", "\"<").child(Element::text("b", "<c>&</c>"));
        assert!(element.document().ends_with("<a x=\"&quot;&lt;\"><b>&lt;c&gt;&amp;&lt;/c&gt;</b></a>"));
    }
}
