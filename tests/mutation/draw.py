# SPDX-License-Identifier: Apache-2.0
"""A sample of mutants, and those that are known to change nothing."""

import collections
import hashlib
import pathlib
import re
import sys

import sites

EQUIVALENT = pathlib.Path(__file__).resolve().parent / "equivalent.txt"
ROOMS = ("base", "bus", "harness", "reports")
LEFT_OUT = ("harness/snapshot/source/threads.bpf.c",)


def files(root, wanted):
    """Those that can have mutants: what is wanted, or all of the rooms."""
    found = sites.sources.find(root, wanted or ROOMS)
    found += [pathlib.Path(name) for name in wanted if (root / name).is_file()]
    return [path for path in found if str(path) not in LEFT_OUT]


def luck(*words):
    return hashlib.sha256("\0".join(map(str, words)).encode()).hexdigest()


def sample(root, paths, seed, count):
    """Lines by lot, and one mutant of each.

    The lot of a line is its text and its function, not its number: a change elsewhere leaves the
    rest of the sample as it was.
    """
    drawn = []
    for path in paths:
        text = sites.sources.read(root, path)
        lines, by_line, seen = text.split("\n"), collections.defaultdict(list), collections.Counter()
        for mutant in sites.mutants_of(path, text):
            by_line[mutant.line].append(mutant)
        for number, mutants in sorted(by_line.items()):
            place = (path, mutants[0].function, lines[number - 1].strip())
            seen[place] += 1
            lot = luck(seed, *place, seen[place])
            drawn.append((lot, mutants[int(luck(lot), 16) % len(mutants)]))
    drawn.sort(key=lambda item: item[0])
    chosen = [mutant for _, mutant in drawn[:count]]
    return sorted(chosen, key=lambda mutant: (mutant.file, mutant.line))


def identity(mutant):
    return (mutant.file, mutant.function, mutant.operator, mutant.before, mutant.after)


def read_equivalent(path=EQUIVALENT):
    """Paragraphs: 'FILE FUNCTION OPERATOR', the text before, the text after, the reason.

    @return reason by identity
    """
    known = {}
    for number, paragraph in enumerate(re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))):
        lines = [line.strip() for line in paragraph.strip().split("\n")
                 if not line.startswith("#")]
        if not any(lines):
            continue
        if len(lines) < 4 or len(lines[0].split()) != 3:
            sys.exit(f"{path}: paragraph {number + 1} is no 'FILE FUNCTION OPERATOR', text, text "
                     "and reason")
        known[(*lines[0].split(), lines[1], lines[2])] = " ".join(lines[3:])
    return known


def forgotten(root, known):
    """Those of the equivalent that the sources do not have any more."""
    there = set()
    for path in sorted({key[0] for key in known}):
        if (root / path).is_file():
            text = sites.sources.read(root, path)
            there.update(identity(mutant) for mutant in sites.mutants_of(path, text))
    return [key for key in known if key not in there]
