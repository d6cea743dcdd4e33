# SPDX-License-Identifier: Apache-2.0
"""The product as a graph: which module includes, and which calls, which other.

A module is a source file together with its header.  Calls are those that the linker sees: what
one object file of the build defines and another one needs.
"""

import json
import pathlib
import re
import subprocess

import sources

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)
DEFINED = "TDBRVWC"  # what nm writes beside a global name that the object has


def module_of(path):
    """'bus/engine/pool' for its source, its header and its program for the kernel."""
    return re.sub(r"(\.bpf)?\.[ch]$", "", str(path))


def folder_of(module):
    return str(pathlib.PurePath(module).parent)


class Symbols:
    """Global names of the product's object files."""

    def __init__(self, root, build):
        root = pathlib.Path(root).resolve()
        objects = {}
        commands = json.loads((pathlib.Path(build) / "compile_commands.json").read_text("utf-8"))
        for entry in commands:
            source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
            output = pathlib.Path(entry["directory"]) / entry["output"]
            if not source.is_relative_to(root) or not output.is_file():
                continue
            path = source.relative_to(root)
            if path.parts[0] in sources.LIBRARY_FOLDERS:
                objects[str(output)] = str(path)
        self.owner = {}  # name: the file that defines it
        self.users = {}  # name: the files that need it
        self._read(objects)

    def _read(self, objects):
        if not objects:
            return
        listing = subprocess.run(
            ["nm", "-A", "-g", *objects], check=True, capture_output=True, text=True
        ).stdout
        for line in listing.splitlines():
            place, rest = line.split(":", 1)
            kind, name = rest.split()[-2:]
            if kind in DEFINED:
                self.owner[name] = objects[place]
            elif kind == "U":
                self.users.setdefault(name, set()).add(objects[place])


def add(arrows, start, end, why):
    if start != end:
        arrows.setdefault(start, {}).setdefault(end, set()).add(why)


def module_arrows(root, symbols):
    """{module: {module that it needs: why}}; why is 'include' or the name of what is called."""
    arrows = {}
    for path in sources.find(root, sources.LIBRARY_FOLDERS):
        text = sources.without_comments(sources.read(root, path))
        for target in INCLUDE.findall(text):
            target = f"include/{target}" if target.startswith("strandline/") else target
            if (pathlib.Path(root) / target).is_file():
                add(arrows, module_of(path), module_of(target), "include")
    for name, users in symbols.users.items():
        for user in users if name in symbols.owner else ():
            add(arrows, module_of(user), module_of(symbols.owner[name]), name)
    return arrows


def folder_arrows(arrows):
    """The same between folders; why names the modules."""
    folders = {}
    for start, ends in arrows.items():
        for end in ends:
            add(folders, folder_of(start), folder_of(end), f"{start} -> {end}")
    return folders


def reachable(arrows, start):
    seen, todo = set(), [start]
    while todo:
        for end in arrows.get(todo.pop(), ()):
            if end not in seen:
                seen.add(end)
                todo.append(end)
    return seen


def shortest_circle(arrows, start):
    """The nodes of a shortest way from start back to it, or None."""
    ways = [[start]]
    seen = set()
    for way in ways:  # grows meanwhile: breadth first
        for end in sorted(arrows.get(way[-1], ())):
            if end == start:
                return way
            if end not in seen:
                seen.add(end)
                ways.append(way + [end])
    return None


def circles(arrows):
    """One shortest circle for each knot: nodes that all reach each other."""
    found, done = [], set()
    for node in sorted(arrows):
        if node in done or node not in (reach := reachable(arrows, node)):
            continue
        knot = {other for other in reach if node in reachable(arrows, other)}
        done |= knot
        found.append(min((shortest_circle(arrows, other) for other in sorted(knot)), key=len))
    return found
