"""IAM of an account, as boto3 sends and reads it: principals, policies, and what was last used."""

import re
import time
import urllib.parse
import xml.etree.ElementTree as XmlTree

import pytest

from test_ec2 import refused

LISTS = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"]
FILTERS = {
    "User": "UserDetailList",
    "Group": "GroupDetailList",
    "Role": "RoleDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
}
PENDING = {"JobStatus", "JobCreationDate", "IsTruncated"}
DOCUMENTS = {"PolicyDocument", "Document", "AssumeRolePolicyDocument"}


@pytest.fixture(params=["slow", "switched"])
def muster(request):
    """With and without short pages, with pages of 100 and of 200, and with jobs that fail."""
    return request.getfixturevalue(request.param)


def client(muster):
    """The rate of an account is enforced: botocore knows the throttle, and tries again."""
    return muster.client("iam", attempts=20)


def details(iam, size=1000, **parameters):
    """The pages, and the four lists of all of them."""
    paginator = iam.get_paginator("get_account_authorization_details")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": size}, **parameters))
    return pages, {name: [item for page in pages for item in page[name]] for name in LISTS}


def ended(get, job, **parameters):
    for _ in range(400):
        report = get(JobId=job, **parameters)
        if report["JobStatus"] != "IN_PROGRESS":
            return report
        assert set(report) - {"ResponseMetadata"} == PENDING and report["IsTruncated"] is False
        time.sleep(0.02)
    raise AssertionError("the job never ended")


def following(operation, list_name, **parameters):
    """The pages from the first on, and the list of all of them."""
    pages, marker = [], {}
    while True:
        page = operation(**parameters, **marker)
        pages.append(page)
        if not page["IsTruncated"]:
            assert "Marker" not in page
            return pages, [item for page in pages for item in page[list_name]]
        marker = {"Marker": page["Marker"]}


def report(iam, arn, granularity="ACTION_LEVEL"):
    """The services of a report, or none if the job failed."""
    job = iam.generate_service_last_accessed_details(Arn=arn, Granularity=granularity)["JobId"]
    assert len(job) == 36
    if ended(iam.get_service_last_accessed_details, job)["JobStatus"] == "FAILED":
        return job, None
    get = iam.get_service_last_accessed_details
    return job, following(get, "ServicesLastAccessed", JobId=job, MaxItems=1000)[1]


def principals(lists):
    return lists["UserDetailList"] + lists["RoleDetailList"]


def named(lists, part):
    return next(role for role in lists["RoleDetailList"] if part in role["RoleName"])


def test_an_account_is_listed_whole_whatever_the_pages(muster):
    iam = client(muster)
    _, lists = details(iam)
    pages, by_page = details(iam, 5)
    assert len(pages) > 4
    for name in LISTS:
        arns = [item["Arn"] for item in lists[name]]
        assert arns == [item["Arn"] for item in by_page[name]] and len(set(arns)) == len(arns) >= 2
        assert all(arn.split(":")[4] in (muster.account, "aws") for arn in arns)
    sizes = [sum(len(page[name]) for name in LISTS) for page in pages]
    assert all(1 <= size <= 5 for size in sizes)
    muster_roles = [role for role in lists["RoleDetailList"] if role["RoleName"].startswith("muster-")]
    assert muster_roles, "what is deployed is listed too"


def test_pages_are_short_only_where_they_are_switched_to_be(slow, switched):
    for muster, short in ((slow, False), (switched, True)):
        pages, _ = details(client(muster), 5)
        sizes = [sum(len(page[name]) for name in LISTS) for page in pages[:-1]]
        assert any(size < 5 for size in sizes) == short


def test_documents_come_percent_encoded_and_are_json(slow):
    iam = client(slow)
    seen = []
    iam.meta.events.register(
        "after-call.iam.GetAccountAuthorizationDetails",
        lambda http_response, **_: seen.append(http_response.content),
    )
    _, lists = details(iam)
    texts = [it.text for it in XmlTree.fromstring(seen[0]).iter() if it.tag.rpartition("}")[2] in DOCUMENTS]
    assert len(texts) > 20 and all(re.fullmatch(r"[A-Za-z0-9._~%-]+", text) for text in texts)
    assert any("größe" in urllib.parse.unquote(text) for text in texts)
    for role in lists["RoleDetailList"]:
        for document in [role["AssumeRolePolicyDocument"], *documents(role, "RolePolicyList")]:
            assert document["Statement"]
    for policy in lists["Policies"]:
        for version in policy["PolicyVersionList"]:
            assert version["Document"]["Statement"]


def documents(principal, name):
    return [policy["PolicyDocument"] for policy in principal[name]]


def test_principals_have_names_paths_tags_and_boundaries_of_every_kind(slow):
    iam = client(slow)
    _, lists = details(iam)
    names = "".join(it.get("UserName", it.get("RoleName")) for it in principals(lists))
    assert set("+=,.@_-") <= set(names)
    for it in principals(lists):
        name = it.get("UserName", it.get("RoleName"))
        assert it["Arn"].endswith(it["Path"] + name) and it["CreateDate"]
    assert any(it["Path"].startswith("/aws-service-role/") for it in lists["RoleDetailList"])
    bounded = [it for it in principals(lists) if "PermissionsBoundary" in it]
    tagged = [{tag["Key"]: tag["Value"] for tag in it["Tags"]} for it in principals(lists)]
    assert len(bounded) == 2 and any({"team", "stage"} <= set(tags) for tags in tagged)
    assert any("größe" in key for tags in tagged for key in tags)
    [profile] = [it for role in lists["RoleDetailList"] for it in role["InstanceProfileList"]]
    assert profile["Roles"][0]["Arn"] in [role["Arn"] for role in lists["RoleDetailList"]] and profile["Tags"]
    used = [role["RoleLastUsed"] for role in lists["RoleDetailList"]]
    assert any("LastUsedDate" in it and it["Region"] for it in used) and {} in used
    groups = {group["GroupName"] for group in lists["GroupDetailList"]}
    assert any(user["GroupList"] for user in lists["UserDetailList"])
    assert all(set(user["GroupList"]) <= groups for user in lists["UserDetailList"])


def test_every_policy_that_is_named_is_listed_with_its_versions_and_counts(muster):
    _, lists = details(client(muster))
    having = principals(lists) + lists["GroupDetailList"]
    attached = [it["PolicyArn"] for one in having for it in one["AttachedManagedPolicies"]]
    bounding = [
        it["PermissionsBoundary"]["PermissionsBoundaryArn"]
        for it in principals(lists)
        if "PermissionsBoundary" in it
    ]
    policies = {policy["Arn"]: policy for policy in lists["Policies"]}
    assert set(attached + bounding) <= set(policies)
    for arn, policy in policies.items():
        assert policy["AttachmentCount"] == attached.count(arn)
        assert policy["PermissionsBoundaryUsageCount"] == bounding.count(arn)
        defaults = [it["VersionId"] for it in policy["PolicyVersionList"] if it["IsDefaultVersion"]]
        assert defaults == [policy["DefaultVersionId"]] and policy["IsAttachable"] is True
        assert policy["UpdateDate"] == max(it["CreateDate"] for it in policy["PolicyVersionList"])
    assert max(len(policy["PolicyVersionList"]) for policy in policies.values()) == 5
    assert any(arn.startswith("arn:aws:iam::aws:policy/") for arn in policies)


def test_a_filter_leaves_the_other_lists_empty(slow):
    iam = client(slow)
    _, everything = details(iam)
    for filter, name in FILTERS.items():
        _, lists = details(iam, Filter=[filter])
        assert lists[name] and all(not lists[other] for other in LISTS if other != name)
    both = details(iam, Filter=["LocalManagedPolicy", "AWSManagedPolicy"])[1]["Policies"]
    assert [it["Arn"] for it in both] == [it["Arn"] for it in everything["Policies"]]


def test_a_report_has_every_service_that_is_granted_and_the_tracked_actions_of_those_used(slow):
    iam = client(slow)
    _, lists = details(iam)
    tracked = 0
    for principal in principals(lists):
        began = time.time()
        job, services = report(iam, principal["Arn"])
        names = [service["ServiceNamespace"] for service in services]
        assert names == sorted(set(names)) and time.time() - began < 10
        for service in services:
            used = service["TotalAuthenticatedEntities"] == 1
            assert ("LastAuthenticated" in service) == used
            assert service.get("LastAuthenticatedEntity") == (principal["Arn"] if used else None)
            assert bool(service.get("LastAuthenticatedRegion")) == used
            for action in service.get("TrackedActionsLastAccessed", []):
                tracked += 1
                known = "LastAccessedTime" in action
                assert known == ("LastAccessedEntity" in action) == ("LastAccessedRegion" in action)
                assert not known or action["LastAccessedTime"] <= service["LastAuthenticated"]
        last = principal.get("RoleLastUsed", {}).get("LastUsedDate")
        times = [service["LastAuthenticated"] for service in services if "LastAuthenticated" in service]
        assert "UserName" in principal or (last is None) == (not times)
        complete = ended(iam.get_service_last_accessed_details, job)
        assert complete["JobType"] == "ACTION_LEVEL"
        assert slow.could_be_now(complete["JobCreationDate"])
        assert complete["JobCompletionDate"] > complete["JobCreationDate"]
    assert tracked > 10
    plain = iam.generate_service_last_accessed_details(Arn=principals(lists)[0]["Arn"])["JobId"]
    complete = ended(iam.get_service_last_accessed_details, plain)
    assert complete["JobType"] == "SERVICE_LEVEL"
    assert not any("TrackedActionsLastAccessed" in it for it in complete["ServicesLastAccessed"])


def test_a_page_has_100_services_or_200_unless_another_number_is_given(slow, switched):
    for muster, usual in ((slow, 100), (switched, 200)):
        iam = client(muster)
        _, lists = details(iam)
        get = iam.get_service_last_accessed_details
        wide = [
            role["Arn"]
            for role in lists["RoleDetailList"]
            if any(it["PolicyName"] == "AdministratorAccess" for it in role["AttachedManagedPolicies"])
            or "=+" in role["RoleName"]
        ]
        jobs = [(job, rows) for job, rows in (report(iam, arn) for arn in wide) if rows]
        assert jobs, "not all of them fail"
        job, rows = jobs[0]
        pages, paged = following(get, "ServicesLastAccessed", JobId=job)
        assert len(pages) > 1 and paged == rows and len(rows) > 400
        most = max(len(page["ServicesLastAccessed"]) for page in pages)
        assert usual / 2 <= most <= usual
        first = get(JobId=job, MaxItems=5)
        assert get(JobId=job, MaxItems=7, Marker=first["Marker"])["ServicesLastAccessed"]
        other = iam.generate_service_last_accessed_details(Arn=wide[0])["JobId"]
        if ended(get, other)["JobStatus"] == "COMPLETED":
            refused("ValidationError", 400, get, JobId=other, Marker=first["Marker"])


def test_groups_and_policies_tell_who_used_a_service(slow):
    iam = client(slow)
    _, lists = details(iam)
    group = next(it for it in lists["GroupDetailList"] if it["GroupName"] == "developers")
    policy = next(it for it in lists["Policies"] if it["PolicyName"].startswith("read.everything"))
    users = {it["Arn"] for it in lists["UserDetailList"] if "developers" in it["GroupList"]}

    def has(it):
        return policy["Arn"] in [of["PolicyArn"] for of in it["AttachedManagedPolicies"]]

    assert has(group) and users
    having = users | {it["Arn"] for it in principals(lists) if has(it)}
    assert len(having) > 1
    who = iam.get_service_last_accessed_details_with_entities
    for arn, expected in ((group["Arn"], users), (policy["Arn"], having)):
        job, services = report(iam, arn)
        assert services
        for service in services:
            pages, entities = following(
                who, "EntityDetailsList", JobId=job, ServiceNamespace=service["ServiceNamespace"], MaxItems=1
            )
            assert {it["EntityInfo"]["Arn"] for it in entities} == expected
            times = [it["LastAuthenticated"] for it in entities if "LastAuthenticated" in it]
            assert len(times) == service["TotalAuthenticatedEntities"]
            assert times == sorted(times, reverse=True)
            assert not times or times[0] == service["LastAuthenticated"]
            assert all(page["JobCompletionDate"] for page in pages)
            for info in (it["EntityInfo"] for it in entities):
                assert info["Arn"].endswith(info["Path"] + info["Name"])
                assert info["Type"] == ("USER" if ":user/" in info["Arn"] else "ROLE") and info["Id"]


def test_the_policies_that_grant_a_service_are_told_by_name(slow):
    iam = client(slow)
    _, lists = details(iam)
    kinds = set()
    for principal in principals(lists):
        _, services = report(iam, principal["Arn"])
        granted = [service["ServiceNamespace"] for service in services]
        asked = (granted + [it for it in ("a4b", "s3", "workmail", "xray") if it not in granted])[:200]
        _, entries = following(
            iam.list_policies_granting_service_access,
            "PoliciesGrantingServiceAccess",
            Arn=principal["Arn"],
            ServiceNamespaces=asked,
        )
        assert [entry["ServiceNamespace"] for entry in entries] == asked
        own = principal.get("UserPolicyList", principal.get("RolePolicyList"))
        inline = {it["PolicyName"] for it in own}
        attached = {it["PolicyArn"] for it in principal["AttachedManagedPolicies"]}
        groups = set(principal.get("GroupList", []))
        for entry in entries:
            assert bool(entry["Policies"]) == (entry["ServiceNamespace"] in granted)
            for policy in entry["Policies"]:
                kinds.add((policy["PolicyType"], policy.get("EntityType")))
                if policy["PolicyType"] == "INLINE":
                    assert "PolicyArn" not in policy
                    itself = policy["EntityName"] == principal.get("UserName", principal.get("RoleName"))
                    assert policy["PolicyName"] in inline if itself else policy["EntityName"] in groups
                else:
                    assert "EntityType" not in policy and "EntityName" not in policy
                    assert policy["PolicyArn"] in attached or groups
    assert {("MANAGED", None), ("INLINE", "ROLE"), ("INLINE", "USER"), ("INLINE", "GROUP")} <= kinds


def test_a_list_of_many_services_has_pages(slow):
    iam = client(slow)
    _, lists = details(iam)
    role = named(lists, "AdministratorAccess")
    _, services = report(iam, role["Arn"], "SERVICE_LEVEL")
    asked = [service["ServiceNamespace"] for service in services][:200]
    grants = iam.list_policies_granting_service_access
    pages, entries = following(
        grants, "PoliciesGrantingServiceAccess", Arn=role["Arn"], ServiceNamespaces=asked
    )
    assert len(pages) == 2 and len(entries) == 200
    marker = pages[0]["Marker"]
    refused("ValidationError", 400, grants, Arn=role["Arn"], ServiceNamespaces=asked[:150], Marker=marker)


def test_a_job_that_failed_says_why(switched):
    iam = client(switched)
    _, lists = details(iam)
    failed = [job for job, rows in (report(iam, it["Arn"]) for it in principals(lists)) if rows is None]
    assert failed
    for get, more in (
        (iam.get_service_last_accessed_details, {}),
        (iam.get_service_last_accessed_details_with_entities, {"ServiceNamespace": "s3"}),
    ):
        answer = ended(get, failed[0], **more)
        assert answer["JobStatus"] == "FAILED" and answer["IsTruncated"] is False
        assert answer["Error"]["Code"] and answer["Error"]["Message"]
        assert answer["JobCompletionDate"] >= answer["JobCreationDate"]
        assert "ServicesLastAccessed" not in answer and "EntityDetailsList" not in answer


def test_errors_are_those_of_the_model(slow):
    iam = slow.client("iam", attempts=20, parameter_validation=False)
    generate, get = iam.generate_service_last_accessed_details, iam.get_service_last_accessed_details
    grants, who = (
        iam.list_policies_granting_service_access,
        iam.get_service_last_accessed_details_with_entities,
    )
    _, lists = details(iam)
    role = lists["RoleDetailList"][0]["Arn"]
    own = f"arn:aws:iam::{slow.account}"
    unknown = "00000000-0000-4000-8000-000000000000"
    for arn in (f"{own}:role/nobody", f"{own}:user/nobody", f"{own}:group/none", f"{own}:policy/none"):
        refused("NoSuchEntity", 404, generate, Arn=arn)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        get(JobId=unknown)
    for arn in (f"{own}:root", "arn:aws:s3:::a-bucket-of-mine", "arn:aws-cn:iam::012345678901:role/x"):
        refused("InvalidInput", 400, generate, Arn=arn)
    with pytest.raises(iam.exceptions.InvalidInputException):
        grants(Arn="arn:aws:iam::aws:policy/AdministratorAccess", ServiceNamespaces=["s3"])
    refused("AccessDenied", 403, generate, Arn="arn:aws:iam::999999999999:role/x")
    refused("NoSuchEntity", 404, grants, Arn=f"{own}:role/nobody", ServiceNamespaces=["s3"])
    refused("InvalidInput", 400, grants, Arn=role, ServiceNamespaces=["nothing"])
    for parameters in ({}, {"Arn": "arn"}, {"Arn": role, "Granularity": "ALL"}):
        refused("ValidationError", 400, generate, **parameters)
    for namespaces in ([], ["s3"] * 201, ["a:b"]):
        refused("ValidationError", 400, grants, Arn=role, ServiceNamespaces=namespaces)
    for parameters in ({"MaxItems": 0}, {"MaxItems": 1001}, {"Marker": "m" * 321}):
        refused("ValidationError", 400, get, JobId=unknown, **parameters)
        refused("ValidationError", 400, who, JobId=unknown, ServiceNamespace="s3", **parameters)
        refused("ValidationError", 400, iam.get_account_authorization_details, **parameters)
    refused("ValidationError", 400, iam.get_account_authorization_details, Filter=["Policy"])
    refused("ValidationError", 400, iam.get_account_authorization_details, Marker="none")
    refused("NoSuchEntity", 404, who, JobId=unknown, ServiceNamespace="s3")
    refused("ValidationError", 400, get, JobId="short")
