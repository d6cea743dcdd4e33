# SPDX-License-Identifier: Apache-2.0
"""The memory of a process, read anew: its words, and which object has an address.

Nothing of it is taken from the program under test.  The blocks of malloc are those of glibc on a
machine of 64 bits.
"""

import bisect
import dataclasses
import pathlib
import re
import struct

PAGE = 4096
ARENA = 64 << 20  # heaps that are mapped begin at multiples of this
HEAP_INFO, ARENA_INFO = 48, 2200  # what a mapped heap begins with: at least, and the first of an arena
ADDRESS = (1 << 48) - 1
TAG = 15
RED_ZONE = 128


@dataclasses.dataclass
class Mapping:
    start: int
    end: int
    flags: str
    name: str


class Memory:
    def __init__(self, pid):
        self.root = pathlib.Path(f"/proc/{pid}")
        self.file = open(self.root / "mem", "rb", buffering=0)
        self.mappings = [self._mapping(line) for line in
                         (self.root / "maps").read_text(errors="replace").splitlines()]
        self.starts = [one.start for one in self.mappings]
        self.stacks = self._stacks()
        self.blocks = {}  # start of a walk -> [(start, end)]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.file.close()

    @staticmethod
    def _mapping(line):
        found = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line)
        return Mapping(int(found[1], 16), int(found[2], 16), found[3], found[4])

    def _stacks(self):
        """[(stack pointer, end of its mapping)] of the threads that are in a system call."""
        found = []
        for task in (self.root / "task").iterdir():
            words = (task / "syscall").read_text().split()
            if len(words) >= 3 and (mapping := self.mapping(int(words[-2], 16))):
                found.append((int(words[-2], 16), mapping.end))
        return found

    def mapping(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.mappings[i] if i >= 0 and address < self.mappings[i].end else None

    def read(self, address, size):
        """Raises OSError where there is none."""
        self.file.seek(address)
        return self.file.read(size)

    def word(self, address):
        return struct.unpack("<Q", self.read(address, 8))[0]

    def futex(self, tid):
        """The word that a thread waits for, or None."""
        words = (self.root / "task" / str(tid) / "syscall").read_text().split()
        return int(words[1], 16) if words and words[0] == "202" else None

    def _walk(self, first, end):
        """Blocks [start, end), of which start is that of the program's bytes; none: no heap.

        A heap that was mapped may end at any page, the main one ends with its mapping.
        """
        if first not in self.blocks:
            found, at, data = [], first, self.read(first, end - first)
            while at + 16 <= end:
                size = struct.unpack_from("<Q", data, at - first + 8)[0] & ~7
                if size < 16 or at + size > end:
                    break
                found.append((at + 16, at + size + 8))
                at += size
            self.blocks[first] = found if at == end or (first % PAGE and at % PAGE == 0) else []
        return self.blocks[first]

    def _first_block(self, mapping, address):
        """Where blocks begin, of those that the address may be one of."""
        if mapping.name == "[heap]":
            return mapping.start
        base = address & -ARENA
        if self.mapping(base) and self.mapping(base).start <= base:
            arena, before, size = struct.unpack("<QQQ", self.read(base, 24))
            if arena & -ARENA == base and arena == base + HEAP_INFO and before == 0:
                return (base + HEAP_INFO + ARENA_INFO + 15) & -16
            if arena and before and before % ARENA == 0 and size <= ARENA:
                return base + HEAP_INFO
        return None

    def _own_mapping(self, mapping, address):
        """A block that has its own mapping; several of them may lie side by side."""
        at = mapping.start
        while at < address and at + 16 <= mapping.end:
            before, size = struct.unpack("<QQ", self.read(at, 16))
            if size & 7 == 2 and before == 0 and size & ~7 and (size & ~7) % PAGE == 0:
                end = at + (size & ~7)
                if address < end:
                    return at + 16, end
                at = end
            else:
                at += PAGE
        return None

    def object(self, address):
        """(kind, start, end) of what has the address; its end counts, too."""
        mapping = self.mapping(address)
        if not mapping:
            return None
        for pointer, end in self.stacks:
            if pointer - RED_ZONE <= address < end and mapping.end == end:
                return "stack", pointer - RED_ZONE, end
        if "w" in mapping.flags and "s" not in mapping.flags:
            first = self._first_block(mapping, address)
            blocks = self._walk(first, mapping.end) if first else []
            i = bisect.bisect_right(blocks, (address, 1 << 64)) - 1
            if i >= 0 and address <= blocks[i][1]:
                return "block", *blocks[i]
            if not first and not mapping.name and (own := self._own_mapping(mapping, address)):
                return "block", *own
        return "root", mapping.start, mapping.end


def strip(value):
    """A pointer without what programs hide in its upper and its lowest bits."""
    return value & ADDRESS & ~TAG
