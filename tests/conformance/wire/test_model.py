"""The check itself: what is not AWS's is found."""

import datetime
import json
import xml.etree.ElementTree as XmlTree
from pathlib import Path

import botocore.session

import model

OPERATIONS = Path(__file__).parents[2] / "fixtures" / "organizations-operations.json"


def shape(service, operation):
    return botocore.session.get_session().get_service_model(service).operation_model(operation).output_shape


def test_a_json_member_that_aws_has_not_is_found():
    of = shape("organizations", "ListRoots")
    assert list(model._json({"Roots": [{"Id": "r-ab12"}]}, of, "it")) == []
    [problem] = model._json({"Roots": [{"Id": "r-ab12", "Path": "x"}]}, of, "it")
    assert problem == "it.Roots[] has a member that AWS's has not: Path"
    [problem] = model._json({"Roots": {"Id": "r-ab12"}}, of, "it")
    assert "is not a list" in problem


def test_an_xml_element_that_aws_has_not_is_found():
    of = shape("ec2", "DescribeDeclarativePoliciesReports")

    def problems(text):
        return list(model._xml(XmlTree.fromstring(f"<x>{text}</x>"), of, "it"))

    assert problems("<requestId>1</requestId><reportSet><item><reportId>p-1</reportId></item></reportSet>") == []
    assert len(problems("<reportSet><item><reason>x</reason></item></reportSet>")) == 1
    assert len(problems("<reportSet><member/></reportSet>")) == 1
    assert len(problems("<reports/>")) == 1


def test_a_time_of_another_form_than_the_members_is_found():
    of = shape("accessanalyzer", "ListPolicyGenerations").members["policyGenerations"].member
    assert list(model._json({"startedOn": "2026-11-21T06:30:00Z"}, of, "it")) == []
    for wrong in (1_763_706_600, "2026-11-21", "2026-11-21 06:30:00"):
        assert len(list(model._json({"startedOn": wrong}, of, "it"))) == 1
    of = shape("organizations", "ListAccounts").members["Accounts"].member
    assert list(model._json({"JoinedTimestamp": 1_763_706_600.5}, of, "it")) == []
    assert len(list(model._json({"JoinedTimestamp": "2026-11-21T06:30:00Z"}, of, "it"))) == 1


def test_a_value_of_another_type_or_vocabulary_is_found():
    of = shape("stepfunctions", "DescribeExecution")
    arn = "arn:aws:states:eu-central-1:012345678901:execution:m:n"
    value = {"executionArn": arn, "stateMachineArn": arn, "status": "DONE", "startDate": "yesterday"}
    problems = list(model._value(value, of, "it"))
    assert len(problems) == 2 and "none of AWS's values" in problems[0] and "timestamp" in problems[1]
    assert list(model._value({}, of, "it"))[0] == "it lacks its member executionArn"


def test_only_a_job_that_is_not_complete_may_lack_what_the_model_requires():
    of = shape("iam", "GetServiceLastAccessedDetails")
    answer = {"JobStatus": "IN_PROGRESS", "JobCreationDate": datetime.datetime.now(datetime.timezone.utc)}
    assert list(model._value(answer, of, "it")) == []
    assert len(list(model._value(answer | {"JobStatus": "COMPLETED"}, of, "it"))) == 2
    assert len(list(model._value({"JobStatus": "IN_PROGRESS"}, of, "it"))) == 1


def test_the_members_that_jobs_must_send_are_all_that_aws_has():
    """Of lists, the size of a page is AWS's own."""
    operations = json.loads(OPERATIONS.read_text(encoding="utf-8"))
    shapes = botocore.session.get_session().get_service_model("organizations")
    for name, members in operations.items():
        request = shapes.operation_model(name).input_shape
        expected = set(request.members) - {"MaxResults"} if request else set()
        assert set(members) == expected, name
