"""Looks how far the report is."""

from reports import reports

NEXT = {"running": "poll", "complete": "collect"}


def handler(event, _context):
    ticket = event["ticket"]
    for report in reports():
        if report["ReportId"] == ticket["handle"]["reportId"]:
            return ticket | {"next": NEXT.get(report["Status"], "failed")}
    raise LookupError("the report is no longer listed")
