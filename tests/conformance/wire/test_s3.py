"""S3, as boto3 sends and reads it: preconditions, ranges, pages, owners."""

import hashlib

import pytest
from botocore.exceptions import ClientError

from test_ec2 import refused

BODY = b"account,region\n012345678901,eu-central-1\n" * 100
ETAG = f'"{hashlib.md5(BODY).hexdigest()}"'


@pytest.fixture(scope="module")
def s3(slow):
    return slow.client("s3")


@pytest.fixture
def place(slow, request):
    """A key prefix of each test's own."""
    return {"Bucket": slow.bucket, "Key": f"wire/{request.node.name}/report 1+ü.csv"}


def test_an_object_is_written_and_read_back(slow, s3, place):
    put = s3.put_object(**place, Body=BODY)
    assert put["ETag"] == ETAG
    got = s3.get_object(**place)
    assert got["Body"].read() == BODY
    assert (got["ETag"], got["ContentLength"], got["AcceptRanges"]) == (ETAG, len(BODY), "bytes")
    head = s3.head_object(**place)
    assert (head["ETag"], head["ContentLength"]) == (ETAG, len(BODY))
    assert head["LastModified"] == got["LastModified"]
    assert slow.could_be_now(head["LastModified"])


def test_a_range_is_read_of_the_version_that_is_meant(s3, place):
    s3.put_object(**place, Body=BODY)
    part = s3.get_object(**place, Range="bytes=10-19", IfMatch=ETAG)
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert part["Body"].read() == BODY[10:20]
    assert part["ContentRange"] == f"bytes 10-19/{len(BODY)}"
    assert s3.get_object(**place, Range="bytes=4000-")["Body"].read() == BODY[4000:]
    assert s3.get_object(**place, Range="bytes=-5")["Body"].read() == BODY[-5:]
    refused("InvalidRange", 416, s3.get_object, **place, Range=f"bytes={len(BODY)}-")
    s3.put_object(**place, Body=b"another")
    refused("PreconditionFailed", 412, s3.get_object, **place, Range="bytes=10-19", IfMatch=ETAG)


def test_a_conditional_put_has_one_winner(s3, place):
    first = s3.put_object(**place, Body=b"1", IfNoneMatch="*")["ETag"]
    refused("PreconditionFailed", 412, s3.put_object, **place, Body=b"2", IfNoneMatch="*")
    second = s3.put_object(**place, Body=b"2", IfMatch=first)["ETag"]
    refused("PreconditionFailed", 412, s3.put_object, **place, Body=b"3", IfMatch=first)
    assert s3.get_object(**place)["Body"].read() == b"2"
    nothing = {**place, "Key": place["Key"] + ".none"}
    refused("NoSuchKey", 404, s3.put_object, **nothing, Body=b"3", IfMatch=second)


def test_who_knows_the_version_is_not_sent_it_again(s3, place):
    s3.put_object(**place, Body=BODY)
    with pytest.raises(ClientError) as caught:
        s3.get_object(**place, IfNoneMatch=ETAG)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304


def test_what_is_not_there_is_404_and_what_is_not_allowed_403(s3, place, slow):
    refused("NoSuchKey", 404, s3.get_object, **place)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(**place)
    nowhere = {"Bucket": "somebody-elses-bucket"}
    refused("NoSuchBucket", 404, s3.get_object, **nowhere, Key="a")
    refused("NoSuchBucket", 404, s3.list_objects_v2, **nowhere)
    for operation, parameters in ((s3.head_object, place), (s3.head_bucket, nowhere)):
        with pytest.raises(ClientError) as caught:
            operation(**parameters)
        assert caught.value.response["Error"]["Code"] == "404", "HEAD has no body to say more"
    stranger = "999999999999"
    s3.put_object(**place, Body=b"1", ExpectedBucketOwner=slow.account)
    assert s3.get_object(**place, ExpectedBucketOwner=slow.account)["Body"].read() == b"1"
    refused("AccessDenied", 403, s3.get_object, **place, ExpectedBucketOwner=stranger)
    refused("AccessDenied", 403, s3.put_object, **place, Body=b"2", ExpectedBucketOwner=stranger)
    refused("AccessDenied", 403, s3.delete_object, **place, ExpectedBucketOwner=stranger)
    refused(
        "AccessDenied", 403, s3.list_objects_v2, Bucket=slow.bucket, ExpectedBucketOwner=stranger
    )
    assert s3.head_bucket(Bucket=slow.bucket)["BucketRegion"] == "eu-central-1"
    assert s3.get_bucket_location(Bucket=slow.bucket)["LocationConstraint"] == "eu-central-1"
    assert slow.bucket in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_keys_are_listed_page_by_page_and_folder_by_folder(s3, slow):
    prefix = "wire/listing/"
    keys = [f"{prefix}{folder}/{n}" for folder in "abc" for n in range(3)] + [f"{prefix}x", f"{prefix}y &"]
    for key in keys:
        s3.put_object(Bucket=slow.bucket, Key=key, Body=b"1")

    def listed(size, **parameters):
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=slow.bucket, PaginationConfig={"PageSize": size}, **parameters
        )
        found = []
        for page in pages:
            assert page["KeyCount"] <= size
            assert page["KeyCount"] == len(page.get("Contents", [])) + len(page.get("CommonPrefixes", []))
            found += [item["Key"] for item in page.get("Contents", [])]
            found += [folder["Prefix"] for folder in page.get("CommonPrefixes", [])]
        return found

    folders = [f"{prefix}{folder}/" for folder in "abc"]
    for size in (1, 2, 4, 1000):
        assert listed(size, Prefix=prefix) == sorted(keys)
        assert sorted(listed(size, Prefix=prefix, Delimiter="/")) == sorted(folders + keys[-2:])
    assert listed(1000, Prefix=prefix, StartAfter=f"{prefix}b/1") == sorted(keys)[5:]
    assert listed(1000, Prefix="wire/nothing/") == []
    item = s3.list_objects_v2(Bucket=slow.bucket, Prefix=prefix)["Contents"][0]
    assert item["ETag"] == '"c4ca4238a0b923820dcc509a6f75849b"' and item["Size"] == 1
    one = s3.list_objects_v2(Bucket=slow.bucket, Prefix=prefix, MaxKeys=1)
    assert one["IsTruncated"] is True and one["NextContinuationToken"]
    assert (one["Prefix"], one["MaxKeys"], one["Name"]) == (prefix, 1, slow.bucket)
    token = {"ContinuationToken": one["NextContinuationToken"]}
    two = s3.list_objects_v2(Bucket=slow.bucket, Prefix=prefix, MaxKeys=1, **token)
    assert two["ContinuationToken"] == one["NextContinuationToken"]


def test_an_object_is_copied_and_deleted(s3, place, slow):
    s3.put_object(**place, Body=BODY)
    source = {"Bucket": slow.bucket, "Key": place["Key"]}
    copy = {"Bucket": slow.bucket, "Key": place["Key"] + ".copy"}
    assert s3.copy_object(**copy, CopySource=source)["CopyObjectResult"]["ETag"] == ETAG
    assert s3.get_object(**copy)["Body"].read() == BODY
    other = {"CopySource": source, "CopySourceIfMatch": '"0"'}
    refused("PreconditionFailed", 412, s3.copy_object, **copy, **other)
    missing = {"Bucket": slow.bucket, "Key": place["Key"] + ".none"}
    refused("NoSuchKey", 404, s3.copy_object, **copy, CopySource=missing)
    for _ in range(2):
        deleted = s3.delete_object(**copy)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    refused("NoSuchKey", 404, s3.get_object, **copy)


def test_a_body_that_is_streamed_arrives_whole(s3, place):
    body = bytes(range(256)) * 8192
    with open_temporary(body) as file:
        s3.put_object(**place, Body=file, ChecksumAlgorithm="CRC32")
    assert s3.get_object(**place)["Body"].read() == body


def open_temporary(body):
    import tempfile

    file = tempfile.TemporaryFile()
    file.write(body)
    file.seek(0)
    return file
