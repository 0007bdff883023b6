"""Services with access, accounts that administer them, and the organization's resource policy."""

import json

import pytest

from test_ec2 import refused
from test_organizations import everything, patient
from test_organizations_accounts import created, ended
from test_organizations_writes import reason, tags_of
from test_policies import items


@pytest.fixture(scope="module")
def member(writing):
    """An account whose role the tests can take on."""
    organizations = patient(writing)
    return ended(organizations, created(organizations, "delegated")["Id"])["AccountId"]


def in_member(writing, member):
    session = writing.in_account(member, "OrganizationAccountAccessRole")
    return writing.client("organizations", attempts=20, session=session)


def test_an_account_administers_the_services_that_it_is_registered_for(writing, member):
    organizations, own = patient(writing), in_member(writing, member)
    services = ["access-analyzer.amazonaws.com", "config.amazonaws.com"]
    listed = {"AccountId": member}
    refused("AccessDeniedException", 400, own.list_roots)
    for service in services:
        of = {"AccountId": member, "ServicePrincipal": service}
        not_enabled = "ConstraintViolationException", "SERVICE_ACCESS_NOT_ENABLED"
        reason(*not_enabled, organizations.register_delegated_administrator, **of)
        refused(
            "AccountNotRegisteredException", 400, organizations.deregister_delegated_administrator, **of
        )
        organizations.enable_aws_service_access(ServicePrincipal=service)
        organizations.register_delegated_administrator(**of)
        refused(
            "AccountAlreadyRegisteredException", 400, organizations.register_delegated_administrator, **of
        )
    enabled = items(
        organizations, "list_aws_service_access_for_organization", "EnabledServicePrincipals"
    )
    dates = {it["ServicePrincipal"]: it["DateEnabled"] for it in enabled}
    assert all(writing.could_be_now(dates[service]) for service in services)
    pages, found = everything(
        organizations, "list_delegated_services_for_account", "DelegatedServices", 1, **listed
    )
    assert len(pages) == 2 and [it["ServicePrincipal"] for it in found] == services
    assert all(writing.could_be_now(it["DelegationEnabledDate"]) for it in found)
    assert items(own, "list_roots", "Roots")[0]["Id"] == writing.root, "it may read"

    own_account = {"AccountId": writing.account, "ServicePrincipal": services[0]}
    reason(
        "ConstraintViolationException",
        "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
        organizations.register_delegated_administrator,
        **own_account,
    )
    for service in services:
        organizations.deregister_delegated_administrator(AccountId=member, ServicePrincipal=service)
        organizations.disable_aws_service_access(ServicePrincipal=service)
    refused(
        "AccountNotRegisteredException", 400, organizations.list_delegated_services_for_account, **listed
    )
    unknown = {"ServicePrincipal": "nobody"}
    for operation in (organizations.enable_aws_service_access, organizations.disable_aws_service_access):
        reason("InvalidInputException", "UNRECOGNIZED_SERVICE_PRINCIPAL", operation, **unknown)


def test_a_resource_policy_gives_a_member_the_policies_of_one_type(writing, member):
    organizations, own = patient(writing), in_member(writing, member)
    for operation in (organizations.describe_resource_policy, organizations.delete_resource_policy):
        refused("ResourcePolicyNotFoundException", 400, operation)
    statement = {
        "Sid": "TagPolicies",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{member}:root"},
        "Action": ["organizations:CreatePolicy", "organizations:DeletePolicy", "organizations:TagResource"],
        "Resource": "*",
        "Condition": {"StringLikeIfExists": {"organizations:PolicyType": ["TAG_POLICY"]}},
    }
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    tags = [{"Key": "team", "Value": "wire"}]
    order = {"Name": "delegated", "Description": "", "Type": "TAG_POLICY", "Content": tags_of(), "Tags": tags}
    refused("AccessDeniedException", 400, own.create_policy, **order)
    put = organizations.put_resource_policy(Content=content, Tags=tags)["ResourcePolicy"]
    assert put["Content"] == content
    id = put["ResourcePolicySummary"]["Id"]
    assert put["ResourcePolicySummary"]["Arn"].endswith(f"/{id}")
    assert organizations.describe_resource_policy()["ResourcePolicy"] == put
    assert items(organizations, "list_tags_for_resource", "Tags", ResourceId=id) == tags

    made = own.create_policy(**order)["Policy"]["PolicySummary"]["Id"]
    own.delete_policy(PolicyId=made)
    scp = {"Type": "SERVICE_CONTROL_POLICY", "Content": "{}"}
    refused("AccessDeniedException", 400, own.create_policy, **order | scp)
    refused("AccessDeniedException", 400, own.update_policy, PolicyId="p-FullAWSAccess")
    refused("AccessDeniedException", 400, own.put_resource_policy, Content=content)

    for other, why in [
        ("{", "INVALID_RESOURCE_POLICY_JSON"),
        (content.replace(f"arn:aws:iam::{member}:root", "somebody"), "INVALID_PRINCIPAL"),
        (content.replace("CreatePolicy", "CreateAccount"), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
    ]:
        reason("InvalidInputException", why, organizations.put_resource_policy, Content=other)
    assert organizations.describe_resource_policy()["ResourcePolicy"] == put
    organizations.delete_resource_policy()
    refused("AccessDeniedException", 400, own.create_policy, **order)
