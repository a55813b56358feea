"""Sprints of all boards as one list, since a board may show sprints of others.

A sprint that one board no longer shows is not gone while another shows it. One that no board
shows (its board was deleted, or the filter of the only other board no longer finds it) is asked
for by its id: only what the site does not find then is missing from the list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import msgspec

from pipelines.client import Answer
from pipelines.errors import NotFoundError, RequestRefusedError
from pipelines.full_lists import Listing, ListPage, Names, list_pages, read_full_lists
from pipelines.rows import BadRecordError, id_of, member_of
from pipelines.sources.jira_software.lists import SPRINTS, may_have_sprints
from pipelines.sync import Sync

_SPRINT = "/rest/agile/1.0/sprint/{sprint}"


async def read_sprints(sync: Sync, boards: Listing) -> None:
    """Store what changed among the sprints of `boards`, a complete listing of them."""
    shown = [board for board, (record, _) in boards.objects.items() if may_have_sprints(record)]
    listed = sync.last_versions(SPRINTS.resource, is_listed=True)
    known = [sprint for sprint, seen in listed.items() if seen.is_present]
    if shown or known:
        read = partial(_pages, shown, known)
        await read_full_lists(sync, [replace(SPRINTS, read=read)])


async def _pages(
    boards: Iterable[str], known: Iterable[str], sync: Sync, _: Names
) -> AsyncIterator[Answer[ListPage]]:
    """Yield the pages of each board's sprints, then each known sprint that none of them showed.

    A board that is gone by now, or has no sprints, shows none.
    """
    found: set[str] = set()
    for board in boards:
        with suppress(NotFoundError, RequestRefusedError):
            async for answer in list_pages(sync, SPRINTS, {"parent": board}):
                found.update(_ids(answer.content.records))
                yield answer
    for sprint in known:
        if sprint not in found:
            with suppress(NotFoundError):
                yield await sync.client.get(_SPRINT, _alone, path={"sprint": sprint})


def _ids(records: Iterable[msgspec.Raw]) -> Iterable[str]:
    for record in records:
        with suppress(BadRecordError):
            yield id_of(member_of(record, "id"))


def _alone(body: bytes) -> ListPage:
    return ListPage([msgspec.Raw(body)])
