"""The organization's reports; boto3 has no paginator for them."""

import boto3

ec2 = boto3.client("ec2")


def reports():
    token = {}
    while True:
        page = ec2.describe_declarative_policies_reports(**token)
        yield from page.get("Reports", [])
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
