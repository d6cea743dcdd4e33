# SPDX-License-Identifier: Apache-2.0
"""Judge the stacks of one process against the oracles, thread by thread.

identical  complete, and equal to what an oracle found
by frame pointers
           marked as such, to a thread's entry; up to the first frame that is marked the oracle
           has the same, and beyond it every one of ours in the same order: callers that a frame
           pointer passes over may be missing, and nothing may be there that is not
partial    not complete, with a reason, and every frame is one an oracle has too, in order
moved      the thread ran in between: there is nothing it could be compared with
wrong      anything else

Compared are the physical frames: the PC of the innermost and the return addresses.
"""

import dataclasses
import json
import subprocess

import process

ROUNDS = 3
TIMEOUT_S = 120
MAX_SAMPLES = 6  # of a thread that runs all the time
BY_FRAME_POINTERS = "by frame pointers"
GRADES = ("identical", BY_FRAME_POINTERS, "partial", "moved", "wrong")
SAID = GRADES[:3]  # the stack is what it is said to be


@dataclasses.dataclass
class Judgement:
    name: str
    grade: str
    source: str = "proc"  # of the snapshot's registers
    reason: str = ""  # partial: what we say; wrong: in which way
    ours: list = dataclasses.field(default_factory=list)
    theirs: dict = dataclasses.field(default_factory=dict)  # oracle -> [pc, ...]
    agrees: list = dataclasses.field(default_factory=list)  # oracles, as far as ours goes


def take(dump, source, pid):
    """{tid: thread} as the snapshot has them.  Raises RuntimeError when there is none."""
    done = subprocess.run([dump, source, str(pid)], stdout=subprocess.PIPE, check=False,
                          timeout=TIMEOUT_S)
    if done.returncode:
        raise RuntimeError(f"dump ended with status {done.returncode}")
    snapshot = json.loads(done.stdout)
    if "error" in snapshot:
        raise RuntimeError(snapshot["error"])
    return {thread["tid"]: thread for thread in snapshot["threads"]}


def pcs_of(thread):
    return [int(frame["address"], 16) for frame in thread["frames"] if not frame["inlined"]]


def begins_with(whole, part):
    return whole[: len(part)] == part


def count_proved(thread):
    """Frames before the first one that was found by a frame pointer."""
    marks = [frame.get("by_frame_pointers", False) for frame in thread["frames"]
             if not frame["inlined"]]
    return marks.index(True) if True in marks else len(marks)


def is_part(whole, part, n_proved):
    """Whether `part` is how `whole` begins, but for frames left out behind the first n_proved."""
    if not begins_with(whole, part[:n_proved]):
        return False
    rest = iter(whole[n_proved:])
    return all(pc in rest for pc in part[n_proved:])


def judge(thread, again, truths):
    """`again` is the thread as a second snapshot has it, after the oracles; truths all samples."""
    ours, runs = pcs_of(thread), thread["state"] == "R"
    # The PC of a thread on a CPU is another one each time; where it came from is not.
    skip = 1 if runs else 0
    samples = [(name, pcs) for name, pcs in truths if pcs]
    theirs = dict(reversed(samples))

    equal = sorted({name for name, pcs in samples if pcs[skip:] == ours[skip:]})
    proved = max(count_proved(thread) - skip, 0)
    prefix = sorted({name for name, pcs in samples if is_part(pcs[skip:], ours[skip:], proved)})

    def result(grade, reason="", agrees=()):
        return Judgement(thread["name"], grade, "", reason, ours, theirs, list(agrees))

    if not thread["complete"] and not thread["reason"]:
        return result("wrong", "neither complete nor a reason")
    if thread["complete"] and equal:
        return result("identical", agrees=equal)
    if not thread["complete"] and (prefix or not ours):
        grade = BY_FRAME_POINTERS if thread.get("grade") == "frame-pointers" else "partial"
        return result(grade, thread["reason"], equal if grade != "partial" else prefix)
    if not samples:
        return result("moved", "no oracle saw it")
    if runs or again is None or pcs_of(again) != ours or again["state"] == "R":
        return result("moved", "it ran in between")
    return result("wrong", "complete" if thread["complete"] else thread["reason"])


def ask(oracles, pid, running):
    """[(oracle, {tid: [pc, ...]})]; several samples where a thread runs all the time."""
    samples = []
    for name, stacks_of in oracles.items():
        for _ in range(MAX_SAMPLES if running and name == "eu-stack" else 1):
            samples.append((name, stacks_of(pid)))
    return samples


def one_round(dump, sources, pid, oracles):
    before = {source: take(dump, source, pid) for source in sources}
    running = any(t["state"] == "R" for threads in before.values() for t in threads.values())
    samples = ask(oracles, pid, running)
    process.await_quiet(pid)
    for source, threads in before.items():
        after = take(dump, source, pid)
        for tid, thread in threads.items():
            truths = [(name, stacks[tid]) for name, stacks in samples if tid in stacks]
            judgement = judge(thread, after.get(tid), truths)
            judgement.source = source
            yield tid, judgement


def judge_process(dump, sources, pid, oracles):
    """Judgements of each thread, by each source.  One that moved is judged again; wrong is what
    stays wrong."""
    best = {}
    for _ in range(ROUNDS):
        process.await_quiet(pid)
        for tid, judgement in one_round(dump, sources, pid, oracles):
            known = best.get((tid, judgement.source))
            if not known or GRADES.index(judgement.grade) < GRADES.index(known.grade):
                best[tid, judgement.source] = judgement
        if all(judgement.grade in SAID for judgement in best.values()):
            break
    return list(best.values())
