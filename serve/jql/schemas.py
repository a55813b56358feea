"""Requests and responses of the JQL endpoints."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from serve.paging import Body, Response
from serve.query.jql.parser import MAX_LENGTH
from serve.query.jql.suggest import MOST, SuggestionKind
from serve.query.spec import TimeZone


class JqlText(Body):
    """A query as it was typed."""

    jql: Annotated[str, StringConstraints(max_length=MAX_LENGTH)] = Field(
        description=f"The query, at most {MAX_LENGTH:,} characters.",
        examples=["project = DEMO AND status WAS Done ORDER BY created"],
    )


class JqlRequest(JqlText):
    """A query to be checked."""

    check_names: bool = Field(
        default=False,
        description=(
            "Also look up whether the fields, values and functions exist in the current snapshot, "
            "and whether they can be compared like this."
        ),
        examples=[True],
    )
    time_zone: TimeZone = Field(
        default="UTC", description="IANA time zone of its dates.", examples=["Europe/Zurich"]
    )


class JqlPlace(JqlText):
    """A query that is being typed."""

    position: int = Field(
        ge=0,
        le=MAX_LENGTH,
        description="Where the cursor stands: characters before it, in Unicode code points.",
        examples=[9],
    )


class JqlFault(Response):
    """What is wrong, where, and what to do about it."""

    reason: str = Field(description="What is wrong.", examples=["order is a reserved word of JQL."])
    remedy: str = Field(description="What to do.", examples=["Put it in quotes."])
    start: int = Field(
        description="First character of the place, from 0, in Unicode code points.", examples=[9]
    )
    end: int = Field(description="First character after the place.", examples=[14])


class ParsedJql(Response):
    """What a query says, or why it says nothing."""

    fault: JqlFault | None = Field(description="Null if the text is JQL.")
    jql: str | None = Field(
        description="The same query in one spelling; null with a fault.",
        examples=["project = DEMO AND status WAS Done ORDER BY created"],
    )
    fields: list[str] = Field(
        description="Fields it names, each once, in order.", examples=[["project", "status"]]
    )
    functions: list[str] = Field(
        description="Functions it calls, each once, in order.", examples=[["currentUser"]]
    )


class JqlSuggestion(Response):
    """Something that may stand at the cursor."""

    kind: SuggestionKind = Field(description="What it is.", examples=["value"])
    text: str = Field(
        description="What to write, in quotes where they are needed.", examples=['"In Progress"']
    )
    label: str = Field(description="What to show.", examples=["In Progress"])
    detail: str | None = Field(
        description="Tells namesakes apart: a key, an e-mail address, `cf[10016]`.",
        examples=["DEMO"],
    )
    is_gone: bool = Field(description="Only the history knows it.", examples=[False])


class JqlSuggestions(Response):
    """What may stand at the cursor, best first; nothing if what stands before it is at fault."""

    snapshot_id: str = Field(
        description="The snapshot it was read from.", examples=["01KE6JH6Y4ZC2JW3X7M1Q9V5TB"]
    )
    fault: JqlFault | None = Field(description="Why nothing can follow; null otherwise.")
    start: int = Field(description="First character that a suggestion replaces.", examples=[9])
    end: int = Field(description="First character that stays: the cursor.", examples=[11])
    has_more: bool = Field(
        description="More fit than are given: type on to narrow them down.", examples=[False]
    )
    items: list[JqlSuggestion] = Field(description=f"At most {MOST} suggestions.")
