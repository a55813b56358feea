"""The audit log of a site's administration: what `GET /rest/api/3/auditing/record` tells.

The log has Atlassian's habits, each a trap for its readers: newest first, so that offsets move when
a record is added; records that appear some seconds after their own time; several in one
millisecond; authors missing, or told by user key only; a `total` that is wrong every now and then;
and nothing older than the retention.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Sequence

from msgspec import Struct

from tests.sandbox.clock import DAY, SECOND, from_ms, parse_iso
from tests.sandbox.domain import ApiError, Call, Reply
from tests.sandbox.objects import JsonObject

RETENTION = 180 * DAY
PAGE = 1_000
LATEST = 40 * SECOND
"""The longest it takes a record to appear."""

_WRONG_TOTALS = (0, 0, -17, 0, 11)
_DIRECTORY = {"parentId": "10000", "parentName": "IDP Directory"}


class Record(Struct, frozen=True, gc=False):
    """One record. `at` is the time it tells, `visible_at` when it can first be read (ms)."""

    id: int
    at: int
    visible_at: int
    summary: str
    category: str
    author: str | None
    target: JsonObject
    changes: tuple[tuple[str, str | None, str | None], ...]
    associated: tuple[JsonObject, ...]
    description: str


def user_key(account_id: str) -> str:
    """Give the key under which the audit log knows an account: `ug:…`, or `qm:…` of customers."""
    unique = uuid.uuid5(uuid.NAMESPACE_OID, account_id)
    if zlib.crc32(account_id.encode()) % 5 == 0:
        return f"qm:{uuid.uuid5(uuid.NAMESPACE_DNS, account_id)}:{unique}"
    return f"ug:{unique}"


def has_key_only(account_id: str) -> bool:
    """Whether records name this author by key, without an account id."""
    return zlib.crc32(account_id.encode()) % 4 == 0


def person_item(account_id: str) -> JsonObject:
    """Give the item of a user, who has no name in the log."""
    key = user_key(account_id)
    return {"id": key, "name": key, "typeName": "USER", **_DIRECTORY}


def group_item(name: str) -> JsonObject:
    """Give the item of a group, which has no id in the log."""
    return {"name": name, "typeName": "GROUP", **_DIRECTORY}


def item(kind: str, object_id: str | None, name: str) -> JsonObject:
    """Give the item of anything else."""
    return ({} if object_id is None else {"id": object_id}) | {"name": name, "typeName": kind}


class AuditLog:
    """All records, in the order of their ids."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.answers = 0
        self.total_error: Callable[[int], int] = lambda answer: _WRONG_TOTALS[answer % 5]
        self.after_answer: Callable[[], None] = lambda: None

    def add(
        self,
        at: int,
        author: str | None,
        summary: str,
        category: str,
        target: JsonObject,
        *,
        changes: Sequence[tuple[str, str | None, str | None]] = (),
        associated: Sequence[JsonObject] = (),
        description: str = "",
        delay: int | None = None,
    ) -> int:
        """Add a record and return its id; it appears after `delay` ms (default: up to 40 s)."""
        number = 30_000 + len(self.records)
        late = zlib.crc32(b"late %d" % number) % LATEST if delay is None else delay
        self.records.append(
            Record(
                number,
                at,
                at + late,
                summary,
                category,
                author,
                target,
                tuple(changes),
                tuple(associated),
                description,
            )
        )
        return number

    def answer(self, call: Call, now: int) -> Reply:
        """GET /auditing/record: `offset`, `limit` (at most 1,000), `filter`, `from` and `to`."""
        offset = call.number("offset", 0, 2**31)
        limit = call.number("limit", PAGE, PAGE)
        first, last = _moment(call, "from", 0), _moment(call, "to", 2**62)
        words = call.one("filter").lower().split()
        found = [
            record
            for record in self.records
            if max(first, now - RETENTION) <= record.at <= last
            and record.visible_at <= now
            and all(word in record.summary.lower() for word in words)
        ]
        found.sort(key=lambda record: (-record.at, -record.id))
        page = found[offset : offset + limit]
        self.answers += 1
        self.after_answer()
        return Reply(
            {
                "offset": offset,
                "limit": limit,
                "total": max(0, len(found) + self.total_error(self.answers)),
                "records": [_render(record) for record in page],
            },
            keys=[f"audit:{record.id}" for record in page],
        )


def _moment(call: Call, name: str, default: int) -> int:
    text = call.one(name)
    if not text:
        return default
    try:
        return parse_iso(text)
    except ValueError as error:
        raise ApiError(400, f"'{text[:40]}' of '{name}' is not a date and time.") from error


def _render(record: Record) -> JsonObject:
    created = from_ms(record.at).isoformat(timespec="milliseconds")
    body: JsonObject = {
        "id": record.id,
        "summary": record.summary,
        "remoteAddress": "192.0.2.7",
        "created": created[:-6] + "+0000",
        "category": record.category,
        "eventSource": "",
        "description": record.description,
        "objectItem": record.target,
        "changedValues": [
            {"fieldName": name}
            | ({} if old is None else {"changedFrom": old})
            | ({} if new is None else {"changedTo": new})
            for name, old, new in record.changes
        ],
        "associatedItems": list(record.associated),
    }
    if record.author is not None:
        body["authorKey"] = user_key(record.author)
        if not has_key_only(record.author):
            body["authorAccountId"] = record.author
    return body
