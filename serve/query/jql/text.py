"""What `~` looks for: words, phrases in quotes, `*` and `?` within a word; never stems of words.

A word is a run of letters, digits, marks and low lines, in any script and any case; accents count,
in whichever form somebody writes them: the warehouse holds texts composed, and so they are wanted.
Chinese and Japanese have no blanks: there each character is a word, but a run of Katakana is one.
All words must occur in one text, in any order. Each becomes one pattern of RE2, which DuckDB
matches in time that grows with the length of the text alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from serve.query.jql.errors import JqlError
from serve.query.jql.syntax import Literal

_LETTER, _NO_LETTER = r"[\pL\pN\pM_]", r"[^\pL\pN\pM_]"
_CHARACTERS = (
    "\u3005-\u3007\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_RUNS = re.compile(f"([{_CHARACTERS}]+)|([{_KATAKANA}]+)|[^{_CHARACTERS}{_KATAKANA}]+")
# What may stand beside a run of words: characters, Katakana, others.
_BESIDE = ("", f"[^{_KATAKANA}]", f"{_NO_LETTER}|[{_CHARACTERS}{_KATAKANA}]")
_WILD = {"*": f"{_LETTER}*", "?": _LETTER}

_MAX_WORDS = 50

_MAX_LETTERS = 255
"""Letters of a word; Jira's index cuts longer ones."""

_MAX_WILD = 10
"""A pattern's cost grows with each, and a search is not interrupted within a block of texts."""

_PART = re.compile(r'"(?P<phrase>[^"]*)"|(?P<open>")|(?P<bare>[^\s"]+)')
_BOOLEAN = frozenset({"AND", "OR", "NOT", "&&", "||", "!"})


def composed(text: str) -> str:
    """Return a text with each letter in one piece with its accents (NFC), as dbt's `composed`."""
    return unicodedata.normalize("NFC", text)


def spellings(text: str) -> tuple[str, str]:
    """Return a text with its accents in both forms: histories are kept as they were told."""
    return composed(text), unicodedata.normalize("NFD", text)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text must have: all of `parts` somewhere, and matches of all `patterns`."""

    parts: tuple[str, ...]
    patterns: tuple[str, ...]


def wanted_of(literal: Literal) -> Wanted:
    """Return what a text must have, without regard to case; the parts only make it fast.

    JqlError: nothing to look for, too much, or a modifier that is not understood.
    """
    found: list[str] = []
    plain: dict[str, None] = {}
    count = wild = 0
    for part in _PART.finditer(composed(literal.text)):
        if part["open"]:
            raise JqlError(
                "A phrase begins with a quote that is never closed.",
                'Close it, as in ~ "\\"two words\\"".',
                literal.span,
            )
        if part["bare"] is not None:
            _check(part["bare"], literal)
        words = _words(part["phrase"] if part["bare"] is None else part["bare"])
        if any(len(word) > _MAX_LETTERS for word in words):
            raise JqlError(
                f"A word has more than {_MAX_LETTERS} letters.",
                "Shorten it.",
                literal.span,
            )
        count += len(words)
        wild += sum(letter in _WILD for word in words for letter in word)
        plain |= {part: None for word in words for part in re.split("[*?]+", word) if part}
        # what stands together without a blank, such as a-b, is looked for as a phrase
        if words:
            found.append(_phrase(words))
    if not found:
        raise JqlError(
            "There is no word to look for.",
            "Give at least one letter or digit; with * alone use IS NOT EMPTY.",
            literal.span,
        )
    if count > _MAX_WORDS:
        raise JqlError(
            f"{count} words are looked for; at most {_MAX_WORDS} are.",
            "Leave some out, or use several clauses.",
            literal.span,
        )
    if wild > _MAX_WILD:
        raise JqlError(
            f"The text has {wild} wildcards * and ?; at most {_MAX_WILD} are looked for.",
            "Write more of the words.",
            literal.span,
        )
    # long parts are rare ones
    return Wanted(tuple(sorted(plain, key=len, reverse=True)), tuple(found))


def _check(word: str, literal: Literal) -> None:
    reason = None
    if word in _BOOLEAN:
        reason = f"{word} is not understood within a text."
    elif word[0] in "+-":
        reason = f"A leading {word[0]} is not understood within a text."
    elif re.search(r"[~^][\d.]*$", word):
        reason = "Searching for similar words (~) and weights (^) are not understood."
    if reason:
        raise JqlError(
            reason,
            'Combine clauses with AND, OR and NOT, or quote the phrase: ~ "\\"a OR b\\"".',
            literal.span,
        )


def _words(text: str) -> list[str]:
    """Return the runs of letters, digits, marks, low lines and wildcards that have a letter."""
    kept = (
        letter if letter in "_*?" or unicodedata.category(letter)[0] in "LNM" else " "
        for letter in text
    )
    return [word for word in "".join(kept).split() if word.strip("*?")]


def _phrase(words: Sequence[str]) -> str:
    """Return the pattern of words that follow each other."""
    first, *others = (run for word in words for run in _RUNS.finditer(word))
    pattern, last = _beside("^", first) + _pattern(first[0]), first
    for run in others:
        # what is in two scripts is two words, also without anything in between
        gap = "+" if last.lastindex == run.lastindex != 1 else "*"
        pattern, last = f"{pattern}{_NO_LETTER}{gap}{_pattern(run[0])}", run
    return pattern + _beside("$", last)


def _beside(edge: str, run: re.Match[str]) -> str:
    other = _BESIDE[(run.lastindex or 3) - 1]
    return f"({edge}|{other})" if other else ""


def _pattern(word: str) -> str:
    return "".join(_WILD.get(letter, re.escape(letter)) for letter in word)
