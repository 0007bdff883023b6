//! EC2's Query protocol: a form in, XML out.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::xml::Element;
use super::{ApiError, Response, answer};

/// The fields of a form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn parse(body: &Bytes) -> Self {
        let text = String::from_utf8_lossy(body);
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        Self(
            text.split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            ApiError::new(400, "MissingParameter", format!("The request must contain the parameter {name}"))
        })
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// `Name.1`, `Name.2`, … in their order.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|index| self.get(&format!("{name}.{index}"))).collect()
    }

    /// Whether any field begins so: whether there is an element of a structured list.
    pub(crate) fn has(&self, prefix: &str) -> bool {
        self.0.range(prefix.to_owned()..).next().is_some_and(|(name, _)| name.starts_with(prefix))
    }

    /// Names of fields that are not among the known ones.
    pub(crate) fn unknown(&self, known: &[&str]) -> Option<&str> {
        let base = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        self.0.keys().find(|name| !known.contains(&base(name).as_str())).map(String::as_str)
    }
}

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// `<{operation}Response>` with the request id first, as EC2 answers.
pub(crate) fn success(operation: &str, request_id: &str, members: Vec<Element>) -> Response {
    let root = Element::new(format!("{operation}Response"))
        .attribute("xmlns", NAMESPACE)
        .child(Element::text("requestId", request_id))
        .children(members);
    answer(200, "text/xml;charset=UTF-8", request_id, root.document())
}

pub(crate) fn failure(error: &ApiError, request_id: &str) -> Response {
    let root = Element::new("Response")
        .child(
            Element::new("Errors").child(
                Element::new("Error")
                    .child(Element::text("Code", &error.code))
                    .child(Element::text("Message", &error.message)),
            ),
        )
        .child(Element::text("RequestID", request_id));
    answer(error.status, "text/xml;charset=UTF-8", request_id, root.document())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_and_its_lists_are_in_order() {
        let form = Form::parse(&Bytes::from_static(
            b"Action=X&Tag.1.Key=a%2Bb+c&Tag.1.Value=&ReportId.1=p-1&ReportId.2=p-2",
        ));
        assert_eq!(form.get("Tag.1.Key"), Some("a+b c"));
        assert_eq!(form.list("ReportId"), ["p-1", "p-2"]);
        assert!(form.has("Tag.1.") && !form.has("Tag.2."));
        assert_eq!(form.unknown(&["Action", "Tag"]), Some("ReportId.1"));
    }
}
