"""Whole jobs over boto3, their functions the binaries that are deployed to AWS."""

import json
import time

import pytest

from muster import Muster


@pytest.fixture(scope="module")
def processes():
    muster = Muster("--lambda", "processes", "--speed", "max", "--accounts", "60", "--regions", "4")
    yield muster
    muster.end()


@pytest.fixture(scope="module")
def small():
    muster = Muster("--lambda", "processes", "--speed", "max", "--accounts", "4", "--regions", "2")
    yield muster
    muster.end()


def ended(states, machine, request, seconds=60):
    """The execution of a request, once it has ended."""
    started = states.start_execution(stateMachineArn=machine, input=json.dumps(request))
    for _ in range(seconds * 10):
        done = states.describe_execution(executionArn=started["executionArn"])
        if done["status"] != "RUNNING":
            return done
        time.sleep(0.1)
    raise AssertionError(f"{started['executionArn']} did not end")


def test_a_job_runs_from_its_request_to_its_evidence(processes):
    states, s3 = processes.client("stepfunctions"), processes.client("s3")
    request = {"tags": {"team": "platform"}, "deadlineHours": 12}
    done = ended(states, processes.machine, request)
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
    events = states.get_paginator("get_execution_history").paginate(executionArn=done["executionArn"])
    types = [event["type"] for page in events for event in page["events"]]
    assert types.count("TaskSucceeded") >= 3 and "TaskFailed" not in types


def test_a_request_that_is_not_accepted_fails_by_the_name_of_its_error(processes):
    done = ended(processes.client("stepfunctions"), processes.machine, {"targetId": "all"})
    assert (done["status"], done["error"]) == ("FAILED", "InvalidRequest")
    assert "targetId" in done["cause"] or "target" in done["cause"]


def test_policies_are_generated_in_the_member_accounts(small):
    """One generation at a time in each account, each kept as Access Analyzer gave it."""
    states, s3 = small.client("stepfunctions"), small.client("s3")
    machine = small.outputs["PolicyGenerationStateMachineArn"]
    done = ended(states, machine, {"windowDays": 30, "validDays": 0}, seconds=300)
    assert done["status"] == "SUCCEEDED", done
    ticket = json.loads(done["output"])
    run, result = ticket["runId"], ticket["result"]
    assert ticket["kind"] == "policy-generation" and result["managementAccount"] == "excluded"
    assert result["accounts"] == result["accountsRead"] == 3 and result["complete"], result
    assert result["generated"] == result["due"] > 0 and result["noActivity"] > 0, result
    assert result["generated"] + result["noActivity"] == result["principals"], result
    assert result["windows"]["days"]["max"] <= 30

    def read(key):
        return s3.get_object(Bucket=small.bucket, Key=key)["Body"].read()

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=small.bucket, Prefix=f"runs/{run}/policies/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    assert sum(key.endswith(".current.json") for key in keys) == result["principals"]
    kept = [json.loads(read(key)) for key in keys if not key.endswith(".current.json")]
    assert len(kept) == result["generated"]
    for principal in kept:
        forms = principal["generated"]
        documents = [forms[it] for it in ("policies", "withResourcePlaceholders", "serviceLevelTemplate")]
        for document in (text for form in documents for text in form):
            assert json.loads(document)["Statement"], document
        assert forms["policies"] and len(principal["findings"]) == len(forms["policies"])
        assert principal["current"] and principal["principal"]["arn"].split(":")[4] == principal["account"]
    manifest = json.loads(read(f"runs/{run}/manifest.json"))
    rows = {file["key"].split("/")[1]: file["rows"] for file in manifest["files"]}
    assert rows["generated_policies"] == result["principals"] and rows["principal_access"] > 0
