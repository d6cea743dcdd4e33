#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Names that leave a file tell where they come from.

usage: check_names.py ROOT BUILD

A room is a folder with a library of its own, as bus/ or harness/snapshot/; its folders are its
wings.  What is public or used in another room begins with sl_ or bus_.  Any other name that
leaves its file begins so too, or with the file's name, the first words of it, or the wing's.
Needs the object files of a finished build.
"""

import pathlib
import sys

import sources
import structure

EVERYWHERE = ("sl_", "bus_")
# Wings whose name is not theirs to use: nats_ is the name space of the client library.
WINGS = {"bus/nats": "jetstream"}
PROGRAM = "main"


def room_of(path):
    parts = pathlib.PurePath(path).parts
    return "/".join(parts[:2]) if parts[0] == "harness" else parts[0]


def prefixes_of(path):
    """Of names that stay in the room."""
    path = pathlib.PurePath(path)
    words = pathlib.PurePath(structure.module_of(path)).name.split("_")
    firsts = tuple("_".join(words[: n + 1]) for n in range(len(words)))
    return firsts + (WINGS.get(str(path.parent), path.parent.name),)


def is_prefixed(name, prefixes):
    return any(name == prefix or name.startswith(prefix + "_") for prefix in prefixes)


def judge(name, owner, users):
    """What is wrong with a global name, or None."""
    if name.startswith(EVERYWHERE) or name == PROGRAM:
        return None
    strangers = sorted(user for user in users if room_of(user) != room_of(owner))
    if strangers:
        return f"'{name}' is used by {strangers[0]}, so it has to begin with sl_ or bus_"
    prefixes = prefixes_of(owner)
    if not is_prefixed(name, prefixes):
        return f"'{name}' begins with none of sl_, bus_, {'_, '.join(prefixes)}_"
    return None


def check(root, build):
    symbols = structure.Symbols(root, build)
    if not symbols.owner:
        return [f"{build}: no object files of the product; build first"]
    judged = (
        (owner, judge(name, owner, symbols.users.get(name, ())))
        for name, owner in sorted(symbols.owner.items(), key=lambda item: item[::-1])
    )
    return [f"{owner}:1: {problem}" for owner, problem in judged if problem]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(sources.report(check(sys.argv[1], sys.argv[2])))
