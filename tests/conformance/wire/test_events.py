"""EventBridge's PutEvents, as boto3 sends and reads it."""

import datetime

import pytest

from test_ec2 import refused

ENTRY = {"Source": "muster.test", "DetailType": "Something", "Detail": '{"a": 1}'}


@pytest.fixture(scope="module")
def events(slow):
    return slow.client("events")


def test_every_member_of_an_entry_is_taken_and_answered_with_an_id(events, slow):
    bus = f"arn:aws:events:eu-central-1:{slow.account}:event-bus/default"
    now = datetime.datetime.now(datetime.timezone.utc)
    more = {"Time": now, "Resources": ["arn:aws:s3:::bucket"], "EventBusName": bus, "TraceHeader": "Root=1"}
    answer = events.put_events(Entries=[ENTRY, ENTRY | more, ENTRY | {"EventBusName": "default"}])
    assert answer["FailedEntryCount"] == 0
    ids = [entry["EventId"] for entry in answer["Entries"]]
    assert len(set(ids)) == 3 and all(set(entry) == {"EventId"} for entry in answer["Entries"])


def test_an_entry_that_is_not_taken_is_so_alone_and_says_why(events):
    bad = [
        (ENTRY | {"Detail": "no JSON"}, "MalformedDetail"),
        (ENTRY | {"Source": "aws.ec2"}, "NotAuthorizedForSourceException"),
        ({"Source": "muster.test", "Detail": "{}"}, "InvalidArgument"),
    ]
    answer = events.put_events(Entries=[entry for entry, _ in bad] + [ENTRY])
    assert answer["FailedEntryCount"] == 3
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [code for _, code in bad] + [None]
    assert all(entry["ErrorMessage"] for entry in answer["Entries"][:3])


def test_a_request_that_is_too_large_is_refused_as_a_whole(events):
    refused("ValidationException", 400, events.put_events, Entries=[ENTRY] * 11)
    large = ENTRY | {"Detail": '{"a": "' + "x" * 200_000 + '"}'}
    assert events.put_events(Entries=[large])["FailedEntryCount"] == 0
    refused("ValidationException", 400, events.put_events, Entries=[large, large])


def test_another_operation_is_not_taken_for_one_that_is_simulated(events):
    refused("UnknownOperationException", 400, events.list_rules)
