"""The pure layer: the one door, cursors, English."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import serve
from serve.actions.schemas import ActionsRequest
from serve.query.compiler import compile_authors, compile_detail
from serve.query.cursors import CursorError, DetailCursor, OffsetCursor, digest
from serve.query.scope import Scope
from serve.query.spec import AggregatedView, Interval
from serve.query.visibility import MACHINE, OPERATOR, Purpose, Rights, visible_actions

SERVE = Path(serve.__file__).parent
SNAPSHOT = "01KE6JH6Y4ZC2JW3X7M1Q9V5TB"
QUESTION = "0123456789abcdef"
OPERATORS = Rights(OPERATOR)
INTERVAL = Interval(start=datetime(2025, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 1, tzinfo=UTC))


def test_only_the_door_names_the_facts_and_what_issues_hold() -> None:
    activity = re.compile(r"\b(fct_\w+|dim_issues|dim_comments|dim_worklogs|bridge_issue_\w+)")
    naming = {
        path.relative_to(SERVE).as_posix()
        for path in SERVE.rglob("*.py")
        if activity.search(path.read_text(encoding="utf-8"))
    }
    assert naming == {"query/visibility.py", "query/rights.py"}


def test_only_the_query_layer_writes_sql() -> None:
    writing = {
        path.relative_to(SERVE).parts[0]
        for path in SERVE.rglob("*.py")
        if re.search(r"\b(select\b.*\bfrom|from dim_|from agg_)", path.read_text(encoding="utf-8"))
    }
    assert writing == {"query"}


def test_secured_actions_are_counted_by_all_and_listed_by_those_who_may() -> None:
    assert "is_secured" in visible_actions(OPERATORS, Purpose.LIST)
    assert "is_secured" not in visible_actions(OPERATORS, Purpose.COUNT)
    assert "is_secured" not in visible_actions(MACHINE, Purpose.LIST)


@given(values=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5, unique=True))
def test_values_are_bound_and_never_spliced(values: list[str]) -> None:
    texts = tuple(f"value:{value}" for value in values)
    scope = Scope(INTERVAL, users=texts, projects=texts, action_codes=texts)
    for query in (
        compile_detail(scope, OPERATORS, limit=1, not_before=INTERVAL.start, before=INTERVAL.end),
        compile_authors(scope, AggregatedView(), OPERATORS, limit=1, offset=0),
    ):
        assert "value:" not in query.sql
        assert set(texts) <= {v for v in query.params.values() if isinstance(v, str)}
        assert set(re.findall(r"\$(\w+)", query.sql)) == set(query.params)


@given(
    microseconds=st.integers(0, 253_402_300_799_999_999),
    action_id=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
)
def test_cursor_survives_the_url(microseconds: int, action_id: str) -> None:
    cursor = DetailCursor(
        snapshot=SNAPSHOT, question=QUESTION, occurred_at_us=microseconds, action_id=action_id
    )
    text = cursor.encode()
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,512}", text)
    assert DetailCursor.decode(text, QUESTION) == cursor
    again = (cursor.occurred_at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    assert again == pytest.approx(microseconds / 1e6, abs=1e-4)
    with pytest.raises(CursorError, match="other filters"):
        DetailCursor.decode(text, "f" * 16)
    with pytest.raises(CursorError, match="not a cursor"):
        OffsetCursor.decode(text, QUESTION)


@given(garbage=st.binary(max_size=300))
def test_no_bytes_break_the_cursor(garbage: bytes) -> None:
    text = base64.urlsafe_b64encode(garbage).decode().rstrip("=")
    with pytest.raises(CursorError):
        DetailCursor.decode(text, QUESTION)


@pytest.mark.parametrize(
    "change",
    [
        {"snapshot": "../../../../etc/passwd1234"},
        {"occurred_at_us": -1},
        {"occurred_at_us": 10**30},
        {"occurred_at_us": "1"},
        {"action_id": "' or 1=1"},
        {"action_id": None},
        {"more": 1},
    ],
)
def test_tampered_cursor_is_refused(change: dict[str, object]) -> None:
    cursor = DetailCursor(snapshot=SNAPSHOT, question=QUESTION, occurred_at_us=1, action_id="a")
    raw = json.dumps(cursor.model_dump() | change).encode()
    with pytest.raises(CursorError, match="not a cursor"):
        DetailCursor.decode(base64.urlsafe_b64encode(raw).decode().rstrip("="), QUESTION)


def test_digest_tells_questions_apart_and_pages_not() -> None:
    def of(**params: object) -> str:
        return digest(ActionsRequest.model_validate(params))

    assert of(limit=5) == of(limit=7, cursor="abc") == of()
    different = [
        of(),
        of(user=["a"]),
        of(project=["a"]),
        of(user=["a", "b"]),
        of(expand=["changes"]),
    ]
    assert len(set(different)) == len(different)
