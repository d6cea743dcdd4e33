# SPDX-License-Identifier: Apache-2.0
"""Builds the planted programs, and plays a kind of theirs."""

import contextlib
import dataclasses
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import process  # noqa: E402

SUBJECTS = ROOT / "tests" / "subjects" / "proof"
QUIET_S = 20
STEP_S = 0.02
NOT_HERE = 77
C_FLAGS = ["-D_GNU_SOURCE", "-pthread"]
COMMON = ["planted.c", "object.c"]
C_KINDS = ["dead.c", "live.c", "kept.c", "kernel.c"]


@dataclasses.dataclass(frozen=True)
class Way:
    """A compiler and its level, for one language."""
    language: str
    compiler: str
    level: str

    def __str__(self):
        return f"{self.compiler} {self.level}"


C_WAYS = [(compiler, level) for compiler in ("gcc", "clang") for level in ("-O0", "-O2")]
CXX = {"gcc": "g++", "clang": "clang++"}
WAYS = ([Way("C", *way) for way in C_WAYS] + [Way("C++", CXX[name], level) for name, level in C_WAYS]
        + [Way("Rust", "rustc", level) for level in ("-O0", "-O2")]
        + [Way("GLib", *way) for way in C_WAYS])


def run(command, directory):
    """Raises RuntimeError with the last words of a command that fails."""
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)
    if done.returncode:
        lines = done.stdout.strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"{command[0]} failed")
    return done.stdout


def sources(*names):
    return [str(SUBJECTS / name) for name in names]


def build_c(way, directory):
    run([way.compiler, way.level, *C_FLAGS, "-o", "planted", *sources(*COMMON, *C_KINDS)], directory)
    run([way.compiler, way.level, "-shared", "-fPIC", "-o", "planted_library.so",
         *sources("planted_library.c")], directory)


def build_cxx(way, directory):
    compiler = next(name for name, cxx in CXX.items() if cxx == way.compiler)
    run([compiler, way.level, *C_FLAGS, "-c", *sources(*COMMON)], directory)
    run([way.compiler, "-std=c++20", way.level, *C_FLAGS, "-o", "planted", "planted.o", "object.o",
         *sources("planted_cxx.cc")], directory)


def build_rust(way, directory):
    run(["rustc", "-C", f"opt-level={way.level[2:]}", "-o", "planted", *sources("planted.rs")],
        directory)


def build_glib(way, directory):
    flags = run(["pkg-config", "--cflags", "--libs", "glib-2.0"], directory).split()
    run([way.compiler, way.level, *C_FLAGS, "-o", "planted", *sources(*COMMON, "planted_glib.c"),
         *flags], directory)


BUILDS = {"C": build_c, "C++": build_cxx, "Rust": build_rust, "GLib": build_glib}


def build(way, directory):
    """@return the program.  Raises RuntimeError where it cannot be built."""
    if not shutil.which(way.compiler):
        raise RuntimeError(f"no {way.compiler}")
    BUILDS[way.language](way, directory)
    return pathlib.Path(directory) / "planted"


def kinds_of(program):
    return run([program], program.parent).splitlines()


def await_rest(pid):
    """Until all threads sleep, and none has between two looks.  Raises RuntimeError."""
    deadline, last = time.monotonic() + QUIET_S, None
    while time.monotonic() < deadline:
        tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        states = {(task / "stat").read_text().rpartition(") ")[2][0] for task in tasks}
        now = process.rests(pid)
        if states == {"S"} and now == last:
            return
        last = now
        time.sleep(STEP_S)
    raise RuntimeError("it does not come to rest")


@contextlib.contextmanager
def playing(program, kind):
    """Yields (process, {tid: fate}), or None where this machine does not have the kind.

    Raises RuntimeError when what it calls alive could not be woken at the end.
    """
    fates = {}
    with process.running([program, kind], stdout=subprocess.PIPE) as child:
        for line in map(bytes.decode, child.stdout):
            if line == "ready\n":
                break
            tid, fate = line.split()
            fates[int(tid)] = fate
        else:
            if child.wait() == NOT_HERE:
                yield None
                return
            raise RuntimeError(f"'{kind}' ended with status {child.returncode}")
        await_rest(child.pid)
        yield child, fates
        child.stdin.close()
        if child.wait(QUIET_S):
            raise RuntimeError(f"'{kind}' could not wake what it calls alive")
