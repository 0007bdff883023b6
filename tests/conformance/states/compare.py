"""Compares the traces of two interpreters; exits with 1 at a difference."""

import json
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main(ours_path, theirs_path):
    ours, theirs = read(ours_path), read(theirs_path)
    if not ours or set(ours) != set(theirs):
        sys.exit(f"not the same scenarios: {list(ours)}, {list(theirs)}")
    different = 0
    for name, trace in ours.items():
        other = theirs[name]
        steps = len(trace["steps"])
        if trace == other:
            print(f"same: {name} ({steps} steps, {trace['end']['status']})")
            continue
        different += 1
        print(f"DIFFERENT: {name}")
        for index in range(max(steps, len(other["steps"]))):
            pair = [it["steps"][index] if index < len(it["steps"]) else None for it in (trace, other)]
            if pair[0] != pair[1]:
                print(f"  step {index + 1}\n    ours   {json.dumps(pair[0])}\n    theirs {json.dumps(pair[1])}")
                break
        if trace["end"] != other["end"]:
            print(f"  end\n    ours   {json.dumps(trace['end'])}\n    theirs {json.dumps(other['end'])}")
    print(f"{len(ours)} scenarios, {different} different")
    sys.exit(1 if different else 0)


main(*sys.argv[1:])
