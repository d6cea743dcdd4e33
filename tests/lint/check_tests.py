#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Every test on disk is built and run: compare tests/ with what meson configured.

usage: check_tests.py ROOT BUILD SUITE...

A file tests/SUITE/*.c has to be a source of a program that a configured test runs.
"""

import json
import pathlib
import sys

import sources


def load(build, name):
    return json.loads((build / "meson-info" / f"intro-{name}.json").read_text(encoding="utf-8"))


def tested_sources(build):
    """Sources of the programs that some test runs."""
    run = {argument for test in load(build, "tests") for argument in test["cmd"]}
    return {
        str(pathlib.Path(source).resolve())
        for target in load(build, "targets")
        if run.intersection(target["filename"])
        for group in target["target_sources"]
        for source in group.get("sources", [])
    }


def check(root, build, suites):
    root = pathlib.Path(root).resolve()
    tested = tested_sources(pathlib.Path(build))
    return [
        f"{path}:1: no test in tests/meson.build runs this file"
        for path in sources.find(root, [f"tests/{suite}" for suite in suites])
        if path.suffix == ".c" and str(root / path) not in tested
    ]


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(sources.report(check(sys.argv[1], sys.argv[2], sys.argv[3:])))
