# SPDX-License-Identifier: Apache-2.0
"""What becomes of each mutant of a sample."""

import collections
import concurrent.futures
import pathlib
import time

import draw
import play

COUNTED = ("killed", "timeout", "survived")

Result = collections.namedtuple("Result", "mutant verdict by seconds")


class Campaign:
    def __init__(self, place, options, say):
        self.place, self.options, self.say = place, options, say
        self.until = time.monotonic() + options.time_limit
        self.tests, self.outcomes = [], {}

    def in_parallel(self, work, items):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            yield from pool.map(work, items)

    def judge(self, mutants):
        """@return a generator of results, in no order"""
        known = draw.read_equivalent()
        numbered = {number: mutant for number, mutant in enumerate(mutants, start=1)
                    if draw.identity(mutant) not in known}
        for mutant in mutants:
            if reason := known.get(draw.identity(mutant)):
                yield Result(mutant, "equivalent", reason, 0)
        self.place.copy()
        self.place.set_up()
        for number in self.place.weave(numbered):
            yield Result(numbered.pop(number), "does not compile", "", 0)
        self.say(f"build {len(numbered)} mutants")
        self.place.make()
        self.player = play.Player(self.place.folder, self.place.build, self.options.sanitize,
                                  max(numbered, default=0) + 1)
        self.play_without()
        yield from self.in_parallel(self.judge_one, numbered.items())

    def play_without(self):
        """Each test once, for what it reaches and how long it takes."""
        tests = play.tests_of(self.place.tests(), self.options.suite)
        self.say(f"play {len(tests)} tests without a mutant")

        def once(test):
            return test, self.player.play(test, self.options.test_limit, record=True, stop_early=False)

        for test, outcome in self.in_parallel(once, tests):
            if outcome.passed:
                self.tests.append(test)
                self.outcomes[test.name] = outcome
            else:
                why = "takes too long" if outcome.timed_out else "fails"
                self.say(f"test {test.name} is left out: it {why} without a mutant")

    def order(self, number, mutant):
        """Those that come by: the mutant's own test first, then its room's, then the quick ones."""
        path = pathlib.PurePath(mutant.file)

        def key(test):
            quick = test.suite in ("unit", "fuzz")
            own = test.name == path.stem or test.name.endswith("_" + path.stem)
            near = any((self.place.tree / "tests" / "unit" / room / f"test_{test.name}.c").is_file()
                       for room in (*path.parts, "run" if path.parts[0] == "harness" else "base"))
            return not (quick and own), not (quick and near), not quick, \
                self.outcomes[test.name].seconds

        return sorted((test for test in self.tests if number in self.outcomes[test.name].reached),
                      key=key)

    def fails(self, test, number):
        """@return None, 'killed' or 'timeout'"""
        limit = 10 + 4 * self.outcomes[test.name].seconds
        outcome = self.player.play(test, limit, number)
        if not outcome.passed and test.suite not in ("unit", "fuzz"):
            outcome = self.player.play(test, limit, number)  # bad luck does not strike twice
        if outcome.timed_out:
            return "timeout"
        return None if outcome.passed else "killed"

    def judge_one(self, item):
        number, mutant = item
        began = time.monotonic()
        tests = self.order(number, mutant)
        for played, test in enumerate(tests):
            now = time.monotonic()
            if now > self.until:
                return Result(mutant, "not played", "", now - began)
            if now - began > self.options.mutant_limit:
                return Result(mutant, "survived", f"{played} of {len(tests)} tests that reach it",
                              now - began)
            if verdict := self.fails(test, number):
                return Result(mutant, verdict, test.name, time.monotonic() - began)
        verdict = "same object" if self.place.is_same_object(mutant) else "survived"
        by = f"{len(tests)} tests that reach it" if tests else "no test reaches it"
        return Result(mutant, verdict, by, time.monotonic() - began)
