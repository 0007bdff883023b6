"""Policies, their attachments and types, as boto3 writes them, and what they come to a while later."""

import json
import time

import pytest

from test_ec2 import refused
from test_organizations import everything, patient
from test_policies import items

SCP = "SERVICE_CONTROL_POLICY"
DENY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": ["ec2:*"], "NotResource": "arn:aws:ec2:*:*:image/*"}],
}


def tags_of(**members):
    """A tag policy of one key."""
    settings = {name: {"@@assign": value} for name, value in members.items()}
    return json.dumps({"tags": {"wire": {"tag_key": {"@@assign": "Wire"}} | settings}})


def until(found, seconds=30):
    """What a condition finds, once it finds something."""
    for _ in range(seconds * 20):
        if it := found():
            return it
        time.sleep(0.05)
    raise AssertionError("it did not come to be")


def reason(code, expected, operation, **parameters):
    """The operation is refused, for this reason."""
    with pytest.raises(operation.__self__.exceptions.ClientError) as caught:
        operation(**parameters)
    response = caught.value.response
    assert (response["Error"]["Code"], response["Reason"]) == (code, expected), response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.fixture(scope="module")
def organizations(writing):
    return patient(writing)


@pytest.fixture
def policy(organizations):
    """A tag policy, that is deleted after the test if it is still there."""
    order = {"Name": "wire", "Description": "of a test", "Type": "TAG_POLICY"}
    made = organizations.create_policy(**order, Content=tags_of(tag_value=["a"]))["Policy"]
    id = made["PolicySummary"]["Id"]
    yield id
    for target in items(organizations, "list_targets_for_policy", "Targets", PolicyId=id):
        organizations.detach_policy(PolicyId=id, TargetId=target["TargetId"])
    organizations.delete_policy(PolicyId=id)


def test_a_policy_is_made_with_tags_changed_attached_and_deleted(writing, organizations):
    tags = [{"Key": "team", "Value": "Größe 1"}, {"Key": "empty", "Value": ""}]
    order = {"Name": "deny", "Description": "of a test", "Type": SCP, "Content": json.dumps(DENY)}
    made = organizations.create_policy(**order, Tags=tags)["Policy"]
    summary = made["PolicySummary"]
    id = summary["Id"]
    assert made["Content"] == order["Content"]
    assert {name: summary[name] for name in ("Name", "Description", "Type")} == {
        name: order[name] for name in ("Name", "Description", "Type")
    }
    assert summary["AwsManaged"] is False and f"/service_control_policy/{id}" in summary["Arn"]
    assert organizations.describe_policy(PolicyId=id)["Policy"] == made
    assert items(organizations, "list_tags_for_resource", "Tags", ResourceId=id) == tags
    refused("DuplicatePolicyException", 400, organizations.create_policy, **order)

    content = json.dumps(DENY).replace("ec2", "s3")
    change = {"Name": "other", "Description": "", "Content": content}
    changed = organizations.update_policy(PolicyId=id, **change)["Policy"]
    assert changed["PolicySummary"] == summary | {"Name": "other"}, "an empty description stays"
    assert changed["Content"] == content

    target = {"PolicyId": id, "TargetId": writing.root}
    refused("PolicyNotAttachedException", 400, organizations.detach_policy, **target)
    organizations.attach_policy(**target)
    refused("DuplicatePolicyAttachmentException", 400, organizations.attach_policy, **target)
    refused("PolicyInUseException", 400, organizations.delete_policy, PolicyId=id)
    attached = items(
        organizations, "list_policies_for_target", "Policies", TargetId=writing.root, Filter=SCP
    )
    assert changed["PolicySummary"] in attached
    organizations.detach_policy(**target)
    organizations.delete_policy(PolicyId=id)
    refused("PolicyNotFoundException", 400, organizations.describe_policy, PolicyId=id)


def test_content_that_is_not_of_its_type_is_malformed_and_too_much_of_it_too_large(organizations):
    order = {"Name": "never", "Description": "", "Type": SCP}
    malformed = "MalformedPolicyDocumentException"
    create = organizations.create_policy
    for kind, content in [
        (SCP, "{"),
        (SCP, json.dumps({"Statement": DENY["Statement"]})),
        (SCP, tags_of()),
        ("RESOURCE_CONTROL_POLICY", json.dumps(DENY)),
        ("TAG_POLICY", json.dumps(DENY)),
        ("TAG_POLICY", '{"tags": {"wire": {"tag_key": "Wire"}}}'),
        ("DECLARATIVE_POLICY_EC2", '{"ec2_attributes": {"exception_message": {"@@assign": 1}}}'),
        ("BACKUP_POLICY", '{"plans": {}}'),
    ]:
        refused(malformed, 400, create, **order | {"Type": kind}, Content=content)
    limit = "ConstraintViolationException", "POLICY_CONTENT_LIMIT_EXCEEDED"
    reason(*limit, create, **order, Content=json.dumps(DENY) + " " * 10_240)
    for operation in (organizations.update_policy, organizations.delete_policy):
        reason("InvalidInputException", "IMMUTABLE_POLICY", operation, PolicyId="p-FullAWSAccess")


def test_the_last_scp_of_a_place_stays(writing, organizations):
    own = {"PolicyId": "p-FullAWSAccess", "TargetId": writing.account}
    limit = "ConstraintViolationException", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    reason(*limit, organizations.detach_policy, **own)
    own["PolicyId"] = "p-RCPFullAWSAccess"
    reason("InvalidInputException", "NON_DETACHABLE_POLICY", organizations.detach_policy, **own)


def test_what_a_policy_comes_to_shows_a_while_after_it_was_attached(writing, organizations, policy):
    def effective():
        answer = organizations.describe_effective_policy(PolicyType="TAG_POLICY")["EffectivePolicy"]
        return json.loads(answer["PolicyContent"])["tags"].get("wire"), answer["LastUpdatedTimestamp"]

    none, before = effective()
    assert none is None
    organizations.attach_policy(PolicyId=policy, TargetId=writing.root)
    assert effective() == (None, before), "not at once"
    until(lambda: effective()[0] == {"tag_key": "Wire", "tag_value": ["a"]})
    updated = effective()[1]
    assert updated > before and writing.could_be_now(updated)
    organizations.update_policy(PolicyId=policy, Content=tags_of(tag_value=["b"], enforced_for=["ec2:*"]))
    assert effective()[0]["tag_value"] == ["a"]
    wanted = {"tag_key": "Wire", "tag_value": ["b"], "enforced_for": ["ec2:*"]}
    until(lambda: effective()[0] == wanted)


def test_a_policy_type_is_turned_on_and_off_in_its_time(writing, organizations):
    def status(kind):
        [root] = items(organizations, "list_roots", "Roots")
        return {it["Type"]: it["Status"] for it in root["PolicyTypes"]}.get(kind)

    kind = {"RootId": writing.root, "PolicyType": "BACKUP_POLICY"}
    content = json.dumps({"plans": {"daily": {"regions": {"@@append": ["eu-central-1"]}}}})
    order = {"Name": "daily", "Description": "", "Type": kind["PolicyType"], "Content": content}
    id = organizations.create_policy(**order)["Policy"]["PolicySummary"]["Id"]
    target = {"PolicyId": id, "TargetId": writing.root}
    refused("PolicyTypeNotEnabledException", 400, organizations.disable_policy_type, **kind)
    refused("PolicyTypeNotEnabledException", 400, organizations.attach_policy, **target)

    root = organizations.enable_policy_type(**kind)["Root"]
    assert root["Id"] == writing.root and root["Arn"].endswith(f"/{writing.root}") and root["Name"] == "Root"
    assert {"Type": kind["PolicyType"], "Status": "PENDING_ENABLE"} in root["PolicyTypes"]
    refused("PolicyTypeAlreadyEnabledException", 400, organizations.enable_policy_type, **kind)
    until(lambda: status(kind["PolicyType"]) == "ENABLED")

    # A moment longer its policies cannot be attached: whoever asks again gets through.
    def attached():
        try:
            return organizations.attach_policy(**target)
        except organizations.exceptions.PolicyTypeNotEnabledException:
            return None

    until(attached)
    root = organizations.disable_policy_type(**kind)["Root"]
    assert {"Type": kind["PolicyType"], "Status": "PENDING_DISABLE"} in root["PolicyTypes"]
    until(lambda: status(kind["PolicyType"]) is None)
    assert items(organizations, "list_targets_for_policy", "Targets", PolicyId=id) == []
    organizations.delete_policy(PolicyId=id)
    other = kind | {"RootId": "r-zzzz"}
    for operation in (organizations.enable_policy_type, organizations.disable_policy_type):
        refused("RootNotFoundException", 400, operation, **other)


def test_tags_of_a_unit_are_added_changed_and_removed(writing, organizations):
    unit = items(
        organizations,
        "list_organizational_units_for_parent",
        "OrganizationalUnits",
        ParentId=writing.root,
    )[0]["Id"]

    def tags():
        pages, found = everything(organizations, "list_tags_for_resource", "Tags", ResourceId=unit)
        return {tag["Key"]: tag["Value"] for tag in found}, len(pages)

    before, _ = tags()
    more = [{"Key": f"key {number}", "Value": ""} for number in range(50 - len(before))]
    organizations.tag_resource(ResourceId=unit, Tags=more)
    found, pages = tags()
    assert len(found) == 50 and pages == 3
    limit = "ConstraintViolationException", "MAX_TAG_LIMIT_EXCEEDED"
    reason(*limit, organizations.tag_resource, ResourceId=unit, Tags=[{"Key": "one more", "Value": ""}])
    organizations.tag_resource(ResourceId=unit, Tags=[{"Key": "key 1", "Value": "changed"}])
    assert tags()[0]["key 1"] == "changed"
    organizations.untag_resource(ResourceId=unit, TagKeys=[tag["Key"] for tag in more])
    assert tags() == (before, 1)
    system = "InvalidInputException", "INVALID_SYSTEM_TAGS_PARAMETER"
    reason(*system, organizations.tag_resource, ResourceId=unit, Tags=[{"Key": "aws:x", "Value": ""}])
    twice = [{"Key": "k", "Value": ""}] * 2
    same = "InvalidInputException", "DUPLICATE_TAG_KEY"
    reason(*same, organizations.tag_resource, ResourceId=unit, Tags=twice)
    missing = {"ResourceId": "p-unknown123"}
    refused("TargetNotFoundException", 400, organizations.untag_resource, **missing, TagKeys=["k"])


def test_changes_may_be_in_progress_and_writes_meet(disturbed):
    organizations = disturbed.client("organizations", attempts=1)
    organizations.tag_resource(ResourceId=disturbed.root, Tags=[{"Key": "k", "Value": "v"}])
    untag = {"ResourceId": disturbed.root, "TagKeys": ["k"]}
    refused("ConcurrentModificationException", 400, organizations.untag_resource, **untag)

    def ended(error, operation, **parameters):
        """Does it when it is no longer refused so; how often it was."""
        refusals = []

        def done():
            try:
                operation(**parameters)
            except error:
                refusals.append(parameters)
                return False
            return True

        until(done)
        return len(refusals)

    errors = organizations.exceptions
    assert ended(errors.ConcurrentModificationException, organizations.untag_resource, **untag)
    kind = {"RootId": disturbed.root, "PolicyType": "TAG_POLICY"}
    both = (errors.ConcurrentModificationException, errors.TooManyRequestsException)
    ended(both, organizations.disable_policy_type, **kind)
    in_progress = (errors.PolicyChangesInProgressException, *both)
    time.sleep(1.5)
    refused("PolicyChangesInProgressException", 400, organizations.enable_policy_type, **kind)
    assert ended(in_progress, organizations.enable_policy_type, **kind)
