"""The reads of AWS Organizations, with botocore's own paginators."""

import pytest

from test_ec2 import refused


def everything(client, operation, member, size=None, **parameters):
    config = {"PageSize": size} if size else {}
    pages = list(client.get_paginator(operation).paginate(PaginationConfig=config, **parameters))
    return pages, [item for page in pages for item in page[member]]


def patient(muster):
    """A test is faster than the request rates allow: botocore knows the throttle, and tries again."""
    return muster.client("organizations", attempts=20)


@pytest.fixture(params=["slow", "switched"])
def muster(request):
    """With and without empty pages, and with and without the accounts' old Status."""
    return request.getfixturevalue(request.param)


def test_every_account_is_listed_once_whatever_the_pages(muster):
    organizations = patient(muster)
    pages, accounts = everything(organizations, "list_accounts", "Accounts", 7)
    ids = [account["Id"] for account in accounts]
    assert len(ids) == len(set(ids)) >= 50 and muster.account in ids
    empty = [page for page in pages if not page["Accounts"]]
    switched = "Status" not in accounts[0]
    assert bool(empty) == switched, "empty pages and retired members are one server's"
    assert all(account["State"] == "ACTIVE" for account in accounts)
    assert all(account["Paths"][0].startswith("o-") for account in accounts)


def test_the_tree_is_walked_from_the_root_to_its_accounts(muster):
    organizations = patient(muster)
    below, walked, units = [muster.root], [], 0
    while below:
        parent = below.pop()
        _, found = everything(
            organizations, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=parent
        )
        units += len(found)
        below += [unit["Id"] for unit in found]
        _, accounts = everything(organizations, "list_accounts_for_parent", "Accounts", 3, ParentId=parent)
        walked += [account["Id"] for account in accounts]
    _, listed = everything(organizations, "list_accounts", "Accounts")
    assert sorted(walked) == sorted(account["Id"] for account in listed)
    assert units > 1


def test_the_organization_and_one_account(muster):
    organizations = patient(muster)
    organization = organizations.describe_organization()["Organization"]
    assert organization["MasterAccountId"] == muster.account
    assert organization["FeatureSet"] == "ALL"
    account = organizations.describe_account(AccountId=muster.account)["Account"]
    assert account["Arn"].endswith(f"/{organization['Id']}/{muster.account}")
    _, [found] = everything(organizations, "list_roots", "Roots")
    assert found["Id"] == muster.root
    types = {it["Type"]: it["Status"] for it in found["PolicyTypes"]}
    assert types["DECLARATIVE_POLICY_EC2"] == "ENABLED"


def test_services_and_delegated_administrators(muster):
    organizations = patient(muster)
    operation, member = "list_aws_service_access_for_organization", "EnabledServicePrincipals"
    pages, services = everything(organizations, operation, member, 1)
    assert max(len(page[member]) for page in pages) == 1
    assert everything(organizations, operation, member)[1] == services
    assert "ec2.amazonaws.com" in [service["ServicePrincipal"] for service in services]
    _, all = everything(organizations, "list_delegated_administrators", "DelegatedAdministrators", 1)
    _, none = everything(
        organizations,
        "list_delegated_administrators",
        "DelegatedAdministrators",
        ServicePrincipal="nobody.amazonaws.com",
    )
    assert len(all) == 1 and none == []
    assert all[0]["DelegationEnabledDate"] >= all[0]["JoinedTimestamp"]


def test_errors_are_those_of_the_model(slow):
    organizations = slow.client("organizations", parameter_validation=False)
    refused("AccountNotFoundException", 400, organizations.describe_account, AccountId="999999999999")
    for operation in (
        organizations.list_accounts_for_parent,
        organizations.list_organizational_units_for_parent,
    ):
        refused("ParentNotFoundException", 400, operation, ParentId="ou-zzzz-12345678")
        refused("InvalidInputException", 400, operation)
    refused("InvalidInputException", 400, organizations.list_accounts, MaxResults=21)
    refused("InvalidInputException", 400, organizations.list_accounts, NextToken="none")
    # Typed, as the client's own exceptions have it.
    with pytest.raises(organizations.exceptions.AccountNotFoundException):
        organizations.describe_account(AccountId="999999999999")


def test_a_burst_is_throttled_as_aws_throttles(slow):
    organizations = slow.client("organizations")
    with pytest.raises(organizations.exceptions.TooManyRequestsException) as caught:
        for _ in range(200):
            organizations.list_roots()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
