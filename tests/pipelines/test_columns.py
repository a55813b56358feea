"""Whole answers taken column by column give the rows that one record after the other gives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.client import Answer
from pipelines.rows import (
    BadRecordError,
    at_us,
    is_plain,
    time_us,
    times_column,
    version_at,
    versions_column,
)
from pipelines.sources.jira_issues import changelogs, comments, issues
from pipelines.sources.jira_issues.changelogs import ChangelogPage
from pipelines.sources.jira_issues.comments import CommentedIssue
from pipelines.sources.jira_issues.issues import BulkIssues
from pipelines.sync import Sync
from tests.pipelines.conftest import NOW, make_sync, taken

TIMES = st.one_of(
    st.datetimes(
        datetime(1, 1, 3),  # noqa: DTZ001 - the zone is drawn beside it
        datetime(9999, 12, 30),  # noqa: DTZ001 - the zone is drawn beside it
        timezones=st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    ).map(lambda moment: moment.isoformat(timespec="milliseconds")),
    st.sampled_from(
        ["2026-05-01T10:00:00.000+0200", "2026-05-01T10:00:00Z", "9999-12-31T23:59:59-1000"]
    ),
)
ODD_TIMES: st.SearchStrategy[object] = st.sampled_from(
    ["yesterday", "", None, True, 1.5, 10**30, "2026-05-01T10:00:00", []]
)


@given(st.one_of(st.lists(TIMES, min_size=1), st.lists(st.integers(-(10**14), 10**16), min_size=1)))
def test_a_column_of_times_is_what_each_is_alone(values: list[str] | list[int]) -> None:
    column = times_column(values)
    if column is None:
        return
    alone = [time_us(value) for value in values]
    assert [moment.value for moment in column] == alone
    assert versions_column(column).to_pylist() == [version_at(at_us(us)) for us in alone]


def test_plain_times_do_make_a_column() -> None:
    texts = ["2026-05-01T10:00:00.123+0200", "1969-12-31T23:59:59.999+0000"]
    column = times_column(texts)
    assert column is not None
    assert versions_column(column).to_pylist() == [
        "2026-05-01T08:00:00.123Z",
        "1969-12-31T23:59:59.999Z",
    ]
    column = times_column([1_767_225_600_000, -1])
    assert column is not None
    assert [moment.value for moment in column] == [1_767_225_600_000_000, -1_000]


@given(st.lists(st.one_of(TIMES, st.integers(), ODD_TIMES), min_size=1))
def test_what_is_no_time_never_becomes_one(values: list[object]) -> None:
    column = times_column(values)
    if column is not None:
        assert [moment.value for moment in column] == [time_us(value) for value in values]


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-1000", "0001-01-01T00:00:00+1000"])
def test_times_beyond_the_calendar_are_bad_records(text: str) -> None:
    with pytest.raises(BadRecordError):
        time_us(text)


ODD: st.SearchStrategy[object] = st.sampled_from([None, "", 7, [], {}, "text"])
COMMENT = st.fixed_dictionaries(
    {"id": st.one_of(st.integers(1, 99).map(str), ODD), "updated": st.one_of(TIMES, ODD_TIMES)}
)
COMMENT_FIELD = st.fixed_dictionaries(
    {"comments": st.lists(COMMENT, max_size=3)}, optional={"total": st.integers(0, 4)}
)
PLAIN_COMMENT = st.fixed_dictionaries({"id": st.integers(1, 99).map(str), "updated": TIMES})
PLAIN_ISSUE = st.fixed_dictionaries(
    {
        "id": st.integers(1, 9_999).map(str),
        "fields": st.fixed_dictionaries(
            {"updated": TIMES, "summary": st.text(max_size=5)},
            optional={
                "comment": st.fixed_dictionaries({"comments": st.lists(PLAIN_COMMENT, max_size=3)})
            },
        ),
    }
)
ODD_ISSUE = st.one_of(
    ODD,
    st.fixed_dictionaries(
        {
            "id": st.one_of(st.integers(1, 9_999).map(str), ODD),
            "fields": st.fixed_dictionaries(
                {"updated": st.one_of(TIMES, ODD_TIMES)},
                optional={"comment": st.one_of(COMMENT_FIELD, ODD)},
            ),
        }
    ),
)


def encoded(body: object) -> bytes:
    # lone surrogates never get this far: the client mends them before anything is decoded
    return json.dumps(body, ensure_ascii=True).encode()


def rows_of(add: Callable[[Sync], object]) -> dict[str, list[dict[str, object]]]:
    async def run() -> dict[str, list[dict[str, object]]]:
        sync = make_sync()
        add(sync)
        return await taken(sync)

    return asyncio.run(run())


@given(
    st.one_of(
        st.lists(PLAIN_ISSUE, max_size=5),
        st.lists(st.one_of(PLAIN_ISSUE, ODD_ISSUE), max_size=5),
    )
)
def test_issues_and_comments_are_the_same_either_way(records: list[object]) -> None:
    body = encoded({"issues": records})
    fast = issues.decode_bulk(body)
    slow = BulkIssues(fast.issues, fast.errors)
    unfinished: list[list[CommentedIssue]] = []

    def add(content: BulkIssues, sync: Sync) -> None:
        answer = Answer(content, 5, NOW, is_plain(body))
        unfinished.append(issues._add_issues(sync, answer))

    with pytest.MonkeyPatch.context() as patch:
        quick = rows_of(lambda sync: add(fast, sync))
        patch.setattr(comments, "_add_plain_comments", lambda *_: False)
        assert rows_of(lambda sync: add(slow, sync)) == quick
    assert unfinished[0] == unfinished[1]


HISTORY = st.fixed_dictionaries(
    {
        "id": st.one_of(st.integers(1, 99).map(str), ODD),
        "created": st.one_of(TIMES, st.integers(0, 2 * 10**12), ODD_TIMES),
    }
)
PLAIN_HISTORY = st.fixed_dictionaries(
    {"id": st.integers(1, 99).map(str), "created": st.integers(0, 2 * 10**12)}
)
GROUP = st.one_of(
    ODD,
    st.fixed_dictionaries(
        {
            "issueId": st.one_of(st.integers(1, 99).map(str), ODD),
            "changeHistories": st.lists(HISTORY, max_size=3),
        }
    ),
)
PLAIN_GROUP = st.fixed_dictionaries(
    {
        "issueId": st.integers(1, 99).map(str),
        "changeHistories": st.lists(PLAIN_HISTORY, max_size=3),
    }
)


@given(st.one_of(st.lists(PLAIN_GROUP, max_size=4), st.lists(GROUP, max_size=4)))
def test_histories_are_the_same_either_way(groups: list[object]) -> None:
    body = encoded({"issueChangeLogs": groups})

    def add(decode: Callable[[bytes], ChangelogPage], sync: Sync) -> None:
        changelogs._add_page(sync, Answer(decode(body), 5, NOW, is_plain(body)))

    quick = rows_of(lambda sync: add(changelogs.decode_page, sync))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changelogs, "is_plain", lambda _: False)
        assert rows_of(lambda sync: add(changelogs.decode_page, sync)) == quick


def test_plain_answers_do_go_the_short_way() -> None:
    updated = NOW.astimezone(UTC).isoformat()
    issue = {"id": "1", "fields": {"updated": updated, "comment": {"comments": []}}}
    assert issues.decode_bulk(encoded({"issues": [issue]})).columns is not None
    group = {"issueId": "1", "changeHistories": [{"id": "2", "created": 3}]}
    assert changelogs.decode_page(encoded({"issueChangeLogs": [group]})).columns is not None
