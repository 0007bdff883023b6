"""IAM's access report of an organization, as boto3 sends and reads it."""

import itertools
import time

import pytest

from test_ec2 import refused
from test_organizations import everything, patient

PENDING = {"JobStatus", "JobCreationDate", "IsTruncated"}
SORTS = [None, "SERVICE_NAMESPACE_DESCENDING", "LAST_AUTHENTICATED_TIME_DESCENDING"]


class Organization:
    """The organization of a server, read once."""

    def __init__(self, muster):
        organizations = patient(muster)
        of = organizations.describe_organization()["Organization"]
        self.root = f"{of['Id']}/{muster.root}"
        self.management = f"{self.root}/{muster.account}"
        _, accounts = everything(organizations, "list_accounts", "Accounts")
        # Unlike an order's, a path of Organizations' ends in a slash.
        self.accounts = [it["Paths"][0].rstrip("/") for it in accounts if it["Id"] != muster.account]
        listed = everything(organizations, "list_policies", "Policies", Filter="SERVICE_CONTROL_POLICY")[1]
        self.policies = {it["Name"]: it["Id"] for it in listed}
        storage = everything(
            organizations, "list_targets_for_policy", "Targets", PolicyId=self.policies["allow-storage"]
        )[1]
        _, [above] = everything(
            organizations, "list_parents", "Parents", ChildId=storage[0]["TargetId"]
        )
        units = everything(
            organizations,
            "list_organizational_units_for_parent",
            "OrganizationalUnits",
            ParentId=above["Id"],
        )[1]
        [unit] = [unit for unit in units if unit["Id"] == storage[0]["TargetId"]]
        self.storage = unit["Path"].rstrip("/")


@pytest.fixture(scope="module")
def organization(slow):
    return Organization(slow)


def start(iam, path, policy=None):
    """The id of a job, once nobody else's is in progress."""
    more = {"OrganizationsPolicyId": policy} if policy else {}
    for _ in range(200):
        try:
            return iam.generate_organizations_access_report(EntityPath=path, **more)["JobId"]
        except iam.exceptions.ReportGenerationLimitExceededException as busy:
            assert busy.response["ResponseMetadata"]["HTTPStatusCode"] == 409
            time.sleep(0.05)
    raise AssertionError("the slot never became free")


def ended(iam, job):
    for _ in range(200):
        report = iam.get_organizations_access_report(JobId=job)
        if report["JobStatus"] != "IN_PROGRESS":
            return report
        assert set(report) - {"ResponseMetadata"} == PENDING and report["IsTruncated"] is False
        time.sleep(0.05)
    raise AssertionError("the job never ended")


def rows(iam, job, size=None, **parameters):
    """All pages' rows, and the pages."""
    pages, marker = [], {}
    size = {"MaxItems": size} if size else {}
    while True:
        page = iam.get_organizations_access_report(JobId=job, **size, **marker, **parameters)
        pages.append(page)
        if not page["IsTruncated"]:
            assert "Marker" not in page
            return [row for page in pages for row in page["AccessDetails"]], pages
        marker = {"Marker": page["Marker"]}


def whole(iam, path, policy=None):
    job = start(iam, path, policy)
    assert ended(iam, job)["JobStatus"] == "COMPLETED"
    return rows(iam, job, 1000)[0]


def test_a_report_of_the_root_lists_every_service_and_who_used_it_last(slow, organization):
    iam = slow.client("iam")
    job = start(iam, organization.root)
    assert len(job) == 36
    first = ended(iam, job)
    assert first["JobStatus"] == "COMPLETED" and len(first["AccessDetails"]) == 100 and first["IsTruncated"]
    assert slow.could_be_now(first["JobCreationDate"]) and slow.could_be_now(first["JobCompletionDate"])
    took = (first["JobCompletionDate"] - first["JobCreationDate"]).total_seconds()
    assert 10 <= took <= 12
    every, pages = rows(iam, job)
    names = [row["ServiceNamespace"] for row in every]
    assert names == sorted(names) and len(set(names)) == len(names) > 400
    unused = [row for row in every if row["TotalAuthenticatedEntities"] == 0]
    for page in pages:
        assert page["NumberOfServicesAccessible"] == len(every)
        assert page["NumberOfServicesNotAccessed"] == len(unused) > 200
    for row in unused:
        assert "LastAuthenticatedTime" not in row and "EntityPath" not in row and "Region" not in row
    for row in every:
        if row["TotalAuthenticatedEntities"]:
            assert row["EntityPath"] in organization.accounts
            assert row["LastAuthenticatedTime"] < first["JobCreationDate"] and row["Region"]
    s3 = next(row for row in every if row["ServiceNamespace"] == "s3")
    assert s3["ServiceName"] == "Amazon S3" and s3["TotalAuthenticatedEntities"] > 80


def test_pages_follow_markers_of_their_job_and_their_order(slow, switched, organization):
    for muster, of, short in ((slow, organization, False), (switched, Organization(switched), True)):
        iam = muster.client("iam")
        job = start(iam, of.root)
        ended(iam, job)
        listed = {}
        for sort in SORTS:
            chosen = {"SortKey": sort} if sort else {}
            every, pages = rows(iam, job, 90, **chosen)
            listed[sort] = [row["ServiceNamespace"] for row in every]
            cut = [page for page in pages[:-1] if len(page["AccessDetails"]) < 90]
            assert bool(cut) == short
            times = [row["LastAuthenticatedTime"] for row in every if "LastAuthenticatedTime" in row]
            assert sort != SORTS[2] or times == sorted(times, reverse=True)
        assert listed[None] == listed[SORTS[1]][::-1]
        assert sorted(listed[SORTS[2]]) == listed[None]
        get = iam.get_organizations_access_report
        marker = get(JobId=job, MaxItems=5)["Marker"]
        assert get(JobId=job, MaxItems=7, Marker=marker)["AccessDetails"]
        refused("ValidationError", 400, get, JobId=job, Marker=marker, SortKey=SORTS[1])
        refused("ValidationError", 400, get, JobId=job, Marker="none")


def test_what_is_listed_and_counted_depends_on_the_entity_and_the_policy(slow, organization):
    iam = slow.client("iam")
    management = whole(iam, organization.management, "p-00000000")
    assert {row.get("EntityPath") for row in management} == {None, organization.management}
    of_account = whole(iam, organization.accounts[0])
    assert {row["TotalAuthenticatedEntities"] for row in of_account} <= {0, 1}
    assert [row["ServiceNamespace"] for row in whole(iam, organization.storage)] == ["kms", "s3", "sts"]
    unattached = whole(iam, organization.root, organization.policies["not-attached"])
    assert len(unattached) > 400 and all(it["TotalAuthenticatedEntities"] == 0 for it in unattached)
    [region] = {row["Region"] for row in unattached if "Region" in row}
    assert region == "us-east-1", "of IAM's own row, which nobody has used either"
    approved = whole(iam, organization.root, organization.policies["allow-approved-services"])
    assert len(approved) == 24 and any(it["TotalAuthenticatedEntities"] for it in approved)


def test_what_a_policy_that_only_denies_lists_is_a_switch(slow, switched, organization):
    counts = []
    for muster, of in ((slow, organization), (switched, Organization(switched))):
        iam = muster.client("iam")
        counts.append(len(whole(iam, of.root, of.policies["deny-experiments"])))
    assert counts[0] == 0 and counts[1] > 400


def test_one_job_at_a_time_and_the_same_again_within_a_minute(slow, organization):
    iam = slow.client("iam")
    path = organization.accounts[1]
    job = start(iam, path)
    generate = iam.generate_organizations_access_report
    assert generate(EntityPath=path)["JobId"] == job
    message = refused("ReportGenerationLimitExceeded", 409, generate, EntityPath=organization.accounts[2])
    assert message == "Maximum number of concurrent jobs exceeded"
    ended(iam, job)
    assert generate(EntityPath=path)["JobId"] == job


def test_what_is_wrong_with_an_order_shows_when_its_job_has_failed(slow, organization):
    iam = slow.client("iam")
    path, policy = "INVALID_ORGANIZATIONS_ENTITY_PATH", "INVALID_ORGANIZATIONS_POLICY"
    for code, order in (
        (path, [organization.root + "/"]),
        (path, [organization.root + "/ou-none-00000000"]),
        (policy, [organization.root, "p-00000000"]),
    ):
        report = ended(iam, start(iam, *order))
        assert report["JobStatus"] == "FAILED" and report["IsTruncated"] is False
        assert report["ErrorDetails"]["Code"] == code and report["ErrorDetails"]["Message"]
        assert report["JobCompletionDate"] >= report["JobCreationDate"]
        assert "AccessDetails" not in report and "NumberOfServicesAccessible" not in report


def test_errors_are_those_of_the_model(slow, organization):
    iam = slow.client("iam", parameter_validation=False)
    get, generate = iam.get_organizations_access_report, iam.generate_organizations_access_report
    unknown = "00000000-0000-4000-8000-000000000000"
    refused("NoSuchEntity", 404, get, JobId=unknown)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        get(JobId=unknown)
    refused("AccessDenied", 403, generate, EntityPath="o-another0000/r-ab12")
    for parameters in (
        {},
        {"EntityPath": "r-ab12"},
        {"EntityPath": organization.root.upper()},
        {"EntityPath": organization.root, "OrganizationsPolicyId": "p-x"},
    ):
        refused("ValidationError", 400, generate, **parameters)
    for parameters in ({"MaxItems": 0}, {"MaxItems": 1001}, {"SortKey": "NAME"}, {"Marker": "m" * 321}):
        refused("ValidationError", 400, get, JobId=unknown, **parameters)
    for id in ("", "short"):
        refused("ValidationError", 400, get, JobId=id)


def test_orders_of_many_entities_one_after_another_are_jobs_of_their_own(slow, organization):
    iam = slow.client("iam")
    jobs = [start(iam, path) for path in itertools.islice(organization.accounts, 3, 6)]
    assert len(set(jobs)) == 3
    assert ended(iam, jobs[-1])["JobStatus"] == "COMPLETED"
    assert all(ended(iam, job)["JobStatus"] == "COMPLETED" for job in jobs)
