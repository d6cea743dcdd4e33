# SPDX-License-Identifier: Apache-2.0
"""Programs under test: started here, watched until they are quiet, and ended here."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
QUIET_S = 3
QUIET_LOOKS = 3
STEP_S = 0.05
_libc = ctypes.CDLL(None, use_errno=True)


def _tasks(pid):
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                yield task.name, (task / "status").read_text(errors="replace")


def rests(pid):
    """How often each thread went to rest so far; one that spins is only ever thrown off."""
    return {
        tid: next((int(line.split()[1]) for line in status.splitlines()
                   if line.startswith("voluntary_ctxt_switches")), 0)
        for tid, status in _tasks(pid)
    }


def await_quiet(pid):
    """Until no thread has woken between some looks, but not for ever: some never rest."""
    deadline, last, still = time.monotonic() + QUIET_S, None, 0
    while still < QUIET_LOOKS and time.monotonic() < deadline:
        now = rests(pid)
        still = still + 1 if now == last else 0
        last = now
        time.sleep(STEP_S)


def live_task(pid):
    """A thread of the process that has not ended: the leader can have."""
    alive = [int(tid) for tid, status in _tasks(pid) if "\nState:\tZ" not in status]
    return pid if pid in alive or not alive else min(alive)


def family(pid):
    """The process and its descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def running(command, ready=False, **options):
    """Start it with an input that stays open and end it, whatever happens.

    ready: wait for one byte on its standard output first; otherwise nobody reads that.
    Yields the Popen object.
    """
    stdout = options.pop("stdout", subprocess.PIPE if ready else subprocess.DEVNULL)
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout,
                             stderr=options.pop("stderr", subprocess.DEVNULL),
                             start_new_session=True, preexec_fn=_die_with_parent, **options)
    try:
        if ready and child.stdout.read(1) != b".":
            raise RuntimeError(f"'{command[0]}' did not get ready")
        yield child
    finally:
        end(child)


def end(child):
    members = family(child.pid)
    child.stdin.close()
    for number, patience in ((None, 1), (signal.SIGTERM, 3), (signal.SIGKILL, None)):
        if number is not None:
            child.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            break
    for member in members[1:]:  # what it started, should it not have taken that along
        with contextlib.suppress(OSError):
            os.kill(member, signal.SIGKILL)
    if child.stdout:
        child.stdout.close()
