"""The one error of JQL: what is wrong, where, and what to do about it."""

from __future__ import annotations

from serve.query.jql.syntax import Span


class JqlError(ValueError):
    """A query that cannot be answered. `span` is its place in the text; `remedy` a sentence."""

    def __init__(self, reason: str, remedy: str, span: Span) -> None:
        super().__init__(f"{reason} {remedy}")
        self.reason = reason
        self.remedy = remedy
        self.span = span
