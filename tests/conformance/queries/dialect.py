"""sqlglot reads every statement as Athena's engine would: syntax, functions, columns, and types of views."""

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from local import QUERIES, SAVED, catalog, equal

# The types of the catalog as Trino has them.
TRINO = {"string": "VARCHAR", "bigint": "BIGINT", "boolean": "BOOLEAN", "timestamp": "TIMESTAMP"}


def parsed(text, name):
    for dialect in ["trino", "athena", "duckdb"]:
        statements = sqlglot.parse(text, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        equal(f"{name}: statements, as {dialect}", len(statements), 1)
        unknown = [function.name for function in statements[0].find_all(exp.Anonymous)]
        equal(f"{name}: functions that {dialect} does not have", unknown, [])
    return sqlglot.parse_one(text, dialect="athena")


def resolved(text, name, schema):
    """The statement with every column found in the catalog, and its types."""
    whole = qualify(parsed(text, name), schema=schema, dialect="athena", validate_qualify_columns=True)
    return annotate_types(whole, schema=schema, dialect="athena")


def main():
    tables = catalog()
    schema = {name: dict((column, TRINO[kind]) for column, kind in columns) for name, columns in tables.items()}
    views = sorted(name for name in tables if name.startswith("latest_"))
    for name in views:
        of = name.removeprefix("latest_")
        file = QUERIES / "views" / ("latest_runs.sql" if of == "runs" else "latest.sql")
        selected = resolved(file.read_text(encoding="utf-8").replace("{table}", of), name, schema).selects
        # What Athena would call a stale view: other columns or types than the catalog has.
        found = [(column.alias_or_name, column.type.sql("trino")) for column in selected]
        equal(f"{name}: columns", found, [(column, TRINO[kind]) for column, kind in tables[name]])
    for name in SAVED:
        resolved((QUERIES / f"{name}.sql").read_text(encoding="utf-8"), name, schema)
    print(f"{len(views)} views and {len(SAVED)} queries: sqlglot {sqlglot.__version__} reads them as Athena's")


main()
