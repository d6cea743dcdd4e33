#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The lint checks find what they are for: one planted violation per rule.

usage: selftest.py
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import check_format
import check_headers
import check_includes
import check_style
import check_symbols
import check_tests
import sources

SPDX = check_style.SPDX + "\n"
RULES = """# a comment
base:    include/strandline/error.h
bus:     base
bus/sub: base bus/public.h
cli:     *
include/strandline:
<nats:   bus/nats
<lib/:   bus
generated: bus/made.h
system:  stdio.h sys/
"""


class Tree(unittest.TestCase):
    """A temporary source tree."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = pathlib.Path(self.directory.name).resolve()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


class Includes(Tree):
    def setUp(self):
        super().setUp()
        self.write("scripts/includes.allow", RULES)
        for folder in ("bus/sub", "cli"):
            (self.root / folder).mkdir(parents=True)
        self.write("base/arena.h", SPDX)
        self.write("bus/public.h", SPDX)
        self.write("bus/private.h", SPDX)
        self.write("include/strandline/error.h", SPDX)
        self.write("include/strandline/bus.h", SPDX)

    def problems(self, path, *lines):
        self.write(path, "\n".join((SPDX.strip(), *lines, "")))
        return check_includes.check(self.root)

    def assert_found(self, path, line, part):
        self.assertEqual(self.problems(path, "", line), [f"{path}:3: {part}"])

    def test_what_is_allowed_passes(self):
        self.assertEqual(
            self.problems(
                "bus/bus.c", "#include <stdio.h>", "#include <sys/stat.h>", "#include <lib/x.h>",
                '#include "base/arena.h"', '#  include "bus/private.h"',
            ),
            [],
        )
        self.assertEqual(self.problems("base/a.c", "#include <strandline/error.h>"), [])
        self.assertEqual(self.problems("bus/nats/pull.c", "#include <nats.h>"), [])

    def test_a_forbidden_folder_is_found(self):
        self.assert_found(
            "base/a.c", '#include "bus/public.h"', "base may not include bus/public.h"
        )

    def test_a_public_header_that_is_not_listed_is_found(self):
        self.assert_found(
            "base/a.c", "#include <strandline/bus.h>",
            "base may not include include/strandline/bus.h",
        )

    def test_a_folder_inside_another_has_rules_of_its_own(self):
        self.assertEqual(self.problems("bus/sub/a.c", '#include "bus/public.h"'), [])
        self.assert_found(
            "bus/sub/a.c", '#include "bus/private.h"', "bus/sub may not include bus/private.h"
        )

    def test_a_third_party_header_in_a_wrong_file_is_found(self):
        self.assert_found(
            "bus/bus.c", "#include <nats.h>", "<nats.h> is for bus/nats only"
        )
        self.write("bus/bus.c", SPDX)
        self.assert_found(
            "include/strandline/bus.h", "#include <nats.h>",
            "<nats.h> is for bus/nats only",
        )

    def test_an_unknown_third_party_header_is_found(self):
        self.assert_found(
            "bus/bus.c", "#include <curl/curl.h>",
            "<curl/curl.h> is neither a system header nor a library's that "
            "scripts/includes.allow knows",
        )

    def test_a_header_that_is_not_there_or_is_named_from_elsewhere_is_found(self):
        self.assert_found("bus/a.c", '#include "public.h"', '"public.h" is no file below the root')
        self.assert_found(
            "bus/a.c", '#include "bus/../base/arena.h"',
            '"bus/../base/arena.h" leaves its folder; name it from the root',
        )

    def test_a_generated_header_is_known_to_who_may_use_its_folder(self):
        self.assertEqual(self.problems("bus/a.c", '#include "made.h"'), [])
        self.assert_found("base/a.c", '#include "made.h"', "base may not include bus/made.h")

    def test_an_include_of_a_macro_is_found(self):
        self.assert_found("bus/a.c", "#include HEADER", "cannot tell what #include HEADER includes")

    def test_a_folder_without_rules_is_found(self):
        self.assertEqual(
            self.problems("scenarios/a.c"),
            ["scenarios/a.c:1: no line in scripts/includes.allow covers this folder"],
        )

    def test_a_line_for_or_with_what_does_not_exist_is_found(self):
        self.write("scripts/includes.allow", RULES + "gone: base left/for/good.h\n")
        self.assertEqual(
            self.problems("bus/a.c"),
            ["scripts/includes.allow:11: there is no gone",
             "scripts/includes.allow:11: there is no left/for/good.h"],
        )

    def test_a_comment_is_no_include(self):
        self.assertEqual(
            self.problems("base/a.c", "/*", '#include "bus/public.h"', "*/", "// #include <n.h>"),
            [],
        )


class Style(Tree):
    def problems(self, path, text):
        self.write(path, text)
        return check_style.check(self.root)

    def assert_found(self, path, text, *expected):
        self.assertEqual(self.problems(path, text), [f"{path}:{problem}" for problem in expected])

    def test_good_code_passes(self):
        self.assertEqual(
            self.problems(
                "base/a.c",
                SPDX + 'static const char url[] = "http://x"; /* see // there, printf(1) */\n'
                "void f(FILE *file)\n{\n"
                '    fprintf(file, "exit(1) stderr %s", "\\"");\n'
                "    thread->exit(1);\n    bus_exit(1);\n    _exit(1);\n}\n",
            ),
            [],
        )

    def test_a_missing_licence_is_found(self):
        self.assert_found("base/a.c", "int a;\n", f"1: the first line is not '{check_style.SPDX}'")

    def test_a_line_comment_is_found(self):
        self.assert_found("base/a.h", SPDX + "int a; // b\n", "2: a // comment")

    def test_a_long_line_is_found(self):
        self.assertEqual(self.problems("base/a.c", SPDX + "/*" + 96 * "x" + "*/\n"), [])
        self.assert_found("base/a.c", SPDX + "/*" + 97 * "x" + "*/\n", "2: more than 100 columns")

    def test_unfinished_work_is_found(self):
        for word in ("TO" + "DO", "FIX" + "ME"):
            self.assert_found("tests/unit/a.c", SPDX + f"/* {word}: b */\n", f"2: {word} left in")

    def test_a_long_file_is_found(self):
        self.assertEqual(self.problems("base/a.c", SPDX + 499 * "int a;\n"), [])
        self.assert_found("base/a.c", SPDX + 500 * "int a;\n", "501: more than 500 lines")

    def test_a_long_header_is_found(self):
        self.assertEqual(self.problems("base/a.h", SPDX + 249 * "int a;\n"), [])
        self.assert_found("base/a.h", SPDX + 250 * "int a;\n", "251: more than 250 lines")

    def test_a_long_function_is_found(self):
        body = "void f(void)\n{\n%s}\n"
        self.assertEqual(self.problems("base/a.c", SPDX + body % (58 * "    a();\n")), [])
        self.assert_found(
            "base/a.c", SPDX + body % (59 * "    a();\n"), "3: a function of more than 60 lines"
        )

    def test_a_crowded_folder_is_found(self):
        for n in range(30):
            self.write(f"base/f{n}.h", SPDX)
        self.write("base/wing/a.h", SPDX)
        self.assertEqual(check_style.check(self.root), [])
        self.write("base/meson.build", "")
        self.assertEqual(check_style.check(self.root), ["base: 31 files, more than 30"])

    def test_printing_and_exiting_are_found_in_library_folders(self):
        calls = ("printf(", "puts(", "perror(", "exit(", "abort(", "err(", "warnx(")
        for folder in ("base", "bus", "scenarios", "harness/run", "reports", "include"):
            for call in calls:
                self.assert_found(
                    f"{folder}/a.c", SPDX + f"    {call}1);\n", f"2: '{call[:-1]}' in library code"
                )
            (self.root / folder / "a.c").unlink()

    def test_the_standard_streams_are_found_in_library_folders(self):
        self.assert_found(
            "reports/a.c", SPDX + "    fputs(text, stdout);\n", "2: 'stdout' in library code"
        )

    def test_commands_and_tests_may_print_and_exit(self):
        for path in ("cli/a.c", "tests/subjects/a.c"):
            self.assertEqual(self.problems(path, SPDX + "    puts(text); exit(1);\n"), [])


class Tests(Tree):
    def configure(self, *configured):
        """What meson would write about a program per source, each run by a test."""
        targets = [
            {"filename": [str(self.root / f"build/{source}.exe")],
             "target_sources": [{"sources": [str(self.root / source)]}, {"linker": ["cc"]}]}
            for source in configured
        ]
        tests = [{"cmd": target["filename"] + ["--tap"]} for target in targets]
        self.write("build/meson-info/intro-targets.json", json.dumps(targets))
        self.write("build/meson-info/intro-tests.json", json.dumps(tests))

    def problems(self):
        return check_tests.check(self.root, self.root / "build", ["unit", "fuzz"])

    def test_a_stray_test_file_is_found(self):
        for source in ("tests/unit/test_a.c", "tests/unit/test_b.c", "tests/fuzz/fuzz_c.c"):
            self.write(source, SPDX)
        self.write("tests/subjects/not_a_test.c", SPDX)
        self.configure("tests/unit/test_a.c", "tests/fuzz/fuzz_c.c")
        self.assertEqual(
            self.problems(), ["tests/unit/test_b.c:1: no test in tests/meson.build runs this file"]
        )
        self.configure("tests/unit/test_a.c", "tests/unit/test_b.c", "tests/fuzz/fuzz_c.c")
        self.assertEqual(self.problems(), [])

    def test_a_program_that_is_built_but_not_run_is_found(self):
        self.write("tests/unit/test_a.c", SPDX)
        self.configure("tests/unit/test_a.c")
        self.write("build/meson-info/intro-tests.json", "[]")
        self.assertEqual(
            self.problems(), ["tests/unit/test_a.c:1: no test in tests/meson.build runs this file"]
        )


@unittest.skipUnless(shutil.which("cc"), "no compiler called cc")
class Headers(Tree):
    def problems(self):
        source = self.write("base/a.c", "")
        command = f"cc -I.. -std=gnu11 -Wall -MD -MQ a.o -MF a.d -o a.o -c {source}"
        entry = {"directory": str(self.root / "build"), "file": str(source), "command": command}
        self.write("build/compile_commands.json", json.dumps([entry]))
        problems = check_headers.check(self.root, self.root / "build")
        return [problem.split("\n")[0] for problem in problems]

    def test_headers_that_compile_alone_pass(self):
        self.write(
            "base/size.h",
            "#ifndef A\n#define A\n#include <stddef.h>\nstruct a { size_t b; };\n#endif\n",
        )
        self.write("base/a.h", '#include "base/size.h"\nstruct a f(void);\n')
        self.write("include/strandline/a.h", "int a(void);\n")
        self.assertEqual(self.problems(), [])

    def test_a_header_that_needs_another_is_found(self):
        self.write("base/a.h", "size_t a(void);\n")
        self.assertEqual(self.problems(), ["base/a.h:1: does not compile alone"])

    def test_a_header_without_a_guard_is_found(self):
        self.write("base/a.h", "struct a { int b; };\n")
        self.assertEqual(self.problems(), ["base/a.h:1: does not compile alone"])

    def test_a_public_header_with_an_extension_is_found(self):
        self.write("include/strandline/a.h", "typeof(1) a(void);\n")
        self.assertIn("include/strandline/a.h:1: does not compile alone", self.problems())

    def test_a_public_header_that_includes_an_internal_one_is_found(self):
        self.write("base/b.h", "")
        self.write("include/strandline/a.h", '#include "base/b.h"\n')
        self.assertIn("include/strandline/a.h:1: does not compile alone", self.problems())


@unittest.skipUnless(shutil.which("cc"), "no compiler called cc")
class Symbols(Tree):
    def problems(self, symbols, code):
        self.write("include/strandline/a.h", "SL_API const char *\nfirst(void); /* SL_API b(); */\n")
        source = self.write("a.c", code)
        library = self.root / "liba.so"
        subprocess.run(["cc", "-shared", "-o", library, source], check=True)
        return check_symbols.check(self.root, [self.write("a.symbols", symbols), library])

    def test_what_the_list_says_passes(self):
        self.assertEqual(self.problems("# of a\nfirst\n", "int first; static int own;"), [])

    def test_a_name_that_is_in_no_list_is_found(self):
        self.assertEqual(
            self.problems("first\n", "int first, second;"),
            ["liba.so:1: defines second, which is not in its list"],
        )

    def test_a_name_that_is_not_defined_is_found(self):
        self.assertEqual(
            self.problems("first\nsecond\n", "int first;"),
            ["liba.so:1: does not define second, which is in its list"],
        )

    def test_a_declaration_that_is_in_no_list_is_found(self):
        self.assertEqual(
            self.problems("", ""), ["include/strandline/a.h:1: first is in no list of symbols"]
        )


@unittest.skipUnless(check_format.find_formatter(), "no clang-format of the right version")
class Format(Tree):
    def test_only_formatted_code_passes(self):
        self.write(".clang-format", "BasedOnStyle: LLVM\n")
        self.write("base/a.c", "int a;\n")
        self.assertEqual(check_format.check(self.root, check_format.find_formatter()), "")
        self.write("base/a.c", "int  a;\n")
        self.assertIn("base/a.c:1:", check_format.check(self.root, check_format.find_formatter()))


class Text(unittest.TestCase):
    def test_code_keeps_its_place_when_comments_and_strings_are_blanked(self):
        text = 'a /* "x\n*/ "b//c" // d\n\'"\' e\n'
        self.assertEqual(sources.code_only(text), 'a      \n   "    "     \n\' \' e\n')
        self.assertEqual(sources.line_comments(text), [2])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
