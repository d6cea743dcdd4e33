#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The checks of circles and of names find what they are for: real objects, planted faults.

usage: selftest_structure.py
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import check_circles
import check_names


@unittest.skipUnless(shutil.which("cc") and shutil.which("nm"), "no compiler called cc, or no nm")
class Built(unittest.TestCase):
    """A temporary source tree whose sources were compiled."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = pathlib.Path(self.directory.name).resolve()
        self.build = self.root / "build"
        self.build.mkdir()
        self.commands = []

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        if file.suffix == ".c":
            output = path.replace("/", "_") + ".o"
            command = ["cc", "-I", str(self.root), "-c", str(file), "-o", output]
            subprocess.run(command, cwd=self.build, check=True)
            self.commands.append(
                {"directory": str(self.build), "file": str(file), "output": output}
            )
        (self.build / "compile_commands.json").write_text(json.dumps(self.commands))

    def circles(self):
        return check_circles.check(self.root, self.build)

    def names(self):
        return check_names.check(self.root, self.build)


class Circles(Built):
    def test_arrows_that_go_one_way_pass(self):
        self.write("base/low.h", "int low(void);\n")
        self.write("base/low.c", '#include "base/low.h"\nint low(void) { return 1; }\n')
        self.write("bus/high.c", '#include "base/low.h"\nint high(void) { return low(); }\n')
        self.assertEqual(self.circles(), [])

    def test_a_circle_of_includes_is_found(self):
        self.write("base/a.h", '#include "base/b.h"\n')
        self.write("base/b.h", '#include "base/a.h"\n')
        self.write("base/c.c", "int c(void) { return 1; }\n")
        self.assertEqual(
            self.circles(),
            ["circle of modules: base/a -> base/b (include); base/b -> base/a (include)"],
        )

    def test_a_circle_of_calls_without_an_include_is_found(self):
        self.write("base/a.c", "int b(void);\nint a(void) { return b(); }\n")
        self.write("base/b.c", "int c(void);\nint b(void) { return c(); }\n")
        self.write("base/c.c", "int a(void);\nint c(void) { return a(); }\n")
        self.assertEqual(
            self.circles(),
            ["circle of modules: base/a -> base/b (b); base/b -> base/c (c); base/c -> base/a (a)"],
        )

    def test_a_circle_of_an_include_and_a_call_is_found(self):
        self.write("base/a.h", "struct a { int b; };\n")
        self.write("base/a.c", "int b(void);\nint a(void) { return b(); }\n")
        self.write("base/b.c", '#include "base/a.h"\nint b(void) { return 1; }\n')
        self.assertEqual(
            self.circles(),
            ["circle of modules: base/a -> base/b (b); base/b -> base/a (include)"],
        )

    def test_a_circle_of_folders_whose_modules_have_none_is_found(self):
        self.write("bus/a.c", "int b(void);\nint a(void) { return b(); }\n")
        self.write("bus/wing/b.c", "int b(void) { return 1; }\n")
        self.write("bus/wing/c.c", "int d(void);\nint c(void) { return d(); }\n")
        self.write("bus/d.c", "int d(void) { return 1; }\n")
        self.assertEqual(
            self.circles(),
            ["circle of folders: bus -> bus/wing (bus/a -> bus/wing/b); "
             "bus/wing -> bus (bus/wing/c -> bus/d)"],
        )

    def test_a_build_without_objects_is_no_proof(self):
        self.write("base/a.h", "")
        self.assertEqual(
            self.circles(), [f"{self.build}: no object files of the product; build first"]
        )


class Names(Built):
    def test_the_practised_names_pass(self):
        self.write("bus/engine/pool_keyed.c", "int pool_keyed_run(void) { return 1; }\n"
                   "int pool_new(void) { return 1; }\nint engine_start;\nint bus_open;\n"
                   "static int anything;\nint pool_other(void) { return anything; }\n")
        self.write("cli/main.c", "int main(void) { return 0; }\n")
        self.assertEqual(self.names(), [])

    def test_a_name_that_tells_no_place_is_found(self):
        self.write("bus/engine/pool.c", "int poolish;\n")
        self.assertEqual(
            self.names(),
            ["bus/engine/pool.c:1: 'poolish' begins with none of sl_, bus_, pool_, engine_"],
        )

    def test_a_name_of_the_client_library_is_found(self):
        self.write("bus/nats/pull.c", "int nats_fetch;\n")
        self.assertEqual(
            self.names(),
            ["bus/nats/pull.c:1: 'nats_fetch' begins with none of sl_, bus_, pull_, jetstream_"],
        )

    def test_a_name_that_leaves_its_room_is_found(self):
        self.write("bus/pool.c", "int pool_run(void) { return 1; }\n")
        self.write("bus/user.c", "int pool_run(void);\nint user_run(void) { return pool_run(); }\n")
        self.assertEqual(self.names(), [])
        self.write("cli/a.c", "int pool_run(void);\nint a_run(void) { return pool_run(); }\n")
        self.assertEqual(
            self.names(),
            ["bus/pool.c:1: 'pool_run' is used by cli/a.c, so it has to begin with sl_ or bus_"],
        )


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
