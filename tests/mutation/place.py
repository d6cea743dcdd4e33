# SPDX-License-Identifier: Apache-2.0
"""Where mutants are built: a copy of the tree, and its build folder."""

import collections
import json
import os
import pathlib
import shlex
import subprocess
import tempfile

import sites
import weave

# As scripts/test builds.
SANITIZERS = {
    "": [],
    "address": ["-Db_sanitize=address,undefined", "-Db_lundef=false"],
    "thread": ["-Db_sanitize=thread", "-Db_lundef=false"],
}


class Broken(Exception):
    """The campaign cannot go on."""


def run(*command, log=None, **options):
    """@return the output; a failure ends the campaign with the end of it"""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if log:
        log.write_text(done.stdout, encoding="utf-8")
    if done.returncode:
        end = "\n".join(done.stdout.split("\n")[-30:])
        raise Broken(f"'{shlex.join(map(str, command))}' failed:\n{end}")
    return done.stdout


def write_changed(path, data):
    """Leave a file alone that is as it should be, so that nothing is built for it."""
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class Place:
    def __init__(self, root, folder, sanitize, jobs):
        self.root, self.folder, self.jobs = root, folder, jobs
        self.tree, self.sanitize = folder / "tree", sanitize
        self.build = folder / "-".join(filter(None, ("build", sanitize)))
        self.commands, self.originals = {}, {}

    def copy(self):
        """What git would commit, as it is now."""
        listed = run("git", "-C", self.root, "ls-files", "-co", "--exclude-standard", "-z")
        names = {name for name in listed.split("\0") if (self.root / name).is_file()}
        for name in names:
            write_changed(self.tree / name, (self.root / name).read_bytes())
            (self.tree / name).chmod((self.root / name).stat().st_mode)
        for path in self.tree.rglob("*"):
            if path.is_file() and str(path.relative_to(self.tree)) not in names:
                path.unlink()

    def set_up(self):
        if not (self.build / "build.ninja").exists():
            run("meson", "setup", self.build, self.tree, "-Dtests=auto", "-Doptimization=1",
                "-Ddebug=true", "-Dc_args=-w", *SANITIZERS[self.sanitize],
                env=os.environ | ({"CC": "clang"} if self.sanitize == "thread" else {}))
        # Headers that the build makes are needed before any source can be compiled.
        run("ninja", "-C", self.build, "build.ninja")
        generated = [line.split(":")[0] for line in
                     run("ninja", "-C", self.build, "-t", "targets", "all").split("\n")
                     if line.split(":")[0].endswith(".h") and ": CUSTOM_COMMAND" in line]
        if generated:
            run("ninja", "-C", self.build, *generated)
        listed = json.loads((self.build / "compile_commands.json").read_text(encoding="utf-8"))
        for entry in listed:
            path = (self.build / entry["file"]).resolve()
            if path.is_relative_to(self.tree):
                self.commands.setdefault(str(path.relative_to(self.tree)), entry["command"])

    def compiler(self, name):
        """@return the words that compile a file, without what goes in and comes out"""
        path = pathlib.PurePath(name)
        while name not in self.commands:
            near = [other for other in self.commands if other.startswith(str(path.parent) + "/")]
            if near:
                name = min(near)
                break
            path = path.parent
            if not path.name:
                return None
        words, kept, skip = shlex.split(self.commands[name]), [], False
        for word in words:
            if not skip and word not in ("-c", "-MD"):
                skip = word in ("-o", "-MF", "-MQ")
                if not skip and not word.endswith(".c"):
                    kept.append(word)
            else:
                skip = False
        return [word for word in kept if word != "ccache" and not word.endswith("/ccache")]

    def compiles(self, name, text):
        words = self.compiler(name)
        if not words:
            return False
        beside = (self.tree / name).with_name("mutant-tried.c")
        beside.write_text(text, encoding="utf-8")
        try:
            return not subprocess.run([*words, "-fsyntax-only", beside], cwd=self.build, check=False,
                                      stdin=subprocess.DEVNULL, capture_output=True).returncode
        finally:
            beside.unlink()

    def object_of(self, name, text):
        """@return an optimised object without debug information, as bytes"""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            path, out = pathlib.Path(scratch) / "alone.c", pathlib.Path(scratch) / "alone.o"
            path.write_text(text, encoding="utf-8")
            run(*self.compiler(name), "-O2", "-g0", "-c", "alone.c", f"-I{self.build}", cwd=scratch)
            return out.read_bytes()

    def is_same_object(self, mutant):
        """Whether the compiler makes the same of it; never said of a header."""
        if mutant.file.endswith(".h"):
            return False
        text = self.originals[mutant.file]
        try:
            return (self.object_of(mutant.file, weave.alone(text, mutant)) ==
                    self.object_of(mutant.file, text))
        except Broken:
            return False

    def weave(self, numbered):
        """Put all mutants into the tree.  @return the numbers of those that do not compile"""
        by_file, bad = collections.defaultdict(list), set()
        for number, mutant in numbered.items():
            by_file[mutant.file].append((number, mutant))
        for name, own in by_file.items():
            text = self.originals[name] = sites.sources.read(self.root, name)
            if not self.compiles(name, weave.weave(text, own)):
                bad |= {number for number, mutant in own
                        if not self.compiles(name, weave.weave(text, [(number, mutant)]))}
                own = [(number, mutant) for number, mutant in own if number not in bad]
            woven = weave.weave(text, own) if own else text
            if not self.compiles(name, woven):
                raise Broken(f"the mutants of '{name}' do not compile together")
            write_changed(self.tree / name, woven.encode())
        return bad

    def make(self):
        run("nice", "-n", "15", "ninja", "-C", self.build, f"-j{self.jobs}", "all",
            "meson-test-prereq", log=self.folder / "build.log")

    def tests(self):
        return json.loads(run("meson", "introspect", "--tests", self.build))
