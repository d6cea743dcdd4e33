# SPDX-License-Identifier: Apache-2.0
"""Watches threads that were called dead: none of them may ever run again."""

import contextlib
import dataclasses
import pathlib
import signal
import threading
import time

STEP_S = 0.005
ENDING_S = 1.0  # a process whose threads go one after the other, while it ends
PF_SIGNALED = 0x400
SIGKILL_PENDING = 1 << signal.SIGKILL - 1


def runs(pid, tid):
    """(when it began, how often it ran), or None when it is gone."""
    task = pathlib.Path(f"/proc/{pid}/task/{tid}")
    try:
        began = (task / "stat").read_text(errors="replace").rpartition(") ")[2].split()[19]
        switches = [int(line.split()[1]) for line in
                    (task / "status").read_text(errors="replace").splitlines()
                    if "ctxt_switches" in line]
    except (OSError, IndexError):
        return None
    return began, sum(switches)


def is_killed(pid, tid):
    """Does it only run to its end, because its process ends?"""
    task = pathlib.Path(f"/proc/{pid}/task/{tid}")
    with contextlib.suppress(OSError, IndexError):
        if any(line.startswith("SigPnd:") and int(line.split()[1], 16) & SIGKILL_PENDING
               for line in (task / "status").read_text(errors="replace").splitlines()):
            return True
        return bool(int((task / "stat").read_text(errors="replace").rpartition(") ")[2].split()[6])
                    & PF_SIGNALED)
    return True  # it is gone: the next look says so


def lives(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text(
            errors="replace").rpartition(") ")[2][0] not in "ZX"
    return False


@dataclasses.dataclass
class Watched:
    grade: str
    seen: tuple  # of runs()
    gone: float = 0.0  # when it was missed
    ran: bool = False  # at the last look


class Watch:
    """In a thread of its own, until the end of the context."""

    def __init__(self):
        self.lock, self.over = threading.Lock(), threading.Event()
        self.watched, self.broken, self.n_claims = {}, [], 0
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.over.set()
        self.thread.join()

    def claim(self, pid, tid, grade, seen):
        """@param seen  of runs(), read before the claim was made"""
        with self.lock:
            if (pid, tid) not in self.watched:
                self.n_claims += 1
                self.watched[pid, tid] = Watched(grade, seen)

    def _judge(self, key, watched):
        """@return what became of it, None as long as it holds"""
        now = runs(*key)
        if now == watched.seen:
            watched.gone = 0.0
            return None
        if now and now[0] == watched.seen[0]:
            # For a moment it is not to be seen that a thread is killed: it is told at two looks.
            if is_killed(*key) or not watched.ran:
                watched.ran = True
                return None
            return f"ran again: {watched.seen[1]} switches, then {now[1]}"
        if not lives(key[0]):
            return ""
        watched.gone = watched.gone or time.monotonic()
        return "ended by itself" if time.monotonic() > watched.gone + ENDING_S else None

    def _run(self):
        while not self.over.wait(STEP_S):
            with self.lock:
                for key, watched in list(self.watched.items()):
                    verdict = self._judge(key, watched)
                    if verdict is not None:
                        del self.watched[key]
                    if verdict:
                        self.broken.append(f"thread {key[1]} of {key[0]}, called {watched.grade}, "
                                           + verdict)
