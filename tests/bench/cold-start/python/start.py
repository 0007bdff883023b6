"""Starts a report of the whole organization, unless this run has one already."""

import datetime
import uuid

import boto3

from job import BUCKET, KIND, Run
from reports import ec2, reports

organizations = boto3.client("organizations")


def root():
    pages = organizations.get_paginator("list_roots").paginate()
    [root] = [root["Id"] for page in pages for root in page["Roots"]]
    return root


def own_report(prefix):
    own = (report["ReportId"] for report in reports() if report.get("S3Prefix") == prefix)
    return next(own, None)


def handler(event, _context):
    ticket = event["ticket"]
    ticket["item"] = root()
    begun = datetime.datetime.now(datetime.timezone.utc)
    ticket["runId"] = f"{begun:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    run = Run(ticket)
    run.create()
    if run.is_over():
        return ticket | {"next": "failed"}
    prefix = f"raw/{KIND}/{run.id}"
    report = own_report(prefix)
    if report is None:
        run.record("starting")
        tags = [{"Key": "muster:run-id", "Value": run.id}]
        answer = ec2.start_declarative_policies_report(
            S3Bucket=BUCKET,
            S3Prefix=prefix,
            TargetId=ticket["item"],
            TagSpecifications=[{"ResourceType": KIND, "Tags": tags}],
        )
        report = answer["ReportId"]
    ticket["handle"] = {"reportId": report, "prefix": prefix}
    run.record("running")
    return ticket | {"next": "poll", "pollAfterSeconds": 50}
