"""The servers, and the table of what the tests sent and saw."""

import botocore.session
import pytest

import model
from muster import WATCHES, Muster

WATCHES.append(model.watch)

# These are complete: a member that no test sends or sees is an error.
COMPLETE = {
    "accessanalyzer": [
        "StartPolicyGeneration",
        "GetGeneratedPolicy",
        "CancelPolicyGeneration",
        "ListPolicyGenerations",
        "ValidatePolicy",
        "CheckNoNewAccess",
    ],
    "ec2": [
        "StartDeclarativePoliciesReport",
        "DescribeDeclarativePoliciesReports",
        "GetDeclarativePoliciesReportSummary",
        "CancelDeclarativePoliciesReport",
    ],
    "iam": [
        "GenerateOrganizationsAccessReport",
        "GetOrganizationsAccessReport",
        "GetAccountAuthorizationDetails",
        "GenerateServiceLastAccessedDetails",
        "GetServiceLastAccessedDetails",
        "GetServiceLastAccessedDetailsWithEntities",
        "ListPoliciesGrantingServiceAccess",
    ],
    "organizations": [
        "DescribeOrganization",
        "ListRoots",
        "ListPolicies",
        "DescribePolicy",
        "ListPoliciesForTarget",
        "ListTargetsForPolicy",
        "ListAccounts",
        "ListOrganizationalUnitsForParent",
        "ListChildren",
        "ListParents",
        "ListCreateAccountStatus",
        "DescribeCreateAccountStatus",
        "DescribeEffectivePolicy",
        "ListAccountsWithInvalidEffectivePolicy",
        "ListEffectivePolicyValidationErrors",
        "ListTagsForResource",
        "CreateOrganization",
        "CreateAccount",
        "CreateGovCloudAccount",
        "MoveAccount",
        "CreatePolicy",
        "UpdatePolicy",
        "DeletePolicy",
        "AttachPolicy",
        "DetachPolicy",
        "EnablePolicyType",
        "DisablePolicyType",
        "EnableAWSServiceAccess",
        "DisableAWSServiceAccess",
        "RegisterDelegatedAdministrator",
        "DeregisterDelegatedAdministrator",
        "ListDelegatedAdministrators",
        "ListDelegatedServicesForAccount",
        "ListAWSServiceAccessForOrganization",
        "PutResourcePolicy",
        "DescribeResourcePolicy",
        "DeleteResourcePolicy",
        "TagResource",
        "UntagResource",
    ],
}

# Members that the model has and that are not answered: an instance profile's role is the shared shape of
# all roles, of which this list shows who the role is.
ABSENT = {
    "GetAccountAuthorizationDetails": "RoleDetailList[].InstanceProfileList[].Roles[]",
}
OF_ROLES = {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}

# What a request for an account has only when it has ended, which no answer to its beginning tells.
WHEN_ENDED = {
    f"CreateAccountStatus.{name}"
    for name in ("CompletedTimestamp", "AccountId", "GovCloudAccountId", "FailureReason")
}
BEGINNINGS = {"CreateAccount", "CreateGovCloudAccount"}


def answered(operation, path):
    """Whether the member is one that an answer of the operation has."""
    if operation in BEGINNINGS and path in WHEN_ENDED:
        return False
    above = ABSENT.get(operation)
    if not above or not path.startswith(above + "."):
        return True
    return path.removeprefix(above + ".") in OF_ROLES


def server(*arguments):
    muster = Muster(*arguments)
    yield muster
    muster.end()


@pytest.fixture(scope="session")
def slow():
    """A report that is started runs on until it is cancelled. Time goes fast enough for
    Organizations to take a test's requests. Some effective policies are invalid."""
    arguments = ["--speed", "20", "--report-minutes", "100000", "--accounts", "120", "--regions", "3"]
    yield from server(*arguments, "--switch", "invalid-effective-policies")


@pytest.fixture(scope="session")
def fast():
    """A minute passes in a second, and a report takes one; some accounts cannot be read."""
    arguments = ["--speed", "60", "--report-minutes", "1", "--accounts", "45", "--regions", "3"]
    yield from server(*arguments, "--unreadable-one-in", "9")


@pytest.fixture(scope="session")
def generating():
    """Five minutes pass in a second; the management account has the roles of the members, and all its
    Regions together have more log files than a policy generation reads."""
    arguments = ["--speed", "300", "--accounts", "30", "--regions", "34"]
    yield from server(*arguments, "--switch", "member-roles-in-management-account")


@pytest.fixture(scope="session")
def switched():
    """What AWS leaves open, the other way around."""
    switches = [
        "codes-without-suffix",
        "unknown-report-not-found",
        "empty-pages",
        "no-account-status",
        "invalid-effective-policies",
        "short-access-report-pages",
        "deny-only-policies-allow-the-rest",
        "long-last-accessed-pages",
        "failing-last-accessed-jobs",
        "short-iam-pages",
        "member-roles-in-management-account",
        "second-generation-conflicts",
        "unknown-generation-denied",
        "oldest-generation-first",
        "first-generations-refused",
    ]
    arguments = [text for switch in switches for text in ("--switch", switch)]
    yield from server("--speed", "20", "--accounts", "50", "--regions", "2", *arguments)


@pytest.fixture(scope="session")
def writing():
    """Half a minute passes in a second: an account takes four of them, an effective policy one."""
    yield from server("--speed", "30", "--accounts", "40", "--regions", "2")


@pytest.fixture(scope="session")
def disturbed():
    """Changes of policies wait for each other, as writes do, and the first accounts fail."""
    switches = ["policy-changes-in-progress", "concurrent-modifications", "first-accounts-fail"]
    arguments = [text for switch in switches for text in ("--switch", switch)]
    yield from server("--speed", "20", "--accounts", "20", "--regions", "2", *arguments)


@pytest.fixture(params=["ALL", "CONSOLIDATED_BILLING"])
def alone(request):
    """An account in no organization, and the features of the one that it is to make. Five minutes pass
    in a second."""
    arguments = ["--speed", "300", "--regions", "2", "--switch", "no-organization"]
    for muster in server(*arguments):
        yield muster, request.param


def missing():
    """The table's rows, and those of them that have no test."""
    loader = botocore.session.get_session()
    for service, operations in COMPLETE.items():
        shapes = loader.get_service_model(service)
        for operation in operations:
            of = shapes.operation_model(operation)
            for direction, shape in (("sends", of.input_shape), ("sees", of.output_shape)):
                places = model.seen[(service, operation, direction)]
                for path in filter(lambda path: answered(operation, path), model.members(shape)):
                    yield operation, path, direction, places.get(path)


def pytest_terminal_summary(terminalreporter):
    if not terminalreporter.config.option.keyword and not terminalreporter.config.option.collectonly:
        terminalreporter.section("members of the operations that are complete")
        width = max(len(path) for _, path, _, _ in missing())
        for operation, path, direction, test in missing():
            terminalreporter.line(f"{operation:<36} {direction:<5} {path:<{width}} {test or 'NO TEST'}")
    terminalreporter.section("members seen of all operations")
    loader = botocore.session.get_session()
    for (service, operation, direction), places in sorted(model.seen.items()):
        if direction == "sees":
            of = loader.get_service_model(service).operation_model(operation)
            known = len(list(model.members(of.output_shape)))
            terminalreporter.line(f"{service:<16} {operation:<38} {len(places):>4} of {known}")


def pytest_sessionfinish(session, exitstatus):
    whole = not session.config.option.keyword and not session.config.option.collectonly
    if whole and exitstatus == 0 and any(test is None for *_, test in missing()):
        session.exitstatus = 1
