"""Lambda's Invoke and CloudFormation's DescribeStacks, as boto3 sends and reads them."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from test_ec2 import refused

START = "muster-ReportStart"


@pytest.fixture(scope="module")
def functions(slow):
    return slow.client("lambda")


def test_a_function_answers(functions, slow):
    event = {"ticket": {"request": {"dryRun": True}}}
    answer = functions.invoke(FunctionName=START, Payload=json.dumps(event))
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    ticket = json.loads(answer["Payload"].read())
    assert ticket["next"] == "done" and ticket["item"] == slow.root
    arn = f"arn:aws:lambda:eu-central-1:{slow.account}:function:{START}"
    for name in (arn, f"{arn}:$LATEST", f"{slow.account}:function:{START}"):
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
        assert json.loads(answer["Payload"].read())["next"] == "done"


def test_a_functions_error_is_an_answer_with_a_header(functions):
    answer = functions.invoke(FunctionName=START, Payload=b'{"ticket": {"request": {"target": 1}}}')
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "InvalidRequest" and "target" in error["errorMessage"]


def test_an_event_is_accepted_before_it_is_handled(functions, slow):
    request = {"dryRun": True, "scheduledTime": "2020-01-01T00:00:00Z", "targetId": slow.root}
    answer = functions.invoke(
        FunctionName=START,
        InvocationType="Event",
        Payload=json.dumps({"ticket": {"request": request}}),
    )
    assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
    s3 = slow.client("s3")
    for _ in range(200):
        if s3.list_objects_v2(Bucket=slow.bucket, Prefix="runs/20200101T000000Z-")["KeyCount"]:
            return
        time.sleep(0.05)
    raise AssertionError("the event was not handled")


def test_a_dry_run_only_asks_whether_it_may_be_invoked(functions):
    answer = functions.invoke(FunctionName=START, InvocationType="DryRun")
    assert answer["StatusCode"] == 204 and answer["Payload"].read() == b""


def test_errors_of_the_service_itself(functions):
    refused("ResourceNotFoundException", 404, functions.invoke, FunctionName="nothing")
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="nothing")
    refused("InvalidRequestContentException", 400, functions.invoke, FunctionName=START, Payload=b"{")


def test_the_accounts_quotas(functions):
    settings = functions.get_account_settings()
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert settings["AccountUsage"]["FunctionCount"] >= 5


def test_a_stack_is_described_by_its_name_and_its_arn(slow):
    stacks = slow.client("cloudformation")
    [stack] = stacks.describe_stacks(StackName="muster")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {it["OutputKey"] for it in stack["Outputs"]} >= {"BucketName", "ReportStateMachineArn"}
    assert {it["ParameterKey"] for it in stack["Parameters"]} >= {"DefaultTarget"}
    assert stacks.describe_stacks(StackName=stack["StackId"])["Stacks"] == [stack]
    [page] = stacks.get_paginator("describe_stacks").paginate()
    assert page["Stacks"] == [stack]
    message = refused("ValidationError", 400, stacks.describe_stacks, StackName="nothing")
    assert message == "Stack with id nothing does not exist"


def test_who_is_not_known_is_refused_by_each_service_in_its_own_way(slow):
    stranger = {"aws_access_key_id": "AKIANOBODY", "aws_secret_access_key": "nothing"}

    def client(service):
        return slow.session.client(service, endpoint_url=slow.url, **stranger)

    for operation, code, status in (
        (client("ec2").describe_declarative_policies_reports, "AuthFailure", 401),
        (client("organizations").list_roots, "UnrecognizedClientException", 400),
        (client("stepfunctions").list_state_machines, "UnrecognizedClientException", 400),
        (client("lambda").get_account_settings, "UnrecognizedClientException", 403),
        (client("cloudformation").describe_stacks, "InvalidClientTokenId", 403),
        (client("s3").list_buckets, "InvalidAccessKeyId", 403),
    ):
        with pytest.raises(ClientError) as caught:
            operation()
        error = caught.value.response
        assert error["Error"]["Code"] == code
        assert error["ResponseMetadata"]["HTTPStatusCode"] == status
        assert error["ResponseMetadata"]["RequestId"]
