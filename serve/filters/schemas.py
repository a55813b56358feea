"""Requests and responses of the filter endpoints."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from serve.paging import Answer, Body, Response
from serve.query.spec import printable
from serve.query.url import MAX_QUERY_LENGTH


class FilterText(Body):
    """A filter as the query string of an address."""

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


class DescribedFilter(Answer):
    """What a filter says."""

    query: str = Field(
        description=(
            "The filter as a query string. Filters that ask the same have the same text, however "
            "they were written; relative times stay relative."
        ),
        examples=["user=5b10a2844c20165700ede21g&period=last_month"],
    )
    values: list[FilterValue] = Field(
        description="All values of its lists and the parts of its row, with their names."
    )
