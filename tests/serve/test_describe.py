"""The filter in English."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient

from serve.query.describe import MOST_NAMES, NameKind, describe
from serve.query.spec import FilterSpec, IssueViewFilter, WhoAndWhen
from tests.serve.test_actions import get

NOW = datetime(2026, 1, 31, 12, 0, 30, 1, tzinfo=UTC)
NAMES = {
    "5b10": "Mia Krystof",
    "5b11": "Emma\nRichards",
    "g-1": "jira-users",
    "10000": "DEMO",
    "10001": "APP",
    "3": "In Progress",
    "4": "Done",
    "STATUS_CHANGED": "Status changed",
    "ISSUE_CREATED": "Issue created",
}


def name(_kind: NameKind, value: str) -> str:
    return NAMES.get(value, value)


def english(kind: type[WhoAndWhen] = FilterSpec, **question: object) -> str:
    spec = kind.model_validate(question)
    return describe(spec, spec.interval(NOW), name)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (
            {
                "user": ["5b10"],
                "group": ["g-1"],
                "project": ["10000"],
                "from": "2026-01-01",
                "to": "2026-02-01",
                "time_zone": "Europe/Zurich",
            },
            (
                "Actions of Mia Krystof or members of group jira-users, in project DEMO, "
                "from 1 to 31 January 2026 (Europe/Zurich)"
            ),
        ),
        ({"from": "2026-01-05", "to": "2026-01-06"}, "Actions, on 5 January 2026 (UTC)"),
        (
            {"from": "2026-01-05", "to": "2026-03-01"},
            "Actions, from 5 January to 28 February 2026 (UTC)",
        ),
        (
            {"from": "2025-12-05", "to": "2026-03-01"},
            "Actions, from 5 December 2025 to 28 February 2026 (UTC)",
        ),
        (
            {"from": "2026-01-05T10:00", "to": "2026-01-05T11:30:15", "time_zone": "Asia/Tokyo"},
            "Actions, from 5 January 2026 10:00 to 5 January 2026 11:30:15 (Asia/Tokyo)",
        ),
        (
            {},
            (
                "Actions, in the last 30 days (from 1 January 2026 12:00:30 "
                "to 31 January 2026 12:00:30, UTC)"
            ),
        ),
        (
            {"period": "last_month", "time_zone": "Europe/Zurich"},
            "Actions, last month (from 1 to 31 December 2025, Europe/Zurich)",
        ),
        # A day that begins at 01:00, and one with two midnights: an hour of it is not asked for.
        (
            {"from": "2026-04-24", "to": "2026-04-25", "time_zone": "Africa/Cairo"},
            "Actions, on 24 April 2026 (Africa/Cairo)",
        ),
        (
            {"from": "2026-11-01", "to": "2026-11-02", "time_zone": "America/Havana"},
            "Actions, on 1 November 2026 (America/Havana)",
        ),
        (
            {"from": "2026-11-01T05:00Z", "to": "2026-11-02", "time_zone": "America/Havana"},
            "Actions, from 1 November 2026 00:00 to 2 November 2026 00:00 (America/Havana)",
        ),
        ({"period": "all"}, "Actions, at any time (until 31 January 2026 12:00:30, UTC)"),
        (
            {
                "user": ["5b10", "5b11"],
                "people_in_project": ["10000", "10001"],
                "people_in_organization": ["Example Ltd"],
                "membership": "then",
                "period": "today",
            },
            (
                "Actions of Mia Krystof or Emma Richards or people at that time of projects DEMO "
                "or APP or people at that time of organization Example Ltd, "
                "today (on 31 January 2026, UTC)"
            ),
        ),
        (
            {"action_code": ["STATUS_CHANGED", "ISSUE_CREATED"], "period": "today"},
            "Actions “Issue created” or “Status changed”, today (on 31 January 2026, UTC)",
        ),
        (
            {"status_from": ["3"], "status_to": ["4", "Closed"], "period": "today"},
            (
                "Actions, today (on 31 January 2026, UTC), "
                "that changed the status from In Progress to Done or Closed"
            ),
        ),
        (
            {"status_to": ["4"], "resolution": ["Fixed"], "field": ["a", "b"], "period": "today"},
            (
                "Actions, today (on 31 January 2026, UTC), that changed the status to Done and "
                "resolved as Fixed and changed fields a or b in one edit"
            ),
        ),
        (
            {"row": ["issues:10", "projects:10000", "author:5b10"], "period": "today"},
            (
                "Actions, today (on 31 January 2026, UTC), "
                "in the row of author Mia Krystof, project DEMO and issue 10"
            ),
        ),
        (
            {"row": ["author:", "action:ISSUE_CREATED", "transition:3:4"], "period": "today"},
            (
                "Actions, today (on 31 January 2026, UTC), in the row of the unknown author, "
                "action “Issue created” and transition In Progress → Done"
            ),
        ),
        (
            {"row": ["transition::4"], "jql": 'a = "b"', "period": "today"},
            (
                'Actions, today (on 31 January 2026, UTC), on issues that match JQL “a = "b"”, '
                "in the row of transition no status → Done"
            ),
        ),
        (
            {"row": ["projects:", "issues:"], "period": "today"},
            "Actions, today (on 31 January 2026, UTC), in the row of no project and no issue",
        ),
    ],
)
def test_a_filter_reads_as_a_sentence(question: dict[str, Any], sentence: str) -> None:
    assert english(**question) == sentence


def test_views_of_issues_are_called_so() -> None:
    assert english(IssueViewFilter, period="today") == (
        "Views of issues, today (on 31 January 2026, UTC)"
    )
    assert english(IssueViewFilter, issue=["DEMO-1", "DEMO-2"], user=["5b10"], period="today") == (
        "Views of issues DEMO-1 or DEMO-2 of Mia Krystof, today (on 31 January 2026, UTC)"
    )


def test_of_very_many_only_the_first_are_named() -> None:
    text = english(user=[f"u{number:04}" for number in range(1_000)])
    assert "u0000, u0001" in text
    assert f"u{MOST_NAMES:04}" not in text
    assert f"or {1_000 - MOST_NAMES} more, in the last 30 days" in text


def test_every_answer_says_what_was_asked_with_names(client: TestClient) -> None:
    question: dict[str, str | int | list[str]] = {
        "user": ["account-3", "nobody"],
        "project": ["10001", "p2", "OLD"],
        "group": "Group 2",
        "people_in_organization": "organization-5",
        "status_to": ["4"],
        "field": "customfield_10016",
        "action_code": "STATUS_CHANGED",
        "from": "2025-12-01",
        "to": "2026-01-01",
    }
    author = get(client, "/api/v1/lookups/users/labels", id="account-3")["items"][0]["label"]
    sentence = (
        f"Actions “Status changed” of {author} or nobody or members of group Group 2 or people of "
        "organization Organization 5, in projects P1, OLD or P2, from 1 to 31 December 2025 (UTC), "
        "that changed the status to Done and changed field Story Points in one edit"
    )
    for path in ("/api/v1/actions", "/api/v1/activity", "/api/v1/issues", "/api/v1/issues/links"):
        assert get(client, path, **question)["description"] == sentence


def test_an_issue_is_called_by_its_key_if_the_viewer_may_know_it(
    client: TestClient, marts: Path
) -> None:
    with duckdb.connect(str(marts), read_only=True) as database:
        known = dict(
            database.execute(
                "select is_secured, min(issue_id) from dim_issues "
                "where site_id = 'synthetic.atlassian.net' group by all"
            ).fetchall()
        )
        keys = dict(database.execute("select issue_id, issue_key from dim_issues").fetchall())
    listed, secured = known[False], known[True]
    for path in ("/api/v1/actions", "/api/v1/activity", "/api/v1/filters/describe"):
        answer = get(client, path, row=f"issues:{listed}")
        assert answer["description"].endswith(f"in the row of issue {keys[listed]}")
        answer = get(client, path, row=f"issues:{secured}")
        assert answer["description"].endswith(f"in the row of issue {secured}")
    values = get(client, "/api/v1/filters/describe", row=f"issues:{listed}")["values"]
    label = f"issue {keys[listed]}"
    assert values == [{"parameter": "row", "value": f"issues:{listed}", "label": label}]
    answer = get(client, "/api/v1/issue-views", issue=listed)
    assert answer["description"].startswith(f"Views of issue {keys[listed]}, ")
