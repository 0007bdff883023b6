"""Events against their schemas."""

import collections
import json
import pathlib
import sys

from jsonschema import Draft4Validator, FormatChecker

SCHEMAS = pathlib.Path("docs/events")
OF_TYPE = {
    "Findings Published": "findings-published",
    "Finding New": "finding",
    "Finding Resolved": "finding",
}
# EventBridge's, of an entry.
BYTES = 256 * 1024


def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    Draft4Validator.check_schema(schema)
    # A time is what RFC 3339 says.
    checker = FormatChecker(formats=["date-time"])
    assert "date-time" in checker.checkers
    return Draft4Validator(closed(schema), format_checker=checker)


def closed(schema):
    """The schema of objects that have the documented members and no others."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(item) for name, item in schema.items()}
    return inner | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else inner


def main(paths):
    validators = {detail_type: validator(name) for detail_type, name in OF_TYPE.items()}
    seen, problems = collections.Counter(), []
    for path in paths:
        lines = pathlib.Path(path).read_text().splitlines()
        for number, line in enumerate(lines, 1):
            event = json.loads(line)
            detail_type = event["detail-type"]
            seen[detail_type] += 1
            if len(line.encode()) >= BYTES:
                problems.append(f"{path}:{number}: {len(line)} characters")
            for error in validators[detail_type].iter_errors(event["detail"]):
                problems.append(f"{path}:{number}: {error.json_path}: {error.message}")
        assert json.loads(lines[-1])["detail-type"] == "Findings Published", path
    print(*problems[:20], sep="\n", end="\n" if problems else "")
    print(", ".join(f"{count} {detail_type}" for detail_type, count in sorted(seen.items())))
    if not seen["Finding New"] + seen["Finding Resolved"]:
        print("no event is of a finding")
        return 1
    return 1 if problems else 0


sys.exit(main(sys.argv[1:]))
