"""Looks for what was left open, and for when evidence was published last."""

import datetime

from job import BUCKET, OWNER, s3

LOOK_BACK = datetime.timedelta(days=8)


def keys(**which):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, ExpectedBucketOwner=OWNER, **which)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def handler(_event, _context):
    seen = keys(Prefix="open/")
    keys(Prefix="tables/runs/", Delimiter="/")
    since = datetime.date.today() - LOOK_BACK
    published = keys(Prefix="tables/runs/", StartAfter=f"tables/runs/run_date={since}")
    return {"seen": len(seen), "published": len(published)}
