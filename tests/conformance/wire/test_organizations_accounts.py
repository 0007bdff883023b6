"""New accounts, and where accounts lie."""

import time

from test_ec2 import refused
from test_organizations import patient
from test_organizations_writes import reason, until
from test_policies import items


def status(organizations, request):
    return organizations.describe_create_account_status(CreateAccountRequestId=request)["CreateAccountStatus"]


def ended(organizations, request):
    """A request for an account, when it is no longer in progress."""

    def found():
        shown = status(organizations, request)
        return shown if shown["State"] != "IN_PROGRESS" else None

    return until(found)


def created(organizations, name, **parameters):
    order = {"Email": f"{name}@example.com", "AccountName": name} | parameters
    return organizations.create_account(**order)["CreateAccountStatus"]


def test_an_account_is_created_and_can_be_used_through_its_role(writing):
    organizations = patient(writing)
    tags = [{"Key": "team", "Value": "wire"}]
    order = {"RoleName": "Wire", "IamUserAccessToBilling": "ALLOW", "Tags": tags}
    request = created(organizations, "wire", **order)
    assert request["State"] == "IN_PROGRESS" and writing.could_be_now(request["RequestedTimestamp"])
    assert not {"AccountId", "CompletedTimestamp", "FailureReason"} & request.keys()
    done = ended(organizations, request["Id"])
    assert done["State"] == "SUCCEEDED" and done["AccountName"] == "wire"
    assert done["CompletedTimestamp"] > done["RequestedTimestamp"]
    account = organizations.describe_account(AccountId=done["AccountId"])["Account"]
    assert account["State"] in ("PENDING_ACTIVATION", "ACTIVE") and account["Email"] == "wire@example.com"
    until(lambda: organizations.describe_account(AccountId=account["Id"])["Account"]["State"] == "ACTIVE")
    assert account["JoinedMethod"] == "CREATED" and writing.root in account["Paths"][0]
    assert items(organizations, "list_tags_for_resource", "Tags", ResourceId=account["Id"]) == tags
    for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
        of = {"TargetId": account["Id"], "Filter": kind}
        [own] = items(organizations, "list_policies_for_target", "Policies", **of)
        assert own["AwsManaged"]

    member = writing.client("organizations", session=writing.in_account(account["Id"], "Wire"))
    assert member.describe_organization()["Organization"]["MasterAccountId"] == writing.account
    refused("AccessDeniedException", 400, member.create_account, Email="x@example.com", AccountName="x")
    refused("AlreadyInOrganizationException", 400, member.create_organization)

    # A second account with the address of the first.
    again = created(organizations, "wire")
    failed = ended(organizations, again["Id"])
    assert (failed["State"], failed["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert "AccountId" not in failed


def test_an_account_in_govcloud_is_created_beside_one_here(writing):
    organizations = patient(writing)
    order = {
        "Email": "gov@example.com",
        "AccountName": "gov",
        "RoleName": "Wire",
        "IamUserAccessToBilling": "DENY",
        "Tags": [{"Key": "team", "Value": "wire"}],
    }
    request = organizations.create_gov_cloud_account(**order)["CreateAccountStatus"]
    done = ended(organizations, request["Id"])
    assert done["State"] == "SUCCEEDED" and done["AccountId"] != done["GovCloudAccountId"]
    organizations.describe_account(AccountId=done["AccountId"])
    describe = organizations.describe_account
    refused("AccountNotFoundException", 400, describe, AccountId=done["GovCloudAccountId"])


def test_requests_fail_for_each_reason_and_one_vanishes(disturbed):
    organizations = disturbed.client("organizations")
    errors = organizations.exceptions
    waiting = (
        errors.ConcurrentModificationException,
        errors.ConstraintViolationException,
        errors.TooManyRequestsException,
    )

    def begun(number):
        try:
            return created(organizations, f"new-{number}")["Id"]
        except waiting:
            time.sleep(0.2)
            return None

    def known(request):
        """What is known of a request, a throttle aside."""
        while True:
            try:
                return status(organizations, request)
            except errors.TooManyRequestsException:
                time.sleep(0.1)
            except errors.CreateAccountStatusNotFoundException:
                return None

    requests = [until(lambda number=number: begun(number)) for number in range(16)]

    def all_ended():
        return all(it is None or it["State"] != "IN_PROGRESS" for it in map(known, requests))

    until(all_ended)
    found = [known(request) for request in requests]
    assert found[15] is None, "it vanished"
    assert all(it["State"] == "FAILED" for it in found[:15])
    assert len({it["FailureReason"] for it in found[:15]}) == 15


def test_what_an_account_is_asked_for_with_is_looked_at(writing):
    organizations = writing.client("organizations", attempts=20, parameter_validation=False)
    create = organizations.create_account
    for parameters, why in [
        ({"AccountName": "n"}, "INPUT_REQUIRED"),
        ({"Email": "no address"}, "INVALID_PATTERN"),
        ({"Email": "a@b.c"}, "MIN_LENGTH_EXCEEDED"),
        ({"AccountName": "n" * 51}, "MAX_LENGTH_EXCEEDED"),
        ({"RoleName": "AWSServiceRoleForWire"}, "INVALID_ROLE_NAME"),
        ({"IamUserAccessToBilling": "MAYBE"}, "INVALID_ENUM"),
    ]:
        whole = {"Email": "n@example.com", "AccountName": "n"} | parameters
        if why == "INPUT_REQUIRED":
            del whole["Email"]
        reason("InvalidInputException", why, create, **whole)


def test_an_account_moves_and_its_path_with_it(writing):
    organizations = patient(writing)
    units = items(
        organizations,
        "list_organizational_units_for_parent",
        "OrganizationalUnits",
        ParentId=writing.root,
    )
    unit = units[0]["Id"]
    account = items(organizations, "list_accounts_for_parent", "Accounts", ParentId=unit)[0]["Id"]
    there = {"AccountId": account, "SourceParentId": unit, "DestinationParentId": writing.root}
    back = {"AccountId": account, "SourceParentId": writing.root, "DestinationParentId": unit}
    move = organizations.move_account
    refused("AccountNotFoundException", 400, move, **back)
    refused("AccountNotFoundException", 400, move, **there | {"AccountId": "999999999999"})
    refused("DuplicateAccountException", 400, move, **there | {"DestinationParentId": unit})
    unknown = "ou-zzzz-12345678"
    refused("SourceParentNotFoundException", 400, move, **there | {"SourceParentId": unknown})
    refused("DestinationParentNotFoundException", 400, move, **there | {"DestinationParentId": unknown})
    move(**there)
    [parent] = items(organizations, "list_parents", "Parents", ChildId=account)
    assert parent["Id"] == writing.root
    path = organizations.describe_account(AccountId=account)["Account"]["Paths"][0]
    assert path.endswith(f"/{writing.root}/{account}/")
    move(**back)
    [parent] = items(organizations, "list_parents", "Parents", ChildId=account)
    assert parent["Id"] == unit
