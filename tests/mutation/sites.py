# SPDX-License-Identifier: Apache-2.0
"""Places of a C source that a mutant may change.

The sources are formatted by one tool, so a reader of statements is enough: a brace in the first
column opens a function.  What it finds are regions, each of which can be guarded:

condition   of if, while and for, between its parentheses or semicolons
value       what is returned, or what a variable begins with
statement   a call or an assignment, with its semicolon

A region holds the places of the operators; a mutant is a region written anew.
"""

import collections
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))

import sources  # noqa: E402

Token = collections.namedtuple("Token", "text start end")
AROUND = 24
Region = collections.namedtuple("Region", "kind start end function skips")
Mutant = collections.namedtuple("Mutant", "file line function operator region code before after")

TOKEN = re.compile(
    r"[A-Za-z_]\w*|\d[\w.]*|\"[^\"\n]*\"|'[^'\n]*'"
    r"|<<=|>>=|\.\.\.|->|\+\+|--|<<|>>|[<>=!+\-*/%&|^]=|&&|\|\||\S"
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
SWAPPED = {
    "<": ("boundary", "<="), "<=": ("boundary", "<"), ">": ("boundary", ">="),
    ">=": ("boundary", ">"), "==": ("equality", "!="), "!=": ("equality", "=="),
    "&&": ("logic", "||"), "||": ("logic", "&&"), "+": ("arithmetic", "-"),
    "-": ("arithmetic", "+"), "+=": ("arithmetic", "-="), "-=": ("arithmetic", "+="),
    "true": ("flag", "false"), "false": ("flag", "true"),
}
TYPES = re.compile(r"(?:const|volatile|struct|enum|union|unsigned|signed|char|short|int|long|float"
                   r"|double|bool|void|\w+_t|Elf64_\w+|natsStatus)$")
NOT_A_CALL = {"static_assert", "_Static_assert", "assert", "pthread_cleanup_push",
              "pthread_cleanup_pop", "va_start", "va_end", "va_copy"}
INTEGER = re.compile(r"(0x[0-9a-fA-F]+|\d+)([uUlL]*)$")


class Strange(Exception):
    """A function that is written in a way the reader does not know."""


class Reader:
    """The statements of one function, from its first brace on."""

    def __init__(self, tokens, at, function):
        self.tokens, self.at, self.function, self.regions = tokens, at, function, []

    def peek(self, ahead=0):
        if self.at + ahead >= len(self.tokens):
            raise Strange
        return self.tokens[self.at + ahead].text

    def take(self, text):
        if self.peek() != text:
            raise Strange
        self.at += 1

    def close(self, at):
        """@return the index of the bracket that closes the one at `at`"""
        depth = 0
        for index in range(at, len(self.tokens)):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(
                self.tokens[index].text, 0)
            if depth == 0:
                return index
        raise Strange

    def find(self, at, *wanted):
        """@return the index of the next such token that is in no bracket"""
        while self.tokens[at].text not in wanted:
            if self.tokens[at].text in (")", "]", "}"):
                raise Strange
            at = (self.close(at) if self.tokens[at].text in ("(", "[", "{") else at) + 1
            if at >= len(self.tokens):
                raise Strange
        return at

    def region(self, kind, first, end, skips=False):
        """The tokens from first up to, not including, end."""
        if first < end:
            self.regions.append(Region(kind, self.tokens[first].start, self.tokens[end - 1].end,
                                       self.function, skips))

    def condition(self):
        """@return the indices of what is in the parentheses"""
        if self.peek() != "(":
            raise Strange
        first, end = self.at + 1, self.close(self.at)
        self.at = end + 1
        return first, end

    def block(self):
        self.take("{")
        while self.peek() != "}":
            self.statement()
        self.take("}")

    def statement(self):
        word = self.peek()
        if word in STATEMENTS:
            STATEMENTS[word](self)
        elif self.peek(1) == ":" and re.match(r"[A-Za-z_]", word):
            self.at += 2
        elif word != ";" and self.is_loop():
            self.at = self.close(self.at + 1) + 1
            self.statement()
        else:
            self.simple()

    def is_loop(self):
        """A macro with a statement of its own."""
        if self.peek(1) != "(" or not re.match(r"[A-Za-z_]", self.peek()):
            return False
        return self.tokens[self.close(self.at + 1) + 1].text in (
            "{", "if", "for", "while", "return", "switch")

    def if_(self):
        self.take("if")
        first, end = self.condition()
        skips = self.leaves()
        self.statement()
        if self.peek() == "else":
            self.take("else")
            self.statement()
            skips = False
        self.region("condition", first, end, skips)

    def leaves(self):
        """Whether the statement is one that ends with return or goto."""
        if self.peek() != "{":
            return self.peek() in ("return", "goto")
        end, last = self.close(self.at), self.at + 1
        at = last
        while at < end:
            last = at
            at = self.find(at, ";", "{")
            at = (at if self.tokens[at].text == ";" else self.close(at)) + 1
        return self.tokens[last].text in ("return", "goto")

    def while_(self):
        self.take("while")
        self.region("condition", *self.condition())
        self.statement()

    def do(self):
        self.take("do")
        self.statement()
        self.take("while")
        self.region("condition", *self.condition())
        self.take(";")

    def for_(self):
        self.take("for")
        first, end = self.condition()
        start = self.find(first, ";")
        step = self.find(start + 1, ";")
        self.region("condition", start + 1, step)
        self.statement()

    def switch(self):
        self.take("switch")
        self.condition()
        self.statement()

    def case(self):
        self.at = self.find(self.at, ":") + 1

    def return_(self):
        self.take("return")
        end = self.find(self.at, ";")
        self.region("value", self.at, end)
        self.at = end + 1

    def skip(self):
        self.at = self.find(self.at, ";") + 1

    def simple(self):
        """A declaration, a call or an assignment."""
        first, end = self.at, self.find(self.at, ";")
        self.at = end + 1
        words = [token.text for token in self.tokens[first:end]]
        if not words or words[0] in NOT_A_CALL:
            return
        if words[0] == "static":
            return
        if self.declares(first, end):
            self.initial_values(first, end)
        else:
            self.region("statement", first, end + 1)

    def declares(self, first, end):
        """Whether a name follows a name, perhaps behind stars or a macro's arguments."""
        texts = [token.text for token in self.tokens[first:end]]
        if not re.match(r"[A-Za-z_]", texts[0]):
            return False
        if TYPES.match(texts[0]):
            return True
        at = 1
        if len(texts) > 1 and texts[1] == "(":
            at = self.close(first + 1) + 1 - first
        while at < len(texts) and texts[at] == "*":
            at += 1
        return at < len(texts) and bool(re.match(r"[A-Za-z_]", texts[at]))

    def initial_values(self, first, end):
        at = first
        while at < end:
            at = self.find(at, "=", ";")
            if at >= end:
                return
            stop = self.find(at + 1, ",", ";")
            if self.tokens[at + 1].text != "{":
                self.region("value", at + 1, stop)
            at = stop


STATEMENTS = {
    "{": Reader.block, "if": Reader.if_, "while": Reader.while_, "do": Reader.do,
    "for": Reader.for_, "switch": Reader.switch, "case": Reader.case, "default": Reader.case,
    "return": Reader.return_, "goto": Reader.skip, "break": Reader.skip, "continue": Reader.skip,
}


def tokens_of(text):
    """Of code without comments and insides of strings; directives are left out."""
    return [Token(found[0], found.start(), found.end()) for found in TOKEN.finditer(text)]


def name_before(tokens, brace):
    """The function whose body the brace opens: what stands before the parameters."""
    depth = 0
    for index in range(brace - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(tokens[index].text, 0)
        if tokens[index].text == "(" and depth == 0:
            return tokens[index - 1].text
    return "?"


def regions_of(text):
    code = DIRECTIVE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), sources.code_only(text))
    directives = [found.start() for found in DIRECTIVE.finditer(text)]
    tokens, regions = tokens_of(code), []
    for index, token in enumerate(tokens):
        if token.text == "{" and code[token.start - 1:token.start] in ("\n", ""):
            reader = Reader(tokens, index, name_before(tokens, index))
            try:
                reader.block()
            except Strange:
                continue
            regions += reader.regions
    return code, [region for region in regions
                  if not any(region.start < at < region.end for at in directives)]


def excerpts(before, after):
    """What differs, with a little of what stands around it; each on one line."""
    before, after = (re.sub(r"\s+", " ", text).strip() for text in (before, after))
    same = len(os.path.commonprefix([before, after]))
    rest = min(len(before), len(after)) - same
    tail = min(len(os.path.commonprefix([before[::-1], after[::-1]])), rest)
    start = max(same - AROUND, 0) if same > AROUND + 3 else 0

    def cut(text):
        end = len(text) - max(tail - AROUND, 0) if tail > AROUND + 3 else len(text)
        return ("..." if start else "") + text[start:end] + ("..." if end < len(text) else "")

    return cut(before), cut(after)


def is_binary(tokens, index):
    """Whether the sign stands between two operands; a cast is none."""
    if index == 0:
        return False
    last = tokens[index - 1].text
    if last == ")":
        depth, at = 0, index - 1
        while at >= 0:
            depth += {")": 1, "(": -1}.get(tokens[at].text, 0)
            if depth == 0:
                break
            at -= 1
        inside = [token.text for token in tokens[at + 1:index - 1]]
        return not all(word == "*" or TYPES.match(word) for word in inside)
    return last == "]" or bool(re.match(r"[\w\"']", last)) and last != "return"


def in_sizeof(tokens, index):
    for at in range(index - 1, -1, -1):
        if tokens[at].text == "sizeof":
            return True
        if tokens[at].text not in ("(", "*", "[") and not re.match(r"\w|->|\.", tokens[at].text):
            return False
    return False


def one_more(digits, suffix):
    octal = digits.startswith("0") and digits.isdigit() and digits != "0"
    return f"({digits} + 1)" if octal else f"{int(digits, 0) + 1}{suffix}"


def changes_of(region, tokens):
    """(operator, place, end, text) for each token of a region that can be another one."""
    for index, token in enumerate(tokens):
        if in_sizeof(tokens, index):
            continue
        if token.text in SWAPPED:
            if token.text in "+-" and not is_binary(tokens, index):
                continue
            yield (SWAPPED[token.text][0], token.start, token.end, SWAPPED[token.text][1])
        elif number := INTEGER.match(token.text):
            yield ("constant", token.start, token.end, one_more(*number.groups()))
    if region.kind == "value" and tokens[0].text == "SL_OK":
        yield ("status", tokens[0].start, tokens[0].end, "SL_EINVAL")
    elif region.kind == "value" and re.match(r"SL_E[A-Z]+$", tokens[0].text) and len(tokens) == 1:
        yield ("status", tokens[0].start, tokens[0].end, "SL_OK")


def mutants_of(path, text):
    """Every mutant of a file, in the order of its text."""
    code, regions = regions_of(text)
    plain = sources.without_comments(text)
    for region in sorted(regions, key=lambda one: one.start):
        before = plain[region.start:region.end]
        tokens = [Token(found[0], region.start + found.start(), region.start + found.end())
                  for found in TOKEN.finditer(code[region.start:region.end])]

        def make(operator, at, after):
            return Mutant(str(path), text.count("\n", 0, at) + 1, region.function, operator,
                          region, after.replace("\n", " "), *excerpts(before, after))

        for operator, start, end, word in changes_of(region, tokens):
            yield make(operator, start,
                       plain[region.start:start] + word + plain[end:region.end])
        if region.kind == "condition":
            yield make("negated", region.start, f"!({before})")
        if region.skips:
            yield make("skipped", region.start, f"({before}) && false")
        if region.kind == "statement":
            yield make("removed", region.start, ";")
        if region.kind == "value" and before.startswith(("sl_fail(", "sl_fail_errno(")):
            yield make("status", region.start, f"({before}, SL_OK)")
