"""`muster up` as the tests use it: a server of its own for each way it is started."""

import datetime
import os
import re
import shutil
import signal
import subprocess
import tempfile

import boto3
from botocore.config import Config


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Muster:
    """One simulated AWS, until it is ended."""

    def __init__(self, *arguments):
        self._arguments = arguments
        self._began = now()
        self._speed = arguments[arguments.index("--speed") + 1]
        self.out = tempfile.mkdtemp(prefix="muster-wire-")
        self._process = subprocess.Popen(
            [os.environ["MUSTER_BIN"], "up", "--port", "0", "--out", self.out, *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self._begin()
        except BaseException:
            self._process.kill()
            raise

    def _begin(self):
        self.environment = {}
        for line in self._process.stdout:
            if exported := re.fullmatch(r"export (\w+)=(\S+)\n", line):
                self.environment[exported[1]] = exported[2]
            if line.rstrip().endswith("Ctrl-C."):
                break
        else:
            raise RuntimeError(f"muster up ended with {self._process.wait()}")
        self.url = self.environment["AWS_ENDPOINT_URL"]
        self.session = boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_REGION"],
        )
        stack = self.client("cloudformation").describe_stacks(StackName="muster")["Stacks"][0]
        self.outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
        self.bucket = self.outputs["BucketName"]
        self.machine = self.outputs["ReportStateMachineArn"]
        self.account = self.machine.split(":")[4]
        if "no-organization" in self._arguments:
            return
        # Once: Organizations throttles, as AWS does.
        pages = self.client("organizations").get_paginator("list_roots").paginate()
        [self.root] = [root["Id"] for page in pages for root in page["Roots"]]

    def could_be_now(self, moment):
        """Whether the simulated clock, which begins at the real time and runs ahead of it, can
        have shown this."""
        second = datetime.timedelta(seconds=1)
        latest = self._began + (now() - self._began) * float(self._speed)
        return self._began - second <= moment <= latest + second

    def client(self, service, attempts=1, region=None, session=None, **config):
        """A client that tries once, so that an error is read as it came, unless told otherwise."""
        retries = {"mode": "standard", "total_max_attempts": attempts}
        config = Config(retries=retries, **config)
        client = (session or self.session).client(service, region, endpoint_url=self.url, config=config)
        for watch in WATCHES:
            watch(client)
        return client

    def in_account(self, account, role):
        """A session of a role of another account."""
        arn = f"arn:aws:iam::{account}:role/{role}"
        taken = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="wire")["Credentials"]
        return boto3.Session(
            aws_access_key_id=taken["AccessKeyId"],
            aws_secret_access_key=taken["SecretAccessKey"],
            aws_session_token=taken["SessionToken"],
            region_name=self.environment["AWS_REGION"],
        )

    def end(self):
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(30)
        self._process.stdout.close()
        shutil.rmtree(self.out)
        assert status == 0, f"muster up ended with {status}"


# What looks at every client that is made.
WATCHES = []
