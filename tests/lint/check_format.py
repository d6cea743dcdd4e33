#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The sources are formatted as .clang-format says.

usage: check_format.py ROOT

Skipped (exit status 77) without clang-format 14: other versions format differently.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import sources

VERSION = "14"
SKIPPED = 77


def find_formatter():
    """A clang-format of the version that the sources were formatted with, or None."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        program = shutil.which(name)
        if program:
            said = subprocess.check_output([program, "--version"], text=True)
            if re.search(rf"version {VERSION}\.", said):
                return program
    return None


def tracked(root):
    """Sources that git knows, so that a draft beside them does not count; without git, all."""
    paths = sources.find(root, sources.SOURCE_FOLDERS)
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, check=False,
    )
    known = set(listed.stdout.split("\0"))
    return [path for path in paths if listed.returncode or str(path) in known]


def check(root, formatter):
    """The formatter's own report, or "" when all is well."""
    paths = [str(pathlib.Path(root) / path) for path in tracked(root)]
    if not paths:
        return "no C source found\n"
    done = subprocess.run(
        [formatter, "--dry-run", "-Werror", "--style=file", *paths],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    return done.stdout if done.returncode else ""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    formatter = find_formatter()
    if not formatter:
        print(f"no clang-format {VERSION}")
        return SKIPPED
    found = check(sys.argv[1], formatter)
    print(found, end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
