# SPDX-License-Identifier: Apache-2.0
"""Runs inside gdb: reads addresses from the file in $LINES_ADDRESSES, and writes for each one
`FRAMES` and a list of [function, file, line, inlined], innermost first, as JSON."""

import json
import os

import gdb


def frames_at(address):
    gdb.execute(f"set $pc = {address}")
    frames, frame = [], gdb.newest_frame()
    while frame is not None:
        place, inlined = frame.find_sal(), frame.type() == gdb.INLINE_FRAME
        frames.append([frame.name(), place.symtab.filename if place.symtab else None,
                       place.line, inlined])
        if not inlined:
            break
        frame = frame.older()
    return frames


with open(os.environ["LINES_ADDRESSES"], encoding="ascii") as addresses:
    for line in addresses:
        try:
            answer = frames_at(int(line, 16))
        except gdb.error:
            answer = []
        print("\nFRAMES " + json.dumps(answer))
gdb.execute("kill")
