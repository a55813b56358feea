"""Errors a person can meet while syncing: each says what is wrong and what to do about it."""

from __future__ import annotations


class PipelineError(Exception):
    """Something a person has to know about.

    `message` is one sentence naming the thing, `remedy` one sentence saying what to do.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class ConfigurationError(PipelineError):
    """A setting is missing or unusable."""


class NotConnectedError(ConfigurationError):
    """A source's connection is not there: nobody set it, or the site has no such product.

    Only this source cannot be read; nothing is wrong.
    """


class AlreadyRunningError(PipelineError):
    """Another process is syncing this source into this home."""


class AuthenticationError(PipelineError):
    """The site refused the account (401)."""


class PermissionDeniedError(PipelineError):
    """The account may not read this (403)."""


class NotFoundError(PipelineError):
    """The site has no such resource, or hides it from the account (404)."""


class RequestRefusedError(PipelineError):
    """The site refused a request we built (400 and other client errors)."""


class SiteUnreachableError(PipelineError):
    """No connection to the site: unknown host, refused, or no answer in time."""


class SiteFailingError(PipelineError):
    """The site answers, but with server errors or rate limits, for longer than we wait."""


class BadResponseError(PipelineError):
    """The site's answer is not the complete JSON document it should be."""


class NotJsonError(BadResponseError):
    """The answer is a page meant for people: of a proxy, a login or a maintenance."""


class WrongSiteError(PipelineError):
    """The site is not the one whose data this home already holds."""


class BrokenPagingError(PipelineError):
    """A listing's pages repeat, run empty or expire, again and again."""


class DamagedLakeError(PipelineError):
    """A file of a finished load cannot be read any more."""
