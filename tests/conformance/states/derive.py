"""Takes the machine of runs with lanes apart, for an interpreter without distributed Maps.

    derive.py DEFINITION FOLDER

Writes to the folder:

    lane.asl.json   what a lane's execution runs: the Map's processor, as a machine of its own
    outer.asl.json  the run around it: the Map is a Task of LanesFunction that is passed what the Map
                    reads from its input, with the Map's Retry, Catch and ResultPath; what has to
                    come first is a Task of PrepareFunction, with all that the nested execution has
    whole.asl.json  both, with the Map inline over the list $.Payload.lanes.items of the plan's answer
"""

import copy
import json
import pathlib
import sys

MAP = "Lanes"
NESTED = "Prepare"


def lane(machine):
    processor = copy.deepcopy(machine["States"][MAP]["ItemProcessor"])
    del processor["ProcessorConfig"]
    return processor


def without_nesting(machine):
    machine = copy.deepcopy(machine)
    state = machine["States"][NESTED]
    state["Resource"] = machine["States"]["Plan"]["Resource"]
    state["Parameters"] = {"FunctionName": "PrepareFunction", "Payload": state["Parameters"]}
    return machine


def outer(machine):
    machine = without_nesting(machine)
    state = machine["States"][MAP]
    kept = {name: state[name] for name in ("ResultPath", "Retry", "Catch", "Next")}
    payload = state["ItemReader"]["Parameters"] | {"MaxConcurrency.$": state["MaxConcurrencyPath"]}
    machine["States"][MAP] = {
        "Type": "Task",
        "Resource": machine["States"]["Plan"]["Resource"],
        "Parameters": {"FunctionName": "LanesFunction", "Payload": payload},
    } | kept
    return machine


def whole(machine):
    machine = without_nesting(machine)
    state = machine["States"][MAP]
    for name in ("ItemReader", "Label", "ToleratedFailurePercentage"):
        del state[name]
    state["ItemsPath"] = "$.Payload.lanes.items"
    state["ItemProcessor"] = lane({"States": {MAP: state}})
    return machine


def main(definition, folder):
    machine = json.loads(pathlib.Path(definition).read_text(encoding="utf-8"))
    for derive in (lane, outer, whole):
        target = pathlib.Path(folder) / f"{derive.__name__}.asl.json"
        target.write_text(json.dumps(derive(machine), indent=2), encoding="utf-8")


main(*sys.argv[1:])
