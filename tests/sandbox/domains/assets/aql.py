"""The subset of AQL (Assets Query Language) that the sandbox understands.

    objectSchemaId = 1 AND Updated >= "2026-01-02 03:04" ORDER BY Created ASC

Conditions on `objectSchemaId` (=) and on `Created`/`Updated` (<, <=, >, >=), joined by AND, in any
order; times have minutes and no offset, and are read in the account's time zone.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from tests.sandbox.clock import to_ms

_CONDITION = re.compile(
    r'(?P<field>objectSchemaId|Created|Updated)\s*(?P<sign>=|<=|>=|<|>)\s*"?(?P<value>[^"]*?)"?',
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\s*(?P<conditions>.*?)\s*(?:ORDER\s+BY\s+(?P<field>Created|Updated|Key)(?P<desc>\s+DESC|\s+ASC)?)?\s*",
    re.IGNORECASE | re.DOTALL,
)
_SIGNS: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class AqlError(Exception):
    """A query the sandbox does not understand; the text says which part."""


class Condition(Struct, frozen=True):
    """`attribute` (schema, created or updated) compared with a number or ms since 1970 UTC."""

    attribute: str
    sign: str
    value: int

    def holds(self, value: int) -> bool:
        """Compare."""
        return _SIGNS[self.sign](value, self.value)


class Aql(Struct, frozen=True):
    """A parsed query; `order` is created, updated or id."""

    conditions: tuple[Condition, ...]
    order: str = "id"
    is_descending: bool = False


def parse(text: str, time_zone: str) -> Aql:
    """Parse a query. AqlError for what is not of the subset."""
    match = _ORDER.fullmatch(text)
    if match is None:
        raise AqlError(f"cannot read {text[:80]!r}")
    parts = re.split(r"\s+AND\s+", match["conditions"], flags=re.IGNORECASE)
    conditions = tuple(_condition(part, time_zone) for part in parts if part)
    order = (match["field"] or "key").lower()
    is_descending = (match["desc"] or "").strip().upper() == "DESC"
    return Aql(conditions, "id" if order == "key" else order, is_descending)


def _condition(text: str, time_zone: str) -> Condition:
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise AqlError(f"cannot read {text[:80]!r}")
    try:
        if match["field"].lower() == "objectschemaid":
            if match["sign"] != "=":
                raise AqlError("objectSchemaId is compared with = only")
            return Condition("schema", "=", int(match["value"]))
        moment = datetime.strptime(match["value"], "%Y-%m-%d %H:%M").replace(
            tzinfo=ZoneInfo(time_zone)
        )
    except ValueError as error:
        raise AqlError(f"cannot read {match['value'][:40]!r}") from error
    return Condition(match["field"].lower(), match["sign"], to_ms(moment))
