#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Libraries define for others what their list says, and the headers declare just that.

usage: check_symbols.py ROOT {LIST LIBRARY...}...

A list, LIST.symbols, has one name a line; # begins a comment.  Its libraries, shared and static,
define exactly these.  What SL_API marks in include/strandline stands in one of the lists, but for
what a driver defines.
"""

import pathlib
import re
import subprocess
import sys

import sources

PUBLIC = "include/strandline"
DRIVERS = {"strandline_driver"}
DECLARATION = re.compile(r"^SL_API\b[^;]*?\b(\w+)\(", re.MULTILINE)


def read_list(path):
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line}


def defined(library):
    """Names that others can link to."""
    kind = "-g" if library.suffix == ".a" else "-D"
    output = subprocess.run(
        ["nm", "--defined-only", "--format=posix", kind, library],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout
    return {line.split()[0] for line in output.splitlines() if len(line.split()) > 1}


def declared(root):
    for path in sources.find(root, (PUBLIC,)):
        text = sources.without_comments(sources.read(root, path))
        yield from ((path, name) for name in DECLARATION.findall(text))


def check(root, arguments):
    problems, listed, names = [], set(), set()
    for path in map(pathlib.Path, arguments):
        if path.suffix == ".symbols":
            names = read_list(path)
            listed |= names
            continue
        found = defined(path)
        problems += [f"{path.name}:1: defines {name}, which is not in its list"
                     for name in sorted(found - names)]
        problems += [f"{path.name}:1: does not define {name}, which is in its list"
                     for name in sorted(names - found)]
    problems += [f"{path}:1: {name} is in no list of symbols"
                 for path, name in declared(root) if name not in listed | DRIVERS]
    return problems


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(sources.report(check(sys.argv[1], sys.argv[2:])))
