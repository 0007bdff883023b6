"""Each finding of the queries, one at a time: published tables with a cell changed, and who is found then."""

import sys
from pathlib import Path

from local import GENERATION, INVENTORY, REPORT, SAVED, catalog, connect, equal, muster, query

ACCOUNTS = 24

# A query, a change to published tables, and what it finds then that it did not before: a finding for each
# row that `:row` stands for.
CHANGES = [
    ("accounts", "UPDATE accounts SET state = 'SUSPENDED' WHERE :row", ["not active"]),
    ("accounts", "UPDATE accounts SET state = 'A_WORD_OF_THE_FUTURE' WHERE :row", ["not active"]),
    ("accounts", "UPDATE accounts SET state = NULL WHERE :row", ["state not known"]),
    ("accounts", "UPDATE accounts SET path = NULL WHERE :row", ["place not known"]),
    ("accounts", "UPDATE accounts SET tags = NULL WHERE :row", ["tags not read"]),
    ("accounts", """UPDATE accounts SET tags = '{"Owner":"search"}' WHERE :row""", []),
    # In a value it is no key.
    ("accounts", r"""UPDATE accounts SET tags = '{"note":"\"owner\": nobody"}' WHERE :row""", ["no owner"]),
    ("accounts", "UPDATE accounts SET tags = '{}' WHERE :row", ["no owner"]),
    ("policies", "UPDATE policies SET size = 8192, size_quota = 10240 WHERE :row", ["near its quota"]),
    ("policies", "UPDATE policies SET size = 8191, size_quota = 10240 WHERE :row", []),
    ("policies", "UPDATE policies SET size = 10000, size_quota = NULL WHERE :row", []),
    ("policies", "UPDATE policies SET size = NULL WHERE :row", ["size not known"]),
    ("policies", "UPDATE policies SET targets = 0 WHERE :row", ["attached nowhere"]),
    ("policies", "UPDATE policies SET targets = NULL WHERE :row", ["attachments not known"]),
    ("policies", "UPDATE policies SET aws_managed = true, targets = 0 WHERE :row", []),
    ("policies", "UPDATE policies SET aws_managed = true, targets = NULL WHERE :row", ["attachments not known"]),
    ("effective-policies", "UPDATE effective_policies SET validity = 'invalid' WHERE :row", ["invalid"]),
    ("effective-policies", "UPDATE effective_policies SET status = 'unreadable', content = NULL WHERE :row", ["unreadable"]),
    ("effective-policies", "UPDATE effective_policies SET status = 'not_found', content = NULL WHERE :row", ["not found"]),
    ("effective-policies", "UPDATE effective_policies SET content = '{}' WHERE :row", ["differs within its unit"]),
    ("effective-policies", "DELETE FROM effective_policies WHERE :row", ["not read"]),
    ("deviations", "UPDATE account_status SET value = 'another' WHERE :row", ["deviates"]),
    ("deviations", "UPDATE account_status SET value = NULL, readable = false, reason = 'blank cell' WHERE :row", ["unknown"]),
    ("deviations", "UPDATE runs SET expected_accounts = NULL WHERE :row", ["unknown"]),
    ("deviations", "UPDATE runs SET expected_accounts = seen_accounts + 2 WHERE :row", ["unknown"]),
    ("failures", "UPDATE item_outcomes SET status = 'failed', error = 'Denied' WHERE :row", ["item"]),
    ("failures", "UPDATE item_outcomes SET status = 'overdue' WHERE :row", ["item"]),
    ("failures", "UPDATE item_outcomes SET status = 'carriedOver' WHERE :row", ["item"]),
    ("failures", "UPDATE item_outcomes SET status = 'skipped' WHERE :row", []),
    ("failures", "UPDATE account_requests SET state = 'FAILED' WHERE :row", ["account request"]),
    ("failures", "UPDATE account_requests SET state = 'A_WORD_OF_THE_FUTURE' WHERE :row", ["account request"]),
    ("failures", "UPDATE account_requests SET state = 'IN_PROGRESS' WHERE :row", []),
    ("principals", "UPDATE generated_policies SET status = 'no_activity' WHERE :row", ["no activity"]),
    ("principals", "UPDATE generated_policies SET status = 'failed' WHERE :row", ["unknown"]),
    ("principals", "UPDATE generated_policies SET status = 'carried_over' WHERE :row", ["unknown"]),
    ("principals", "UPDATE generated_policies SET status = 'overdue' WHERE :row", ["unknown"]),
    ("principals", "UPDATE generated_policies SET status = 'unknown' WHERE :row", ["unknown"]),
    ("principals", "UPDATE generated_policies SET status = 'a_word_of_the_future' WHERE :row", ["unknown"]),
    ("principals", "UPDATE generated_policies SET status = 'valid_policy_exists' WHERE :row", []),
    ("principals", "UPDATE generated_policies SET unused_services = NULL WHERE :row", ["access not read"]),
    ("principals", "UPDATE generated_policies SET unused_services = 1 WHERE :row", ["services not used"]),
]

# A row of each table that nothing is found about, by its columns.
ORDINARY = {
    "accounts": ("account_id", "SELECT account_id FROM accounts WHERE NOT is_management_account ORDER BY 1 LIMIT 1"),
    "policies": ("policy_id", "SELECT policy_id FROM policies WHERE NOT aws_managed AND targets > 0 ORDER BY 1 LIMIT 1"),
    "effective_policies": (
        "(account_id, type)",
        """SELECT (account_id, type) FROM effective_policies e WHERE type = 'TAG_POLICY' AND account_id IN (
            SELECT account_id FROM accounts WHERE parent_id IN (
                SELECT parent_id FROM accounts GROUP BY 1 HAVING count(*) > 3)) ORDER BY 1 LIMIT 1""",
    ),
    "account_status": (
        "(account_id, region, attribute)",
        "SELECT (account_id, region, attribute) FROM account_status WHERE attribute = 'http_endpoint' ORDER BY 1 LIMIT 1",
    ),
    "runs": ("run_id", f"SELECT run_id FROM runs WHERE kind = '{REPORT}'"),
    "item_outcomes": ("(lane, item)", "SELECT (lane, item) FROM item_outcomes WHERE lane = 'tags'"),
    "account_requests": ("request_id", "SELECT request_id FROM account_requests WHERE state = 'SUCCEEDED' ORDER BY 1 LIMIT 1"),
    "generated_policies": (
        "principal_id",
        "SELECT principal_id FROM generated_policies WHERE status = 'generated' ORDER BY 1 LIMIT 1",
    ),
}


# Columns that tell what a finding is about.
ABOUT = ["account_id", "policy_id", "type", "region", "attribute", "name", "principal_arn"]


def table_of(change):
    words = change.split()
    return words[2] if words[0] == "DELETE" else words[1]


def found(connection, name):
    """How often each finding is made, and about what."""
    counts = {}
    for row in query(connection, name):
        about = tuple(row.get(it) for it in ABOUT)
        # A request that succeeded or failed is told by its name, a finding by its word.
        key = (row.get("finding", row.get("what")), about)
        counts[key] = counts.get(key, 0) + 1
    return counts


def main():
    out = Path(sys.argv[1])
    size = ["--accounts", str(ACCOUNTS), "--regions", "2"]
    muster(REPORT, out, *size)
    muster(INVENTORY, out, *size)
    muster(GENERATION, out, *size)
    connection = connect(out)
    tables = [name for name in catalog() if not name.startswith("latest_")]
    for name in tables:
        connection.execute(f"CREATE TABLE changed_{name} AS SELECT * FROM {name}")
        connection.execute(f"DROP VIEW {name}")
        connection.execute(f"ALTER TABLE changed_{name} RENAME TO {name}")
    # So that nobody is without an owner, but for who is changed.
    connection.execute("""UPDATE accounts SET tags = '{"owner":"platform"}'""")
    # And nobody has a service that is not used.
    connection.execute("UPDATE generated_policies SET unused_services = 0")
    for name, change, expected in CHANGES:
        table = table_of(change)
        columns, ordinary = ORDINARY[table]
        before = found(connection, name)
        connection.execute("BEGIN")
        connection.execute(change.replace(":row", f"{columns} = ({ordinary})"))
        after = found(connection, name)
        connection.execute("ROLLBACK")
        made = sorted(key[0] for key, count in after.items() for _ in range(count - before.get(key, 0)))
        gone = [key for key, count in before.items() if after.get(key, 0) < count]
        equal(f"{name}, after {change}: findings made, and gone", (made, gone), (expected, []))
    # Of runs that are not published nothing is found, but that there are none.
    connection.execute("DELETE FROM runs")
    for name in SAVED:
        found_of_none = [(row.get("account_id"), row["run_complete"]) for row in query(connection, name)]
        equal(f"{name}, of runs that are not published", found_of_none, [(None, False)])
    print(f"{len(CHANGES)} changes of published tables are found as what they are")


main()
