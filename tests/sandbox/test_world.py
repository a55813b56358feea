"""The generated world: what it holds, that it repeats itself, and that its ledger is the truth."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from tests.sandbox.clock import DAY, HOUR, YEAR, parse_iso
from tests.sandbox.generator import build_world
from tests.sandbox.ledger import Line
from tests.sandbox.world import World

START = parse_iso("2025-06-01T00:00:00")

CODES = {
    "ISSUE_CREATED",
    "ISSUE_UPDATED",
    "ISSUE_DELETED",
    "ISSUE_RESOLVED",
    "STATUS_CHANGED",
    "ISSUE_COMMENTED",
    "COMMENT_UPDATED",
    "COMMENT_DELETED",
    "ISSUELINK_CREATED",
    "ISSUELINK_DELETED",
    "WORKLOG_CREATED",
    "WORKLOG_UPDATED",
    "WORKLOG_DELETED",
    "ATTACHMENT_CREATED",
    "ATTACHMENT_DELETED",
}


def told(seed: int, *steps: int) -> tuple[World, list[Line]]:
    """Build a world, advance it in steps (ms after START), and give it with its ledger."""
    lines: list[Line] = []
    world = build_world(seed=seed, start=START, sink=lines.append)
    for step in steps:
        world.advance(START + step)
    return world, lines


@pytest.fixture(scope="module")
def year() -> tuple[World, list[Line]]:
    return told(11, YEAR)


def test_a_year_has_the_promised_size(year: tuple[World, list[Line]]) -> None:
    world, lines = year
    actions = [line for line in lines if not line.code.startswith("_")]
    assert len(actions) >= 50_000
    assert {line.code for line in actions} == CODES
    assert len(world.people) > 80
    assert len(world.projects) == 8
    # Recent up to now: the last day before the end is not empty.
    assert parse_iso(lines[-1].at) > START + YEAR - DAY


def test_another_seed_reaches_fifty_thousand() -> None:
    _, lines = told(2, YEAR)
    assert sum(not line.code.startswith("_") for line in lines) >= 50_000


def test_the_stream_does_not_depend_on_how_it_is_asked_for() -> None:
    _, whole = told(3, 20 * DAY)
    _, parts = told(3, 1, HOUR, HOUR, 5 * DAY + 17, 20 * DAY)
    assert parts == whole
    _, other = told(4, 20 * DAY)
    assert other != whole


def test_the_ledger_is_numbered_and_in_order(year: tuple[World, list[Line]]) -> None:
    _, lines = year
    assert [line.n for line in lines] == list(range(1, len(lines) + 1))
    # A command's histories may lie up to 1.2 s after it; commands themselves never go back.
    latest = 0
    for line in lines:
        at = parse_iso(line.at)
        assert at > latest - 1_200
        latest = max(latest, at)


def test_every_history_is_in_the_ledger_and_back(year: tuple[World, list[Line]]) -> None:
    """No changelog entry without an action, save the nearly invisible ends of links."""
    world, lines = year
    events = {line.event for line in lines if line.event}
    other_ends = {line.link_histories[1] for line in lines if line.link_histories}
    histories = {str(history.id) for issue in world.issues.values() for history in issue.histories}
    assert histories <= events | other_ends
    assert not events & other_ends
    kept = {str(issue_id) for issue_id in world.issues}
    assert {line.event for line in lines if line.event and line.issue_id in kept} <= histories


def test_one_entry_splits_into_its_actions(year: tuple[World, list[Line]]) -> None:
    _, lines = year
    by_event = defaultdict(list)
    for line in lines:
        if line.event:
            by_event[line.event].append(line)
    shapes = {tuple(line.code for line in group) for group in by_event.values()}
    assert ("STATUS_CHANGED", "ISSUE_RESOLVED", "ISSUE_UPDATED") in shapes
    assert ("STATUS_CHANGED", "ISSUE_UPDATED") in shapes
    assert ("ATTACHMENT_CREATED", "ATTACHMENT_CREATED") in shapes
    cleared = [
        line
        for line in lines
        if line.code == "ISSUE_UPDATED"
        and any(item.field == "resolution" and item.new_id is None for item in line.items)
    ]
    corrected = [
        line for line in lines if line.code == "ISSUE_RESOLVED" and line.items[0].old_id is not None
    ]
    assert cleared
    assert corrected


def test_what_hurts_a_reader_is_there(year: tuple[World, list[Line]]) -> None:
    world, lines = year
    updates = [line for line in lines if line.code == "ISSUE_UPDATED"]
    fields = Counter(item.field_id for line in updates for item in line.items)
    for field_id in (
        "summary",
        "description",
        "labels",
        "assignee",
        "priority",
        "duedate",
        "fixVersions",
        "components",
        "security",
        "Key",
        "project",
        "RemoteIssueLink",
        "Workflow",
        "IssueParentAssociation",
        "timeestimate",
        "customfield_10016",
        "customfield_10019",
        "customfield_10020",
    ):
        assert fields[field_id] > 5, field_id
    assert any(line.actor is None for line in updates)
    assert any(line.actor and world.people[line.actor].account_type == "app" for line in updates)
    assert Counter(p.account_type for p in world.people.values())["unknown"] == 1
    assert sum(not p.active for p in world.people.values()) > 6
    assert {p.state for p in world.projects.values()} == {"live", "archived"}
    facts = {line.code for line in year[1] if line.code.startswith("_")}
    assert facts >= {"_USER_RENAMED", "_PROJECT_RENAMED", "_FIELD_DELETED", "_PROJECT_ARCHIVED"}
    assert "customfield_10041" not in {field["id"] for field in world.fields}
    assert any(issue.security for issue in world.issues.values())
    texts = " ".join(comment.text for i in world.issues.values() for comment in i.comments.values())
    for hostile in ("=HYPERLINK(", "\u202e", "\u0007", "\u2028", "👩‍👩‍👧‍👦", '"no"'):
        assert hostile in texts, hostile
    # More than fits inline, and more than a page of an issue's changelog.
    assert sum(len(issue.comments) > 20 for issue in world.issues.values()) > 3
    assert sum(len(issue.histories) > 100 for issue in world.issues.values()) > 1


def test_links_are_told_from_both_ends(year: tuple[World, list[Line]]) -> None:
    _, lines = year
    links = [line for line in lines if line.code.startswith("ISSUELINK")]
    pairs = Counter(
        (line.code, line.link_type, *sorted([str(line.issue_id), str(line.other_issue_id)]))
        for line in links
    )
    assert max(pairs.values()) > 1, "a pair is linked again after it was unlinked"
    crossed = 0
    for line in links:
        assert line.link_histories
        assert line.link_ats
        first, second = sorted(int(history) for history in line.link_histories)
        assert second == first + 1
        gap = abs(parse_iso(line.link_ats[0]) - parse_iso(line.link_ats[1]))
        assert 0 < gap < 100
        crossed += line.link_ats[0][:19] != line.link_ats[1][:19]
        if line.link_type == "10301":
            assert int(str(line.issue_id)) < int(str(line.other_issue_id))
    assert crossed


def test_moved_issues_keep_their_old_keys(year: tuple[World, list[Line]]) -> None:
    world, lines = year
    moved = [
        (line, item)
        for line in lines
        for item in line.items
        if item.field == "Key" and int(str(line.issue_id)) in world.issues
    ]
    assert moved
    for line, item in moved:
        found = world.find(str(item.old))
        assert found is not None
        assert str(found.id) == line.issue_id
        assert line.issue_key == item.new


def test_work_follows_the_week(year: tuple[World, list[Line]]) -> None:
    _, lines = year
    weekend = sum((parse_iso(line.at) // DAY + 3) % 7 > 4 for line in lines)
    assert 0 < weekend < len(lines) / 20
