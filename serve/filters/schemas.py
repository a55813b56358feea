"""Requests and responses of the filter endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from serve.paging import Response
from serve.query.spec import printable
from serve.query.url import MAX_QUERY_LENGTH


class FilterText(BaseModel):
    """A filter as the query string of an address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Annotated[
        str, StringConstraints(max_length=MAX_QUERY_LENGTH), AfterValidator(printable)
    ] = Field(
        description="What follows the question mark; it may be longer than an address.",
        examples=["user=5b10a2844c20165700ede21g&period=last_month"],
    )


class FilterValue(Response):
    """One value of a filter."""

    parameter: str = Field(description="The parameter that holds it.", examples=["project"])
    value: str = Field(description="The value.", examples=["10000"])
    label: str = Field(description="What people call it.", examples=["DEMO"])


class DescribedFilter(Response):
    """What a filter says."""

    snapshot_id: str = Field(
        description="The snapshot that names and times are of.",
        examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"],
    )
    description: str = Field(
        description="The filter in English.",
        examples=["Actions of Mia Krystof, in project DEMO, from 1 to 31 January 2026 (UTC)"],
    )
    query: str = Field(
        description=(
            "The filter as a query string. Filters that ask the same have the same text, however "
            "they were written; relative times stay relative."
        ),
        examples=["user=5b10a2844c20165700ede21g&period=last_month"],
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
    values: list[FilterValue] = Field(description="All values of its lists, with their names.")
