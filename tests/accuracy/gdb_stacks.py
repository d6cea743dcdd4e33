# SPDX-License-Identifier: Apache-2.0
"""Runs inside gdb: a line `STACK TID PC...` for each thread, innermost frame first."""

import gdb

# Frames that have no return address of their own.
NOT_PHYSICAL = (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME)
MAX_FRAMES = 5000


def stack(thread):
    thread.switch()
    pcs = []
    try:
        frame = gdb.newest_frame()
        while frame is not None and len(pcs) < MAX_FRAMES:
            if frame.type() not in NOT_PHYSICAL:
                pcs.append(frame.pc())
            frame = frame.older()
    except gdb.error:
        pass  # it could not go on: what it has is its answer
    return pcs


gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
gdb.execute("set backtrace limit unlimited")
for inferior_thread in gdb.selected_inferior().threads():
    addresses = " ".join(f"{pc:x}" for pc in stack(inferior_thread))
    print(f"\nSTACK {inferior_thread.ptid[1]} {addresses}")
