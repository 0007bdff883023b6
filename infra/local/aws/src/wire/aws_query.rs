//! The Query protocol of all but EC2: the same form, answered in an XML of its own.

use super::xml::Element;
use super::{ApiError, Response, answer};

/// `<{operation}Response>` with the members in `<{operation}Result>`.
pub(crate) fn success(operation: &str, namespace: &str, request_id: &str, members: Vec<Element>) -> Response {
    let root = Element::new(format!("{operation}Response"))
        .attribute("xmlns", namespace)
        .child(Element::new(format!("{operation}Result")).children(members))
        .child(Element::new("ResponseMetadata").child(Element::text("RequestId", request_id)));
    answer(200, "text/xml", request_id, root.document())
}

pub(crate) fn failure(error: &ApiError, request_id: &str) -> Response {
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    let root = Element::new("ErrorResponse")
        .child(
            Element::new("Error")
                .child(Element::text("Type", fault))
                .child(Element::text("Code", &error.code))
                .child(Element::text("Message", &error.message)),
        )
        .child(Element::text("RequestId", request_id));
    answer(error.status, "text/xml", request_id, root.document())
}
