#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Hold the sources to scripts/includes.allow: who may include whom.

usage: check_includes.py ROOT

The format of the rules is described at the top of that file.
"""

import pathlib
import re
import sys

import sources

RULES = "scripts/includes.allow"
FOLDERS = sources.LIBRARY_FOLDERS + ("examples",)
INCLUDE = re.compile(r"\s*#\s*include\b\s*(.*?)\s*$")
NAMED = re.compile(r'<([^>]+)>$|"([^"]+)"$')


class Rules:
    def __init__(self, text):
        self.folders = {}  # folder: what it may include
        self.lines = {}  # folder: the number of its line
        self.libraries = {}  # start of a third-party header: starts of the files that may
        self.system = []
        self.generated = []
        self.problems = []
        for number, line in sources.numbered(text):
            line = line.split("#")[0].strip()
            name, colon, rest = line.partition(":")
            values = rest.split()
            if not line:
                continue
            if not colon:
                self.problems.append(f"{RULES}:{number}: no colon in '{line}'")
            elif name == "system":
                self.system += values
            elif name == "generated":
                self.generated += values
            elif name.startswith("<"):
                self.libraries[name[1:]] = values
            else:
                self.folders[name] = values
                self.lines[name] = number

    def dead_lines(self, root):
        """Lines for, and with, what does not exist: rights that nobody has may not wait there."""
        for folder, values in self.folders.items():
            for name in [folder] + [value for value in values if value != "*"]:
                if not (root / name).exists():
                    yield f"{RULES}:{self.lines[folder]}: there is no {name}"

    def folder_of(self, path):
        """The innermost folder with a line of its own, or None."""
        for parent in pathlib.PurePath(path).parents:
            if str(parent) in self.folders:
                return str(parent)
        return None

    def judge_library(self, path, header):
        for start, users in self.libraries.items():
            if header.startswith(start):
                if any(str(path).startswith(user) for user in users):
                    return None
                return f"<{header}> is for {' '.join(users)} only"
        for name in self.system:
            if header == name or (name.endswith("/") and header.startswith(name)):
                return None
        return f"<{header}> is neither a system header nor a library's that {RULES} knows"

    def judge_own(self, path, target):
        """target is relative to the root and exists."""
        folder = self.folder_of(path)
        allowed = self.folders[folder]
        if self.folder_of(target) == folder or "*" in allowed:
            return None
        for name in allowed:
            if target == name or (not name.endswith(".h") and target.startswith(name + "/")):
                return None
        return f"{folder} may not include {target}"


def judge(root, rules, path, include):
    """What is wrong with the text behind #include, or None."""
    named = NAMED.match(include)
    if not named:
        return f"cannot tell what #include {include} includes"
    if named[1] and not named[1].startswith("strandline/"):
        return rules.judge_library(path, named[1])
    target = f"include/{named[1]}" if named[1] else named[2]
    if ".." in pathlib.PurePath(target).parts:
        return f'"{target}" leaves its folder; name it from the root'
    for made in rules.generated:  # found without its folder, next to what includes it
        if target == pathlib.PurePath(made).name:
            return rules.judge_own(path, made)
    if not (root / target).is_file():
        return f'"{target}" is no file below the root'
    return rules.judge_own(path, target)


def check(root):
    root = pathlib.Path(root)
    rules = Rules(sources.read(root, RULES))
    problems = rules.problems + list(rules.dead_lines(root))
    for path in sources.find(root, FOLDERS):
        if not rules.folder_of(path):
            problems.append(f"{path}:1: no line in {RULES} covers this folder")
            continue
        for number, line in sources.numbered(sources.without_comments(sources.read(root, path))):
            include = INCLUDE.match(line)
            problem = include and judge(root, rules, path, include[1])
            if problem:
                problems.append(f"{path}:{number}: {problem}")
    return problems


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(sources.report(check(sys.argv[1])))
