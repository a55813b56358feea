"""Requests and responses of the lookups."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from serve.paging import Response
from serve.query.spec import MAX_VALUES, Text, printable

Typed = Annotated[str, StringConstraints(max_length=255), AfterValidator(printable)]


class SearchRequest(BaseModel):
    """Query parameters of a search."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Typed = Field(
        default="",
        description=(
            "What was typed: beginnings of words of the name, the key or the e-mail address (of "
            "its domain only with an @), or a whole id. Case and accents do not matter. Empty: the "
            "first ones."
        ),
        examples=["muller an"],
    )


class LabelsRequest(BaseModel):
    """Query parameters of the names of known ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: tuple[Text, ...] = Field(
        alias="id",
        min_length=1,
        max_length=MAX_VALUES,
        description="Ids to be named; repeat the parameter for several.",
        examples=[["10000"]],
    )


class Choice(Response):
    """A thing that a filter can name."""

    id: str = Field(description="What the filter wants.", examples=["10000"])
    label: str = Field(description="What people call it.", examples=["Demo project"])
    detail: str | None = Field(description="Tells namesakes apart.", examples=["DEMO"])
    state: str | None = Field(
        description="What became of it, such as archived, deleted, inactive; null while in use.",
        examples=["archived"],
    )


class Choices(Response):
    """What was found."""

    snapshot_id: str = Field(
        description="The snapshot it was read from.", examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"]
    )
    has_more: bool = Field(
        description="More match than are given: narrow the search down.", examples=[False]
    )
    items: list[Choice] = Field(description="At most 50 things.")


class Labels(Response):
    """Names of ids."""

    snapshot_id: str = Field(
        description="The snapshot it was read from.", examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"]
    )
    unknown_ids: list[str] = Field(description="Ids that nothing has.", examples=[["99999"]])
    items: list[Choice] = Field(description="The things, in the order of the ids asked for.")
