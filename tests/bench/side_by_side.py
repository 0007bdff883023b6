"""Runs Muster's reader and Polars alternately on each file of a folder, and compares them."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

THREADS = "2"
# File, layout for Polars, and the most MiB that Muster may use.
FILES = [("wide", "wide", 32), ("shuffled", "wide", 64), ("distinct", "wide", 64), ("long", "long", 128)]
# How many times faster than Polars, on the plain file.
FASTER = 4.0


def run(command):
    """What the program says, and the most MiB it had, as the system counts it."""
    environment = {**os.environ, "POLARS_MAX_THREADS": THREADS}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command} ended with {process.returncode}")
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return {**json.loads(said), "peakMiB": usage.ru_maxrss / unit}


def met(condition):
    return "met" if condition else "MISSED"


def main():
    measure, folder, runs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    polars = Path(__file__).with_name("polars_report.py")
    missed = False
    print(f"{runs} runs of each, alternately, after one that does not count; Polars with {THREADS} threads")
    print(f"{'file':9} {'MB':>6} {'rows':>9}  {'Muster':>8} {'Polars':>8} {'ratio':>7}  {'Muster':>10} {'Polars':>10}  targets")
    for name, layout, most in FILES:
        csv, table = folder / f"{name}.csv", folder / "table.parquet"
        ours, theirs = [], []
        for number in range(runs + 1):
            pair = run([measure, "read", csv, table]), run([sys.executable, polars, csv, table, layout])
            if pair[0]["rows"] != pair[1]["rows"]:
                sys.exit(f"{name}: {pair[0]['rows']} rows, and {pair[1]['rows']} in Polars")
            if number > 0:
                ours.append(pair[0])
                theirs.append(pair[1])
        seconds = [statistics.median(it["seconds"] for it in all) for all in (ours, theirs)]
        peak = [max(it["peakMiB"] for it in all) for all in (ours, theirs)]
        ratio = seconds[1] / seconds[0]
        targets = f"at most {most} MiB: {met(peak[0] <= most)}"
        if name == "wide":
            targets = f"at least {FASTER:.0f} times faster: {met(ratio >= FASTER)}; {targets}"
        missed |= peak[0] > most
        print(
            f"{name:9} {csv.stat().st_size / 1e6:6.0f} {ours[0]['rows']:9}  {seconds[0]:6.2f} s {seconds[1]:6.2f} s {ratio:6.1f}x"
            f"  {peak[0]:6.1f} MiB {peak[1]:6.0f} MiB  {targets}",
            flush=True,
        )
    if missed:
        sys.exit("more memory was used than the target allows")


main()
