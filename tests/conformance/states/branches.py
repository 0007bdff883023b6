"""Takes the machine of runs of findings apart, so that what it does has one order.

    branches.py DEFINITION FOLDER

Writes to the folder:

    governance.asl.json       the run around its branches: the Parallel is a Task of RefreshFunction
    report.asl.json           its branches, each as a machine of its own; a run that comes first is a Task
    inventory.asl.json        of RunFunction, with all that the nested execution has, and a Parallel within
    access-report.asl.json    a branch is a Task of DependentsFunction
    generation.asl.json
"""

import copy
import json
import pathlib
import sys

OUTER, INNER = "Refresh", "WhatNeedsAnInventory"
BRANCHES = {"report": (OUTER, 0), "inventory": (OUTER, 1)}
WITHIN = {"access-report": 0, "generation": 1}


def invoked(state, resource, function, payload):
    """The state as a Task that invokes a function."""
    kept = {name: state[name] for name in ("ResultPath", "Retry", "Catch", "Next", "End") if name in state}
    return {"Type": "Task", "Resource": resource, "Parameters": {"FunctionName": function, "Payload": payload}} | kept


def flat(machine, resource):
    machine = copy.deepcopy(machine)
    for name, state in machine["States"].items():
        if state["Type"] == "Parallel":
            function = "RefreshFunction" if name == OUTER else "DependentsFunction"
            machine["States"][name] = invoked(state, resource, function, {"ticket.$": "$.Payload"})
        elif state["Type"] == "Task" and state["Resource"] != resource:
            machine["States"][name] = invoked(state, resource, "RunFunction", state["Parameters"])
    return machine


def main(definition, folder):
    machine = json.loads(pathlib.Path(definition).read_text(encoding="utf-8"))
    resource = machine["States"]["Plan"]["Resource"]
    parts = {"governance": machine}
    for name, (state, at) in BRANCHES.items():
        parts[name] = machine["States"][state]["Branches"][at]
    for name, at in WITHIN.items():
        parts[name] = parts["inventory"]["States"][INNER]["Branches"][at]
    for name, part in parts.items():
        target = pathlib.Path(folder) / f"{name}.asl.json"
        target.write_text(json.dumps(flat(part, resource), indent=2), encoding="utf-8")


main(*sys.argv[1:])
