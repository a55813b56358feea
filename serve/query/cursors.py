"""Cursors: a position in one answer, as text that can travel in a URL.

A cursor names its snapshot and carries a digest of what was asked, so that a page is always the
continuation of the answer it came from, or an error, but never a mixture.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

MAX_CURSOR_LENGTH = 512
SnapshotId = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]


class CursorError(ValueError):
    """The text is not a cursor of this answer."""


class Cursor(BaseModel):
    """What every cursor holds: the snapshot it is pinned to and the digest of the question."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    snapshot: SnapshotId
    question: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]

    def encode(self) -> str:
        """Return the cursor as URL-safe text."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, question: str) -> Self:
        """Read a cursor that `encode` wrote for the same `question`; CursorError otherwise."""
        try:
            # `validate` refuses what the lenient decoder would skip over.
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            cursor = cls.model_validate_json(raw)
        except (binascii.Error, ValidationError, ValueError):
            msg = "is not a cursor of this endpoint"
            raise CursorError(msg) from None
        if cursor.question != question:
            msg = "belongs to other filters"
            raise CursorError(msg)
        return cursor


class DetailCursor(Cursor):
    """The last action of a page; the next page holds what is older."""

    occurred_at_us: int = Field(ge=0, le=253_402_300_799_999_999)
    action_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]

    @property
    def occurred_at(self) -> datetime:
        """Time of the last action, UTC."""
        return datetime.fromtimestamp(self.occurred_at_us // 1_000_000, tz=UTC).replace(
            microsecond=self.occurred_at_us % 1_000_000
        )


class OffsetCursor(Cursor):
    """Rows already given; exact because a snapshot never changes and its order is total."""

    offset: int = Field(ge=1, le=1_000_000_000)


def digest(question: BaseModel) -> str:
    """Return 16 hexadecimal digits that are equal for requests that differ only in their page."""
    text = f"{type(question).__name__} {question.model_dump_json(exclude={'cursor', 'limit'})}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
