"""botocore's service models as the outside check.

Every answer that any test receives is held against its operation's output shape: a member that the
shape does not have, or of another type than the shape's, fails the test. botocore's parsers would
pass over both.
"""

import datetime
import json
import os
import re
import xml.etree.ElementTree as XmlTree
from collections import defaultdict

# Errors that any operation of a service may give, besides those of its model.
COMMON_ERRORS = {
    "AccessDenied",
    "AccessDeniedException",
    "SerializationException",
    "Throttling",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
}
# Members that the model says are always there, and that an answer lacks while its job is not complete.
ABSENT_UNTIL_COMPLETE = {
    "GetServiceLastAccessedDetailsResponse": {"ServicesLastAccessed", "JobCompletionDate"},
    "GetServiceLastAccessedDetailsWithEntitiesResponse": {"EntityDetailsList", "JobCompletionDate"},
}
# Services whose errors have all members of their shapes, and no others.
WHOLE_ERRORS = {"accessanalyzer"}
ISO_8601 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
# The protocol's own parts of an XML answer.
FRAME = {"requestId", "ResponseMetadata"}

# (service, operation, "sends" or "sees") to {member: first test}
seen = defaultdict(dict)


def members(shape, prefix=""):
    """Every member below a shape, as `Reports[].Tags[].Key`."""
    if shape is None:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            path = f"{prefix}.{name}" if prefix else name
            yield path
            yield from members(member, path)
    elif shape.type_name == "list":
        yield from members(shape.member, f"{prefix}[]")


def used(value, shape, prefix=""):
    """The members that a value has."""
    if shape is None or value is None:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value and not (member.type_name == "list" and not value[name]):
                path = f"{prefix}.{name}" if prefix else name
                yield path
                yield from used(value[name], member, path)
    elif shape.type_name == "list":
        for item in value:
            yield from used(item, shape.member, f"{prefix}[]")


def watch(client):
    """Looks at everything that a client sends and receives."""
    client.meta.events.register("provide-client-params.*.*", _sent)
    client.meta.events.register("after-call.*.*", _received)


def _test():
    return os.environ.get("PYTEST_CURRENT_TEST", "set-up").split(" ")[0].rpartition("/")[2]


def _remember(model, direction, value, shape):
    places = seen[(model.service_model.service_name, model.name, direction)]
    for path in used(value, shape):
        places.setdefault(path, _test())


def _sent(params, model, **_):
    _remember(model, "sends", params, model.input_shape)


def _received(http_response, parsed, model, **_):
    where = f"{model.service_model.service_name}:{model.name}"
    found = list(_check(http_response, parsed, model))
    assert not found, f"{where}: " + "; ".join(found)
    if http_response.status_code < 300:
        _remember(model, "sees", parsed, model.output_shape)


def _check(http_response, parsed, model):
    metadata = parsed["ResponseMetadata"]
    if not metadata.get("RequestId"):
        yield "the answer has no request id that botocore finds"
    if http_response.status_code >= 300:
        yield from _error(http_response, parsed, model)
        return
    if model.output_shape is None:
        return
    yield from _value(parsed, model.output_shape, model.name)
    if model.output_shape.serialization.get("payload") or not http_response.content:
        return
    protocol = model.service_model.resolved_protocol
    if "json" in protocol:
        yield from _json(json.loads(http_response.content), model.output_shape, model.name)
    else:
        root = XmlTree.fromstring(http_response.content)
        wrapper = model.output_shape.serialization.get("resultWrapper")
        if wrapper:
            yield from (f"{it} is not AWS's" for it in {_tag(it) for it in root} - FRAME - {wrapper})
            root = next(it for it in root if _tag(it) == wrapper)
        yield from _xml(root, model.output_shape, model.name)


def _error(http_response, parsed, model):
    error = parsed.get("Error", {})
    if http_response.status_code == 304 or model.http["method"] == "HEAD":
        return
    if not error.get("Code") or error["Code"] == str(http_response.status_code):
        yield f"the error has no code that botocore finds: {http_response.content!r}"
    elif not error.get("Message"):
        yield f"the error {error['Code']} has no message"
    modelled = {shape.error_code for shape in model.error_shapes}
    if modelled and model.service_model.service_name != "s3":
        if error.get("Code") not in modelled | COMMON_ERRORS:
            yield f"{error.get('Code')} is not one of the operation's errors: {sorted(modelled)}"
    if model.service_model.service_name in WHOLE_ERRORS:
        yield from _error_members(http_response, parsed, model)


def _error_members(http_response, parsed, model):
    """The members of an error, held against its shape."""
    code = parsed["Error"]["Code"]
    shapes = {shape.error_code: shape for shape in model.service_model.error_shapes}
    if code in shapes:
        body = json.loads(http_response.content)
        yield from _json(body, shapes[code], code)
        yield from _value(parsed, shapes[code], code)


def _value(value, shape, where):
    """A parsed value against its shape: types, enumerations, patterns, bounds, required members."""
    kind = shape.type_name
    if kind == "structure":
        complete = value.get("JobStatus") == "COMPLETED"
        absent = set() if complete else ABSENT_UNTIL_COMPLETE.get(shape.name, set())
        for name in shape.required_members:
            if name not in value and name not in absent:
                yield f"{where} lacks its member {name}"
        for name, member in shape.members.items():
            if name in value:
                yield from _value(value[name], member, f"{where}.{name}")
        return
    if kind == "list":
        for item in value:
            yield from _value(item, shape.member, f"{where}[]")
        return
    types = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "long": int,
        "timestamp": datetime.datetime,
    }
    if shape.name == "policyDocumentType" and isinstance(value, dict):
        return  # botocore has decoded it; its text is in the XML.
    if kind in types and type(value) is not types[kind]:
        yield f"{where} is not a {kind}: {value!r}"
    if kind == "string" and isinstance(value, str):
        if shape.enum and value not in shape.enum:
            yield f"{where} is none of AWS's values: {value!r}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.search(_python(pattern), value):
            yield f"{where} does not match {pattern}: {value!r}"
        if len(value) < shape.metadata.get("min", 0):
            yield f"{where} is too short: {value!r}"


def _python(pattern):
    """A pattern of Java's as Python has it."""
    classes = {"\\p{ASCII}": "\x00-\x7f", "\\p{L}": "\\w", "\\p{N}": "\\d", "\\p{Z}": "\\s"}
    for java, own in classes.items():
        pattern = pattern.replace(java, own)
    return pattern


def _json(value, shape, where):
    """The JSON as it came: members the shape does not have, and values of other JSON types."""
    if value is None:
        return
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{where} is not an object: {value!r}"
            return
        names = {it.serialization.get("name", name): it for name, it in shape.members.items()}
        for name, member in value.items():
            if name not in names:
                yield f"{where} has a member that AWS's has not: {name}"
            else:
                yield from _json(member, names[name], f"{where}.{name}")
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{where} is not a list: {value!r}"
            return
        for item in value:
            yield from _json(item, shape.member, f"{where}[]")
    elif kind in ("integer", "long") and type(value) is not int:
        yield f"{where} is not a whole number: {value!r}"
    elif kind == "timestamp":
        yield from _time(value, shape, where)
    elif kind == "string" and not isinstance(value, str):
        yield f"{where} is not a text: {value!r}"
    elif kind == "boolean" and not isinstance(value, bool):
        yield f"{where} is not true or false: {value!r}"


def _time(value, shape, where):
    if shape.serialization.get("timestampFormat") == "iso8601":
        if not isinstance(value, str) or not ISO_8601.fullmatch(value):
            yield f"{where} is not a time of ISO 8601: {value!r}"
    elif type(value) not in (int, float):
        yield f"{where} is not seconds since the epoch: {value!r}"


def _tag(element):
    return element.tag.rpartition("}")[2]


def _xml(element, shape, where):
    """The XML as it came: elements the shape does not have, and lists that are not written as such."""
    if shape.type_name == "structure":
        names = {}
        for name, member in shape.members.items():
            if member.serialization.get("location") in (None, "body"):
                flat = member.type_name == "list" and member.serialization.get("flattened")
                inner = member.member.serialization.get("name") if flat else None
                own = inner or member.serialization.get("name", name)
                names[own] = (member.member if flat else member, name)
        for child in element:
            if _tag(child) in FRAME:
                continue
            if _tag(child) not in names:
                yield f"{where} has an element that AWS's has not: {_tag(child)}"
                continue
            member, name = names[_tag(child)]
            yield from _xml(child, member, f"{where}.{name}")
    elif shape.type_name == "list":
        item = shape.member.serialization.get("name", "member")
        for child in element:
            if _tag(child) != item:
                yield f"{where} is a list of {item}, not of {_tag(child)}"
            else:
                yield from _xml(child, shape.member, f"{where}[]")
    elif len(element):
        yield f"{where} is a {shape.type_name}, and has elements"
