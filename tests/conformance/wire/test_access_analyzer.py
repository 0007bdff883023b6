"""Policy generation and checks of Access Analyzer, as boto3 sends and reads them."""

import datetime
import json
import time

import pytest
from botocore.exceptions import ClientError

ACCESS_ROLE = "service-role/AccessAnalyzerMonitorServiceRole_Muster"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
REGIONS = ["us-east-1", "us-east-2", "us-west-1"]


def refused(code, status, call, **parameters):
    """The whole answer to a call that is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert answer["message"] == answer["Error"]["Message"] != ""
    return answer


def fields(call, **parameters):
    """The fields that a request is refused for."""
    answer = refused("ValidationException", 400, call, **parameters)
    assert answer["reason"] == "fieldValidationFailed"
    assert all(field["message"] for field in answer["fieldList"])
    return [field["name"] for field in answer["fieldList"]]


class Account:
    """The management account of a server, and what is in it. Each test calls in Regions of its own, so
    that none waits for another's generation."""

    def __init__(self, muster):
        self.muster = muster
        self.role = f"arn:aws:iam::{muster.account}:role/{ACCESS_ROLE}"
        self.trail = f"arn:aws:cloudtrail:eu-central-1:{muster.account}:trail/organization-trail"
        details = muster.client("iam", attempts=5).get_paginator("get_account_authorization_details")
        pages = list(details.paginate(Filter=["User", "Role"]))
        users = [user["Arn"] for page in pages for user in page["UserDetailList"]]
        self.principals = users + [role["Arn"] for page in pages for role in page["RoleDetailList"]]
        assert len(users) > 1 and len(self.principals) > len(users)

    def client(self, region, **config):
        return self.muster.client("accessanalyzer", region=region, **config)

    def order(self, principal, days=30, **trail):
        now = datetime.datetime.now(datetime.timezone.utc)
        trail = {"cloudTrailArn": self.trail, **(trail or {"regions": REGIONS})}
        return {
            "policyGenerationDetails": {"principalArn": principal},
            "cloudTrailDetails": {
                "trails": [trail],
                "accessRole": self.role,
                "startTime": now - datetime.timedelta(days=days),
                "endTime": now,
            },
        }


@pytest.fixture(scope="module")
def account(generating):
    return Account(generating)


@pytest.fixture(scope="module")
def other(switched):
    """Where the first two starts are refused, whoever makes them."""
    other = Account(switched)
    analyzer, order = other.client("ap-south-1"), other.order(other.principals[0])
    throttled = refused("ThrottlingException", 429, analyzer.start_policy_generation, **order)
    internal = refused("InternalServerException", 500, analyzer.start_policy_generation, **order)
    assert throttled["retryAfterSeconds"] == internal["retryAfterSeconds"] == 2
    assert throttled["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "2"
    return other


def ended(analyzer, job):
    for _ in range(600):
        generated = analyzer.get_generated_policy(jobId=job)
        if generated["jobDetails"]["status"] != "IN_PROGRESS":
            return generated
        assert "completedOn" not in generated["jobDetails"]
        assert "generatedPolicies" not in generated["generatedPolicyResult"]
        time.sleep(0.05)
    raise AssertionError("the generation never ended")


def generated(analyzer, order):
    return ended(analyzer, analyzer.start_policy_generation(**order)["jobId"])


def statements(answer):
    texts = [it["policy"] for it in answer["generatedPolicyResult"]["generatedPolicies"]]
    assert all(len(text) <= 6_144 for text in texts)
    return [statement for text in texts for statement in json.loads(text)["Statement"]]


def actions(answer):
    return sorted(action for it in statements(answer) for action in it["Action"])


def test_a_policy_is_generated_in_three_forms(account):
    analyzer = account.client("eu-central-1")
    for principal in account.principals:
        order = account.order(principal, 60)
        job = analyzer.start_policy_generation(**order)["jobId"]
        whole = ended(analyzer, job)
        if any(not action.endswith(":*") for action in actions(whole)):
            break
    else:
        raise AssertionError("nobody did anything")
    details, result = whole["jobDetails"], whole["generatedPolicyResult"]
    assert details["status"] == "SUCCEEDED" and details["jobId"] == job and "jobError" not in details
    assert account.muster.could_be_now(details["startedOn"]) and details["completedOn"] > details["startedOn"]
    properties = result["properties"]
    given = order["cloudTrailDetails"]
    assert properties["principalArn"] == principal and type(properties["isComplete"]) is bool
    shown = properties["cloudTrailProperties"]
    assert shown["trailProperties"] == [{"cloudTrailArn": account.trail, "regions": REGIONS}]
    for end in ("startTime", "endTime"):
        assert abs(shown[end] - given[end]) < datetime.timedelta(seconds=1)
    assert all(it["Effect"] == "Allow" and it["Resource"] == ["*"] for it in statements(whole))

    filled = analyzer.get_generated_policy(jobId=job, includeResourcePlaceholders=True)
    assert actions(filled) == actions(whole)
    assert any("${" in it["Resource"][0] for it in statements(filled))
    services = analyzer.get_generated_policy(
        jobId=job, includeResourcePlaceholders=False, includeServiceLevelTemplate=True
    )
    assert len(actions(services)) == len(statements(services))
    assert {it.split(":")[0] for it in actions(whole)} <= {it.split(":")[0] for it in actions(services)}


def test_an_order_without_a_trail_says_services_only(account):
    analyzer = account.client("eu-west-1")
    answer = generated(analyzer, {"policyGenerationDetails": {"principalArn": account.principals[0]}})
    properties = answer["generatedPolicyResult"]["properties"]
    assert "cloudTrailProperties" not in properties and properties["isComplete"] is False
    assert all(action.endswith(":*") for action in actions(answer))


def test_one_generation_at_a_time_and_the_same_again_for_the_same_token(account, other):
    for at, code, status in (
        (account, "ServiceQuotaExceededException", 402),
        (other, "ConflictException", 409),
    ):
        analyzer = at.client("eu-west-2")
        order = {**at.order(at.principals[0]), "clientToken": "run-1"}
        job = analyzer.start_policy_generation(**order)["jobId"]
        assert len(job) == 36
        assert analyzer.start_policy_generation(**order)["jobId"] == job
        reused = {**order, "policyGenerationDetails": {"principalArn": at.principals[1]}}
        conflict = refused("ConflictException", 409, analyzer.start_policy_generation, **reused)
        second = {**order, "clientToken": "run-2"}
        busy = refused(code, status, analyzer.start_policy_generation, **second)
        assert all(answer[it] for answer in (conflict, busy) for it in ("resourceId", "resourceType"))
        assert set(analyzer.cancel_policy_generation(jobId=job)) == {"ResponseMetadata"}
        cancelled = analyzer.get_generated_policy(jobId=job)["jobDetails"]
        assert cancelled["status"] == "CANCELED" and cancelled["completedOn"] >= cancelled["startedOn"]
        again = analyzer.start_policy_generation(**second)["jobId"]
        assert again != job and analyzer.cancel_policy_generation(jobId=again)
        answer = refused("ValidationException", 400, analyzer.cancel_policy_generation, jobId=again)
        assert answer["reason"] == "other" and "fieldList" not in answer


def test_five_a_day_in_some_regions(account):
    analyzer = account.client("eu-south-1")
    order = account.order(account.principals[0])
    for _ in range(5):
        job = analyzer.start_policy_generation(**order)["jobId"]
        analyzer.cancel_policy_generation(jobId=job)
    refused("ServiceQuotaExceededException", 402, analyzer.start_policy_generation, **order)
    listed = analyzer.list_policy_generations()["policyGenerations"]
    assert [job["status"] for job in listed] == ["CANCELED"] * 5


def test_generations_are_listed_page_by_page_and_by_principal(account, other):
    for at, oldest_first in ((account, False), (other, True)):
        analyzer = at.client("eu-north-1")
        started = []
        for principal in [*at.principals[:2], at.principals[0]]:
            started.append(analyzer.start_policy_generation(**at.order(principal, 1))["jobId"])
            ended(analyzer, started[-1])
        paginator = analyzer.get_paginator("list_policy_generations")
        pages = list(paginator.paginate(PaginationConfig={"PageSize": 2}))
        assert [len(page["policyGenerations"]) for page in pages] == [2, 1] and "nextToken" not in pages[1]
        listed = [job for page in pages for job in page["policyGenerations"]]
        assert [job["jobId"] for job in listed] == (started if oldest_first else started[::-1])
        for job in listed:
            assert job["status"] == "SUCCEEDED" and job["completedOn"] > job["startedOn"]
        of = paginator.paginate(principalArn=at.principals[0]).build_full_result()["policyGenerations"]
        assert {job["jobId"] for job in of} == {started[0], started[2]}
        assert {job["principalArn"] for job in of} == {at.principals[0]}
        more = {"nextToken": pages[0]["nextToken"], "principalArn": at.principals[0]}
        assert fields(analyzer.list_policy_generations, **more) == ["nextToken"]
        assert at.client("eu-west-3").list_policy_generations()["policyGenerations"] == []


def test_a_generation_that_fails_says_why(account):
    analyzer = account.client("ca-central-1")
    principal = account.principals[0]
    gone = account.order(f"arn:aws:iam::{account.muster.account}:role/gone")
    no_role = account.order(principal)
    no_role["cloudTrailDetails"]["accessRole"] = f"arn:aws:iam::{account.muster.account}:role/nobody"
    no_trail = account.order(principal, cloudTrailArn=account.trail + "-other", regions=REGIONS)
    wide = account.order(principal, 90, allRegions=True)
    for order, code in (
        (gone, "RESOURCE_NOT_FOUND_ERROR"),
        # The role may ask about the organization's trail only.
        (no_trail, "AUTHORIZATION_ERROR"),
        (no_role, "AUTHORIZATION_ERROR"),
        (wide, "SERVICE_QUOTA_EXCEEDED_ERROR"),
    ):
        answer = generated(analyzer, order)
        details = answer["jobDetails"]
        assert details["status"] == "FAILED" and details["completedOn"] > details["startedOn"]
        assert details["jobError"]["code"] == code and details["jobError"]["message"]
        assert "generatedPolicies" not in answer["generatedPolicyResult"]
    shown = answer["generatedPolicyResult"]["properties"]["cloudTrailProperties"]
    assert shown["trailProperties"] == [{"cloudTrailArn": account.trail, "allRegions": True}]
    narrow = generated(analyzer, account.order(principal, 3, allRegions=True))
    assert narrow["jobDetails"]["status"] == "SUCCEEDED"


def test_what_is_wrong_with_a_request_is_named(account, other):
    analyzer = account.client("sa-east-1", parameter_validation=False)
    start = analyzer.start_policy_generation
    good = account.order(account.principals[0])
    elsewhere = account.order("arn:aws:iam::999999999999:role/x")
    long = account.order(account.principals[0], 91)
    both = account.order(account.principals[0], regions=REGIONS, allRegions=True)
    trails, role = "cloudTrailDetails.trails", "cloudTrailDetails.accessRole"
    for order, names in (
        ({}, ["policyGenerationDetails"]),
        ({**good, "policyGenerationDetails": {}}, ["policyGenerationDetails.principalArn"]),
        (elsewhere, ["policyGenerationDetails.principalArn"]),
        (long, ["cloudTrailDetails.startTime"]),
        (both, [trails + "[0].regions"]),
        ({**good, "cloudTrailDetails": {}}, [trails, role, "cloudTrailDetails.startTime"]),
    ):
        assert fields(start, **order) == names
    for call in (analyzer.get_generated_policy, analyzer.cancel_policy_generation):
        assert fields(call, jobId=UNKNOWN) == ["jobId"]
    assert fields(analyzer.list_policy_generations, maxResults=0) == ["maxResults"]
    with pytest.raises(analyzer.exceptions.ValidationException):
        analyzer.get_generated_policy(jobId=UNKNOWN)
    switched = other.client("sa-east-1")
    for call in (switched.get_generated_policy, switched.cancel_policy_generation):
        refused("AccessDeniedException", 403, call, jobId=UNKNOWN)


def validated(analyzer, document, kind="IDENTITY_POLICY", **parameters):
    text = document if isinstance(document, str) else json.dumps(document)
    pages = analyzer.get_paginator("validate_policy").paginate(
        policyDocument=text, policyType=kind, PaginationConfig={"PageSize": 2}, **parameters
    )
    pages = list(pages)
    assert all(len(page["findings"]) <= 2 for page in pages)
    return [finding for page in pages for finding in page["findings"]]


def test_a_finding_says_where_it_is_in_the_policy(account):
    analyzer = account.client("eu-central-1")
    statement = {"Efect": "Allow", "Effect": "Allow", "Action": ["iam:PassRole", "x:Y"], "Resource": "*"}
    broken = {"Effect": "Allow", "Action": [], "Resource": "arn:aws:s3:::${}"}
    document = json.dumps({"Statement": [statement, broken]}, indent=2)
    findings = validated(analyzer, document, locale="JA")
    assert [(it["findingType"], it["issueCode"]) for it in findings] == [
        ("WARNING", "MISSING_VERSION"),
        ("ERROR", "INVALID_POLICY_ELEMENT"),
        ("ERROR", "INVALID_SERVICE_IN_ACTION"),
        ("SECURITY_WARNING", "PASS_ROLE_WITH_STAR_IN_RESOURCE"),
        ("SUGGESTION", "EMPTY_ARRAY_ACTION"),
        ("ERROR", "EMPTY_VARIABLE"),
    ]
    lines, texts = document.split("\n"), []
    for finding in findings:
        assert finding["findingDetails"]
        assert finding["learnMoreLink"].startswith("https://docs.aws.amazon.com/IAM/latest/UserGuide/")
        for location in finding["locations"]:
            start, end = location["span"]["start"], location["span"]["end"]
            texts.append(document[start["offset"] : end["offset"]])
            line = lines[start["line"] - 1]
            assert line[start["column"] :].startswith(texts[-1].split("\n")[0])
            assert document[: end["offset"]].count("\n") == end["line"] - 1
    assert texts == [document, '"Efect"', '"x:Y"', '"iam:PassRole"', '"*"', "[]", "${}"]
    paths = [location["path"] for finding in findings for location in finding["locations"]]
    inside = [{"value": "Statement"}, {"index": 0}]
    assert paths[1] == [*inside, {"key": "Efect"}]
    assert paths[2] == [*inside, {"value": "Action"}, {"index": 1}]
    assert paths[-1][-1] == {"substring": {"start": 13, "length": 3}}


def test_a_policy_is_validated_as_what_it_is_for(account):
    analyzer = account.client("eu-central-1")
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    good = {"Version": "2012-10-17", "Statement": [allow]}
    assert validated(analyzer, good) == []
    trusted = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "123456789012"}}
    trust = {"Version": "2012-10-17", "Statement": trusted}
    kind, of = "RESOURCE_POLICY", "AWS::IAM::AssumeRolePolicyDocument"
    assert validated(analyzer, trust, kind, validatePolicyResourceType=of) == []
    assert [it["issueCode"] for it in validated(analyzer, trust, kind)] == ["MISSING_RESOURCE"]
    given = {"policyDocument": json.dumps({"Statement": [1, 2]}), "policyType": "IDENTITY_POLICY"}
    wrong = {**given, "validatePolicyResourceType": of}
    assert fields(analyzer.validate_policy, **wrong) == ["validatePolicyResourceType"]
    token = analyzer.validate_policy(maxResults=1, **given)["nextToken"]
    another = {**given, "policyDocument": "{}", "nextToken": token}
    assert fields(analyzer.validate_policy, **another) == ["nextToken"]


def test_a_generated_policy_has_no_errors(account):
    analyzer = account.client("ap-south-1")
    answer = generated(analyzer, account.order(account.principals[0], 60))
    for policy in answer["generatedPolicyResult"]["generatedPolicies"]:
        assert [it for it in validated(analyzer, policy["policy"]) if it["findingType"] == "ERROR"] == []


def test_what_one_policy_allows_and_another_does_not_is_new_access(account):
    analyzer = account.client("eu-central-1")
    check = analyzer.check_no_new_access

    def documents(new, existing):
        return {"newPolicyDocument": new, "existingPolicyDocument": existing, "policyType": "IDENTITY_POLICY"}

    def policy(statement):
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    narrow = policy({"Sid": "Narrow", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    wide = policy({"Sid": "Wide", "Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    same = check(**documents(narrow, wide))
    assert same["result"] == "PASS" and same["message"] and same["reasons"] == []
    more = check(**documents(wide, narrow))
    assert more["result"] == "FAIL" and more["message"]
    [reason] = more["reasons"]
    assert reason["statementIndex"] == 0 and reason["statementId"] == "Wide" and reason["description"]
    refused("InvalidParameterException", 400, check, **documents("{", wide))
    refused("UnprocessableEntityException", 422, check, **documents("{}", wide))
    other = {**documents(narrow, wide), "policyType": "SERVICE_CONTROL_POLICY"}
    assert fields(check, **other) == ["policyType"]
