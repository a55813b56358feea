"""Listings that repeat, shift, loop or expire are never taken for complete ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import pytest

from pipelines.client import Answer
from pipelines.errors import BrokenPagingError, PipelineError, RequestRefusedError
from pipelines.paging import (
    ChangedWorklogs,
    OffsetPage,
    RestartListing,
    complete,
    for_each,
    offset_pages,
    token_pages,
    worklog_pages,
)
from pipelines.sources.jira_issues.listing import SearchPage

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def raws(*numbers: int) -> list[msgspec.Raw]:
    return [msgspec.Raw(str(number).encode()) for number in numbers]


def numbers_of(pages: list[list[msgspec.Raw]]) -> list[int]:
    return [int(bytes(record)) for page in pages for record in page]


def read_tokens(pages: dict[str | None, SearchPage | Exception]) -> list[int]:
    async def ask(token: str | None) -> Answer[SearchPage]:
        page = pages[token]
        if isinstance(page, Exception):
            raise page
        return Answer(page, 0, NOW)

    async def read() -> list[int]:
        return numbers_of([answer.content.records async for answer in token_pages(ask)])

    return asyncio.run(read())


def read_offsets(pages: dict[int, OffsetPage]) -> list[int]:
    async def ask(start: int) -> Answer[OffsetPage]:
        return Answer(pages[start], 0, NOW)

    async def read() -> list[int]:
        return numbers_of([answer.content.records async for answer in offset_pages(ask)])

    return asyncio.run(read())


def test_tokens_are_followed_through_small_and_empty_pages() -> None:
    pages: dict[str | None, SearchPage | Exception] = {
        None: SearchPage(raws(1, 2), "a"),
        "a": SearchPage([], "b"),
        "b": SearchPage(raws(3)),
    }
    assert read_tokens(pages) == [1, 2, 3]


@pytest.mark.parametrize(
    "pages",
    [
        {None: SearchPage(raws(1), "a"), "a": SearchPage(raws(1), "b")},
        {None: SearchPage(raws(1), "a"), "a": SearchPage(raws(2), "a")},
        {None: SearchPage(raws(1), "a"), "a": RequestRefusedError("expired", "")},
        dict(
            zip(
                (None, *map(str, range(20))),
                (SearchPage([], str(n)) for n in range(21)),
                strict=True,
            )
        ),
    ],
    ids=["page twice", "token twice", "token expired", "empty for ever"],
)
def test_token_listings_that_cannot_be_trusted_start_again(
    pages: dict[str | None, SearchPage | Exception],
) -> None:
    with pytest.raises(RestartListing):
        read_tokens(pages)


def test_a_page_that_comes_twice_is_asked_for_again() -> None:
    answers = [
        SearchPage(raws(1), "a"),
        SearchPage(raws(1), "a"),
        SearchPage(raws(1), "a"),
        SearchPage(raws(2)),
    ]
    asked: list[str | None] = []

    async def ask(token: str | None) -> Answer[SearchPage]:
        asked.append(token)
        return Answer(answers[len(asked) - 1], 0, NOW)

    async def read() -> list[int]:
        return numbers_of([answer.content.records async for answer in token_pages(ask)])

    assert asyncio.run(read()) == [1, 2]
    assert asked == [None, "a", "a", "a"]


def test_a_refused_first_page_is_our_error_and_not_a_restart() -> None:
    with pytest.raises(RequestRefusedError):
        read_tokens({None: RequestRefusedError("bad JQL", "")})


def test_offsets_end_where_the_style_says() -> None:
    assert read_offsets({0: OffsetPage(raws(1, 2), 3), 2: OffsetPage(raws(3), 3)}) == [1, 2, 3]
    assert read_offsets({0: OffsetPage(raws(1), is_last=True)}) == [1]
    # a plain array: the server may send fewer than asked for, so only an empty page ends it
    assert read_offsets({0: OffsetPage(raws(1)), 1: OffsetPage(raws(2)), 2: OffsetPage([])}) == [
        1,
        2,
    ]
    assert read_offsets({0: OffsetPage([], 0)}) == []


@pytest.mark.parametrize(
    "pages",
    [
        {0: OffsetPage(raws(1), 3), 1: OffsetPage(raws(2), 2)},
        {0: OffsetPage(raws(1), 3), 1: OffsetPage(raws(1), 3)},
        {0: OffsetPage(raws(1), 3), 1: OffsetPage([], 3)},
    ],
    ids=["total changed", "page twice", "ended early"],
)
def test_offset_listings_that_shifted_start_again(pages: dict[int, OffsetPage]) -> None:
    with pytest.raises(RestartListing):
        read_offsets(pages)


def test_worklog_pages_reread_the_millisecond_they_were_cut_in() -> None:
    asked: list[int] = []

    async def ask(since: int) -> Answer[ChangedWorklogs]:
        asked.append(since)
        page = ChangedWorklogs(raws(since), until=since + 10, last_page=len(asked) == 3)
        return Answer(page, 0, NOW)

    async def read() -> int:
        return len([answer async for answer in worklog_pages(ask, 100)])

    assert asyncio.run(read()) == 3
    assert asked == [100, 109, 118]


def test_worklog_pages_that_stand_still_are_not_followed() -> None:
    async def ask(since: int) -> Answer[ChangedWorklogs]:
        return Answer(ChangedWorklogs([], until=since, last_page=False), 0, NOW)

    async def read() -> None:
        async for _ in worklog_pages(ask, 5):
            pass

    with pytest.raises(RestartListing):
        asyncio.run(read())


def test_a_listing_restarts_a_bounded_number_of_times() -> None:
    def failing(times: int) -> Callable[[], Awaitable[int]]:
        left = iter(range(times))

        async def read() -> int:
            if next(left, None) is not None:
                raise RestartListing("a page came twice")
            return 7

        return read

    assert asyncio.run(complete(failing(5), "issues")) == 7
    with pytest.raises(BrokenPagingError, match=r"listing of issues .*a page came twice"):
        asyncio.run(complete(failing(6), "issues"))


def test_workers_share_the_items_and_the_first_error_ends_all() -> None:
    done: list[int] = []
    running = 0
    most = 0

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        done.append(item)
        if item == 30:
            raise PipelineError("thirty", "")

    asyncio.run(for_each(range(20), work, workers=3))
    assert sorted(done) == list(range(20))
    assert most == 3
    with pytest.raises(PipelineError, match="thirty"):
        asyncio.run(for_each(range(20, 10_000), work, workers=3))
    assert len(done) < 60
