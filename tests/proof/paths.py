# SPDX-License-Identifier: Apache-2.0
"""Whether a path that was printed is there: each word read again, and what it points into."""

import memory


def number(text):
    return int(text, 16) if isinstance(text, str) else int(text or 0)


def leads_to(space, value, place):
    """Whether a pointer of this value makes what has the place live."""
    found = space.object(place)
    if not found:
        return False
    _, start, end = found
    return any(start <= one <= end for one in (value, value & memory.ADDRESS, memory.strip(value)))


def problems_of(space, claim):
    """What does not hold, as text."""
    steps = [(step["what"], number(step["at"]), number(step["holds"])) for step in claim.path]
    if not steps:
        return
    for (what, place, value), (_, target, _) in zip(steps, steps[1:]):
        if place:
            try:
                if space.word(place) != value:
                    yield f"{what}: {place:#x} holds {space.word(place):#x}, not {value:#x}"
            except OSError:
                yield f"{what}: {place:#x} cannot be read"
        if target and not leads_to(space, value, target):
            yield f"{what}: {value:#x} does not point into what has {target:#x}"
    what, place, _ = steps[0]
    found = space.object(place) if place else None
    if found and found[0] == "block":
        yield f"{what}: {place:#x} is in a block, which is no root"
    what, place, _ = steps[-1]
    if place != space.futex(claim.tid):
        yield f"{what}: {place:#x} is not what thread {claim.tid} waits for"
