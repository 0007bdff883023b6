"""The four operations of the declarative policies report, as boto3 sends and reads them."""

import time

import pytest
from botocore.exceptions import ClientError

KIND = "declarative-policies-report"


def refused(code, status, operation, **parameters):
    """What the operation answers is this error, as boto3 reads it."""
    with pytest.raises(ClientError) as caught:
        operation(**parameters)
    response = caught.value.response
    assert response["Error"]["Code"] == code, response["Error"]
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["RequestId"]
    return response["Error"]["Message"]


@pytest.fixture
def ec2(slow):
    """A client; whatever a test leaves running is cancelled."""
    client = slow.client("ec2")
    yield client
    for report in client.describe_declarative_policies_reports()["Reports"]:
        if report["Status"] == "running":
            client.cancel_declarative_policies_report(ReportId=report["ReportId"])


@pytest.fixture
def order(slow):
    return {"S3Bucket": slow.bucket, "S3Prefix": "raw/wire", "TargetId": slow.root}


def test_a_report_is_started_shown_and_cancelled(slow, ec2, order):
    tags = [{"Key": "team", "Value": "platform & co"}, {"Key": "Größe", "Value": ""}]
    specifications = [{"ResourceType": KIND, "Tags": tags}]
    id = ec2.start_declarative_policies_report(**order, TagSpecifications=specifications)["ReportId"]
    assert id.startswith("p-")

    [report] = ec2.describe_declarative_policies_reports(ReportIds=[id])["Reports"]
    started = report.pop("StartTime")
    assert report == {"ReportId": id, **order, "Status": "running", "Tags": tags}
    assert slow.could_be_now(started)

    assert ec2.cancel_declarative_policies_report(ReportId=id)["Return"] is True
    [report] = ec2.describe_declarative_policies_reports(ReportIds=[id])["Reports"]
    assert report["Status"] == "cancelled"
    assert report["EndTime"] >= report["StartTime"]


def test_a_complete_report_has_its_object_and_its_summary(fast):
    ec2, s3, target = fast.client("ec2"), fast.client("s3"), fast.root
    order = {"S3Bucket": fast.bucket, "S3Prefix": "raw/wire", "TargetId": target}
    id = ec2.start_declarative_policies_report(**order)["ReportId"]
    for _ in range(300):
        [report] = ec2.describe_declarative_policies_reports(ReportIds=[id])["Reports"]
        if report["Status"] != "running":
            break
        time.sleep(0.05)
    assert report["Status"] == "complete"
    assert report.get("Tags", []) == []

    [item] = s3.list_objects_v2(Bucket=fast.bucket, Prefix="raw/wire/")["Contents"]
    ended = report["EndTime"].strftime("%Y%m%dT%H%MZ")
    assert item["Key"] == f"raw/wire/ec2_{target}_{id}_{ended}.csv"
    text = s3.get_object(Bucket=fast.bucket, Key=item["Key"])["Body"].read().decode()
    assert text.count("\n") > 3 and "http_tokens" in text

    summary = ec2.get_declarative_policies_report_summary(ReportId=id)
    for name in ("ReportId", "S3Bucket", "S3Prefix", "TargetId", "StartTime", "EndTime"):
        assert summary[name] == report[name]
    # The header, and a row for each Region of each account that could be read.
    readable = (text.count("\n") - 1) // 3
    assert (summary["NumberOfAccounts"], summary["NumberOfFailedAccounts"]) == (45, 45 - readable)
    assert 0 < readable < 45
    by_name = {it["AttributeName"]: it for it in summary["AttributeSummaries"]}
    tokens = by_name["http_tokens"]
    assert tokens["MostFrequentValue"] == "required"
    assert tokens["NumberOfMatchedAccounts"] + tokens["NumberOfUnmatchedAccounts"] == readable
    assert len(tokens["RegionalSummaries"]) == 3
    for region in tokens["RegionalSummaries"]:
        assert region["RegionName"].count("-") == 2
        assert region["NumberOfMatchedAccounts"] + region["NumberOfUnmatchedAccounts"] == readable
    refused("IncorrectStateException", 400, ec2.cancel_declarative_policies_report, ReportId=id)


def test_a_second_report_and_a_second_cancel_are_incorrect_states(ec2, order):
    id = ec2.start_declarative_policies_report(**order)["ReportId"]
    refused("IncorrectStateException", 400, ec2.start_declarative_policies_report, **order)
    refused("IncorrectStateException", 400, ec2.get_declarative_policies_report_summary, ReportId=id)
    ec2.cancel_declarative_policies_report(ReportId=id)
    refused("IncorrectStateException", 400, ec2.cancel_declarative_policies_report, ReportId=id)
    refused("IncorrectStateException", 400, ec2.get_declarative_policies_report_summary, ReportId=id)


def test_a_dry_run_says_what_would_be_and_does_nothing(ec2, order):
    before = len(ec2.describe_declarative_policies_reports()["Reports"])
    for operation, parameters in (
        (ec2.start_declarative_policies_report, order),
        (ec2.describe_declarative_policies_reports, {}),
        (ec2.get_declarative_policies_report_summary, {"ReportId": "p-0123456789"}),
        (ec2.cancel_declarative_policies_report, {"ReportId": "p-0123456789"}),
    ):
        refused("DryRunOperation", 412, operation, DryRun=True, **parameters)
    assert len(ec2.describe_declarative_policies_reports(DryRun=False)["Reports"]) == before


def test_a_report_id_is_malformed_or_unknown(ec2, switched):
    malformed = "InvalidDeclarativePoliciesReportId.Malformed"
    for operation in (ec2.get_declarative_policies_report_summary, ec2.cancel_declarative_policies_report):
        for id in ("report-1", "p-", "p-12 34", "P-0123456789"):
            refused(malformed, 400, operation, ReportId=id)
        refused("InvalidParameter", 400, operation, ReportId="p-0123456789")
    unknown = {"ReportIds": ["p-0123456789"]}
    refused("InvalidParameter", 400, ec2.describe_declarative_policies_reports, **unknown)
    refused(
        "InvalidDeclarativePoliciesReportId.NotFound",
        400,
        switched.client("ec2").describe_declarative_policies_reports,
        **unknown,
    )


def test_parameters_that_are_missing_unknown_or_out_of_bounds(slow, ec2, order):
    # botocore checks nothing: what AWS itself answers is what is asked for.
    bare = slow.client("ec2", parameter_validation=False)
    for left_out in ("S3Bucket", "TargetId"):
        rest = {name: value for name, value in order.items() if name != left_out}
        message = refused("MissingParameter", 400, bare.start_declarative_policies_report, **rest)
        assert left_out in message
    refused("MissingParameter", 400, bare.cancel_declarative_policies_report)
    refused("MissingParameter", 400, bare.get_declarative_policies_report_summary)
    for size in (0, 1001, -1):
        refused("InvalidMaxResults", 400, bare.describe_declarative_policies_reports, MaxResults=size)
    refused("InvalidNextToken", 400, ec2.describe_declarative_policies_reports, NextToken="none")


def test_tags_follow_ec2s_rules(ec2, order):
    def tagged(*tags, kind=KIND):
        tags = [{"Key": key, "Value": value} for key, value in tags]
        return {**order, "TagSpecifications": [{"ResourceType": kind, "Tags": tags}]}

    start = ec2.start_declarative_policies_report
    refused("InvalidParameterValue", 400, start, **tagged(("a", "b"), kind="instance"))
    refused("InvalidParameterValue", 400, start, **tagged(("aws:a", "b")))
    refused("InvalidParameterValue", 400, start, **tagged(("k" * 128, "b")))
    refused("InvalidParameterValue", 400, start, **tagged(("a", "b"), ("a", "c")))
    refused("TagLimitExceeded", 400, start, **tagged(*((f"k{n}", "") for n in range(51))))


def test_a_place_that_cannot_be_written_and_a_target_that_is_not_ours(ec2, order, switched):
    start = ec2.start_declarative_policies_report
    elsewhere = {**order, "S3Bucket": "somebody-elses-bucket"}
    refused("InaccessibleStorageLocationException", 400, start, **elsewhere)
    for target in ("r-zzzz", "ou-zzzz-12345678", "999999999999"):
        refused("DeclarativePoliciesAccessDeniedException", 400, start, **{**order, "TargetId": target})

    # Which of the two spellings AWS uses is not established: the other one.
    start = switched.client("ec2").start_declarative_policies_report
    order = {"S3Bucket": switched.bucket, "TargetId": switched.root}
    refused("InaccessibleStorageLocation", 400, start, **{**order, "S3Bucket": "somebody-elses-bucket"})
    refused("DeclarativePoliciesAccessDenied", 400, start, **{**order, "TargetId": "r-zzzz"})
    assert start(**order)["ReportId"].startswith("p-")
    refused("IncorrectState", 400, start, **order)


def test_reports_are_listed_page_by_page(ec2, order):
    def start_and_cancel():
        id = ec2.start_declarative_policies_report(**order)["ReportId"]
        ec2.cancel_declarative_policies_report(ReportId=id)
        return id

    ids = {start_and_cancel() for _ in range(5)}
    assert len(ids) == 5
    listed, token, pages = [], {}, 0
    while True:
        page = ec2.describe_declarative_policies_reports(MaxResults=2, **token)
        assert len(page["Reports"]) <= 2
        listed += [report["ReportId"] for report in page["Reports"]]
        pages += 1
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(listed) == len(set(listed)) and ids <= set(listed) and pages >= 3
    some = ec2.describe_declarative_policies_reports(ReportIds=sorted(ids)[:2])["Reports"]
    assert {report["ReportId"] for report in some} == set(sorted(ids)[:2])
