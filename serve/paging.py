"""Pages of an answer: what is asked for, what every page says, and the way to the next one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticKnownError

from serve.errors import invalid_parameter
from serve.query.cursors import MAX_CURSOR_LENGTH, Cursor, CursorError, OffsetCursor, digest
from serve.warehouse.snapshot import Snapshot

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 50


def _in_digits(value: object) -> object:
    """Refuse numbers in ways of Python, such as `+5` and `1_0`: two addresses for one page."""
    if isinstance(value, str) and not (value.isascii() and value.removeprefix("-").isdigit()):
        raise PydanticKnownError("int_parsing")
    return value


class Paging(BaseModel):
    """Which page of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(_in_digits)] = Field(
        default=DEFAULT_LIMIT, description="Most items of one page.", examples=[50]
    )
    cursor: (
        Annotated[
            str, Field(min_length=1, max_length=MAX_CURSOR_LENGTH, pattern=r"^[A-Za-z0-9_-]+$")
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "`next_cursor` of the page before, with the same filters. It is pinned to its "
            "snapshot: what is published meanwhile neither doubles nor hides an item."
        ),
        examples=["eyJzbmFwc2hvdCI6IjAxS..."],
    )


class Body(BaseModel):
    """Base of every JSON body of a question: its values are of the types of JSON that they say.

    An address has only texts, so there a number is read out of one. JSON has numbers and booleans:
    `true` is no 1, `"9"` no 9, and 1 is not `true`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Response(BaseModel):
    """Base of everything sent: every field is always there, null where it does not apply."""

    model_config = ConfigDict(frozen=True)
    _all_fields: ClassVar[set[str]]

    @classmethod
    def __pydantic_init_subclass__(cls, **_kwargs: object) -> None:
        """Name all fields once, for `of`: nobody can change a set of a frozen model."""
        cls._all_fields = set(cls.__pydantic_fields__)

    @classmethod
    def of(cls, **values: object) -> Self:
        """Make one of `values` that are known to be right: each field by its name, all of them.

        pydantic's `model_construct` looks for aliases and defaults first, which was half of a
        page's Python. TypeError for any other names.
        """
        if values.keys() != cls.__pydantic_fields__.keys():
            msg = f"{cls.__name__} has the fields {', '.join(cls.__pydantic_fields__)}"
            raise TypeError(msg)
        made = cls.__new__(cls)
        _set(made, "__dict__", values)
        _set(made, "__pydantic_fields_set__", cls._all_fields)
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


# A frozen model refuses to be filled in any other way.
_set = object.__setattr__


class Answer(Response):
    """What every answer says about the question it was given to."""

    snapshot_id: str = Field(
        description="The snapshot it was read from.", examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"]
    )
    interval_from: datetime = Field(
        alias="from",
        description="Resolved start, included, UTC.",
        examples=["2026-01-01T00:00:00Z"],
    )
    interval_to: datetime = Field(
        alias="to",
        description="Resolved end, not included, UTC.",
        examples=["2026-01-31T00:00:00Z"],
    )
    description: str = Field(
        description="What was asked, in English and with names.",
        examples=["Actions of Mia Krystof, in project DEMO, from 1 to 31 January 2026 (UTC)"],
    )


class Page(Answer):
    """A page of an answer: what it holds says the rest."""

    next_cursor: str | None = Field(
        description="Cursor of the next page; null on the last.", examples=["eyJzbmFwc2hvdCI6..."]
    )


AnyCursor = TypeVar("AnyCursor", bound=Cursor)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - marts hold naive UTC
_MICROSECOND = timedelta(microseconds=1)


def decode_cursor(kind: type[AnyCursor], request: Paging) -> AnyCursor | None:
    """Read the cursor of a request, null without one; ProblemError 422 if it is of another."""
    if request.cursor is None:
        return None
    try:
        return kind.decode(request.cursor, digest(request))
    except CursorError as error:
        raise invalid_parameter(
            "cursor",
            str(error),
            "give next_cursor of the page before unchanged, with the same other parameters",
        ) from None


def offset_of(request: Paging) -> OffsetCursor | None:
    """Read the cursor of an answer that is paged by offset; ProblemError 422 if it is none."""
    return decode_cursor(OffsetCursor, request)


def next_offset(snapshot: Snapshot, request: Paging, offset: int, found: int) -> str | None:
    """Return the cursor of the next page if more than the page's rows were `found`."""
    if found <= request.limit:
        return None
    return OffsetCursor(
        snapshot=snapshot.id, question=digest(request), offset=offset + request.limit
    ).encode()


def microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970 of a naive UTC time; a float would round."""
    return (moment - _EPOCH) // _MICROSECOND
