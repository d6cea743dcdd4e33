# SPDX-License-Identifier: Apache-2.0
"""Whole commands, as a person waits for them: time, CPU time and page faults, in turn.

usage: commands.py BUILD ROUNDS THREADS...

For each number of threads a subject is started whose threads are parked, and every command has its
turn in every round.  Medians; ratios are of medians of one run.  A cold look is one without the
cache of names; what the subject's files need of the disk is in memory after the first round.
"""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SLOW = 6000  # threads, above which tools that stop each of them take minutes
REPORT = pathlib.Path(__file__).resolve().parents[1] / "data/report/valid/ok.json"
GDB = ["-batch", "-nx", "-iex", "set debuginfod enabled off", "-ex", "thread apply all bt"]


def play(command):
    """@return seconds that passed, seconds of CPU, page faults; None when it failed"""
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    took = time.monotonic() - began
    if status:
        return None
    return took, usage.ru_utime + usage.ru_stime, usage.ru_minflt


class Subject:
    def __init__(self, build, threads):
        program = build / "tests" / "subjects" / "parked"
        self.child = subprocess.Popen([program, str(threads - 1), "5"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)
        if self.child.stdout.read(1) == b"":
            raise OSError(f"a subject with {threads} threads cannot be started here")
        while (now := self.switches()) != getattr(self, "last", None):
            self.last = now
            time.sleep(0.1)

    def switches(self):
        total = 0
        for task in pathlib.Path(f"/proc/{self.child.pid}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if "ctxt_switches" in line:
                    total += int(line.split()[1])
        return total

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()


def commands_for(strandline, pid, threads):
    commands = {}
    if threads <= SLOW and shutil.which("eu-stack"):
        commands["eu-stack"] = ["eu-stack", "-n", "0", "-p", pid]
        commands["eu-stack -s"] = ["eu-stack", "-n", "0", "-s", "-p", pid]
    if threads <= SLOW and shutil.which("gdb"):
        commands["gdb"] = ["gdb", "-p", pid, *GDB]
    look = [strandline, "snapshot", pid]
    commands |= {"auto, warm": look, "auto, cold": [*look, "--no-cache"]}
    for source in ("bpf", "proc"):
        commands[f"{source}, warm"] = [*look, "--source", source]
        commands[f"{source}, cold"] = [*look, "--source", source, "--no-cache"]
    return commands


def median(results, which):
    return statistics.median(result[which] for result in results)


def report(title, results):
    """The tools that have no cache first; a ratio above 1 says that the tool is slower."""
    print(title)
    tools = [name for name in results if ", " not in name]
    for name, rows in results.items():
        if None in rows or not rows:
            print(f"  {name:<12} fails here")
            continue
        ratios = [f"{other} x{median(results[other], 0) / median(rows, 0):.2f}" for other in tools
                  if other != name and None not in results[other]]
        print(f"  {name:<12} {1000 * median(rows, 0):9.1f} ms  cpu {1000 * median(rows, 1):8.1f} ms"
              f"  {median(rows, 2):7.0f} faults  {'  '.join(ratios)}", flush=True)


def measure(commands, rounds):
    results = {name: [] for name in commands}
    for name, command in commands.items():  # what is read from the disk, and the cache
        if play(command) is None:
            results[name].append(None)
    for number in range(rounds):
        names = list(commands)[::1 if number % 2 else -1]
        for name in names:
            if None not in results[name]:
                results[name].append(play(commands[name]))
    return results


def main():
    build, rounds = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    strandline = str(build / "strandline")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        small = {"true": ["true"], "--version": [strandline, "--version"],
                 "help": [strandline, "help"], "gate": [strandline, "gate", str(REPORT)]}
        report("without a process", measure(small, rounds))
        for threads in map(int, sys.argv[3:]):
            try:
                with Subject(build, threads) as subject:
                    commands = commands_for(strandline, str(subject.child.pid), threads)
                    few = rounds if threads < 1000 else max(3, rounds // 3)
                    report(f"{threads} threads", measure(commands, few))
            except OSError as error:
                print(f"{threads} threads: {error}")


if __name__ == "__main__":
    main()
