#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""No circle of modules and none of folders, over includes and calls.

usage: check_circles.py ROOT BUILD

Needs the object files of a finished build.
"""

import sys

import sources
import structure


def describe(arrows, circle):
    steps = []
    for start, end in zip(circle, circle[1:] + circle[:1]):
        why = sorted(arrows[start][end])
        steps.append(f"{start} -> {end} ({', '.join(why[:3])}{', ...' if len(why) > 3 else ''})")
    return "; ".join(steps)


def check(root, build):
    symbols = structure.Symbols(root, build)
    if not symbols.owner:
        return [f"{build}: no object files of the product; build first"]
    modules = structure.module_arrows(root, symbols)
    folders = structure.folder_arrows(modules)
    return [
        f"circle of {what}: {describe(arrows, circle)}"
        for what, arrows in (("modules", modules), ("folders", folders))
        for circle in structure.circles(arrows)
    ]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(sources.report(check(sys.argv[1], sys.argv[2])))
