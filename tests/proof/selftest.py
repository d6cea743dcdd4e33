#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What the judges of proofs find, on processes and claims that are made for it."""

import ctypes
import mmap
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "accuracy"))

import claims  # noqa: E402
import memory  # noqa: E402
import paths  # noqa: E402
import results  # noqa: E402
import watch  # noqa: E402

PATIENCE_S = 20


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    return condition()


class Waiter:
    """A thread of ours that waits for a lock, whose word is in a block of malloc."""

    def __enter__(self):
        self.lock = threading.Lock()
        self.lock.acquire()
        self.thread = threading.Thread(target=self.lock.acquire)
        self.thread.start()
        self.tid = self.thread.native_id
        with memory.Memory(os.getpid()) as space:
            assert until(lambda: space.futex(self.tid) is not None)
            self.word = space.futex(self.tid)
        return self

    def __exit__(self, *unused):
        if self.thread.is_alive():
            self.lock.release()
        self.thread.join()


class Root:
    """A word outside of the heap."""

    def __init__(self, value):
        self.page = mmap.mmap(-1, 4096)
        self.cell = ctypes.c_uint64.from_buffer(self.page)
        self.cell.value = value
        self.address = ctypes.addressof(self.cell)


def step(what, place, value):
    return {"what": what, "at": f"{place:#x}", "holds": f"{value:#x}"}


class Paths(unittest.TestCase):
    def problems(self, waiter, *steps):
        claim = claims.Claim(waiter.tid, "alive", list(steps), "")
        with memory.Memory(os.getpid()) as space:
            return list(paths.problems_of(space, claim))

    def test_a_path_that_is_there_holds(self):
        with Waiter() as waiter:
            root = Root(waiter.word)
            self.assertEqual([], self.problems(waiter, step("root", root.address, waiter.word),
                                               step("lock", waiter.word, 0)))

    def test_a_pointer_may_be_tagged(self):
        with Waiter() as waiter:
            value = waiter.word | 0xbeef << 48 | 3
            root = Root(value)
            self.assertEqual([], self.problems(waiter, step("root", root.address, value),
                                               step("lock", waiter.word, 0)))

    def test_a_word_that_holds_something_else_is_a_problem(self):
        with Waiter() as waiter:
            root = Root(0)
            self.assertEqual(1, len(self.problems(waiter, step("root", root.address, waiter.word),
                                                  step("lock", waiter.word, 0))))

    def test_a_pointer_to_another_block_is_a_problem(self):
        with Waiter() as waiter:
            other = ctypes.create_string_buffer(10000)
            root = Root(ctypes.addressof(other) + 5000)
            self.assertEqual(1, len(self.problems(waiter,
                                                  step("root", root.address, root.cell.value),
                                                  step("lock", waiter.word, 0))))

    def test_a_path_that_begins_in_a_block_is_a_problem(self):
        with Waiter() as waiter:
            self.assertEqual(1, len(self.problems(waiter, step("lock", waiter.word, 0))))

    def test_a_path_to_what_it_does_not_wait_for_is_a_problem(self):
        with Waiter() as waiter:
            root = Root(waiter.word)
            self.assertEqual(1, len(self.problems(waiter, step("root", root.address, waiter.word),
                                                  step("lock", waiter.word + 4, 0))))


class Watch(unittest.TestCase):
    def test_a_thread_that_rests_breaks_no_claim(self):
        with Waiter() as waiter, watch.Watch() as watcher:
            watcher.claim(os.getpid(), waiter.tid, "dead", watch.runs(os.getpid(), waiter.tid))
            time.sleep(10 * watch.STEP_S)
        self.assertEqual((1, []), (watcher.n_claims, watcher.broken))

    def test_a_thread_that_ran_does(self):
        with Waiter() as waiter, watch.Watch() as watcher:
            began, switches = watch.runs(os.getpid(), waiter.tid)
            watcher.claim(os.getpid(), waiter.tid, "dead", (began, switches - 1))
            until(lambda: watcher.broken)
        self.assertIn("ran again", watcher.broken[0])

    def test_so_does_one_that_ends_before_its_process(self):
        with Waiter() as waiter, watch.Watch() as watcher:
            seen = watch.runs(os.getpid(), waiter.tid)
            waiter.lock.release()
            waiter.thread.join()
            watcher.claim(os.getpid(), waiter.tid, "dead", seen)
            until(lambda: watcher.broken)
        self.assertIn("ended by itself", watcher.broken[0])

    def test_a_thread_that_is_killed_is_told_from_one_that_ends(self):
        for command, killed in (("kill -KILL $$", True), ("exit 0", False)):
            child = subprocess.Popen(["sh", "-c", command])
            self.assertTrue(until(lambda: not watch.lives(child.pid)))
            self.assertEqual(killed, watch.is_killed(child.pid, child.pid))
            child.wait()


class Results(unittest.TestCase):
    def test_a_part_takes_the_place_of_the_one_before(self):
        with tempfile.TemporaryDirectory() as directory:
            results.FILE = pathlib.Path(directory) / "results.md"
            results.write("One", ["1"])
            results.write("Two", ["2"])
            results.write("One", ["3"])
            self.assertEqual(results.TITLE + "\n## Two\n\n2\n\n## One\n\n3\n",
                             results.FILE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
