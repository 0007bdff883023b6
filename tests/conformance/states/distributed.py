"""Runs the machine of runs with lanes, as it is, on moto's interpreter, which has distributed Maps.

    distributed.py DEFINITION SCENARIOS

Prints for each scenario the functions invoked with what they were passed, the events of the run's own
history, and the end. Waits take no time.
"""

import io
import json
import logging
import os
import pathlib
import re
import sys
import time
import zipfile

import boto3
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend

REGION = "eu-central-1"
CONFIG = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}


def said(cause):
    """What the function said, of the cause that Lambda makes of it."""
    try:
        return json.loads(cause)["errorMessage"]
    except ValueError:
        return cause


class Functions:
    """Functions that answer what they are told to."""

    def __init__(self, answers):
        self.answers = {name: list(given) for name, given in answers.items()}
        self.invoked = []

    def invoke(self, function_name, qualifier, body, headers, response_headers):
        passed = json.loads(body)
        # Of this very execution, so not comparable, except that they are told.
        if "execution" in passed:
            passed["execution"] = sorted(passed["execution"])
        if "enteredAt" in passed:
            passed["enteredAt"] = "string"
        if "error" in passed:
            passed["error"]["Cause"] = said(passed["error"]["Cause"])
        name = function_name.split(":function:")[-1].split(":")[0]
        self.invoked.append({"invoke": name, "passed": passed})
        answer = self.answers[name].pop(0)
        if "error" in answer:
            response_headers["x-amz-function-error"] = "Unhandled"
            answer = {"errorType": answer["error"], "errorMessage": answer["cause"]}
        return json.dumps(answer).encode()


def quick(definition):
    """The definition without pauses, and with the only form of a percentage that moto reads."""
    definition = re.sub(r'"SecondsPath": "[^"]*"', '"Seconds": 0', definition)
    definition = re.sub(r'"IntervalSeconds": \d+', '"IntervalSeconds": 1', definition)
    return re.sub(r'("ToleratedFailurePercentage": \d+)', r"\1.0", definition)


def lists(answers):
    for given in answers.values():
        for answer in given:
            if "lanes" in answer:
                yield answer["lanes"]


def prepare(definition, answers):
    """Puts the lists and makes the functions; answers the definition with their ARNs, and the role."""
    role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    s3 = boto3.client("s3")
    for place in lists(answers):
        if not s3.list_buckets()["Buckets"]:
            location = {"LocationConstraint": REGION}
            s3.create_bucket(Bucket=place["bucket"], CreateBucketConfiguration=location)
        s3.put_object(Bucket=place["bucket"], Key=place["key"], Body=json.dumps(place["items"]))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", "")
    for name in sorted(set(re.findall(r'"FunctionName": "(\w+)"', definition))):
        made = boto3.client("lambda").create_function(
            FunctionName=name, Runtime="python3.13", Role=role, Handler="code.code", Code={"ZipFile": code.getvalue()}
        )
        definition = definition.replace(f'"FunctionName": "{name}"', f'"FunctionName": "{made["FunctionArn"]}"')
    return definition, role


def end(states, execution):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        described = states.describe_execution(executionArn=execution)
        if described["status"] == "SUCCEEDED":
            return {"status": "SUCCEEDED", "output": json.loads(described["output"])}
        if described["status"] != "RUNNING":
            return {"status": described["status"], "error": described["error"], "cause": described["cause"]}
        time.sleep(0.05)
    sys.exit(f"{execution} does not end")


def trace(definition, scenario):
    functions = Functions(scenario["answers"])
    LambdaSimpleBackend.invoke = lambda _, *arguments: functions.invoke(*arguments)
    with mock_aws(config=CONFIG):
        definition, role = prepare(definition, scenario["answers"])
        states = boto3.client("stepfunctions")
        machine = states.create_state_machine(name="machine", definition=definition, roleArn=role)["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps(scenario["input"]))
        ended = end(states, execution["executionArn"])
        history = states.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)
        events = [event["type"] for event in history["events"]]
    return {"invoked": functions.invoked, "events": events, "end": ended}


def main(definition_path, scenarios_path):
    logging.disable(logging.CRITICAL)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    definition = quick(pathlib.Path(definition_path).read_text(encoding="utf-8"))
    scenarios = json.loads(pathlib.Path(scenarios_path).read_text(encoding="utf-8"))
    json.dump({scenario["name"]: trace(definition, scenario) for scenario in scenarios}, sys.stdout, indent=1)


main(*sys.argv[1:])
