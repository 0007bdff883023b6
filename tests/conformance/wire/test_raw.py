"""Requests that no SDK sends."""

import json
import urllib.error
import urllib.request
import xml.etree.ElementTree as XmlTree


def send(muster, path="/", body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(muster.url + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def signed_for(muster, service):
    key = muster.environment["AWS_ACCESS_KEY_ID"]
    scope = f"Credential={key}/20261121/eu-central-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"


def test_an_unsigned_request_is_refused_with_a_request_id(slow):
    status, headers, body = send(slow, body=b"Action=DescribeDeclarativePoliciesReports&Version=2016-11-15")
    assert status == 403 and headers["x-amzn-requestid"]
    assert json.loads(body)["__type"] == "MissingAuthenticationToken"


def test_an_unknown_service_is_named(slow):
    status, headers, body = send(slow, body=b"{}", Authorization=signed_for(slow, "dynamodb"))
    assert status == 400 and headers["x-amzn-requestid"]
    error = json.loads(body)
    assert error["__type"] == "UnknownOperationException" and "dynamodb" in error["message"]


def test_an_unknown_operation_is_refused_in_the_services_own_protocol(slow):
    status, _, body = send(slow, body=b"Action=RunInstances&Version=2016-11-15", Authorization=signed_for(slow, "ec2"))
    root = XmlTree.fromstring(body)
    assert status == 400 and root.findtext("Errors/Error/Code") == "InvalidAction"
    assert root.findtext("RequestID")
    status, _, body = send(slow, body=b"Version=2016-11-15", Authorization=signed_for(slow, "ec2"))
    assert status == 400 and XmlTree.fromstring(body).findtext("Errors/Error/Code") == "MissingAction"


def test_a_connection_is_kept_and_used_again(slow):
    import http.client

    connection = http.client.HTTPConnection(slow.url.removeprefix("http://"))
    for _ in range(3):
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.status == 403 and response.read()
    connection.close()
