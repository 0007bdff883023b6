"""A whole job over boto3, its functions the binaries that are deployed to AWS."""

import json
import time

import pytest

from muster import Muster


@pytest.fixture(scope="module")
def processes():
    muster = Muster("--lambda", "processes", "--speed", "max", "--accounts", "60", "--regions", "4")
    yield muster
    muster.end()


def test_a_job_runs_from_its_request_to_its_evidence(processes):
    states, s3 = processes.client("stepfunctions"), processes.client("s3")
    request = {"tags": {"team": "platform"}, "deadlineHours": 12}
    started = states.start_execution(stateMachineArn=processes.machine, input=json.dumps(request))
    for _ in range(600):
        done = states.describe_execution(executionArn=started["executionArn"])
        if done["status"] != "RUNNING":
            break
        time.sleep(0.1)
    assert done["status"] == "SUCCEEDED", done
    ticket = json.loads(done["output"])
    result = ticket["result"]
    assert ticket["kind"] == "declarative-policies-report" and ticket["item"] == processes.root
    took = done["stopDate"] - done["startDate"]
    assert 90 * 60 <= took.total_seconds() <= 110 * 60, "simulated time, not ours"

    def read(key):
        return s3.get_object(Bucket=processes.bucket, Key=key)["Body"].read()

    def keys(prefix):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=processes.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    run = ticket["runId"]
    [record] = [json.loads(read(key)) for key in keys(f"runs/{run}/jobs/")]
    assert (record["phase"], record["outcome"]["status"]) == ("closed", "succeeded")
    manifest = json.loads(read(f"runs/{run}/manifest.json"))
    published = sorted(file["key"] for file in manifest["files"])
    assert published == sorted(keys("tables/")) and keys("open/") == []
    tables = {key.split("/")[1] for key in published}
    assert {"account_status", "runs"} <= tables
    for file in manifest["files"]:
        body = read(file["key"])
        assert len(body) == file["bytes"] and body[:4] == body[-4:] == b"PAR1"
    assert manifest["result"] == result
    [raw] = keys(f"raw/declarative-policies-report/{run}/")
    text = read(raw).decode()
    assert len(text.splitlines()) == 1 + 60 * 4

    # What the run says is what AWS's own summary says.
    report = processes.client("ec2").describe_declarative_policies_reports()["Reports"][0]
    assert report["Tags"] and {"Key": "team", "Value": "platform"} in report["Tags"]
    events = states.get_paginator("get_execution_history").paginate(executionArn=started["executionArn"])
    types = [event["type"] for page in events for event in page["events"]]
    assert types.count("TaskSucceeded") >= 3 and "TaskFailed" not in types


def test_a_request_that_is_not_accepted_fails_by_the_name_of_its_error(processes):
    states = processes.client("stepfunctions")
    started = states.start_execution(stateMachineArn=processes.machine, input='{"targetId": "all"}')
    for _ in range(300):
        done = states.describe_execution(executionArn=started["executionArn"])
        if done["status"] != "RUNNING":
            break
        time.sleep(0.1)
    assert (done["status"], done["error"]) == ("FAILED", "InvalidRequest")
    assert "targetId" in done["cause"] or "target" in done["cause"]
