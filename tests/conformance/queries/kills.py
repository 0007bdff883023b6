"""Runs that die at their calls: what they leave below tables/, as DuckDB reads it.

A run dies at its n-th call when every function crashes there, and again whenever it is repeated; or when
its execution is stopped there. That is tried at one call in STEP, and at every one of those that publish. Before a run has committed to its result, nothing of it lies below tables/;
after that and before its row in `runs`, the views show nothing of it; with its row, all of it is there.
"""

import itertools
import json
import os
import shutil
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local import INVENTORY, REPORT, catalog, connect, equal, muster

CRASH, STOP = "crash-before@*#{call}*1000000", "stop-after@*#{call}"
# Lanes work side by side, so which call is the n-th differs from run to run. This one is always the
# first after a run has committed.
FIRST_COPY = "crash-before@s3:CopyObject#1*1000000"
SIZE = ["--accounts", "10", "--regions", "2", "--report-minutes", "3"]
STEP = 4
VIEWS = [name for name in catalog() if name.startswith("latest_")]
# So many calls a run has at least: with fewer, faults would not be met.
LEAST_CALLS = {REPORT: 40, INVENTORY: 100}


def files(out):
    return sorted(out.glob("*/tables/*/*/*.parquet"))


def state(out):
    """How far the run came, by its record."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*/runs/*/jobs/*.json")]
    equal(f"{out}: records", len(records) <= 1, True)
    if not records:
        return "not recorded"
    record = records[0]
    if record["phase"] == "collected" or (record["phase"] == "closed" and record["outcome"]["status"] == "succeeded"):
        return "committed"
    return record["phase"]


def look(out):
    """Reads the folder, and says what it shows."""
    reached = state(out)
    if not files(out):
        return reached
    equal(f"{out}: a run that left tables", reached, "committed")
    connection = connect(out)
    published = {run for (run,) in connection.execute("SELECT run_id FROM runs").fetchall()}
    for view in VIEWS:
        shown = {run for (run,) in connection.execute(f"SELECT DISTINCT run_id FROM {view}").fetchall()}
        equal(f"{out}: runs in {view} that have no row in runs", shown - published, set())
    if not published:
        return "being published"
    # The manifest was written before the row: all that it lists is there, whole.
    (manifest,) = out.glob("*/runs/*/manifest.json")
    listed = {file["key"]: file["rows"] for file in json.loads(manifest.read_text(encoding="utf-8"))["files"]}
    bucket = manifest.parents[2]
    equal(f"{out}: files", [str(path.relative_to(bucket)) for path in files(out)], sorted(listed))
    for key, count in listed.items():
        (found,) = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(bucket / key)]).fetchone()
        equal(f"{key}: rows", found, count)
    return "published"


def kill(kind, fault, out):
    """What a run left, and whether it succeeded all the same."""
    ended = muster(kind, out, *SIZE, "--fault", fault, succeeds=False)
    seen = look(out)
    shutil.rmtree(out)
    if ended.returncode == 0:
        equal(f"{kind}, {fault}: what a run that succeeded left", seen, "published")
    return seen, ended.returncode == 0


def kills(kind, fault, out, pool, step):
    """What runs left that were killed at one call in `step`, by call; runs that met no fault end it."""
    left = {}
    for first in itertools.count(1, 8 * step):
        calls = range(first, first + 8 * step, step)
        runs = [pool.submit(kill, kind, fault.format(call=call), out / f"{kind}-{call}") for call in calls]
        ended = {call: run.result() for call, run in zip(calls, runs)}
        left.update((call, seen) for call, (seen, succeeded) in ended.items() if not succeeded)
        if all(succeeded for _, succeeded in ended.values()):
            equal(f"{kind}, {fault}: a run has calls enough to be one", first > LEAST_CALLS[kind], True)
            return left


def publication(kind, out, pool, left):
    """Kills at every call from the last that was made before a run had committed, to the end."""
    before = max(call for call, seen in left.items() if seen not in ("committed", "being published", "published"))
    calls = range(before + 1, max(left) + STEP)
    runs = {call: pool.submit(kill, kind, CRASH.format(call=call), out / f"{kind}-{call}") for call in calls}
    runs["the first copy"] = pool.submit(kill, kind, FIRST_COPY, out / f"{kind}-copy")
    return {call: run.result()[0] for call, run in runs.items()}


def main():
    out = Path(sys.argv[1])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for kind in [REPORT, INVENTORY]:
            left = kills(kind, CRASH, out, pool, STEP)
            left |= publication(kind, out, pool, left)
            # Or nothing was tested: some died before they had committed, while they published, and after.
            for reached in ["started", "committed", "being published", "published"]:
                equal(f"{kind}, crashed: some were {reached}", reached in left.values(), True)
            print(f"{kind}: crashed at {len(left)} calls: {dict(Counter(left.values()))}")
            left = kills(kind, STOP, out, pool, 2 * STEP)
            print(f"{kind}: stopped at {len(left)} calls: {dict(Counter(left.values()))}")


main()
