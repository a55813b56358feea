"""Errors of serve: what stops the process, and what a request is answered with.

A request's error is an RFC 9457 problem (`application/problem+json`): it names the offending field,
says what is wrong and what to do about it. `PROBLEMS` is the closed list of their kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

PROBLEM_MEDIA_TYPE = "application/problem+json"
DOCUMENTATION_PATH = "/api/docs"

# One parameter can hold a thousand wrong values; they are not all sent back.
MAX_ERRORS = 20


class ServeError(Exception):
    """Serve cannot start; `str()` is one line with the cause and the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}: {remedy}")


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem: its HTTP status and a title that never changes."""

    status: int
    title: str
    meaning: str


PROBLEMS = {
    "bad-request": ProblemKind(400, "Bad request", "The request cannot be read."),
    "unauthorized": ProblemKind(
        401, "Unauthorized", "The signature or the bearer secret is missing or wrong."
    ),
    "forbidden": ProblemKind(
        403, "Forbidden", "The viewer has no role in this application and is no Jira administrator."
    ),
    "not-found": ProblemKind(404, "Not found", "There is nothing at this address."),
    "method-not-allowed": ProblemKind(
        405, "Method not allowed", "The address exists, but not for this method."
    ),
    "body-timeout": ProblemKind(408, "Body timeout", "The body took too long to arrive."),
    "snapshot-gone": ProblemKind(
        410,
        "Snapshot gone",
        "The cursor belongs to a snapshot that newer ones have replaced.",
    ),
    "body-too-large": ProblemKind(413, "Body too large", "The request carries too many bytes."),
    "address-too-long": ProblemKind(
        414, "Address too long", "The address has more bytes than servers and proxies take."
    ),
    "encoded-body": ProblemKind(
        415, "Encoded body", "The body is compressed; it is only taken as it is."
    ),
    "wrong-host": ProblemKind(
        421, "Wrong host", "The Host header does not name this machine's loopback address."
    ),
    "invalid-parameters": ProblemKind(
        422, "Invalid parameters", "A parameter is unknown, malformed or out of its bounds."
    ),
    "invalid-body": ProblemKind(
        422, "Invalid body", "A member of the body is missing, unknown or malformed."
    ),
    "internal-error": ProblemKind(
        500, "Internal error", "A fault of this program; its log names the cause."
    ),
    "no-snapshot": ProblemKind(
        503, "No snapshot", "Nothing has been published yet, or what was cannot be opened."
    ),
    "busy": ProblemKind(503, "Busy", "Too much is going on at once."),
    "not-receiving": ProblemKind(
        503, "Not receiving", "No secret is set, so nothing is received at this address."
    ),
    "inbox-failing": ProblemKind(
        503, "Inbox failing", "What was sent could not be stored; it has to be sent again."
    ),
    "query-too-slow": ProblemKind(
        503, "Query too slow", "The query ran over its time limit and was interrupted."
    ),
    "query-too-large": ProblemKind(
        503, "Query too large", "The query needed more memory or disk than it may use."
    ),
}


class FieldError(BaseModel):
    """One offending field of a request."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="Name of the parameter, header or member.", examples=["limit"])
    message: str = Field(description="What is wrong with it.", examples=["must be at most 1000"])
    remedy: str = Field(
        description="What to do about it.", examples=["give a number of at most 1000"]
    )
    start: int | None = Field(
        default=None,
        description=(
            "First character of the place at fault within a query in JQL, from 0, in Unicode code "
            "points; absent for everything else."
        ),
        examples=[9],
    )
    end: int | None = Field(
        default=None,
        description="First character after that place; absent as well.",
        examples=[14],
    )


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(
        description="Address of the documentation of this kind of problem.",
        examples=[f"{DOCUMENTATION_PATH}#invalid-parameters"],
    )
    title: str = Field(description="The kind of problem in words.", examples=["Invalid parameters"])
    status: int = Field(description="HTTP status code.", examples=[422])
    detail: str = Field(
        description="What happened this time.", examples=["limit must be at most 1000"]
    )
    remedy: str = Field(description="What to do.", examples=["correct what is named in errors"])
    errors: list[FieldError] = Field(description="Offending fields; empty if no field is at fault.")


class ProblemError(Exception):
    """Ends a request with the problem `kind`, a key of `PROBLEMS`."""

    def __init__(
        self, kind: str, detail: str, remedy: str, errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.problem = Problem(
            type=f"{DOCUMENTATION_PATH}#{kind}",
            title=PROBLEMS[kind].title,
            status=PROBLEMS[kind].status,
            detail=detail,
            remedy=remedy,
            errors=list(errors),
        )


def invalid_parameters(
    fields: Sequence[FieldError], kind: str = "invalid-parameters"
) -> ProblemError:
    """Return a 422 problem that blames several parameters, or members of a body."""
    detail = "; ".join(f"{field.field} {field.message}" for field in fields[:3])
    if len(fields) > MAX_ERRORS:
        detail += f"; of {len(fields)} errors the first {MAX_ERRORS} are shown"
    return ProblemError(
        kind,
        detail,
        "correct what is named in errors",
        tuple(fields[:MAX_ERRORS]),
    )


def invalid_parameter(
    field: str, message: str, remedy: str, place: tuple[int, int] | None = None
) -> ProblemError:
    """Return a 422 problem that blames one parameter, or a `place` [start, end) within it."""
    start, end = place or (None, None)
    return ProblemError(
        "invalid-parameters",
        f"{field} {message}",
        remedy,
        (FieldError(field=field, message=message, remedy=remedy, start=start, end=end),),
    )
