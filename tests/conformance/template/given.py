"""Prints a template whose parameters have the given values by default, for linters that look at defaults.

    given.py TEMPLATE PARAMETERS
"""

import json
import pathlib
import re
import sys


def main(template_path, parameters_path):
    template = pathlib.Path(template_path).read_text(encoding="utf-8")
    for given in json.loads(pathlib.Path(parameters_path).read_text(encoding="utf-8")):
        name, value = given["ParameterKey"], json.dumps(given["ParameterValue"])
        declared = re.compile(rf"(?m)(^  {name}:\n    Type: [A-Za-z]+\n    Default: ).*$")
        template, found = declared.subn(lambda match, value=value: match[1] + value, template)
        if found != 1:
            sys.exit(f"{template_path} has no parameter {name} with a default")
    print(template, end="")


main(*sys.argv[1:])
