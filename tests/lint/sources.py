# SPDX-License-Identifier: Apache-2.0
"""What the lint checks share: finding C sources, and looking past comments and strings."""

import pathlib
import re

# The product; tests and examples are sources too, but no library folders.
LIBRARY_FOLDERS = ("base", "json", "scenarios", "nats", "bus", "harness", "reports", "cli", "include")
SOURCE_FOLDERS = LIBRARY_FOLDERS + ("tests", "examples")

_TOKEN = re.compile(
    r"""(?P<line>//(?:\\\n|[^\n])*)
      | (?P<block>/\*.*?\*/)
      | (?P<string>"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*')""",
    re.VERBOSE | re.DOTALL,
)


def find(root, folders):
    """C sources and headers below the folders, as paths relative to root, sorted."""
    root = pathlib.Path(root)
    paths = [
        path.relative_to(root)
        for folder in folders
        for path in (root / folder).rglob("*.[ch]")
        if path.is_file()
    ]
    return sorted(paths)


def read(root, path):
    return (pathlib.Path(root) / path).read_text(encoding="utf-8")


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """The text with comments blanked; lines and columns stay where they are."""
    return _TOKEN.sub(lambda m: m[0] if m["string"] else _blank(m[0]), text)


def code_only(text):
    """The text with comments and the insides of strings blanked."""
    return _TOKEN.sub(
        lambda m: m[0][0] + _blank(m[0][1:-1]) + m[0][-1] if m["string"] else _blank(m[0]), text
    )


def line_comments(text):
    """Line numbers at which a // comment begins."""
    return [text.count("\n", 0, m.start()) + 1 for m in _TOKEN.finditer(text) if m["line"]]


def numbered(text):
    return enumerate(text.split("\n"), start=1)


def report(problems):
    """Print the problems.  Returns the exit status: 1 when there is one."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0
