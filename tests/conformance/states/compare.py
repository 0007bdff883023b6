"""Compares the traces of two interpreters; exits with 1 at a difference."""

import itertools
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
        # The other one may tell less.
        trace = {line: trace[line] for line in other}
        lines = [line for line in other if line != "end"]
        if trace == other:
            steps = sum(len(trace[line]) for line in lines)
            print(f"same: {name} ({steps} steps, {trace['end']['status']})")
            continue
        different += 1
        print(f"DIFFERENT: {name}")
        for line in lines:
            for index, pair in enumerate(itertools.zip_longest(trace[line], other[line])):
                if pair[0] != pair[1]:
                    ours_step, theirs_step = (json.dumps(step) for step in pair)
                    print(f"  {line} {index + 1}\n    ours   {ours_step}\n    theirs {theirs_step}")
                    break
        if trace["end"] != other["end"]:
            print(f"  end\n    ours   {json.dumps(trace['end'])}\n    theirs {json.dumps(other['end'])}")
    print(f"{len(ours)} scenarios, {different} different")
    sys.exit(1 if different else 0)


main(*sys.argv[1:])
