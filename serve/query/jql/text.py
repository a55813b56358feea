"""What `~` looks for: words, phrases in quotes, `*` and `?` within a word; never stems of words.

A word is a run of letters, digits, marks and low lines, in any script and any case; accents count.
All words must occur in one text, in any order. Each becomes one pattern of RE2, which DuckDB
matches in time that grows with the length of the text alone.
"""

from __future__ import annotations

import re

from serve.query.jql.errors import JqlError
from serve.query.jql.syntax import Literal

_LETTER = r"[\pL\pN\pM_]"
_GAP = r"[^\pL\pN\pM_]+"
_START, _END = rf"(^|{_GAP[:-1]})", rf"({_GAP[:-1]}|$)"
_WILD = {"*": f"{_LETTER}*", "?": _LETTER}

_MAX_WORDS = 50

_PART = re.compile(r'"(?P<phrase>[^"]*)"|(?P<open>")|(?P<bare>[^\s"]+)')
_RUN = re.compile(r"[\w*?]+")
_BOOLEAN = frozenset({"AND", "OR", "NOT", "&&", "||", "!"})


def patterns(literal: Literal) -> list[str]:
    """Return the patterns that a text must all match, without regard to case.

    JqlError: nothing to look for, too much, or a modifier that is not understood.
    """
    found: list[str] = []
    count = 0
    for part in _PART.finditer(literal.text):
        if part["open"]:
            raise JqlError(
                "A phrase begins with a quote that is never closed.",
                'Close it, as in ~ "\\"two words\\"".',
                literal.span,
            )
        if part["bare"] is not None:
            _check(part["bare"], literal)
        words = _RUN.findall(part["phrase"] if part["bare"] is None else part["bare"])
        words = [word for word in words if word.strip("*?")]
        count += len(words)
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
    return found


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


def _pattern(word: str) -> str:
    return "".join(_WILD.get(letter, re.escape(letter)) for letter in word)
