"""Policies, what they come to, tags, and requests for accounts."""

import json

from test_ec2 import refused
from test_organizations import everything, patient

EFFECTIVE = ["TAG_POLICY", "DECLARATIVE_POLICY_EC2"]


def policies(organizations, kind):
    return everything(organizations, "list_policies", "Policies", Filter=kind)[1]


def test_policies_are_listed_described_and_found_at_their_targets(slow):
    organizations = patient(slow)
    _, [root] = everything(organizations, "list_roots", "Roots")
    enabled = {it["Type"] for it in root["PolicyTypes"] if it["Status"] == "ENABLED"}
    assert {"SERVICE_CONTROL_POLICY", *EFFECTIVE} <= enabled
    for kind in sorted(enabled):
        for policy in policies(organizations, kind):
            described = organizations.describe_policy(PolicyId=policy["Id"])["Policy"]
            assert described["PolicySummary"] == policy and policy["Type"] == kind
            json.loads(described["Content"])
            if policy["AwsManaged"]:
                continue
            targets = everything(organizations, "list_targets_for_policy", "Targets", PolicyId=policy["Id"])[1]
            for target in targets[:2]:
                there = everything(
                    organizations, "list_policies_for_target", "Policies", TargetId=target["TargetId"], Filter=kind
                )[1]
                assert policy in there
    assert policies(organizations, "BACKUP_POLICY") == []


def test_awss_own_policy_is_attached_everywhere(slow):
    organizations = patient(slow)
    targets = everything(
        organizations, "list_targets_for_policy", "Targets", PolicyId="p-FullAWSAccess"
    )[1]
    kinds = {kind: sum(it["Type"] == kind for it in targets) for kind in ("ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT")}
    assert kinds["ROOT"] == 1 and kinds["ORGANIZATIONAL_UNIT"] > 1 and kinds["ACCOUNT"] >= 50


def test_an_effective_policy_is_content_empty_or_not_there(slow):
    organizations = patient(slow)
    for kind in EFFECTIVE:
        own = organizations.describe_effective_policy(PolicyType=kind)["EffectivePolicy"]
        assert own["TargetId"] == slow.account and own["PolicyType"] == kind
        assert "@@" not in own["PolicyContent"] and json.loads(own["PolicyContent"])
        named = organizations.describe_effective_policy(PolicyType=kind, TargetId=slow.account)
        assert named["EffectivePolicy"]["PolicyContent"] == own["PolicyContent"]
        assert everything(
            organizations, "list_accounts_with_invalid_effective_policy", "Accounts", PolicyType=kind
        )[1] == []
        errors = everything(
            organizations,
            "list_effective_policy_validation_errors",
            "EffectivePolicyValidationErrors",
            AccountId=slow.account,
            PolicyType=kind,
        )[1]
        assert errors == []
    describe = organizations.describe_effective_policy
    refused("EffectivePolicyNotFoundException", 400, describe, PolicyType="BACKUP_POLICY")
    refused("TargetNotFoundException", 400, describe, PolicyType="TAG_POLICY", TargetId=slow.root)


def test_children_and_parents_are_two_ways_to_see_the_tree(slow):
    organizations = patient(slow)
    for kind in ("ACCOUNT", "ORGANIZATIONAL_UNIT"):
        children = everything(organizations, "list_children", "Children", ParentId=slow.root, ChildType=kind)[1]
        assert children and all(child["Type"] == kind for child in children)
        for child in children[:2]:
            _, parents = everything(organizations, "list_parents", "Parents", ChildId=child["Id"])
            assert parents == [{"Id": slow.root, "Type": "ROOT"}]
    refused("ChildNotFoundException", 400, organizations.list_parents, ChildId="000000000000")


def test_requests_for_accounts_are_told_by_their_state(slow):
    organizations = patient(slow)
    every = everything(organizations, "list_create_account_status", "CreateAccountStatuses")[1]
    by_state = {}
    for state in ("IN_PROGRESS", "SUCCEEDED", "FAILED"):
        some = everything(organizations, "list_create_account_status", "CreateAccountStatuses", States=[state])[1]
        by_state[state] = some
        assert some and all(it["State"] == state for it in some)
    assert sum(map(len, by_state.values())) == len(every)
    assert len({it["FailureReason"] for it in by_state["FAILED"]}) == 15
    assert all("AccountId" in it and "CompletedTimestamp" in it for it in by_state["SUCCEEDED"])
    [going_on] = by_state["IN_PROGRESS"]
    described = organizations.describe_create_account_status(CreateAccountRequestId=going_on["Id"])
    assert described["CreateAccountStatus"] == going_on
    describe = organizations.describe_create_account_status
    refused("CreateAccountStatusNotFoundException", 400, describe, CreateAccountRequestId="car-00000000")


def test_tags_of_an_account_a_unit_and_a_policy(slow):
    organizations = patient(slow)
    for resource in (slow.account, slow.root, "p-FullAWSAccess"):
        tags = everything(organizations, "list_tags_for_resource", "Tags", ResourceId=resource)[1]
        assert tags and all(set(tag) == {"Key", "Value"} for tag in tags)
    refused("TargetNotFoundException", 400, organizations.list_tags_for_resource, ResourceId="ou-none-00000000")
