#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""House rules that are cheap to check.

usage: check_style.py ROOT
"""

import pathlib
import re
import sys

import sources

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */"
# What is compiled into the kernel's program has to be offered under the kernel's licence too.
SPDX_KERNEL = "/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */"
COLUMNS_MAX = 100
SOURCE_LINES_MAX = 500
HEADER_LINES_MAX = 250
FUNCTION_LINES_MAX = 60
FOLDER_FILES_MAX = 30

# Library code never prints and never ends the process.  _exit stays allowed: a child
# between fork and exec has no other way to end.
PRINTS = re.compile(
    r"\b(?:(?:v?printf|puts|putchar|perror|psignal|exit|quick_exit|abort|v?errx?|v?warnx?)\s*\("
    r"|(?:stdout|stderr)\b)"
)
UNFINISHED = re.compile(r"\b(?:TODO|FIXME)\b")
DECLARED = re.compile(r"[.>]\s*$")  # a member called `exit` is no function of the C library


def may_print(path):
    """Commands print; tests and examples are programs."""
    return path.parts[0] in ("tests", "examples", "cli")


def check_lines(path, text):
    if not text.startswith((SPDX + "\n", SPDX_KERNEL + "\n")):
        yield 1, f"the first line is not '{SPDX}'"
    for number, line in sources.numbered(text):
        if len(line.expandtabs(8)) > COLUMNS_MAX:
            yield number, f"more than {COLUMNS_MAX} columns"
        unfinished = UNFINISHED.search(line)
        if unfinished:
            yield number, f"{unfinished[0]} left in"
    for number in sources.line_comments(text):
        yield number, "a // comment"
    limit = HEADER_LINES_MAX if path.suffix == ".h" else SOURCE_LINES_MAX
    if text.count("\n") > limit:
        yield limit + 1, f"more than {limit} lines"


def check_functions(code):
    """In formatted code a brace in the first column opens or closes a function."""
    opened = None
    for number, line in sources.numbered(code):
        if line.startswith("{"):
            opened = number
        elif line.startswith("}") and opened:
            if number - opened + 1 > FUNCTION_LINES_MAX:
                yield opened, f"a function of more than {FUNCTION_LINES_MAX} lines"
            opened = None


def check_calls(path, code):
    if may_print(path):
        return
    for number, line in sources.numbered(code):
        for found in PRINTS.finditer(line):
            if not DECLARED.search(line[: found.start()]):
                yield number, f"'{found[0].rstrip(' (')}' in library code"


def check_file(path, text):
    code = sources.code_only(text)
    yield from check_lines(path, text)
    yield from check_functions(code)
    yield from check_calls(path, code)


def check_folders(root, paths):
    """Everything in a folder with sources counts, what is in folders of it does not."""
    for folder in sorted({path.parent for path in paths}):
        n_files = sum(entry.is_file() for entry in (pathlib.Path(root) / folder).iterdir())
        if n_files > FOLDER_FILES_MAX:
            yield f"{folder}: {n_files} files, more than {FOLDER_FILES_MAX}"


def check(root):
    paths = sources.find(root, sources.SOURCE_FOLDERS)
    return list(check_folders(root, paths)) + [
        f"{path}:{number}: {problem}"
        for path in paths
        for number, problem in sorted(check_file(path, sources.read(root, path)))
    ]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(sources.report(check(sys.argv[1])))
