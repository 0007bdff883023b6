"""The AWS CLI, end to end: what somebody types after `muster up`."""

import json
import os
import pathlib
import subprocess
import sys
import time

AWS = pathlib.Path(sys.executable).with_name("aws")


def aws(muster, *arguments, status=0):
    environment = {**os.environ, **muster.environment, "AWS_PAGER": ""}
    # The interpreter by name: the script's own first line names a path that may be too long.
    done = subprocess.run(
        [sys.executable, AWS, *arguments], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def test_a_run_is_started_followed_and_its_files_are_listed(fast):
    order = ["stepfunctions", "start-execution", "--state-machine-arn", fast.machine, "--input", "{}"]
    execution = json.loads(aws(fast, *order))["executionArn"]
    describe = ["stepfunctions", "describe-execution", "--execution-arn", execution]
    for _ in range(60):
        done = json.loads(aws(fast, *describe))
        if done["status"] != "RUNNING":
            break
        time.sleep(0.5)
    assert done["status"] == "SUCCEEDED", done
    run = json.loads(done["output"])["runId"]

    reports = json.loads(aws(fast, "ec2", "describe-declarative-policies-reports"))["Reports"]
    [report] = [report for report in reports if report["S3Prefix"].endswith(run)]
    assert report["Status"] == "complete"
    summary = ["ec2", "get-declarative-policies-report-summary", "--report-id", report["ReportId"]]
    assert json.loads(aws(fast, *summary))["NumberOfAccounts"] == 45

    listed = aws(fast, "s3", "ls", f"s3://{fast.bucket}/")
    assert "PRE raw/" in listed and "PRE tables/" in listed
    [line] = aws(fast, "s3", "ls", "--recursive", f"s3://{fast.bucket}/{report['S3Prefix']}").splitlines()
    key = line.split()[-1]
    target = pathlib.Path(fast.out) / "copied.csv"
    aws(fast, "s3", "cp", f"s3://{fast.bucket}/{key}", str(target))
    assert target.read_bytes() == (pathlib.Path(fast.out) / fast.bucket / key).read_bytes()


def test_lists_of_the_organization_are_paged_by_the_cli_itself(switched):
    roots = json.loads(aws(switched, "organizations", "list-roots"))["Roots"]
    assert len(roots) == 1 and roots[0]["Id"].startswith("r-")
    count = aws(switched, "organizations", "list-accounts", "--query", "length(Accounts)", "--output", "text")
    assert sum(int(line) for line in count.split()) == 50


def test_an_error_is_shown_with_its_code(slow):
    said = aws(slow, "ec2", "cancel-declarative-policies-report", "--report-id", "r-1", status=255)
    assert "(InvalidDeclarativePoliciesReportId.Malformed)" in said
    said = aws(slow, "cloudformation", "describe-stacks", "--stack-name", "none", status=255)
    assert "(ValidationError)" in said and "Stack with id none does not exist" in said


def test_a_function_is_invoked(slow, tmp_path):
    answer = tmp_path / "answer.json"
    event = '{"ticket": {"request": {"dryRun": true}}}'
    said = aws(slow, "lambda", "invoke", "--function-name", "muster-ReportStart", "--payload", event, str(answer))
    assert json.loads(said)["StatusCode"] == 200
    assert json.loads(answer.read_text())["next"] == "done"
