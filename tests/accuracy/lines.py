# SPDX-License-Identifier: Apache-2.0
"""Functions, files and lines of addresses, inlined calls too, against gdb and llvm-symbolizer.

Where the two agree with each other they are right, and so is who says the same; a line that is
left out is no wrong one.  Where they differ nobody is judged.
"""

import collections
import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

import process

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "subjects" / "lines"
GRADES = ("identical", "without a line", "wrong", "not judged")
TIMEOUT_S = 120
HERE = pathlib.Path(__file__).resolve().parent

LINK = ["-o", "lines"]
LLD = ["-fuse-ld=lld"]


@dataclasses.dataclass
class Way:
    """Commands in a folder that has the source; what they make is called `lines`."""
    source: str
    commands: list
    only: str = ""  # functions whose symbols hold this
    needs: tuple = ()
    lines: bool = True  # there are some to be found

    def missing(self):
        names = [command[0] for command in self.commands] + list(self.needs)
        return sorted({name for name in names if not shutil.which(name)})


def one(compiler, *options):
    source = "lines.c" if compiler in ("gcc", "clang") else "lines.cc"
    return Way(source, [[compiler, "-g", *options, source, *LINK]])


def split(compiler, *options, package=None, keep=True, needs=()):
    """Compiled with its debug information in a file of its own; or in a package."""
    commands = [[compiler, "-g", "-gsplit-dwarf", *options, "-c", "lines.cc", "-o", "part.o"],
                [compiler, "part.o", *LINK]]
    if package:
        commands.append([package, "-e", "lines", "-o", "lines.dwp"])
    if package or not keep:
        commands.append(["rm", "part.dwo"])
    return Way("lines.cc", commands, needs=needs, lines=keep)


def then(way, *commands):
    return dataclasses.replace(way, commands=way.commands + [list(one) for one in commands])


def rust(*options):
    return Way("lines.rs", [["rustc", "-g", *options, "lines.rs", *LINK]], only="5lines")


CC, CLANG = "g++", "clang++"
WAYS = {
    "g++ -O2": one(CC, "-O2"),
    "g++ -O0": one(CC, "-O0"),
    "g++ -O1": one(CC, "-O1"),
    "g++ -O3": one(CC, "-O3"),
    "g++ -Os": one(CC, "-Os"),
    "g++ -O2, DWARF 3": one(CC, "-O2", "-gdwarf-3"),
    "g++ -O2, DWARF 4": one(CC, "-O2", "-gdwarf-4"),
    "g++ -O2, type units": one(CC, "-O2", "-fdebug-types-section"),
    "g++ -O2 -g1": one(CC, "-O2", "-g1"),
    "g++ -O2, compressed": one(CC, "-O2", "-gz"),
    "g++ -O2, compressed as GNU did": one(CC, "-O2", "-gz=zlib-gnu"),
    "g++ -O2 -no-pie": one(CC, "-O2", "-no-pie"),
    "g++ -O2 -static": dataclasses.replace(one(CC, "-O2", "-static"), only="outer"),
    "g++ -O2, unused sections dropped":
        one(CC, "-O2", "-ffunction-sections", "-Wl,--gc-sections"),
    "g++ -O2 -flto": one(CC, "-O2", "-flto"),
    "g++ -O3 -flto, DWARF 4": one(CC, "-O3", "-flto", "-gdwarf-4"),
    "g++ -O2, split": split(CC, "-O2"),
    "g++ -O2, split, DWARF 4": split(CC, "-O2", "-gdwarf-4"),
    "g++ -O2, split, DWARF 4, in a package": split(CC, "-O2", "-gdwarf-4", package="dwp"),
    "g++ -O2, split, its file lost": split(CC, "-O2", keep=False),
    "g++ -O2, dwz": then(one(CC, "-O2"), ["dwz", "lines"]),
    "g++ -O2, dwz, shared by two":
        then(one(CC, "-O2"), ["cp", "lines", "other"], ["dwz", "-m", "shared", "lines", "other"]),
    "g++ -O2, debug file linked":
        then(one(CC, "-O2"), ["objcopy", "--only-keep-debug", "lines", "lines.debug"],
             ["objcopy", "--strip-debug", "--add-gnu-debuglink=lines.debug", "lines"]),
    "clang++ -O2": one(CLANG, "-O2"),
    "clang++ -O0": one(CLANG, "-O0"),
    "clang++ -O1": one(CLANG, "-O1"),
    "clang++ -O3": one(CLANG, "-O3"),
    "clang++ -Os": one(CLANG, "-Os"),
    "clang++ -O2, DWARF 4": one(CLANG, "-O2", "-gdwarf-4"),
    "clang++ -O2, lines only": one(CLANG, "-O2", "-gline-tables-only"),
    "clang++ -O2, lld, unused sections dropped":
        one(CLANG, "-O2", *LLD, "-ffunction-sections", "-Wl,--gc-sections"),
    "clang++ -O2, lld, equal functions folded":
        one(CLANG, "-O2", *LLD, "-ffunction-sections", "-Wl,--icf=all"),
    "clang++ -O2, hot and cold parts":
        one(CLANG, "-O2", *LLD, "-fsplit-machine-functions"),
    "clang++ -O2 -flto": one(CLANG, "-O2", *LLD, "-flto"),
    "clang++ -O2 -flto=thin": one(CLANG, "-O2", *LLD, "-flto=thin"),
    "clang++ -O2, split": split(CLANG, "-O2"),
    "clang++ -O2, split, DWARF 4": split(CLANG, "-O2", "-gdwarf-4"),
    "clang++ -O2, split, DWARF 5": split(CLANG, "-O2", "-gdwarf-5"),
    "clang++ -O2, split, inlined calls kept": split(CLANG, "-O2", "-fsplit-dwarf-inlining"),
    "clang++ -O2, split, in a package": split(CLANG, "-O2", "-gdwarf-5", package="llvm-dwp"),
    "clang++ -O2, split, DWARF 4, in a package":
        split(CLANG, "-O2", "-gdwarf-4", package="llvm-dwp"),
    "clang++ -O2, split, its file lost": split(CLANG, "-O2", keep=False),
    "clang++ -O2, dwz": then(one(CLANG, "-O2", "-gdwarf-4"), ["dwz", "lines"]),
    "gcc -O2": one("gcc", "-O2"),
    "gcc -O3 -flto": one("gcc", "-O3", "-flto"),
    "clang -O2": one("clang", "-O2"),
    "rustc -O": rust("-O"),
    "rustc, opt-level 1": rust("-Copt-level=1"),
    "rustc, opt-level 3, one unit": rust("-Copt-level=3", "-Ccodegen-units=1"),
    "rustc, not optimised": rust(),
    "rustc, lto": rust("-O", "-Clto=fat"),
    "rustc, split, packed": rust("-O", "-Csplit-debuginfo=packed"),
    "rustc, split, unpacked": rust("-O", "-Csplit-debuginfo=unpacked"),
    "go": Way("lines.go", [["go", "build", "-o", "lines", "lines.go"]], only="main."),
    "go, not optimised":
        Way("lines.go", [["go", "build", "-gcflags=-N -l", "-o", "lines", "lines.go"]],
            only="main."),
}
QUICK = ("g++ -O2", "g++ -O2 -flto", "g++ -O2, split", "g++ -O2, split, DWARF 4, in a package",
         "g++ -O2, split, its file lost", "clang++ -O2", "clang++ -O2, split, DWARF 4", "rustc -O")


def build(way, folder):
    """Raises RuntimeError with the last words of what failed."""
    shutil.copy(SOURCES / way.source, folder)
    environment = {**os.environ, "GOCACHE": f"{folder}/cache", "GO111MODULE": "off"}
    for command in way.commands:
        try:
            done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"'{command[0]}' does not end") from error
        if done.returncode:
            lines = done.stdout.decode(errors="replace").strip().splitlines()
            raise RuntimeError(lines[-1] if lines else f"'{command[0]}' failed")


def extents_of(program, only):
    """(address, size) of its own functions, those of the compiler's start files left out."""
    done = subprocess.run(["readelf", "-sW", program], stdout=subprocess.PIPE, check=True)
    seen = set()
    for line in done.stdout.decode().splitlines():
        fields = line.split()
        if len(fields) != 8 or fields[3] != "FUNC" or fields[6] == "UND":
            continue
        own = only in fields[7] if only else not fields[7].startswith(("__", "_start", "_init"))
        if own and int(fields[2], 0):
            seen.add((int(fields[1], 16), int(fields[2], 0)))
    return sorted(seen)


def sample(extents, most):
    """Addresses all over the functions, each function's share by its size."""
    step = max(1, sum(size for _, size in extents) // most)
    return [start + offset for start, size in extents for offset in range(0, size, step)]


def bias(program, pid):
    with open(program, "rb") as file:
        kind, = struct.unpack_from("<H", file.read(18), 16)
    if kind == 2:
        return 0
    for line in open(f"/proc/{pid}/maps", encoding="utf-8"):
        if line.rstrip().endswith(program):
            return int(line.split("-")[0], 16)
    raise RuntimeError("the program is not in its map")


def plain(name):
    """A function's own name, as all of them write it."""
    name = re.sub(r"\[.*?\]|\(\.\w+\)|\.(cold|part|isra|constprop|llvm)\b.*", "", name or "")
    name = re.sub(r"::h[0-9a-f]{16}$", "", name)
    name = name.replace("operator()", "lambda").replace("(anonymous namespace)", "")
    name = re.sub(r"\{closure.*?\}+(<.*)?$|\{\{closure\}\}|<lambda\(.*?\)>", "lambda", name)
    while (shorter := re.sub(r"<[^<>]*>|\([^()]*\)|\s*const$", "", name)) != name:
        name = shorter
    return re.split(r"::|\.|\s", name.strip(": "))[-1] or name


@functools.cache
def demangled(name):
    """Names as they are written are another test's business."""
    if not name or not name.startswith("_R"):
        return name
    return subprocess.run(["c++filt", name], stdout=subprocess.PIPE, check=True,
                          text=True).stdout.strip()


def frame(function, file, line, inlined):
    return plain(demangled(function)), pathlib.Path(file or "").name.replace("??", ""), line or 0, inlined


def ask_us(tool, pid, addresses):
    done = subprocess.run([tool, str(pid)], input="\n".join(f"{one:x}" for one in addresses),
                          stdout=subprocess.PIPE, check=True, text=True)
    return [[frame(one["function"], one["file"], one["line"], one["inlined"])
             for one in json.loads(line)] for line in done.stdout.splitlines()]


def ask_gdb(program, pid, addresses, base, folder):
    list_of = pathlib.Path(folder) / "addresses"
    list_of.write_text("".join(f"{one:x}\n" for one in addresses), encoding="ascii")
    done = subprocess.run(["gdb", "-nx", "-batch", "-iex", "set auto-load off", "-iex",
                           "set debuginfod enabled off", "-p", str(pid), "-x",
                           str(HERE / "gdb_lines.py")], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                          timeout=TIMEOUT_S, cwd=folder,
                          env={**os.environ, "LINES_ADDRESSES": str(list_of)})
    return [[frame(*one) for one in json.loads(line[len("FRAMES "):])]
            for line in done.stdout.decode(errors="replace").splitlines()
            if line.startswith("FRAMES ")]


def ask_llvm(program, pid, addresses, base, folder):
    done = subprocess.run(["llvm-symbolizer", "--inlines", "--output-style=JSON", f"--obj={program}"],
                          input="".join(f"0x{one - base:x}\n" for one in addresses),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True,
                          cwd=folder)
    answers = []
    for line in done.stdout.splitlines():
        parsed = json.loads(line)
        symbols = (parsed[0] if isinstance(parsed, list) else parsed)["Symbol"]
        answers.append([frame(one["FunctionName"], one["FileName"], one["Line"],
                              place + 1 < len(symbols)) for place, one in enumerate(symbols)])
    return answers


ORACLES = {"gdb": ask_gdb, "llvm-symbolizer": ask_llvm}


def known(frames):
    """Without the file of a frame whose line is not known."""
    return [(function, file if line else "", line, inlined)
            for function, file, line, inlined in frames]


def filled(frames, others):
    """Names that one oracle cannot read, as in a file that dwz shares, by those of another."""
    for other in others:
        if len(other) == len(frames):
            frames = [(mine[0] or also[0], *mine[1:]) for mine, also in zip(frames, other)]
    return frames


def judge(ours, theirs):
    """Grade of one address."""
    ours, theirs = known(ours), [known(frames) for frames in theirs if frames]
    theirs = [filled(frames, theirs) for frames in theirs]
    if not theirs or any(frames != theirs[0] for frames in theirs[1:]):
        return "not judged"
    if ours == theirs[0]:
        return "identical"
    same = len(ours) <= len(theirs[0]) and all(
        (mine[0] == other[0] or not mine[0]) and mine[2] in (0, other[2])
        for mine, other in zip(reversed(ours), reversed(theirs[0])))
    if same and not ours[0][2]:  # what is said is so; the rest is left out
        return "without a line"
    return "wrong"


@dataclasses.dataclass
class Row:
    name: str
    counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    inlined: int = 0  # addresses in inlined calls, of those that are identical
    agrees: int = 0   # of those not judged: ours is the answer of one of the two
    skipped: str = ""
    wrong: list = dataclasses.field(default_factory=list)


def compare(row, ours, answers, addresses, base):
    for place, address in enumerate(addresses):
        theirs = {name: given[place] for name, given in answers.items()}
        grade = judge(ours[place], list(theirs.values()))
        row.counts[grade] += 1
        row.inlined += grade == "identical" and len(ours[place]) > 1
        row.agrees += grade == "not judged" and known(ours[place]) in map(known, theirs.values())
        if grade == "wrong":
            row.wrong.append((address - base, ours[place], theirs))


def look(row, way, tool, oracles, most, folder):
    program = str(pathlib.Path(folder) / "lines")
    with process.running([program], ready=True) as child:
        base = bias(program, child.pid)
        addresses = [base + one for one in sample(extents_of(program, way.only), most)]
        ours = ask_us(tool, child.pid, addresses)
        answers = {}
        for name in sorted(oracles, reverse=True):  # gdb comes last: it ends the program
            given = ORACLES[name](program, child.pid, addresses, base, folder)
            if len(given) == len(addresses):
                answers[name] = given
    if len(ours) != len(addresses):
        raise RuntimeError(f"{len(ours)} answers to {len(addresses)} addresses")
    compare(row, ours, answers, addresses, base)


def campaign(tool, oracles, names, most):
    for name in names:
        way, row = WAYS[name], Row(name)
        if absent := way.missing():
            row.skipped = f"not installed: {', '.join(absent)}"
        else:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    build(way, folder)
                    look(row, way, tool, oracles, most, os.path.realpath(folder))
                except RuntimeError as error:
                    row.skipped = f"cannot be built: {error}"
        yield row
