#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Planted stacks: a campaign that finds nothing wrong has to be able to."""

import sys
import unittest

import parts
import score

TRUTH = [0x10, 0x20, 0x30, 0x40]


def thread(pcs, complete=True, reason=None, state="S", functions=()):
    functions = functions or ["f"] * len(pcs)
    frames = [{"address": hex(pc), "function": function, "inlined": False}
              for pc, function in zip(pcs, functions)]
    return {"name": "t", "state": state, "complete": complete, "reason": reason, "frames": frames}


def grade(ours, truths=(("gdb", TRUTH),), again=None):
    return score.judge(ours, again or ours, list(truths)).grade


class Judging(unittest.TestCase):
    def test_equal_is_identical(self):
        self.assertEqual(grade(thread(TRUTH)), "identical")

    def test_inlined_frames_are_none(self):
        ours = thread([0x10, 0x20, 0x20, 0x30, 0x40])
        ours["frames"][1]["inlined"] = True
        self.assertEqual(grade(ours), "identical")

    def test_another_return_address_is_wrong(self):
        self.assertEqual(grade(thread([0x10, 0x20, 0x31, 0x40])), "wrong")

    def test_too_short_but_complete_is_wrong(self):
        self.assertEqual(grade(thread(TRUTH[:3])), "wrong")

    def test_too_long_is_wrong(self):
        self.assertEqual(grade(thread(TRUTH + [0x50])), "wrong")

    def test_a_beginning_with_a_reason_is_partial(self):
        self.assertEqual(grade(thread(TRUTH[:2], False, "because")), "partial")

    def test_a_beginning_without_a_reason_is_wrong(self):
        self.assertEqual(grade(thread(TRUTH[:2], False)), "wrong")

    def test_a_partial_stack_with_a_false_frame_is_wrong(self):
        self.assertEqual(grade(thread([0x10, 0x21], False, "because")), "wrong")

    def by_frame_pointers(self, pcs, first_marked=2):
        ours = {**thread(pcs, False, "because"), "grade": "frame-pointers"}
        for frame in ours["frames"][first_marked:]:
            frame["by_frame_pointers"] = True
        return grade(ours)

    def test_what_is_by_frame_pointers_is_counted_apart(self):
        self.assertEqual(self.by_frame_pointers(TRUTH), "by frame pointers")

    def test_a_frame_pointer_may_pass_a_caller_over(self):
        self.assertEqual(self.by_frame_pointers([0x10, 0x20, 0x40]), "by frame pointers")

    def test_a_frame_that_is_none_is_wrong_by_frame_pointers_too(self):
        self.assertEqual(self.by_frame_pointers([0x10, 0x20, 0x31, 0x40]), "wrong")
        self.assertEqual(self.by_frame_pointers([0x10, 0x30, 0x20]), "wrong")

    def test_no_caller_is_missing_before_the_first_that_is_marked(self):
        self.assertEqual(self.by_frame_pointers([0x10, 0x30, 0x40], 2), "wrong")

    def test_no_stack_with_a_reason_is_partial(self):
        self.assertEqual(grade(thread([], False, "because"), ()), "partial")

    def test_no_oracle_proves_nothing(self):
        self.assertEqual(grade(thread(TRUTH), ()), "moved")

    def test_a_thread_that_went_elsewhere_is_not_judged(self):
        self.assertEqual(grade(thread([0x11]), again=thread(TRUTH)), "moved")

    def test_only_the_innermost_of_a_running_thread_may_differ(self):
        self.assertEqual(grade(thread([0x11] + TRUTH[1:], state="R")), "identical")
        self.assertEqual(grade(thread([0x11, 0x22], state="R")), "moved")


class JudgingBySource(unittest.TestCase):
    def grade(self, *functions, complete=True, reason=None):
        planted = thread([0] * len(functions), complete, reason, functions=functions)
        return parts.judge_flicker("proc", planted).grade

    def test_one_chain_is_identical(self):
        self.assertEqual(self.grade("nap", *(f"left_{i}" for i in (4, 3, 2, 1, 0)), "run"),
                         "identical")

    def test_two_chains_at_once_are_wrong(self):
        self.assertEqual(self.grade("left_4", "left_3", "right_2", "right_1", "right_0", "run"),
                         "wrong")

    def test_a_gap_is_wrong(self):
        self.assertEqual(self.grade("left_4", "left_2", "left_1", "left_0", "run"), "wrong")

    def test_a_chain_without_its_caller_is_wrong(self):
        self.assertEqual(self.grade("left_4", "left_3", "run"), "wrong")

    def test_vfork_has_to_show_every_function(self):
        whole = thread([0] * 5, functions=parts.VFORK)
        short = thread([0] * 4, functions=parts.VFORK[:4])
        self.assertEqual(parts.judge_vfork("proc", whole).grade, "identical")
        self.assertEqual(parts.judge_vfork("proc", short).grade, "wrong")


if __name__ == "__main__":
    sys.exit(unittest.main())
