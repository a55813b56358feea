"""One paginator per style of Atlassian listing, and the guards that keep a listing honest.

A listing may prove that something is gone, so it must be complete: a page that repeats, a token
that loops or expires, or an offset that shifted while we paged starts the listing again from its
floor (`complete`), a bounded number of times. Records are raw JSON; nothing is interpreted here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

import msgspec

from pipelines.client import Answer
from pipelines.errors import BrokenPagingError, PipelineError, RequestRefusedError

T = TypeVar("T")
R = TypeVar("R")

Fingerprint = tuple[int, bytes, bytes] | None

RESTARTS = 5
"""Times a listing is started again before it is reported as broken."""
REPEATS = 3
"""Times a page that came twice is asked for again before its listing starts again."""
EMPTY_PAGES = 10
"""Empty pages in a row that still carry a token before a listing counts as broken."""


class RestartListing(Exception):  # noqa: N818  (a signal to `complete`, never an error to report)
    """The listing cannot be trusted any more; it has to start again from its floor."""


class TokenPage(Protocol):
    """A page of style A: its records, and the token of the next page or None."""

    @property
    def records(self) -> list[msgspec.Raw]:
        """Records in the server's order."""
        ...

    @property
    def next_page_token(self) -> str | None:
        """Absent on the last page."""
        ...


PageT = TypeVar("PageT", bound=TokenPage)


class OffsetPage(msgspec.Struct):
    """A page of style B, C, E or G, whatever the server calls its list.

    `total` is None where the style has none; `is_last` is None where the page does not say.
    """

    records: list[msgspec.Raw]
    total: int | None = None
    is_last: bool | None = None


OffsetPageT = TypeVar("OffsetPageT", bound=OffsetPage)


class ChangedWorklogs(msgspec.Struct, rename="camel"):
    """A page of style D (`/worklog/updated`, `/worklog/deleted`). `until`: epoch ms."""

    values: list[msgspec.Raw]
    until: int = 0
    last_page: bool = True


async def complete(read: Callable[[], Awaitable[R]], what: str) -> R:
    """Run `read` until it ends without asking for a restart.

    Raises BrokenPagingError naming `what` after `RESTARTS` restarts.
    """
    for _ in range(RESTARTS + 1):
        try:
            return await read()
        except RestartListing as reason:
            last = reason
    raise BrokenPagingError(
        f"The listing of {what} cannot be read to its end: {last}.",
        "Nothing was changed; the next sync tries again.",
    )


def _fingerprint(records: list[msgspec.Raw]) -> Fingerprint:
    """Return enough of a page to know it again, and nothing that keeps it in memory."""
    return (len(records), bytes(records[0]), bytes(records[-1])) if records else None


async def token_pages(
    ask: Callable[[str | None], Awaitable[Answer[PageT]]],
) -> AsyncIterator[Answer[PageT]]:
    """Yield the pages of styles A and F: follow the token (cursor) until there is none.

    A page that repeats the one before is asked for again. Raises RestartListing when it stays
    so, when a token comes a second time or is refused (expired), or when too many empty pages
    follow each other.
    """
    token: str | None = None
    used: set[str] = set()
    previous: Fingerprint = None
    empty = 0
    while True:
        for _ in range(REPEATS + 1):
            try:
                answer = await ask(token)
            except RequestRefusedError as error:
                if token is None:
                    raise
                raise RestartListing("a page token expired") from error
            seen = _fingerprint(answer.content.records)
            if not seen or seen != previous:
                break
        else:
            raise RestartListing("a page came twice")
        empty = 0 if seen else empty + 1
        if empty > EMPTY_PAGES:
            raise RestartListing("page after page is empty")
        previous = seen
        yield answer
        token = answer.content.next_page_token
        if not token:
            return
        if token in used:
            raise RestartListing("a page token came twice")
        used.add(token)


async def offset_pages(
    ask: Callable[[int], Awaitable[Answer[OffsetPageT]]],
) -> AsyncIterator[Answer[OffsetPageT]]:
    """Yield the pages of styles B, C, E and G, and of plain arrays that take `startAt`.

    Ends at `is_last`, at `total` records, or, where the server says neither, at the first empty
    page (a server may send fewer than asked for). Raises RestartListing when `total` changes
    while paging or a whole page comes a second time: the offsets have shifted.
    """
    start = 0
    total: int | None = None
    previous: Fingerprint = None
    while True:
        answer = await ask(start)
        page = answer.content
        seen = _fingerprint(page.records)
        if total is not None and page.total != total:
            raise RestartListing("its length changed while it was read")
        if seen and seen == previous:
            raise RestartListing("a page came twice")
        total, previous = page.total, seen
        yield answer
        start += len(page.records)
        if page.is_last or not page.records or (total is not None and start >= total):
            if total is not None and start < total:
                raise RestartListing("it ended before its own total")
            return


async def worklog_pages(
    ask: Callable[[int], Awaitable[Answer[ChangedWorklogs]]], since: int
) -> AsyncIterator[Answer[ChangedWorklogs]]:
    """Yield the pages of style D from `since` (epoch ms) on; `until` is where the next one starts.

    Raises RestartListing when `until` does not move although more pages are announced.
    """
    while True:
        answer = await ask(since)
        page = answer.content
        yield answer
        if page.last_page:
            return
        if page.until <= since:
            raise RestartListing("its time does not move on")
        # `since` is exclusive: step back so that a millisecond cut by the page is read whole
        since = max(page.until - 1, since + 1)


async def for_each(
    items: Iterable[T], work: Callable[[T], Awaitable[None]], *, workers: int
) -> None:
    """Run `work` on every item, at most `workers` at a time; the first error ends all.

    Items are taken only when a worker is free, so memory does not grow with their number.
    """
    waiting = iter(items)

    async def take_turns() -> None:
        for item in waiting:
            await work(item)

    await together(*(take_turns for _ in range(workers)))


async def together(*parts: Callable[[], Awaitable[None]]) -> None:
    """Run all parts at once; the first error cancels the others and is raised itself."""

    async def run(part: Callable[[], Awaitable[None]]) -> None:
        await part()

    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(run(part))
    except BaseExceptionGroup as errors:
        raise first_cause(errors) from errors


def first_cause(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error to report out of a group: one made for people if there is one."""
    leaves = [
        first_cause(error) if isinstance(error, BaseExceptionGroup) else error
        for error in errors.exceptions
    ]
    return next((leaf for leaf in leaves if isinstance(leaf, PipelineError)), leaves[0])
