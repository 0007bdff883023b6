"""What the checks share: runs of muster on this machine, and their folders in DuckDB."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import yaml

QUERIES = Path("infra/queries")
SAVED = ["accounts", "deviations", "effective-policies", "failures", "findings", "policies", "principals", "services"]
REPORT, INVENTORY, ACCESS = "declarative-policies-report", "organization-inventory", "organizations-access-report"
GENERATION = "policy-generation"
POLICIES, ACCOUNTS_MADE = "organization-policies", "organization-accounts"
FINDINGS = "findings"


def equal(what, found, expected):
    if found != expected:
        sys.exit(f"{what}:\n  found    {found!r}\n  expected {expected!r}")


def muster(kind, out, *arguments, succeeds=True):
    """Runs a kind in the simulation; its objects are files below `out`."""
    command = [os.environ["MUSTER_BIN"], "run", kind, "--speed", "max", "--out", str(out), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if succeeds and ended.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{ended.stdout}\n{ended.stderr}")
    return ended


def sql(name):
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


def connect(out):
    """DuckDB with the tables and views of infra/queries over a folder."""
    connection = duckdb.connect()
    connection.execute(f"SET VARIABLE tables = '{out}/*/tables'")
    connection.execute(sql("duckdb"))
    return connection


def rows(connection, statement):
    """The rows of a statement, each by column."""
    cursor = connection.execute(statement)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def query(connection, name):
    return rows(connection, sql(name))


class Template(yaml.SafeLoader):
    """Reads a template; CloudFormation's functions are their arguments."""


def _argument(loader, _tag, node):
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Template.add_multi_constructor("!", _argument)


def catalog():
    """The columns of the template's tables and views: by name, pairs of a name and a type."""
    with open("template.yaml", encoding="utf-8") as file:
        resources = yaml.load(file, Template)["Resources"].values()
    found = {}
    for resource in resources:
        if resource["Type"] == "AWS::Glue::Table":
            table = resource["Properties"]["TableInput"]
            columns = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
            found[table["Name"]] = [(column["Name"], column["Type"]) for column in columns]
    return found
