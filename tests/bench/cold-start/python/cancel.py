"""Cancels the run's report."""

import boto3

from job import Run

ec2 = boto3.client("ec2")


def handler(event, _context):
    ticket = event["ticket"]
    run = Run(ticket)
    run.read()
    ec2.cancel_declarative_policies_report(ReportId=ticket["handle"]["reportId"])
    run.record("cancelled")
    run.close()
    return ticket | {"next": "failed"}
