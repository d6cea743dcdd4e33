# SPDX-License-Identifier: Apache-2.0
"""The stacks of a process as others see them: {tid: [pc, ...]}, innermost frame first.

Both stop the threads, so they are asked after the snapshot that is to be judged.  Where the
leader has exited they need the id of another thread; gdb then sees that thread alone.
"""

import pathlib
import re
import shutil
import subprocess

import process

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 60


def output(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.decode("utf-8", "replace")


def eu_stack(pid):
    stacks, tid = {}, None
    for line in output(["eu-stack", "-q", "-n", "0", "-p", str(process.live_task(pid))]).splitlines():
        if match := re.fullmatch(r"TID (\d+):", line):
            tid = int(match[1])
            stacks[tid] = []
        elif tid is not None and (match := re.match(r"#\d+ +0x([0-9a-f]+)", line)):
            stacks[tid].append(int(match[1], 16))
    return stacks


def gdb(pid):
    command = ["gdb", "-nx", "-batch", "-iex", "set auto-load off",
               "-iex", "set debuginfod enabled off", "-p", str(process.live_task(pid)),
               "-x", str(HERE / "gdb_stacks.py")]
    stacks = {}
    for line in output(command).splitlines():
        if line.startswith("STACK "):
            _, tid, *pcs = line.split()
            stacks[int(tid)] = [int(pc, 16) for pc in pcs]
    return stacks


ORACLES = {"eu-stack": eu_stack, "gdb": gdb}


def usable():
    """The oracles that are installed, and permitted to look: {name: function}."""
    with process.running(["sleep", "100"]) as child:
        process.await_quiet(child.pid)
        return {name: ask for name, ask in ORACLES.items()
                if shutil.which(name) and len(ask(child.pid).get(child.pid, [])) > 2}


def version(name):
    return output([name, "--version"]).splitlines()[0]
