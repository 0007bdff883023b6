"""What the steps share: the keys of a run, its record."""

import json
import os

import boto3

KIND = "declarative-policies-report"
BUCKET = os.environ["MUSTER_BUCKET"]
OWNER = os.environ["MUSTER_BUCKET_OWNER"]

s3 = boto3.client("s3")


class Run:
    """The objects of one run."""

    def __init__(self, ticket):
        self.ticket = ticket
        self.id, self.item = ticket["runId"], ticket["item"]
        self._record = f"runs/{self.id}/jobs/{self.item}.json"
        self._open = f"open/{self.id}/{self.item}"

    def create(self):
        put(self._open, b"", IfNoneMatch="*")
        self.record("started", IfNoneMatch="*")

    def read(self):
        got = s3.get_object(Bucket=BUCKET, Key=self._record, ExpectedBucketOwner=OWNER)
        self.ticket["etag"] = got["ETag"]
        return json.load(got["Body"])

    def record(self, state, **condition):
        condition = condition or {"IfMatch": self.ticket["etag"]}
        body = json.dumps({"state": state, "ticket": self.ticket}).encode()
        self.ticket["etag"] = put(self._record, body, **condition)["ETag"]

    def part(self, name, body):
        """Writes a part of the run's result, and says where."""
        key = f"runs/{self.id}/parts/{self.item}/{name}"
        put(key, body)
        return key

    def is_over(self):
        """Whether the run was closed before anybody knew what it is about."""
        try:
            s3.get_object(Bucket=BUCKET, Key=f"runs/{self.id}/jobs/request.json", ExpectedBucketOwner=OWNER)
        except s3.exceptions.NoSuchKey:
            return False
        return True

    def close(self):
        s3.delete_object(Bucket=BUCKET, Key=self._open, ExpectedBucketOwner=OWNER)
        if self.read()["state"] == "resumed":
            put(self._open, b"")


def put(key, body, **condition):
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, ExpectedBucketOwner=OWNER, **condition)


def copy(source, key):
    source = {"Bucket": BUCKET, "Key": source}
    s3.copy_object(Bucket=BUCKET, Key=key, CopySource=source, ExpectedBucketOwner=OWNER)
