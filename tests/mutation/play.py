# SPDX-License-Identifier: Apache-2.0
"""Run the tests of a build with mutants, each test where it can do no harm.

A mutant may signal any process and remove any file.  So a test has a namespace of processes of
its own, which ends with it, a /tmp of its own, and sees the rest of the root file system
read-only.
"""

import collections
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

# Not in memory: what a test allocates without end would be the others' loss.
ENTER = """echo 1000 > /proc/self/oom_score_adj
ulimit -S -f 4194304
[ "$2" = 0 ] || ulimit -S -v "$2"
mount --bind "$1" /tmp && mount -t tmpfs none /dev/shm && mount -o remount,bind,ro / || exit 125
shift 2
"$@" > /dev/null 2>&1
exit $?"""
# A campaign that a shell runs behind itself ignores signals that tests send.
SIGNALS = ["env", "--default-signal=HUP,INT,QUIT"]
NAMESPACE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
MEMORY_KIB = 16 << 20
SUITES = {"": ("unit", "fuzz", "stress", "integration"), "address": ("unit", "fuzz", "integration"),
          "thread": ("stress",)}
# Installs the build, and looks for two minutes at processes drawn by lot: neither is quick, or asks
# much of a function.
LEFT_OUT = ("install", "hostile_processes", "hostile_motion")
SKIPPED, CONFINED_BADLY = 77, 125

Test = collections.namedtuple("Test", "name suite command environment workdir")
Outcome = collections.namedtuple("Outcome", "passed timed_out seconds reached")


def suite_of(entry):
    return entry["suite"][0].split(":")[-1]


def tests_of(listed, suites):
    return [Test(entry["name"], suite_of(entry), entry["cmd"], entry["env"], entry["workdir"])
            for entry in listed
            if suite_of(entry) in suites and entry["name"] not in LEFT_OUT]


class Player:
    def __init__(self, folder, build, sanitize, reached_size):
        self.build = build  # where a test is played that names no folder
        self.scratch, self.reached_size = folder / "scratch", reached_size
        # ThreadSanitizer cannot start where the kernel spreads addresses too widely.
        self.wrapper = ["setarch", "-R"] if sanitize == "thread" else []
        self.memory = "0" if sanitize else str(MEMORY_KIB)
        self.scratch.mkdir(parents=True, exist_ok=True)

    def works(self):
        """Whether this user may confine a test here, where it still sees its build."""
        seen = ["test", "-d", str(self.build)]  # not below /tmp, of which each test has its own
        return self.play(Test("seen", "unit", seen, {}, None), 10).passed

    def play(self, test, limit, number=0, record=False, stop_early=True):
        """@return the outcome of one run with the mutant of that number, 0 for none"""
        private = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        private.chmod(0o1777)  # as /tmp is: a test may act as another user
        environment = {**os.environ, **test.environment, "STRANDLINE_MUTANT": str(number)}
        environment.pop("TMPDIR", None)
        reached = private / "reached"
        if record:
            reached.write_bytes(bytes(self.reached_size))
            environment["STRANDLINE_REACHED"] = "/tmp/reached"
        command = [*test.command]
        if stop_early and "--tap" in command:
            command.append("--fail-fast")
        began, timed_out = time.monotonic(), False
        child = subprocess.Popen(
            ["nice", "-n", "15", *SIGNALS, *NAMESPACE, "sh", "-c", ENTER, "sh", private, self.memory,
             *self.wrapper, *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment, cwd=test.workdir or self.build, start_new_session=True)
        try:
            child.wait(limit)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        places = {at for at, byte in enumerate(reached.read_bytes()) if byte} if record else set()
        shutil.rmtree(private, ignore_errors=True)
        return Outcome(child.returncode in (0, SKIPPED), timed_out, time.monotonic() - began, places)
