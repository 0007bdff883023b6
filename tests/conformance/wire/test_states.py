"""Step Functions, as boto3 sends and reads it."""

import json
import time

import pytest

from test_ec2 import refused

ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
WAITS = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 36000, "End": True}}}
PASSES = {
    "Comment": "Chooses, and ends either way.",
    "StartAt": "Choose",
    "States": {
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.fail", "BooleanEquals": True, "Next": "No"}],
            "Default": "Yes",
        },
        "Yes": {"Type": "Pass", "Parameters": {"seen.$": "$"}, "End": True},
        "No": {"Type": "Fail", "Error": "Refused", "Cause": "It was asked for."},
    },
}


@pytest.fixture(scope="module")
def states(slow):
    return slow.client("stepfunctions")


@pytest.fixture(scope="module")
def role(states, slow):
    return states.describe_state_machine(stateMachineArn=slow.machine)["roleArn"]


@pytest.fixture(scope="module")
def machines(states, role):
    def make(name, definition):
        text = json.dumps(definition)
        return states.create_state_machine(name=name, definition=text, roleArn=role)["stateMachineArn"]

    return {"waits": make("waits", WAITS), "passes": make("passes", PASSES)}


def ended(states, execution):
    for _ in range(500):
        described = states.describe_execution(executionArn=execution)
        if described["status"] in ENDED:
            return described
        time.sleep(0.02)
    raise AssertionError(f"{execution} does not end")


def test_a_machine_is_created_described_and_listed(states, machines, role, slow):
    described = states.describe_state_machine(stateMachineArn=machines["passes"])
    assert json.loads(described["definition"]) == PASSES
    assert described["status"] == "ACTIVE" and described["type"] == "STANDARD"
    listed, token = [], {}
    while True:
        page = states.list_state_machines(maxResults=1, **token)
        listed += [machine["stateMachineArn"] for machine in page["stateMachines"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert {slow.machine, *machines.values()} <= set(listed) and len(listed) == len(set(listed))
    # The same again is the same machine; another definition under its name is not.
    same = states.create_state_machine(
        name="passes", definition=json.dumps(PASSES), roleArn=role, type="STANDARD"
    )
    assert same["stateMachineArn"] == machines["passes"]
    other = {"name": "passes", "definition": json.dumps(WAITS), "roleArn": role}
    refused("StateMachineAlreadyExists", 400, states.create_state_machine, **other)


def test_what_cannot_be_a_machine_is_refused_by_name(states, role):
    create = states.create_state_machine
    refused("InvalidDefinition", 400, create, name="x", definition="{", roleArn=role)
    refused("InvalidDefinition", 400, create, name="x", definition='{"StartAt": "A"}', roleArn=role)
    refused("InvalidName", 400, create, name="a b", definition=json.dumps(WAITS), roleArn=role)
    refused("InvalidArn", 400, create, name="x", definition=json.dumps(WAITS), roleArn="role")
    express = {"name": "x", "definition": json.dumps(WAITS), "roleArn": role, "type": "EXPRESS"}
    refused("StateMachineTypeNotSupported", 400, create, **express)


def test_an_execution_succeeds_and_another_fails(states, machines):
    machine = machines["passes"]
    started = states.start_execution(stateMachineArn=machine, name="good", input='{"fail": false, "n": 1.5}')
    good = ended(states, started["executionArn"])
    assert good["status"] == "SUCCEEDED" and good["startDate"] == started["startDate"]
    assert good["stopDate"] >= good["startDate"]
    assert json.loads(good["output"]) == {"seen": {"fail": False, "n": 1.5}}
    assert good["inputDetails"]["included"] and good["outputDetails"]["included"]

    started = states.start_execution(stateMachineArn=machine, input='{"fail": true}')
    bad = ended(states, started["executionArn"])
    assert (bad["status"], bad["error"], bad["cause"]) == ("FAILED", "Refused", "It was asked for.")
    assert "output" not in bad


def test_the_history_is_read_both_ways_with_and_without_data(states, machines):
    machine = machines["passes"]
    started = states.start_execution(stateMachineArn=machine, input='{"fail": false, "secret": 1}')
    arn = started["executionArn"]
    ended(states, arn)
    events = states.get_execution_history(executionArn=arn)["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "ChoiceStateEntered",
        "ChoiceStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["id"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event["previousEventId"] for event in events] == [0, 0, 2, 3, 4, 5]
    assert events[3]["stateEnteredEventDetails"]["name"] == "Yes"
    assert "roleArn" in events[0]["executionStartedEventDetails"]

    paginator = states.get_paginator("get_execution_history")
    pages = paginator.paginate(executionArn=arn, reverseOrder=True, PaginationConfig={"PageSize": 4})
    pages = [page["events"] for page in pages]
    assert [len(page) for page in pages] == [4, 2]
    assert [event for page in pages for event in page] == events[::-1]

    bare = states.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
    assert [event["type"] for event in bare] == [event["type"] for event in events]
    assert "secret" in str(events) and "secret" not in str(bare)


def test_the_history_of_a_job_names_every_step_of_it(fast):
    states = fast.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=fast.machine, input='{"dryRun": true}')["executionArn"]
    done = ended(states, arn)
    assert json.loads(done["output"])["result"]["wouldStart"] is True
    events = states.get_execution_history(executionArn=arn)["events"]
    [scheduled] = [event for event in events if event["type"] == "TaskScheduled"]
    scheduled = scheduled["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("lambda", "invoke")
    assert json.loads(scheduled["parameters"])["Payload"]["ticket"] == {"request": {"dryRun": True}}
    [succeeded] = [event for event in events if event["type"] == "TaskSucceeded"]
    assert "Payload" in json.loads(succeeded["taskSucceededEventDetails"]["output"])

    arn = states.start_execution(stateMachineArn=fast.machine, input='{"targetID": 1}')["executionArn"]
    assert ended(states, arn)["error"] == "InvalidRequest"
    events = states.get_execution_history(executionArn=arn)["events"]
    failed = [event["taskFailedEventDetails"] for event in events if event["type"] == "TaskFailed"]
    assert failed[0]["error"] == "InvalidRequest"
    assert "targetID" in json.loads(failed[0]["cause"])["errorMessage"]


def test_an_execution_is_stopped_and_says_why(states, machines):
    arn = states.start_execution(stateMachineArn=machines["waits"], name="stopped")["executionArn"]
    running = states.describe_execution(executionArn=arn)
    assert running["status"] == "RUNNING" and "stopDate" not in running and "output" not in running
    stopped = states.stop_execution(executionArn=arn, error="Enough", cause="Nobody waits.")
    aborted = ended(states, arn)
    assert (aborted["status"], aborted["error"], aborted["cause"]) == ("ABORTED", "Enough", "Nobody waits.")
    assert aborted["stopDate"] >= aborted["startDate"] and stopped["stopDate"] >= aborted["startDate"]
    events = states.get_execution_history(executionArn=arn, reverseOrder=True)["events"]
    assert events[0]["executionAbortedEventDetails"] == {"error": "Enough", "cause": "Nobody waits."}

    plain = states.start_execution(stateMachineArn=machines["waits"])["executionArn"]
    states.stop_execution(executionArn=plain)
    assert "error" not in ended(states, plain)


def test_executions_are_listed_by_status_page_by_page_newest_first(states, machines):
    machine = machines["waits"]
    names = [f"listed-{n}" for n in range(5)]
    arns = [states.start_execution(stateMachineArn=machine, name=name)["executionArn"] for name in names]
    paginator = states.get_paginator("list_executions")

    def listed(**filters):
        pages = paginator.paginate(stateMachineArn=machine, PaginationConfig={"PageSize": 2}, **filters)
        return [it["name"] for page in pages for it in page["executions"] if it["name"] in names]

    assert listed() == listed(statusFilter="RUNNING") == names[::-1]
    states.stop_execution(executionArn=arns[0])
    ended(states, arns[0])
    assert listed(statusFilter="ABORTED") == names[:1]
    assert listed(statusFilter="RUNNING") == names[:0:-1]
    assert listed(statusFilter="SUCCEEDED") == []


def test_a_name_is_one_execution(states, machines):
    order = {"stateMachineArn": machines["waits"], "name": "once", "input": '{"a": 1}'}
    first = states.start_execution(**order)
    again = states.start_execution(**order)
    assert (first["executionArn"], first["startDate"]) == (again["executionArn"], again["startDate"])
    other = {**order, "input": '{"a": 2}'}
    refused("ExecutionAlreadyExists", 400, states.start_execution, **other)
    states.stop_execution(executionArn=first["executionArn"])
    ended(states, first["executionArn"])
    refused("ExecutionAlreadyExists", 400, states.start_execution, **order)


def test_errors_are_those_of_the_model(slow, states, machines):
    nothing = slow.machine.replace("stateMachine:", "stateMachine:none-")
    execution = nothing.replace(":stateMachine:", ":execution:") + ":x"
    refused("StateMachineDoesNotExist", 400, states.describe_state_machine, stateMachineArn=nothing)
    refused("StateMachineDoesNotExist", 400, states.start_execution, stateMachineArn=nothing)
    refused("StateMachineDoesNotExist", 400, states.list_executions, stateMachineArn=nothing)
    for operation in (states.describe_execution, states.stop_execution, states.get_execution_history):
        refused("ExecutionDoesNotExist", 400, operation, executionArn=execution)
        refused("InvalidArn", 400, operation, executionArn="arn:aws:states")
    for operation in (states.describe_state_machine, states.start_execution, states.list_executions):
        refused("InvalidArn", 400, operation, stateMachineArn="machine")
    start = {"stateMachineArn": machines["passes"]}
    refused("InvalidExecutionInput", 400, states.start_execution, **start, input="{")
    refused("InvalidName", 400, states.start_execution, **start, name="a:b")
    refused("InvalidToken", 400, states.list_executions, **start, nextToken="none")
    refused("InvalidToken", 400, states.list_state_machines, nextToken="none")
    bare = slow.client("stepfunctions", parameter_validation=False)
    refused("ValidationException", 400, bare.start_execution)
    refused("ValidationException", 400, bare.list_executions, **start, maxResults=1001)
    refused("ValidationException", 400, bare.list_executions, **start, statusFilter="DONE")
