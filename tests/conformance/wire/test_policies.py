"""Policies, what they come to, tags, and requests for accounts."""

import json

import pytest

from test_ec2 import refused
from test_organizations import everything, patient

EFFECTIVE = ["TAG_POLICY", "DECLARATIVE_POLICY_EC2"]


@pytest.fixture(params=["slow", "switched"])
def muster(request):
    """With and without empty pages, whose tokens even a list of one item has."""
    return request.getfixturevalue(request.param)


def items(organizations, operation, member, size=None, **parameters):
    return everything(organizations, operation, member, size, **parameters)[1]


def policies(organizations, kind, size=None):
    return items(organizations, "list_policies", "Policies", size, Filter=kind)


def test_policies_are_listed_described_and_found_at_their_targets(muster):
    organizations = patient(muster)
    [root] = items(organizations, "list_roots", "Roots", 1)
    enabled = {it["Type"] for it in root["PolicyTypes"] if it["Status"] == "ENABLED"}
    assert {"SERVICE_CONTROL_POLICY", *EFFECTIVE} <= enabled
    for kind in sorted(enabled):
        for policy in policies(organizations, kind, 2):
            described = organizations.describe_policy(PolicyId=policy["Id"])["Policy"]
            assert described["PolicySummary"] == policy and policy["Type"] == kind
            json.loads(described["Content"])
            if policy["AwsManaged"]:
                continue
            named = {"PolicyId": policy["Id"]}
            targets = items(organizations, "list_targets_for_policy", "Targets", 3, **named)
            for target in targets[:2]:
                of = {"TargetId": target["TargetId"], "Filter": kind}
                assert policy in items(organizations, "list_policies_for_target", "Policies", 1, **of)
    assert policies(organizations, "BACKUP_POLICY") == []


def test_awss_own_policy_is_attached_where_no_list_of_services_stands_in_for_it(muster):
    organizations = patient(muster)
    by_name = {it["Name"]: it["Id"] for it in policies(organizations, "SERVICE_CONTROL_POLICY")}

    def targets(policy):
        return items(organizations, "list_targets_for_policy", "Targets", PolicyId=policy)

    everywhere = targets(by_name["FullAWSAccess"])
    kinds = [it["Type"] for it in everywhere]
    assert kinds.count("ROOT") == 1 and kinds.count("ORGANIZATIONAL_UNIT") > 1
    assert kinds.count("ACCOUNT") >= 50
    instead = targets(by_name["allow-approved-services"]) + targets(by_name["allow-storage"])
    assert instead and not {it["TargetId"] for it in instead} & {it["TargetId"] for it in everywhere}


def test_an_effective_policy_is_content_or_not_there(slow):
    organizations = patient(slow)
    for kind in EFFECTIVE:
        own = organizations.describe_effective_policy(PolicyType=kind)["EffectivePolicy"]
        assert own["TargetId"] == slow.account and own["PolicyType"] == kind
        assert "@@" not in own["PolicyContent"] and json.loads(own["PolicyContent"])
        named = organizations.describe_effective_policy(PolicyType=kind, TargetId=slow.account)
        assert named["EffectivePolicy"] == own
    describe = organizations.describe_effective_policy
    refused("EffectivePolicyNotFoundException", 400, describe, PolicyType="BACKUP_POLICY")
    refused("TargetNotFoundException", 400, describe, PolicyType="TAG_POLICY", TargetId="999999999999")
    message = refused("InvalidInputException", 400, describe, PolicyType="TAG_POLICY", TargetId=slow.root)
    assert message


def test_invalid_effective_policies_are_listed_and_say_why(muster):
    organizations = patient(muster)
    every = {account["Id"]: account for account in items(organizations, "list_accounts", "Accounts")}
    for kind in EFFECTIVE:
        listed = "list_accounts_with_invalid_effective_policy"
        pages, accounts = everything(organizations, listed, "Accounts", 2, PolicyType=kind)
        assert {page["PolicyType"] for page in pages} == {kind}
        assert 0 < len(accounts) < len(every)
        assert all(every[account["Id"]] == account for account in accounts)
        invalid = {account["Id"] for account in accounts}
        for id in sorted(invalid)[:2] + sorted(every.keys() - invalid)[:2]:
            named = {"AccountId": id, "PolicyType": kind}
            found, errors = everything(
                organizations,
                "list_effective_policy_validation_errors",
                "EffectivePolicyValidationErrors",
                1,
                **named,
            )
            assert bool(errors) == (id in invalid)
            for page in found:
                assert {name: page[name] for name in named} == named
                assert page["Path"].endswith(f"/{id}/") and page["EvaluationTimestamp"]
            for error in errors:
                assert error["ErrorCode"] == "ELEMENTS_TOO_MANY" and error["PathToError"]
                ids = {policy["Id"] for policy in policies(organizations, kind)}
                assert error["ContributingPolicies"] and ids >= set(error["ContributingPolicies"])
    off = {"PolicyType": "BACKUP_POLICY"}
    operation = organizations.list_accounts_with_invalid_effective_policy
    refused("EffectivePolicyNotFoundException", 400, operation, **off)
    operation = organizations.list_effective_policy_validation_errors
    refused("EffectivePolicyNotFoundException", 400, operation, AccountId=muster.account, **off)
    refused("AccountNotFoundException", 400, operation, AccountId="999999999999", PolicyType="TAG_POLICY")


def test_children_and_parents_are_two_ways_to_see_the_tree(muster):
    organizations = patient(muster)
    for kind in ("ACCOUNT", "ORGANIZATIONAL_UNIT"):
        of = {"ParentId": muster.root, "ChildType": kind}
        children = items(organizations, "list_children", "Children", 2, **of)
        assert children and all(child["Type"] == kind for child in children)
        for child in children[:2]:
            parents = items(organizations, "list_parents", "Parents", 1, ChildId=child["Id"])
            assert parents == [{"Id": muster.root, "Type": "ROOT"}]
    units = items(
        organizations, "list_organizational_units_for_parent", "OrganizationalUnits", 1, ParentId=muster.root
    )
    assert all(unit["Path"].endswith(f"/{muster.root}/{unit['Id']}/") for unit in units)
    refused("ChildNotFoundException", 400, organizations.list_parents, ChildId="000000000000")
    refused("InvalidInputException", 400, organizations.list_parents, ChildId=muster.root)


def test_requests_for_accounts_are_told_by_their_state(muster):
    organizations = patient(muster)

    def requests(**parameters):
        return items(organizations, "list_create_account_status", "CreateAccountStatuses", 7, **parameters)

    every = requests()
    by_state = {state: requests(States=[state]) for state in ("IN_PROGRESS", "SUCCEEDED", "FAILED")}
    for state, some in by_state.items():
        assert some and all(it["State"] == state for it in some)
    assert sum(map(len, by_state.values())) == len(every)
    assert len({it["FailureReason"] for it in by_state["FAILED"]}) == 15
    assert all("AccountId" in it and "CompletedTimestamp" in it for it in by_state["SUCCEEDED"])
    assert any("GovCloudAccountId" in it for it in by_state["SUCCEEDED"])
    assert len(by_state["IN_PROGRESS"]) == 1
    describe = organizations.describe_create_account_status
    for request in [by_state["IN_PROGRESS"][0], by_state["FAILED"][0], by_state["SUCCEEDED"][0]]:
        assert describe(CreateAccountRequestId=request["Id"])["CreateAccountStatus"] == request
    refused("CreateAccountStatusNotFoundException", 400, describe, CreateAccountRequestId="car-00000000")
    refused("InvalidInputException", 400, organizations.list_create_account_status, States=["DONE"])


def test_tags_of_an_account_a_root_and_policies(muster):
    organizations = patient(muster)
    by_name = {it["Name"]: it["Id"] for it in policies(organizations, "SERVICE_CONTROL_POLICY")}
    for resource in (muster.account, muster.root, by_name["deny-leave"]):
        tags = items(organizations, "list_tags_for_resource", "Tags", ResourceId=resource)
        assert tags and all(set(tag) == {"Key", "Value"} for tag in tags)
    assert items(organizations, "list_tags_for_resource", "Tags", ResourceId="p-FullAWSAccess") == []
    missing = {"ResourceId": "ou-none-00000000"}
    refused("TargetNotFoundException", 400, organizations.list_tags_for_resource, **missing)


def test_a_token_is_of_its_own_list(slow):
    organizations = patient(slow)
    token = organizations.list_accounts(MaxResults=1)["NextToken"]
    assert organizations.list_accounts(MaxResults=2, NextToken=token)["Accounts"]
    for given in ("", token + "0", "none"):
        refused("InvalidInputException", 400, organizations.list_accounts, NextToken=given)
    of = {"Filter": "TAG_POLICY", "NextToken": token}
    refused("InvalidInputException", 400, organizations.list_policies, **of)
