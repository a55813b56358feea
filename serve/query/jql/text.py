"""What `~` looks for: words, phrases in quotes, `*` and `?` within a word; never stems of words.

A word is a run of letters, digits, marks and low lines, in any script and any case; accents count.
All words must occur in one text, in any order. Each becomes one pattern of RE2, which DuckDB
matches in time that grows with the length of the text alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from serve.query.jql.errors import JqlError
from serve.query.jql.syntax import Literal

_LETTER = r"[\pL\pN\pM_]"
_GAP = r"[^\pL\pN\pM_]+"
_START, _END = rf"(^|{_GAP[:-1]})", rf"({_GAP[:-1]}|$)"
_WILD = {"*": f"{_LETTER}*", "?": _LETTER}

_MAX_WORDS = 50

_MAX_LETTERS = 255
"""Letters of a word; Jira's index cuts longer ones."""

_MAX_WILD = 10
"""A pattern's cost grows with each, and a search is not interrupted within a block of texts."""

_PART = re.compile(r'"(?P<phrase>[^"]*)"|(?P<open>")|(?P<bare>[^\s"]+)')
_BOOLEAN = frozenset({"AND", "OR", "NOT", "&&", "||", "!"})


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
    for part in _PART.finditer(literal.text):
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
            found.append(_START + _GAP.join(map(_pattern, words)) + _END)
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


def _pattern(word: str) -> str:
    return "".join(_WILD.get(letter, re.escape(letter)) for letter in word)
