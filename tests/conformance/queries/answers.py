"""The saved queries on folders of runs, against what the simulation was told to be like."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

from local import (
    ACCESS,
    ACCOUNTS_MADE,
    FINDINGS,
    GENERATION,
    INVENTORY,
    POLICIES,
    REPORT,
    SAVED,
    catalog,
    connect,
    equal,
    muster,
    query,
    rows,
    sql,
)

# How DuckDB and the catalog name the same types.
GLUE = {"VARCHAR": "string", "BIGINT": "bigint", "BOOLEAN": "boolean", "TIMESTAMP WITH TIME ZONE": "timestamp"}
REGIONS = ["eu-central-1", "eu-west-1", "us-east-1"]
# One in so many of the simulated accounts, by its number: how `--unreadable-one-in` picks them.
UNREADABLE = 7
ACCOUNTS = 40
# `--switch invalid-effective-policies`: those whose id is a multiple of it.
INVALID = 7


def report_csv(path):
    """A report of 30 accounts, and the places of it that deviate or are not known."""
    accounts = [f"{112233440000 + 7 * number:012}" for number in range(30)]
    expected = set()
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["account_id", "region", "http_tokens", "serial_console_access", "http_endpoint"])
        for number, account in enumerate(accounts):
            for place, region in enumerate(REGIONS):
                cells = {"http_tokens": "required", "serial_console_access": "disabled", "http_endpoint": "enabled"}
                if number in (3, 11) and place > 0:
                    cells["http_tokens"] = "optional"
                if number == 20:
                    cells["serial_console_access"] = "enabled"
                if number in (11, 25) and place == 0:
                    cells["http_tokens"] = ""
                writer.writerow([account, region, *cells.values()])
                for attribute, usual in [("http_tokens", "required"), ("serial_console_access", "disabled")]:
                    value = cells[attribute]
                    if value != usual:
                        finding, reason = ("deviates", None) if value else ("unknown", "blank cell")
                        expected.add((attribute, account, region, finding, value or None, usual, reason))
    return accounts, expected


def check_catalog(connection):
    """What runs published has the columns that the catalog says."""
    for name, columns in catalog().items():
        described = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {name})").fetchall()
        equal(f"columns of {name}", [(column, GLUE[kind]) for column, kind in described], columns)


def check_folders(out):
    """Every table of the catalog is published in, and nothing beside it."""
    published = {folder.name for folder in out.glob("*/tables/*")}
    tables = {name for name in catalog() if not name.startswith("latest_")}
    equal("folders below tables/", published, tables)


def given(out):
    """A report whose every cell is known, and an inventory of its accounts."""
    out.mkdir(parents=True)
    accounts, expected = report_csv(out / "report.csv")
    arguments = ["--report-csv", str(out / "report.csv")]
    muster(REPORT, out / "runs", *arguments)
    muster(INVENTORY, out / "runs", *arguments)
    muster(ACCESS, out / "runs", *arguments)
    muster(GENERATION, out / "runs", *arguments)
    changes(out / "runs", arguments)
    ask(FINDINGS, out / "runs", arguments, {"refresh": "none"})
    connection = connect(out / "runs")
    check_catalog(connection)
    check_folders(out / "runs")
    check_services(connection)
    check_principals(connection)
    check_findings(connection)
    columns = ["attribute", "account_id", "region", "finding", "value", "most_frequent_value", "reason"]
    found = query(connection, "deviations")
    equal("deviations", sorted(map(str, (tuple(row[it] for it in columns) for row in found))), sorted(map(str, expected)))
    equal("deviations: whether the report was complete", {row["run_complete"] for row in found}, {False})
    equal("accounts", {row["account_id"] for row in query(connection, "accounts")}, set(accounts))


def ask(kind, out, arguments, request):
    muster(kind, out, *arguments, "--request", json.dumps(request))
    return connect(out)


def changes(out, arguments):
    """A policy is planned and applied and two accounts wished for, one of which is there: the tables say so."""
    unit, count = connect(out).execute("""
        SELECT parent_id, count(*) FROM latest_accounts
        WHERE parent_id LIKE 'ou-%' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1""").fetchone()
    content = {"tags": {"costcenter": {"tag_key": {"@@assign": "CostCenter"}}}}
    policy = {"type": "TAG_POLICY", "name": "cost-center", "content": content, "targets": [unit]}
    connection = ask(POLICIES, out, arguments, {"desired": {"policies": [policy]}})
    found = rows(connection, "SELECT operation, status, plan_run_id, plan_digest FROM latest_organization_changes ORDER BY number")
    equal("changes that are planned", [(row["operation"], row["status"]) for row in found], [("CreatePolicy", "planned"), ("AttachPolicy", "planned")])
    # Below the unit there may be others, with accounts.
    effects = rows(connection, "SELECT * FROM latest_policy_effects WHERE effect = 'known' AND before IS NULL AND after IS NOT NULL")
    equal("effects on the accounts below the unit", len({row["account_id"] for row in effects}) >= count, True)
    of = {"run": found[0]["plan_run_id"], "digest": found[0]["plan_digest"]}
    connection = ask(POLICIES, out, arguments, {"apply": of})
    found = rows(connection, "SELECT status, made_at, after FROM latest_organization_changes")
    equal("changes that are made", [(row["status"], row["made_at"] is None, row["after"] is None) for row in found], [("made", False, False)] * 2)
    (there,) = connection.execute("SELECT email FROM latest_accounts WHERE parent_id = ? ORDER BY 1 LIMIT 1", [unit]).fetchone()
    wished = [{"email": email, "name": email.split("@")[0], "parent": unit} for email in [there, "new@example.com"]]
    connection = ask(ACCOUNTS_MADE, out, arguments, {"accounts": wished})
    found = rows(connection, "SELECT email, status, parent, account_id FROM latest_account_creations")
    equal("accounts made", {row["email"]: (row["status"], row["parent"], len(row["account_id"])) for row in found}, {
        there: ("already_exists", None, 12), "new@example.com": ("created", unit, 12)})


def check_services(connection):
    """Services that are not known to be used, each with what can be said of it, and no other."""
    found = Counter((row["finding"], row["entity_id"], row["policy_id"], row["service_namespace"]) for row in query(connection, "services"))
    statement = """SELECT conclusion, entity_id, policy_id, service_namespace FROM latest_service_access
        WHERE conclusion <> 'used'"""
    words = {"not_used": "not used", "unknown": "unknown"}
    expected = Counter((words[row[0]], *row[1:]) for row in connection.execute(statement).fetchall())
    equal("services", found, expected)
    (used,) = connection.execute("SELECT count(*) FROM latest_service_access WHERE conclusion = 'used'").fetchone()
    equal("services: some are used and some are not", (used > 0, any(row[0] == "not used" for row in found)), (True, True))


def check_findings(connection):
    """Findings say what the rows say that they point to, and the saved query has all of them."""
    found = query(connection, "findings")
    equal("findings: each is new", {row["finding"] for row in found}, {"new"})
    (count,) = connection.execute("SELECT count(*) FROM findings").fetchone()
    equal("findings: all of them", len(found), count)
    kinds = Counter(row["kind"] for row in found)
    for kind, statement in {
        "service_unused": """SELECT count(*) FROM latest_service_access WHERE conclusion = 'not_used'
            AND entity_type IN ('root', 'organizational_unit') AND policy_id IS NULL""",
        "principal_without_activity": "SELECT count(*) FROM latest_generated_policies WHERE status = 'no_activity'",
        "principal_unused_services": "SELECT count(*) FROM latest_generated_policies WHERE unused_services > 0",
        "account_request_failed": "SELECT count(*) FROM latest_account_requests WHERE state = 'FAILED'",
        "attribute_not_uniform": """SELECT count(*) FROM (SELECT attribute FROM latest_account_status
            GROUP BY attribute HAVING count(DISTINCT value) > 1)""",
    }.items():
        (rows_of,) = connection.execute(statement).fetchone()
        equal(f"findings: {kind}", kinds[kind], rows_of)
    # What a finding points to is there; of an account that the report leaves out there is no row.
    for row in found:
        if row["evidence_table"] not in ("", "runs") and row["kind"] != "account_unreadable":
            statement = f"""SELECT count(*) > 0 FROM {row['evidence_table']}
                WHERE run_id = '{row['evidence_run_id']}' AND {row['evidence_filter']}"""
            equal(f"rows of {row['kind']} {row['entity_id']}", connection.execute(statement).fetchone(), (True,))


def check_principals(connection):
    """Principals without activity, and with services that they do not use: as the rows about each service say."""
    found = [(row["finding"], row["principal_arn"]) for row in query(connection, "principals")]
    statement = """SELECT principal_arn, count_if(conclusion = 'not_used') AS unused,
            max(last_used_at) >= max(observed_at) - INTERVAL 90 DAY AS is_active
        FROM latest_principal_access WHERE action_name IS NULL GROUP BY 1"""
    expected = []
    for principal in rows(connection, statement):
        if not principal["is_active"]:
            expected.append(("no activity", principal["principal_arn"]))
        elif principal["unused"] > 0:
            expected.append(("services not used", principal["principal_arn"]))
    equal("principals", sorted(found), sorted(expected))
    equal("principals: some show no activity, and some do", {finding for finding, _ in found}, {"no activity", "services not used"})


def newest(out):
    """Two reports of one target: the newer one counts, and what it does not speak of is missing, not fine."""
    size = ["--accounts", str(ACCOUNTS), "--regions", "3"]
    muster(REPORT, out, *size)
    connection = connect(out)
    of_first = query(connection, "deviations")
    equal("deviations of a complete report", {row["finding"] for row in of_first}, {"deviates"})
    muster(REPORT, out, *size, "--unreadable-one-in", str(UNREADABLE))
    muster(INVENTORY, out, *size, "--switch", "invalid-effective-policies")
    connection = connect(out)
    check_catalog(connection)
    equal("runs", connection.execute("SELECT count(*) FROM runs").fetchone(), (3,))
    equal("newest runs", connection.execute("SELECT count(*) FROM latest_runs").fetchone(), (2,))
    (newer,) = connection.execute(f"SELECT max(run_id) FROM runs WHERE kind = '{REPORT}'").fetchone()
    equal("runs of the newest report", connection.execute("SELECT DISTINCT run_id FROM latest_account_status").fetchall(), [(newer,)])
    missing = (ACCOUNTS - 1) // UNREADABLE
    found = [row["reason"] for row in query(connection, "deviations") if row["account_id"] is None]
    equal("deviations: accounts that the report does not speak of", found, [f"{missing} expected accounts are missing"])
    (seen,) = connection.execute("SELECT count(DISTINCT account_id) FROM latest_account_status").fetchone()
    equal("accounts of the newest report", seen, ACCOUNTS - missing)
    check_inventory(connection)


def check_inventory(connection):
    accounts = rows(connection, "SELECT account_id, name, parent_id FROM latest_accounts")
    equal("accounts of the organization", len(accounts), ACCOUNTS)
    # Simulated accounts have the tags `team` and `stage`, the management account the first alone.
    equal("accounts: findings", Counter(row["finding"] for row in query(connection, "accounts")), {"no owner": ACCOUNTS})
    of_stage = rows(connection, sql("accounts").replace('"owner"', '"stage"'))
    equal("accounts without a stage", [row["name"] for row in of_stage], ["management"])
    # Attached to nothing, as the attachments themselves have it.
    attached = {row["policy_id"] for row in rows(connection, "SELECT DISTINCT policy_id FROM latest_policy_attachments")}
    every = {row["policy_id"] for row in rows(connection, "SELECT policy_id FROM latest_policies WHERE NOT aws_managed")}
    found = query(connection, "policies")
    equal("policies: findings", {row["finding"] for row in found}, {"attached nowhere"})
    equal("policies attached nowhere", {row["policy_id"] for row in found}, every - attached)
    check_effective(connection, accounts)
    failed = query(connection, "failures")
    equal("failures: what", {(row["what"], row["status"]) for row in failed}, {("account request", "FAILED")})
    # Every reason that AWS has for a request that failed, once.
    equal("failures: reasons", (len(failed), len({row["error"] for row in failed})), (15, 15))


def check_effective(connection, accounts):
    found = query(connection, "effective-policies")
    equal("effective policies: findings", {row["finding"] for row in found}, {"invalid", "differs within its unit"})
    invalid = {(row["account_id"], row["type"]) for row in found if row["finding"] == "invalid"}
    types = ["DECLARATIVE_POLICY_EC2", "TAG_POLICY"]
    multiples = {account["account_id"] for account in accounts if int(account["account_id"]) % INVALID == 0}
    equal("effective policies that are invalid", invalid, {(account, kind) for account in multiples for kind in types})
    # An account differs from those beside it when a policy is attached to it alone.
    own = rows(connection, """
        SELECT target_id, type FROM latest_policy_attachments
        WHERE target_type = 'ACCOUNT' AND type NOT IN ('SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY')""")
    beside = Counter(account["parent_id"] for account in accounts)
    parents = {account["account_id"]: account["parent_id"] for account in accounts}
    expected = {(row["target_id"], row["type"]) for row in own if beside[parents[row["target_id"]]] > 2}
    differing = {(row["account_id"], row["type"]) for row in found if row["finding"] == "differs within its unit"}
    equal("effective policies that differ", (differing, bool(expected)), (expected, True))


def faults(out):
    """What could not be read is listed as such, with AWS's answer, and as nothing else."""
    # One call that is denied; what then is not known, and how many.
    size = ["--accounts", str(ACCOUNTS)]
    few = ["--accounts", "4", "--regions", "2"]
    cases = [
        ("deny@organizations:DescribeEffectivePolicy#3", "effective-policies", "unreadable", 1),
        ("deny@organizations:DescribePolicy#3", "policies", "size not known", 1),
        ("deny@organizations:ListTargetsForPolicy#3", "policies", "attachments not known", 1),
        ("deny@organizations:ListPolicies#2", "policies", "type not read", None),
        ("deny@organizations:ListTagsForResource#5", "accounts", "tags not read", ACCOUNTS - 4),
        ("deny@organizations:ListCreateAccountStatus#1", "failures", "item", 1),
    ]
    cases = [(INVENTORY, size, *case) for case in cases] + [
        (GENERATION, few, "deny@access-analyzer:GetGeneratedPolicy#3", "principals", "unknown", None),
        (GENERATION, few, "deny@iam:GetServiceLastAccessedDetails#3", "principals", "unknown", None),
    ]
    for number, (kind, size, fault, name, finding, count) in enumerate(cases):
        folder = out / str(number)
        muster(kind, folder, *size, "--fault", fault)
        connection = connect(folder)
        found = [row for row in query(connection, name) if finding in (row.get("finding"), row.get("what"))]
        if not found or count not in (None, len(found)):
            sys.exit(f"{fault}: {len(found)} rows of {name} are {finding!r}, not {count}:\n  {found}")
        equal(f"{fault}: whether the run is complete", {row["run_complete"] for row in found}, {False})
        for row in found:
            if "error" in row:
                equal(f"{fault}: that AWS refused", "AccessDenied" in f"{row['error']} {row.get('cause')}", True)


def nothing(out):
    """Where nothing is published, every query says so: that nobody is found is not what it says."""
    connection = connect(out)
    check_catalog(connection)
    for name in SAVED:
        said = [row.get("what", row.get("finding")) for row in query(connection, name)]
        expected = {"deviations": "unknown", "failures": "nothing published", "findings": "no findings", "principals": "no policy generation", "services": "no access report"}.get(name, "no inventory")
        equal(f"{name}, of nothing", said, [expected])
    # The inventory's tables without the report's.
    muster(INVENTORY, out, "--accounts", "10")
    connection = connect(out)
    check_catalog(connection)
    equal("deviations, of no report", [row["reason"] for row in query(connection, "deviations")], ["no report has been published"])
    equal("accounts", len(query(connection, "accounts")), 10)


def main():
    out = Path(sys.argv[1])
    given(out / "given")
    newest(out / "newest")
    faults(out / "faults")
    nothing(out / "nothing")
    print(f"{len(SAVED)} queries answer as the simulated organization is, and name what could not be read")


main()
