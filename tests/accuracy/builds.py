# SPDX-License-Identifier: Apache-2.0
"""Ways to build a subject."""

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUBJECTS = ROOT / "tests" / "subjects"
MATRIX = sorted((SUBJECTS / "matrix").glob("*.c"))
COMMON = ["-D_GNU_SOURCE", "-pthread"]
NO_TABLE = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]

BOLT = next(filter(shutil.which, ("llvm-bolt", "llvm-bolt-19", "llvm-bolt-16")), "llvm-bolt")

# name -> (what has to be installed, command)
WAYS = {
    "gcc -O2": ([], ["gcc", "-O2"]),
    "gcc -O0": ([], ["gcc", "-O0"]),
    "gcc -O3 -flto": ([], ["gcc", "-O3", "-flto"]),
    "gcc -Os": ([], ["gcc", "-Os"]),
    "gcc -O2, frame pointers": ([], ["gcc", "-O2", "-fno-omit-frame-pointer"]),
    "gcc -O2, CET and stack clash protection":
        ([], ["gcc", "-O2", "-fcf-protection=full", "-fstack-clash-protection"]),
    "gcc -O2, debug information": ([], ["gcc", "-O2", "-g"]),
    "gcc -O2, stripped": ([], ["gcc", "-O2", "-s"]),
    "clang -O2": (["clang"], ["clang", "-O2"]),
    "clang -O0": (["clang"], ["clang", "-O0"]),
    "clang -O2, frame pointers": (["clang"], ["clang", "-O2", "-fno-omit-frame-pointer"]),
    "clang -O2, lld": (["clang", "ld.lld"], ["clang", "-O2", "-fuse-ld=lld"]),
    "gcc -O2, lld": (["ld.lld"], ["gcc", "-O2", "-fuse-ld=lld"]),
    "gcc -O2, gold": (["ld.gold"], ["gcc", "-O2", "-fuse-ld=gold"]),
    "gcc -O2 -static": ([], ["gcc", "-O2", "-static"]),
    "gcc -O2 -static-pie": ([], ["gcc", "-O2", "-static-pie"]),
    "gcc -O2 -static, lld": (["ld.lld"], ["gcc", "-O2", "-static", "-fuse-ld=lld"]),
    "gcc -O2 -no-pie": ([], ["gcc", "-O2", "-no-pie"]),
    "gcc -O2, code and headers in one segment":
        ([], ["gcc", "-O2", "-Wl,-z,noseparate-code"]),
    "gcc -O2, no .eh_frame_hdr": ([], ["gcc", "-O2", "-Wl,--no-eh-frame-hdr"]),
    "gcc -O2 -static, no .eh_frame_hdr":
        ([], ["gcc", "-O2", "-static", "-Wl,--no-eh-frame-hdr"]),
    "gcc -O2, .debug_frame only": ([], ["gcc", "-O2", "-g"] + NO_TABLE),
    "gcc -O2, .debug_frame only, compressed": ([], ["gcc", "-O2", "-g", "-gz"] + NO_TABLE),
    "gcc -O2, no unwind table": ([], ["gcc", "-O2"] + NO_TABLE),
    "gcc -O0, no unwind table": ([], ["gcc", "-O0"] + NO_TABLE),
    "gcc -O2, no unwind table, frame pointers":
        ([], ["gcc", "-O2", "-fno-omit-frame-pointer"] + NO_TABLE),
    "gcc -O0, no unwind table, frame pointers":
        ([], ["gcc", "-O0", "-fno-omit-frame-pointer"] + NO_TABLE),
    "gcc -O2, code moved behind .bss by BOLT": ([BOLT], ["gcc", "-O2", "-Wl,--emit-relocs"]),
}
# What is done with a program that was linked; "{in}" and "{out}" are files.
AFTERWARDS = {
    "gcc -O2, code moved behind .bss by BOLT":
        [BOLT, "{in}", "-o", "{out}", "-reorder-blocks=ext-tsp", "-split-functions"],
}
QUICK = ("gcc -O2", "gcc -O0", "clang -O2, lld", "gcc -O2 -static-pie",
         "gcc -O2, no .eh_frame_hdr", "gcc -O2, .debug_frame only",
         "gcc -O2, no unwind table, frame pointers")


def missing(way):
    """What is not installed, of what a way needs."""
    needs, command = WAYS[way]
    return [name for name in [command[0]] + needs if not shutil.which(name)]


def run(command):
    """Raises RuntimeError with the last words of a command that fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        lines = done.stdout.decode(errors="replace").strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"{command[0]} failed")


def build(way, sources, program, extra=()):
    """Raises RuntimeError when it cannot be built."""
    after, program = AFTERWARDS.get(way), str(program)
    linked = program + ".linked" if after else program
    run(WAYS[way][1] + COMMON + list(extra) + [str(source) for source in sources] +
        ["-o", linked])
    if after:
        run([word.format(**{"in": linked, "out": program}) for word in after])
