"""The cold start of every binary beside the same step in Python: `compare.py BINARIES RUNS`.

A cold start begins with the process and ends with the answer to its first invocation, on Lambda's
Runtime API. The peer runs on AWS's own runtime client for Python. Both call the AWS that `muster up`
serves, and a run that is not timed holds their calls against each other: the same operations, as
many of each.
"""

import collections
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import servers

HERE = pathlib.Path(__file__).parent
KIND = "declarative-policies-report"
STEPS = {
    "start": f"{KIND}-start",
    "status": f"{KIND}-status",
    "parse": f"{KIND}-parse",
    "cancel": f"{KIND}-cancel",
    "sweep": "sweep",
}
# To reach: so many times faster than Python, each of them.
TARGET = 25
# Accounts of one page: between pages the binary pauses, to leave others their part of Organizations'
# request rates, which is not what is measured.
ACCOUNTS, REGIONS, ATTRIBUTES = 20, 3, 10
# An hour of the simulation passes in a minute.
SPEED = 60


@contextlib.contextmanager
def muster_up():
    """The variables of the functions, of a stack in a simulated AWS."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "env")
        command = [os.environ["MUSTER_BIN"], "up", "--port", "0", "--out", f"{folder}/out", "--env-file", file]
        command += ["--speed", str(SPEED), "--report-minutes", "2"]
        command += ["--accounts", str(ACCOUNTS), "--regions", str(REGIONS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                if not any("Ctrl-C" in line for line in server.stdout):
                    raise SystemExit(f"muster up ended with {server.wait()}")
                yield dict(re.findall(r"^(\w+)='(.*)'$", file.read_text(), re.MULTILINE))
            finally:
                server.terminate()


# Amazon Linux has all root certificates in one file. Debian has each in a file of its own besides,
# and rustls would read them all.
BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")


class Language:
    """Runs a step as a process of its own."""

    def __init__(self, name, command, environment):
        self.name, self._command, self._environment = name, command, environment

    def answer(self, step, event, endpoint=None):
        """What the step answers, and the seconds from the process's beginning to that."""
        with servers.RuntimeApi(event) as api:
            environment = self._environment | {
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": STEPS[step],
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            }
            if BUNDLE.exists():
                environment["SSL_CERT_FILE"] = str(BUNDLE)
            if endpoint:
                environment["AWS_ENDPOINT_URL"] = endpoint
            begun = time.perf_counter()
            process = subprocess.Popen(
                self._command(step), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            try:
                answer, answered = api.wait(60)
            except Exception:
                process.kill()
                raise SystemExit(f"{self.name} {step}: {process.communicate()[0].decode()}") from None
            process.kill()
            process.communicate()
            return answer, answered - begun


def job(language, endpoint=None, observe=lambda step: None):
    """Every step once, in a job that succeeds and one that is cancelled: the seconds of each."""
    took = {}

    def timed(step, event, **expected):
        answer, took[step] = language.answer(step, event, endpoint)
        assert expected.items() <= answer.items(), f"{language.name} {step}: {answer}"
        observe(step)
        return answer

    ticket = timed("start", {"ticket": {"request": {}}}, next="poll")
    ticket = timed("status", {"ticket": ticket}, next="poll")
    for _ in range(100):
        time.sleep(ticket["pollAfterSeconds"] / SPEED)
        ticket, _ = language.answer("status", {"ticket": ticket})
        if ticket["next"] == "collect":
            break
    ticket = timed("parse", {"ticket": ticket}, next="done")
    assert ticket["result"]["rows"] == ACCOUNTS * REGIONS * ATTRIBUTES, ticket
    ticket, _ = language.answer("start", {"ticket": {"request": {}}})
    timed("cancel", {"ticket": ticket}, next="failed")
    timed("sweep", {}, seen=0)
    return took


def calls(language, upstream):
    """The operations that each step calls."""
    made = {}
    with servers.Recorder(upstream) as recorder:

        def observe(step):
            made[step] = collections.Counter(recorder.calls)
            recorder.calls.clear()

        job(language, recorder.url, observe)
    return made


def main():
    binaries, runs = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    with muster_up() as environment:
        rust = Language("Rust", lambda step: [binaries / STEPS[step]], environment)
        here = {"PYTHONPATH": str(HERE / "python")}
        peer = lambda step: [sys.executable, "-m", "awslambdaric", f"{step}.handler"]
        python = Language("Python", peer, environment | here)

        upstream = environment["AWS_ENDPOINT_URL"]
        ours, theirs = calls(rust, upstream), calls(python, upstream)
        for step in STEPS:
            same = ours[step] == theirs[step]
            assert same, f"{step} calls {dict(ours[step])}, and {dict(theirs[step])} in Python"

        took = {rust.name: [], python.name: []}
        for _ in range(runs):
            for language in (rust, python):
                took[language.name].append(job(language))

    print(f"{'cold start':<36} {'AWS calls':>9} {'binary':>10} {'Rust':>10} {'Python':>10} {'ratio':>7}")
    slow = []
    for step, binary in STEPS.items():
        medians = [statistics.median(run[step] for run in took[name]) * 1000 for name in took]
        ratio = medians[1] / medians[0]
        size = (binaries / binary).stat().st_size / 2**20
        print(
            f"{binary:<36} {ours[step].total():>9} {size:>6.1f} MiB"
            f" {medians[0]:>7.1f} ms {medians[1]:>7.1f} ms {ratio:>6.1f}x"
        )
        if ratio < TARGET:
            slow.append(binary)
    print(f"medians of {runs}; from the process's beginning to its first answer")
    if slow:
        print(f"less than {TARGET} times faster: {', '.join(slow)}")


main()
