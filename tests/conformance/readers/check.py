"""Reads every table in a folder with pyarrow and DuckDB, and compares with the rows that were written.

Beside each NAME.parquet lies NAME.jsonl: the columns in its first line, then one line for each row.
"""

import json
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ARROW = {"text": pa.string(), "integer": pa.int64(), "timestamp": pa.timestamp("ms", tz="UTC"), "boolean": pa.bool_()}
# Physical and logical type, as the file itself has them.
PARQUET = {
    "text": ("BYTE_ARRAY", "String"),
    "integer": ("INT64", "None"),
    "timestamp": ("INT64", "Timestamp(isAdjustedToUTC=true, timeUnit=milliseconds, is_from_converted_type=false, force_set_converted_type=false)"),
    "boolean": ("BOOLEAN", "None"),
}
DUCKDB = {"text": "VARCHAR", "integer": "BIGINT", "timestamp": "TIMESTAMP WITH TIME ZONE", "boolean": "BOOLEAN"}


def equal(what, found, expected):
    if found != expected:
        sys.exit(f"{what}:\n  found    {found!r}\n  expected {expected!r}")


def equal_rows(what, found, expected):
    equal(f"{what}: number of rows", len(found), len(expected))
    for number, pair in enumerate(zip(found, expected)):
        equal(f"{what}: row {number}", *pair)


def samples(columns, rows):
    """A value of each text column, to look for: its first, its least and its greatest, and one that is not there."""
    for index, column in enumerate(columns):
        if column["kind"] == "text":
            values = [row[index] for row in rows if row[index] is not None]
            for value in {*values[:1], *([min(values), max(values)] if values else []), "not there"}:
                yield column["name"], value, values.count(value)


def check_pyarrow(name, path, columns, rows):
    file = pq.ParquetFile(path)
    for index, column in enumerate(columns):
        of_file = file.schema.column(index)
        found = (of_file.name, of_file.physical_type, str(of_file.logical_type), of_file.max_definition_level)
        equal(f"{name}, pyarrow: column {index}", found, (column["name"], *PARQUET[column["kind"]], int(column["optional"])))
    schema = pa.schema([pa.field(column["name"], ARROW[column["kind"]], column["optional"]) for column in columns])
    equal(f"{name}, pyarrow: schema", file.schema_arrow.remove_metadata(), schema)
    table = file.read()
    table.validate(full=True)
    for index, column in enumerate(columns):
        if column["kind"] == "timestamp":
            table = table.set_column(index, column["name"], table.column(index).cast(pa.int64()))
    found = [list(row) for row in zip(*(column.to_pylist() for column in table.columns))]
    equal_rows(f"{name}, pyarrow", found, rows)
    for column, value, count in samples(columns, rows):
        # With the footer's statistics, row groups are left out.
        found = pq.read_table(path, columns=[column], filters=[(column, "=", value)]).num_rows
        equal(f"{name}, pyarrow: rows whose {column} is {value!r}", found, count)
    return file.num_row_groups


def check_duckdb(name, path, columns, rows):
    connection = duckdb.connect()
    described = connection.execute("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))", [path]).fetchall()
    equal(f"{name}, DuckDB: schema", described, [(column["name"], DUCKDB[column["kind"]]) for column in columns])
    repetition = connection.execute("SELECT name, repetition_type FROM parquet_schema(?) WHERE type IS NOT NULL", [path]).fetchall()
    expected = [(column["name"], "OPTIONAL" if column["optional"] else "REQUIRED") for column in columns]
    equal(f"{name}, DuckDB: nullability", repetition, expected)
    selected = ", ".join(
        f'epoch_ms("{column["name"]}")' if column["kind"] == "timestamp" else f'"{column["name"]}"' for column in columns
    )
    found = connection.execute(f"SELECT {selected} FROM read_parquet(?)", [path]).fetchall()
    equal_rows(f"{name}, DuckDB", [list(row) for row in found], rows)
    for column, value, count in samples(columns, rows):
        query = f'SELECT count(*) FROM read_parquet(?) WHERE "{column}" = ?'
        equal(f"{name}, DuckDB: rows whose {column} is {value!r}", connection.execute(query, [path, value]).fetchone()[0], count)


def main():
    files = sorted(Path(sys.argv[1]).glob("*.parquet"))
    all_rows = 0
    for path in files:
        columns, *rows = map(json.loads, path.with_suffix(".jsonl").read_text(encoding="utf-8").strip().split("\n"))
        groups = check_pyarrow(path.stem, str(path), columns, rows)
        check_duckdb(path.stem, str(path), columns, rows)
        print(f"{path.stem:32} {len(rows):7} rows, {len(columns):2} columns, {groups:3} row groups")
        all_rows += len(rows)
    if len(files) < 20 or all_rows < 150_000:
        sys.exit(f"only {len(files)} files with {all_rows} rows were there to check")
    print(f"{len(files)} files, {all_rows} rows: pyarrow {pa.__version__} and DuckDB {duckdb.__version__} read what was written")


main()
