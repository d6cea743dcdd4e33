#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""scripts/mutate finds what it is for: a planted program, one half of which nobody tests.

usage: selftest.py BUILD
"""

import collections
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import draw
import play
import sites
import weave

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT

SOURCE = """/* a licence */
#include "base/planted.h"
#define TWICE(x) ((x) + (x))

bool planted_fits(int value, int limit)
{
    return value <= limit; /* asked at the limit */
}

int planted_larger(int one, int other)
{
    if (one < other)
        return other;
    return one;
}
"""
HEADER = """/* a licence */
#include <stdbool.h>
bool planted_fits(int value, int limit);
int planted_larger(int one, int other);
"""
TEST = """/* a licence */
#include "base/planted.h"

int main(void)
{
    bool right = planted_fits(1, 2) && planted_fits(2, 2) && !planted_fits(3, 2);
    return !(right && planted_larger(1, 1) == 1);
}
"""
MESON = """project('planted', 'c')
planted = executable('planted', 'base/planted.c', 'tests/test_planted.c')
test('planted', planted, suite: 'unit')
"""


def mutants_of(code):
    return list(sites.mutants_of("a.c", code))


def body(*lines):
    return mutants_of("\n".join(("int f(int a)", "{", *lines, "}", "")))


class Sites(unittest.TestCase):
    def assert_made(self, line, *wanted):
        made = {(mutant.operator, mutant.code) for mutant in body(line)}
        self.assertEqual(made, set(wanted))

    def test_a_condition_is_changed_at_each_operator_and_as_a_whole(self):
        self.assert_made(
            "while (a < 7 && a != 0x1fu) go_on:;",
            ("boundary", "a <= 7 && a != 0x1fu"), ("constant", "a < 8 && a != 0x1fu"),
            ("logic", "a < 7 || a != 0x1fu"), ("equality", "a < 7 && a == 0x1fu"),
            ("constant", "a < 7 && a != 32u"), ("negated", "!(a < 7 && a != 0x1fu)"))

    def test_a_branch_that_leaves_can_be_skipped(self):
        self.assert_made("if (a) { f(); return b; }", ("negated", "!(a)"),
                         ("skipped", "(a) && false"), ("removed", ";"))
        self.assert_made("if (a) { return b; } else { ; }", ("negated", "!(a)"))

    def test_statements_are_removed_and_declarations_are_not(self):
        self.assert_made("f(a);", ("removed", ";"))
        self.assert_made("struct x *b = f(a), c[2] = {1};")
        self.assert_made("SL_AUTO(x) struct x *b = a + 1;", ("arithmetic", "a - 1"),
                         ("constant", "a + 2"))

    def test_what_is_returned_is_swapped(self):
        self.assert_made("return SL_OK;", ("status", "SL_EINVAL"))
        self.assert_made("return SL_EBUSY;", ("status", "SL_OK"))
        self.assert_made("return true;", ("flag", "false"))
        self.assert_made('return sl_fail(err, "at 1 + 1");',
                         ("status", '(sl_fail(err, "at 1 + 1"), SL_OK)'))

    def test_signs_casts_sizes_labels_and_tables_stay(self):
        self.assert_made("switch (a) { case 1: return (int) -b; default: return -sizeof(int[2]); }")
        self.assert_made("static const int table[] = {1, 2};")

    def test_a_mutant_stays_on_the_lines_of_the_original(self):
        text = "/* a licence */\nint f(int a)\n{\n    return a <\n           1;\n}\n"
        woven = weave.weave(text, list(enumerate(mutants_of(text), start=1)))
        self.assertEqual(woven.count("\n"), text.count("\n"))
        self.assertIn("sl_mutant(1) ? (a <=            1) : sl_mutant(2)", woven)

    def test_every_function_of_the_sources_can_be_read(self):
        for path in draw.files(ROOT, []):
            text = sites.sources.read(ROOT, path)
            code, _ = sites.regions_of(text)
            tokens = sites.tokens_of(code)
            for index, token in enumerate(tokens):
                if token.text == "{" and code[token.start - 1] == "\n":
                    sites.Reader(tokens, index, path).block()


class Draw(unittest.TestCase):
    def test_a_change_elsewhere_leaves_a_sample_as_it_is(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.c"

            def drawn(seed, text):
                path.write_text(text, encoding="utf-8")
                return {draw.identity(one) for one in draw.sample(path.parent, ["a.c"], seed, 5)}

            text = (ROOT / "base/parse.c").read_text(encoding="utf-8")
            self.assertEqual(drawn(7, text), drawn(7, text.replace("#include", "\n#include")))
            self.assertNotEqual(drawn(7, text), drawn(8, text))

    def test_the_equivalent_have_a_reason_each(self):
        for identity, reason in draw.read_equivalent().items():
            self.assertGreater(len(reason.split()), 3, identity)


class Confined(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(dir=BUILD)
        self.addCleanup(directory.cleanup)
        self.folder = pathlib.Path(directory.name)
        self.player = play.Player(self.folder, self.folder, "", 16)
        if not self.player.works():
            self.skipTest("no namespaces of processes and files here")

    def play(self, script, limit=60, **options):
        return self.player.play(play.Test("t", "unit", ["sh", "-c", script], {}, None), limit, **options)

    def test_a_test_that_hangs_is_ended(self):
        outcome = self.play("sleep 1000 & sleep 1000", limit=0.5)
        self.assertTrue(outcome.timed_out)
        self.assertFalse(outcome.passed)

    def test_a_test_can_neither_signal_nor_remove_what_is_not_its_own(self):
        outside = self.folder / "outside"
        outside.write_text("here")
        self.assertFalse(self.play(f"kill -9 -1; rm -f {outside}; exit 1").passed)
        self.assertTrue(outside.exists())
        self.assertTrue(self.play("touch /tmp/a").passed)

    def test_a_test_may_act_as_another_user_in_its_own_tmp(self):
        self.assertTrue(self.play("setpriv --reuid 65534 --clear-groups touch /tmp/a").passed)

    def test_a_test_gets_the_signals_that_a_shell_has_it_ignore(self):
        self.assertFalse(self.play("kill -INT $$; exit 0").passed)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.assertFalse(self.play("kill -INT $$; exit 0").passed)
        finally:
            signal.signal(signal.SIGINT, before)

    def test_a_test_is_played_where_its_build_is(self):
        (self.folder / "beside").touch()
        self.assertTrue(self.play("test -e beside").passed)

    def plant(self):
        root = self.folder / "planted"
        for name, text in {"base/planted.c": SOURCE, "base/planted.h": HEADER, "meson.build": MESON,
                           "tests/test_planted.c": TEST,
                           "meson_options.txt": "option('tests', type: 'feature')\n"}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        subprocess.run(["git", "init", "--quiet", root], check=True)
        return root

    def test_what_is_tested_is_killed_and_what_is_not_survives(self):
        root = self.plant()
        done = subprocess.run(
            [ROOT / "scripts/mutate", "--root", root, "--count", "9", "--file", "base/planted.c"],
            check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads((root / "build-mutate/mutants.json").read_text(encoding="utf-8"))
        verdicts = collections.defaultdict(set)
        for entry in document["mutants"]:
            verdicts[entry["function"]].add(entry["verdict"])
        self.assertEqual(verdicts, {"planted_fits": {"killed"}, "planted_larger": {"survived"}},
                         done.stdout)
        self.assertEqual((root / "base/planted.c").read_text(encoding="utf-8"), SOURCE)
        self.assertIn("all: 1 of 2 killed, 50.0 %", done.stdout)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    BUILD = pathlib.Path(sys.argv.pop())
    unittest.main()
