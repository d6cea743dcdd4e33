#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, and twice.

usage: check_headers.py ROOT BUILD

Headers in include/strandline see no other folder and are held to standard C11, and
to C++ where a compiler for it is installed.  The others are compiled as a source file
of their folder is, according to BUILD/compile_commands.json.
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import sources

PUBLIC = "include/strandline"
STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror"]
WITH_VALUE = ("-o", "-MQ", "-MF")
OUTPUT = ("-c", "-MD")


def flags_of(command):
    """The command without its input and outputs.  The input is the last argument."""
    words = shlex.split(command)[:-1]
    # A compiler cache stands before the compiler, and takes no source from a pipe.
    if pathlib.Path(words[0]).name == "ccache":
        del words[0]
    flags, arguments = [], iter(words)
    for argument in arguments:
        if argument in WITH_VALUE:
            next(arguments)
        elif argument not in OUTPUT:
            flags.append(argument)
    return flags


def read_commands(root, build):
    """Folder of a source: (directory, flags) of one command for a file in it."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if source.is_relative_to(root) and source.suffix == ".c":
            folder = str(source.relative_to(root).parent)
            commands.setdefault(folder, (entry["directory"], flags_of(entry["command"])))
    return commands


def command_for(commands, path):
    """That of the header's folder, else of one that shares its first part, else any."""
    folder = str(path.parent)
    near = [name for name in commands if name.split("/")[0] == path.parts[0]]
    return commands.get(folder) or commands[(near or sorted(commands))[0]]


def jobs(root, build):
    commands = read_commands(root, build)
    if not commands:
        sys.exit("check_headers.py: no C file in compile_commands.json")
    compiler = next(iter(commands.values()))[1][0]
    for path in sources.find(root, sources.SOURCE_FOLDERS):
        if path.suffix != ".h":
            continue
        if str(path.parent) == PUBLIC:
            name = f"<{path.relative_to('include')}>"
            include = f"-I{root / 'include'}"
            yield path, root, [compiler, "-std=c11", *STRICT, include, "-xc"], name
            if shutil.which("c++"):
                yield path, root, ["c++", "-std=c++11", *STRICT, include, "-xc++"], name
        else:
            directory, flags = command_for(commands, path)
            yield path, directory, [*flags, "-Werror", "-xc"], f'"{root / path}"'


def compile_one(job):
    path, directory, command, name = job
    text = f"#include {name}\n#include {name}\n"
    done = subprocess.run(
        [*command, "-fsyntax-only", "-"], cwd=directory, input=text, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )
    return f"{path}:1: does not compile alone\n{done.stdout}" if done.returncode else None


def check(root, build):
    root = pathlib.Path(root).resolve()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(compile_one, jobs(root, pathlib.Path(build)))
        return [problem for problem in problems if problem]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(sources.report(check(sys.argv[1], sys.argv[2])))
