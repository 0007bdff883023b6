"""An account in no organization makes one."""

from test_ec2 import refused
from test_organizations import patient
from test_organizations_accounts import ended
from test_organizations_writes import reason, tags_of, until
from test_policies import items


def test_an_account_makes_its_organization_and_the_first_member(alone):
    muster, features = alone
    organizations = patient(muster)
    for operation in (organizations.describe_organization, organizations.list_roots):
        refused("AWSOrganizationsNotInUseException", 400, operation)
    made = organizations.create_organization(FeatureSet=features)["Organization"]
    assert made["FeatureSet"] == features and made["MasterAccountId"] == muster.account
    assert organizations.describe_organization()["Organization"] == made
    refused("AlreadyInOrganizationException", 400, organizations.create_organization, FeatureSet=features)
    [root] = items(organizations, "list_roots", "Roots")
    [account] = items(organizations, "list_accounts", "Accounts")
    assert account["Id"] == muster.account and muster.could_be_now(account["JoinedTimestamp"])
    order = {"Name": "n", "Description": "", "Type": "TAG_POLICY", "Content": tags_of()}
    if features == "ALL":
        assert root["PolicyTypes"] == [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
        of = {"TargetId": root["Id"], "Filter": "SERVICE_CONTROL_POLICY"}
        [own] = items(organizations, "list_policies_for_target", "Policies", **of)
        assert own["Name"] == "FullAWSAccess"
        organizations.create_policy(**order)
    else:
        assert root["PolicyTypes"] == []
        off = "ConstraintViolationException", "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE"
        reason(*off, organizations.create_policy, **order)
        kind = {"RootId": root["Id"], "PolicyType": "TAG_POLICY"}
        reason(*off, organizations.enable_policy_type, **kind)

    new = {"Email": "first@example.com", "AccountName": "first"}
    refused("FinalizingOrganizationException", 400, organizations.create_account, **new)

    def begun():
        try:
            return organizations.create_account(**new)["CreateAccountStatus"]["Id"]
        except organizations.exceptions.FinalizingOrganizationException:
            return None

    done = ended(organizations, until(begun))
    assert done["State"] == "SUCCEEDED"
    assert len(items(organizations, "list_accounts", "Accounts")) == 2
