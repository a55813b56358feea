"""Numbers and durations as JQL writes them."""

from __future__ import annotations

import math
import re

from serve.query.jql.errors import JqlError
from serve.query.jql.syntax import Literal

_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DURATION = re.compile(r"\s*(?:\d{1,9}(?:\.\d{1,9})?\s*[wdhm]\s*)+", re.ASCII)
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([wdhm])", re.ASCII)

# Jira's own defaults of a site: five days of eight hours a week.
_SECONDS = {"m": 60, "h": 3_600, "d": 8 * 3_600, "w": 5 * 8 * 3_600}


def number_of(literal: Literal) -> float:
    """Return the number that a literal writes. JqlError if it is none."""
    text = literal.text.strip()
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(value):
        raise JqlError(f"{text[:80]} is no number.", "Write one such as 3 or 0.5.", literal.span)
    return value


def seconds_of(literal: Literal) -> float:
    """Return the seconds that "1w 2d 4h 30m" means; a bare number counts minutes."""
    text = literal.text.strip().lower()
    if _DURATION.fullmatch(text):
        return sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(text))
    if _NUMBER.fullmatch(text):
        return number_of(literal) * _SECONDS["m"]
    raise JqlError(
        f"{literal.text[:80]} is no duration.",
        'Write weeks, days, hours and minutes, such as "2d 4h".',
        literal.span,
    )
