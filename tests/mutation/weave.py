# SPDX-License-Identifier: Apache-2.0
"""Sources that hold many mutants at once, each behind its number.

Lines stay where they are: the header of the mutants takes the place of the first line, which
names the licence, and what is added stands on one line.
"""

import collections
import pathlib

HEADER = pathlib.Path(__file__).resolve().parent / "mutant.h"


def guard(region, original, mutants):
    """@param mutants  (number, mutant) of this region"""
    if region.kind == "statement":
        chosen = "".join(f"if (sl_mutant({number})) {{ {mutant.code} }} else "
                         for number, mutant in mutants)
        return f"{{ {chosen}{{ {original} }} }}"
    chosen = "".join(f"sl_mutant({number}) ? ({mutant.code}) : " for number, mutant in mutants)
    return f"{chosen}({original})"


def weave(text, numbered):
    """@param numbered  (number, mutant) of this file"""
    regions = collections.defaultdict(list)
    for number, mutant in numbered:
        regions[mutant.region].append((number, mutant))
    for region, mutants in sorted(regions.items(), key=lambda item: -item[0].start):
        original = text[region.start:region.end]
        text = text[:region.start] + guard(region, original, mutants) + text[region.end:]
    return f'#include "{HEADER}"\n' + text.split("\n", 1)[1]


def alone(text, mutant):
    """The file as it would be if somebody had written the mutant."""
    return text[:mutant.region.start] + mutant.code + text[mutant.region.end:]
