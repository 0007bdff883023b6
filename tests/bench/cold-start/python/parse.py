"""Reads the report's CSV into rows and counts, and writes them as Parquet."""

import collections
import csv
import datetime
import io
import json

import boto3
import pyarrow
import pyarrow.parquet

from job import BUCKET, KIND, OWNER, Run, copy, put, s3

IDS = ("account_id", "account_name", "region")
COLUMNS = ["account_id", "region", "attribute", "raw_value"]

ec2 = boto3.client("ec2")
organizations = boto3.client("organizations")


def delivered(ticket):
    """The key of the one object that the report was delivered to."""
    handle = ticket["handle"]
    prefix = f"{handle['prefix']}/ec2_{ticket['item']}_{handle['reportId']}_"
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix=prefix, ExpectedBucketOwner=OWNER
    )
    [key] = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return key


def parquet(rows):
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), sink, compression="zstd")
    return sink.getvalue()


def handler(event, _context):
    ticket = event["ticket"]
    run = Run(ticket)
    run.read()
    key = delivered(ticket)
    theirs = ec2.get_declarative_policies_report_summary(ReportId=ticket["handle"]["reportId"])
    pages = organizations.get_paginator("list_accounts").paginate()
    expected = {account["Id"] for page in pages for account in page["Accounts"]}

    body = s3.get_object(Bucket=BUCKET, Key=key, ExpectedBucketOwner=OWNER)["Body"]
    rows, values, seen = [], collections.defaultdict(collections.Counter), set()
    for line in csv.DictReader(io.TextIOWrapper(body, "utf-8", newline="")):
        seen.add(line["account_id"])
        for name, value in line.items():
            if name not in IDS:
                cell = (line["account_id"], line["region"], name, value)
                rows.append(dict(zip(COLUMNS, cell)))
                values[name][value] += 1
    summary = {"values": values, "missing": sorted(expected - seen), "accounts": theirs["NumberOfAccounts"]}

    run.part("summary.json", json.dumps(summary).encode())
    table = run.part("account_status-0.parquet", parquet(rows))
    result = {"rows": len(rows), "accounts": len(seen)}
    row = run.part("runs-0.parquet", parquet([result]))
    run.record("collected")
    day = f"run_date={datetime.date.today()}"
    copy(table, f"tables/account_status/{day}/{run.id}-0.parquet")
    put(f"runs/{run.id}/manifest.json", json.dumps(result).encode())
    copy(row, f"tables/runs/{day}/{run.id}-0.parquet")
    put(f"published/{KIND}/{run.id}.json", json.dumps(result).encode())
    run.record("succeeded")
    run.close()
    return ticket | {"next": "done", "result": result}
