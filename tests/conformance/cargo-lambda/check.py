"""Runs every binary under `cargo lambda watch`, on what `muster up` serves, and checks its answers."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

EVENTS = pathlib.Path("tests/events")
KIND = "declarative-policies-report"
INVENTORY = "organization-inventory"
ACCESS = "organizations-access-report"
GENERATION = "policy-generation"
ACCOUNTS = "organization-accounts"
SETUP = "organization-setup"
POLICIES = "organization-policies"
FINDINGS = "findings"
# The events' own bucket, which this stack may then have reports delivered to.
BUCKETS = "MUSTER_REPORT_BUCKET_ARNS='arn:aws:s3:::evidence-012345678901'\n"

# What each event comes to in an organization that knows nothing of the run it speaks of, in this
# order: members of the answer, or the name of the error and a part of its text.
EXPECTED = {
    f"{KIND}-start": {"next": "done", "result.wouldStart": False, "item": "ou-ab12-c3d4e5f6"},
    f"{KIND}-start.resume": ("InvalidRequest", "no run 20261120T063000Z-9f86d081 to resume"),
    f"{KIND}-status": ("Gone", "p-0123456789"),
    f"{KIND}-parse": ("Incomplete", "no record"),
    f"{KIND}-cancel": {"next": "failed", "failure.error": "Overdue"},
    # Nothing tells how large the organization is, for there is no inventory yet.
    f"{INVENTORY}-plan": {"next": "done", "result.wouldStart": True, "item": "some-accounts"},
    f"{INVENTORY}-plan.resume": ("InvalidRequest", "no run 20261120T063000Z-9f86d081 to resume"),
    f"{INVENTORY}-read": ("Incomplete", "no record"),
    f"{INVENTORY}-gather": ("Incomplete", "no record"),
    f"{ACCESS}-plan": {"next": "done", "result.wouldStart": True, "item": "organization"},
    f"{ACCESS}-plan.resume": ("InvalidRequest", "no run 20261120T063000Z-9f86d081 to resume"),
    f"{ACCESS}-start": ("Incomplete", "no record"),
    f"{ACCESS}-status": ("Incomplete", "no record"),
    f"{ACCESS}-collect": ("Incomplete", "no record"),
    f"{ACCESS}-gather": ("Incomplete", "no record"),
    f"{GENERATION}-plan": {"next": "done", "result.wouldStart": True, "item": "some-principals"},
    f"{GENERATION}-plan.principal": {"next": "done", "result.wouldStart": True, "item": "some-principals"},
    f"{GENERATION}-plan.without-trail": {"next": "done", "result.wouldStart": True, "item": "organization"},
    f"{GENERATION}-plan.resume": ("InvalidRequest", "no run 20261120T063000Z-9f86d081 to resume"),
    f"{GENERATION}-start": ("Incomplete", "no record"),
    f"{GENERATION}-status": ("Incomplete", "no record"),
    f"{GENERATION}-collect": ("Incomplete", "no record"),
    f"{GENERATION}-gather": ("Incomplete", "no record"),
    # Before events that begin a run, which stays open, for nobody goes on with it.
    "sweep": {"seen": 0, "closed": 0, "left": 0},
    f"{ACCOUNTS}-plan": {"next": "done", "result.wouldStart": True},
    f"{ACCOUNTS}-plan.accounts-key": ("InvalidRequest", "requests/"),
    f"{ACCOUNTS}-plan.resume": ("InvalidRequest", "no run 20261120T063000Z-9f86d081 to resume"),
    f"{ACCOUNTS}-start": ("Incomplete", "no record"),
    f"{ACCOUNTS}-status": ("Incomplete", "no record"),
    f"{ACCOUNTS}-gather": ("Incomplete", "no record"),
    f"{FINDINGS}-evaluate": {"next": "done", "result.wouldStart": True, "item": "r-ab12"},
    f"{FINDINGS}-evaluate.none": {"next": "done", "result.wouldStart": True, "item": "organization"},
    f"{FINDINGS}-evaluate.resume": ("InvalidRequest", "no run 20261120T063000Z-9f86d081 to resume"),
    f"{FINDINGS}-publish": ("Incomplete", "no record"),
}
# The kinds that plan changes are asked for the same in the same words.
for kind in (SETUP, POLICIES):
    EXPECTED |= {
        f"{kind}-plan": {"next": "done", "item": "organization"},
        f"{kind}-plan.desired-key": ("InvalidRequest", "no object requests/desired.json"),
        f"{kind}-plan.apply": ("InvalidRequest", "run 20261120T063000Z-9f86d081 has made no plan"),
        f"{kind}-plan.rollback": ("InvalidRequest", "no run 20261120T063000Z-9f86d081 that makes changes"),
        f"{kind}-plan.resume": ("InvalidRequest", "no run 20261120T063000Z-9f86d081 to resume"),
        f"{kind}-apply": ("Incomplete", "no record"),
        f"{kind}-verify": ("Incomplete", "no record"),
    }
EXPECTED[f"{POLICIES}-plan.waves"] = ("InvalidRequest", "ou-ab12-c3d4e5f6")


@contextlib.contextmanager
def running(command, **options):
    """A process in a group of its own, which is ended as a whole."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Emulator:
    def __init__(self, port):
        self._where = ["--invoke-address", "127.0.0.1", "--invoke-port", str(port)]

    def invoke(self, binary, *payload):
        """What the function answers; or the text of its error, as cargo-lambda shows it."""
        command = ["cargo-lambda", "lambda", "invoke", *self._where, binary, *payload]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode == 0:
            return json.loads(done.stdout)
        # Lines are broken to the terminal's width, within words too where there is a hyphen.
        said = re.sub(r"\s*\n\s*[│×]?\s*", " ", done.stderr)
        return re.sub(r"(?<=\w)- (?=\w)", "-", said)

    def ticket(self, step, ticket, kind=KIND):
        answer = self.invoke(f"{kind}-{step}", "--data-ascii", json.dumps({"ticket": ticket}))
        assert isinstance(answer, dict), f"{kind}-{step}: {answer}"
        return answer


def member(answer, path):
    for name in path.split("."):
        answer = answer[name]
    return answer


def check_events(emulator):
    names = sorted(path.stem for path in EVENTS.glob("*.json"))
    assert names == sorted(EXPECTED), f"the events are {names}"
    for name in EXPECTED:
        binary = name.split(".")[0]
        answer = emulator.invoke(binary, "--data-file", str(EVENTS / f"{name}.json"))
        if isinstance(EXPECTED[name], dict):
            assert isinstance(answer, dict), f"{name}: {answer}"
            found = {path: member(answer, path) for path in EXPECTED[name]}
            assert found == EXPECTED[name], f"{name}: {answer}"
            shown = ", ".join(f"{path} {value}" for path, value in found.items())
        else:
            error, text = EXPECTED[name]
            assert f"Error: {error}" in answer and text in answer, f"{name}: {answer}"
            shown = f"{error}: {text}"
        print(f"{name:<46} {shown}")


def check_job(emulator):
    """A whole job: what each step answers is what the next one is invoked with."""
    # Runs that the events have begun, which nobody goes on with.
    open_before = emulator.invoke("sweep", "--data-ascii", "{}")["seen"]
    ticket = emulator.ticket("start", {"request": {"tags": {"team": "platform"}}})
    polls = 0
    while ticket["next"] == "poll":
        polls += 1
        assert polls < 100, ticket
        # An hour of the simulation passes in a minute.
        time.sleep(ticket["pollAfterSeconds"] / 60)
        ticket = emulator.ticket("status", ticket)
    assert ticket["next"] == "collect" and polls > 0, ticket
    ticket = emulator.ticket("parse", ticket)
    assert ticket["next"] == "done" and ticket["result"]["rows"] == 40 * 3 * 10, ticket
    again = emulator.ticket("cancel", ticket)
    assert again["next"] == "done", f"a run that has succeeded stays so: {again}"
    swept = emulator.invoke("sweep", "--data-ascii", "{}")
    assert swept["seen"] == open_before, swept
    print(f"a job step by step: {polls} polls, {ticket['result']['rows']} rows")


def check_lanes(emulator, store, kind, steps, ends):
    """A whole run with lanes: the part of Step Functions' Distributed Map is played here."""
    # Runs that the events have begun, which nobody goes on with.
    open_before = emulator.invoke("sweep", "--data-ascii", "{}")["seen"]
    plan = emulator.ticket("plan", {"request": {}}, kind)
    turns = 0
    while plan["next"] == "lanes":
        listed = json.loads((store / plan["lanes"]["key"]).read_text())
        for lane in listed:
            lane["ticket"] = {"run": plan, "lane": dict(lane)}
            lane["next"] = "start"
        # In turns, for some lanes wait until others are done.
        while open_lanes := [lane for lane in listed if lane["next"] != "done"]:
            for lane in open_lanes:
                turns += 1
                assert turns < 200, lane
                lane["ticket"] = emulator.ticket(steps[lane["next"]], lane["ticket"], kind)
                lane["next"] = lane["ticket"]["next"]
                time.sleep(lane["ticket"]["pollAfterSeconds"] / 60)
        plan = emulator.ticket("gather", plan, kind)
    assert plan["next"] == "done", plan
    items = plan["result"]["items"]
    assert set(items) <= ends, plan["result"]
    swept = emulator.invoke("sweep", "--data-ascii", "{}")
    assert swept["seen"] == open_before, swept
    print(f"{kind} step by step: {turns} turns of lanes, items {items}")
    return plan["result"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        environment = pathlib.Path(folder, "env")
        up = [os.environ["MUSTER_BIN"], "up", "--port", "0", "--out", f"{folder}/out", "--env-file", environment]
        up += ["--report-minutes", "2", "--accounts", "40", "--regions", "3"]
        with running(up, stdout=subprocess.PIPE, text=True) as server:
            for line in server.stdout:
                if "Ctrl-C" in line:
                    break
            else:
                raise SystemExit(f"muster up ended with {server.wait()}")
            environment.write_text(environment.read_text() + BUCKETS)
            port, log = free_port(), pathlib.Path(folder, "watch")
            watch = ["cargo-lambda", "lambda", "watch", "--ignore-changes", "--env-file", environment]
            watch += ["--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
            with log.open("w") as out, running(watch, stdout=out, stderr=out):
                for _ in range(100):
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                        break
                    time.sleep(0.1)
                else:
                    raise SystemExit(log.read_text())
                emulator = Emulator(port)
                try:
                    check_events(emulator)
                    check_job(emulator)
                    [store] = pathlib.Path(folder, "out").glob("muster-bucket-*")
                    read = dict.fromkeys(["start", "wait", "poll", "collect"], "read")
                    inventory = check_lanes(emulator, store, INVENTORY, read, {"succeeded", "skipped"})
                    assert inventory["accounts"] == 40 and inventory["complete"], inventory
                    steps = {"start": "start", "wait": "start", "poll": "status", "collect": "collect"}
                    # The role that orders reports trusts the functions' own roles, and nobody who
                    # runs them with credentials of his own: no report is had, and the run says so.
                    access = check_lanes(emulator, store, ACCESS, steps, {"failed"})
                    denied = access["gaps"]["reports could not be had: Denied"]
                    assert denied == access["expectedItems"] > 0 and not access["complete"], access
                    # And so do the members' roles: every account is left out, and counted as missing.
                    generated = check_lanes(emulator, store, GENERATION, steps, {"skipped"})
                    denied = generated["gaps"]["accounts that could not be read: Denied"]
                    assert denied == generated["accounts"] == 39 and not generated["complete"], generated
                except BaseException:
                    print(log.read_text())
                    raise
            compiled = re.findall(r"Compiling (\S+)", log.read_text())
            print(f"compiled by cargo-lambda: {compiled or 'nothing'}")


main()
