"""Requests and responses of the JQL endpoints."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serve.paging import Response
from serve.query.jql.parser import MAX_LENGTH


class JqlText(BaseModel):
    """A query as it was typed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jql: Annotated[str, StringConstraints(max_length=MAX_LENGTH)] = Field(
        description=f"The query, at most {MAX_LENGTH:,} characters.",
        examples=["project = DEMO AND status WAS Done ORDER BY created"],
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
