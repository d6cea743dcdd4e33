# SPDX-License-Identifier: Apache-2.0
"""Compare the JSON Schema of scenarios, or of rules, with the loader's test cases.

usage: scenario_schema.py SCHEMA CASES SHIPPED...

Every file that is SHIPPED and every case in CASES/valid has to validate.  No case in
CASES/invalid may, unless a file `schema-accepts` beside it says why a schema
cannot tell, or it is no JSON at all.
"""

import json
import pathlib
import sys

import jsonschema


def unique(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("duplicated key")
    return dict(pairs)


def parse(path):
    return json.loads(path.read_bytes().decode(), object_pairs_hook=unique)


def main():
    schema_path, cases, *shipped = map(pathlib.Path, sys.argv[1:])
    schema = parse(schema_path)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    valid = sorted(cases.glob("valid/*/input.json"))
    invalid = sorted(cases.glob("invalid/*/input.json"))
    wrong = []

    for path in [*shipped, *valid]:
        for error in validator.iter_errors(parse(path)):
            wrong.append(f"{path}: {error.json_path}: {error.message}")
    for path in invalid:
        try:
            accepted = validator.is_valid(parse(path))
        except (ValueError, RecursionError):
            continue
        if accepted != (path.parent / "schema-accepts").exists():
            wrong.append(f"{path}: the schema {'accepts' if accepted else 'refuses'} this")

    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(shipped)} shipped, {len(valid)} valid and {len(invalid)} invalid cases, "
          f"{len(wrong)} wrong")
    return 1 if wrong or not (shipped and valid and invalid) else 0


if __name__ == "__main__":
    sys.exit(main())
