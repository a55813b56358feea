"""The checker finds every class of fault, in handmade ledgers and handmade snapshots.

`TRUTH` is a small history with every action code; `SERVED` shows all of it; `ROWS` is the
snapshot an exact product would publish. Each test spoils one thing and names the verdict.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.sandbox import checker, oracle
from tests.sandbox.verdicts import Report

Record = dict[str, Any]


def at(minute: int, second: int = 0) -> str:
    return f"2026-03-02T10:{minute:02}:{second:02}.123Z"


def ms(minute: int, second: int = 0) -> int:
    return oracle.microseconds(at(minute, second)) // 1000


def line(code: str, minute: int, target: str, **more: object) -> Record:
    issue = {"issue_id": "100", "issue_key": "AB-1", "project_id": "10", "issue_type_id": "1"}
    return {"code": code, "at": at(minute), "actor": "ann", "target_id": target, **issue, **more}


def item(field: str, old: str | None, new: str | None, **ids: str | None) -> Record:
    return {"field": field, "old": old, "new": new, **ids}


STATUS = item("status", "Open", "Done", field_id="status", old_id="1", new_id="5")
RESOLUTION = item("resolution", None, "Fixed", field_id="resolution", old_id=None, new_id="7")
LABELS = item("labels", "red", "red blue", field_id="labels", old_id=None, new_id=None)
OWNER = item("assignee", None, "Ann", field_id="assignee", old_id=None, new_id="ann")
LINK = item("Link", None, "This issue blocks AB-2", new_id="AB-2")

TRUTH: list[Record] = [
    line("ISSUE_CREATED", 1, "100"),
    line("ISSUE_CREATED", 1, "101", issue_id="101", issue_key="AB-2", secured=True),
    line("STATUS_CHANGED", 2, "100", event="900", items=[STATUS]),
    line("ISSUE_RESOLVED", 2, "100", event="900", items=[RESOLUTION]),
    line("ISSUE_UPDATED", 2, "100", event="900", items=[LABELS]),
    line("ISSUE_UPDATED", 3, "100", event="901", items=[LABELS, OWNER]),
    line("ISSUE_COMMENTED", 4, "300", items=[item("comment", None, "one")]),
    line("COMMENT_UPDATED", 5, "300", items=[item("comment", "one", "two")]),
    line("COMMENT_UPDATED", 6, "300", items=[item("comment", "two", "three")]),
    line("COMMENT_DELETED", 8, "300"),
    line(
        "ISSUELINK_CREATED",
        9,
        "400",
        items=[LINK],
        other_issue_id="101",
        link_type="Blocks",
        link_histories=["902", "903"],
        link_ats=[at(9), at(9, 1)],
    ),
    line(
        "ISSUELINK_DELETED",
        10,
        "400",
        items=[item("Link", "This issue blocks AB-2", None, old_id="AB-2")],
        other_issue_id="101",
        link_type="Blocks",
        link_histories=["904", "905"],
        link_ats=[at(10), at(10, 1)],
    ),
    line("ATTACHMENT_CREATED", 11, "500", event="906"),
    line("ATTACHMENT_DELETED", 12, "500", event="907"),
    line("WORKLOG_CREATED", 13, "600", event="908", items=[item("timespent", None, "60")]),
    line("WORKLOG_UPDATED", 14, "600", event="909", items=[item("timespent", "60", "90")]),
    line("WORKLOG_DELETED", 15, "600", event="910"),
    line("ISSUE_DELETED", 20, "101", issue_id="101", issue_key="AB-2"),
]
for number, one in enumerate(TRUTH):
    one["n"] = number

SERVED: list[Record] = [
    {"key": key}
    for key in (
        *("issue:100", "issue:101"),
        *(f"history:{history}" for history in range(900, 911)),
        *(f"comment:300:{ms(minute)}" for minute in (4, 5, 6)),
        "attachment:500",
        *(f"worklog:600:{ms(minute)}" for minute in (13, 14)),
        "worklog_deleted:600",
    )
] + [
    {"key": "comments_of:100", "without": ["300"]},
    {"key": "sweep", "began": at(24), "absent": ["101"]},
]
for number, one in enumerate(SERVED):
    one |= {"request": number, "served_at": at(31)}


def row_of(one: Record) -> Record:
    """Give the row an exact product makes of a ledger line, when everything was shown."""
    items: list[Record] = one.get("items", [])
    single = items[0] if len(items) == 1 else {}
    code = one["code"]
    detected = code in oracle.ONLY_DETECTED
    row: Record = {
        "action_id": f"action-{one['n']}",
        "action_code": code,
        "occurred_at": at(31) if detected else one["at"],
        "observed_from_at": at(7) if detected else None,
        "observed_to_at": at(31) if detected else None,
        "actor_account_id": None if detected else one["actor"],
        "target_id": one["target_id"],
        "issue_id": one["issue_id"],
        "project_id": one["project_id"],
        "issue_type_id": one["issue_type_id"],
        "from_status_id": single.get("old_id") if code == "STATUS_CHANGED" else None,
        "to_status_id": single.get("new_id") if code == "STATUS_CHANGED" else None,
        "resolution_id": single.get("new_id") if code == "ISSUE_RESOLVED" else None,
        "old_value": single.get("old"),
        "new_value": single.get("new"),
        "change_count": len(items),
        "is_secured": one["issue_id"] == "101",
        "source_event_id": one.get("event") or next(iter(one.get("link_histories", [])), None),
        "actor_certainty": "known" if one["actor"] and not detected else "unknown",
        "sources": "jira_issues",
    }
    if len(items) > 1:
        for side in ("old", "new"):
            lines = [f"{item['field']}: {item[side]}" for item in items if item[side]]
            row[f"{side}_value"] = "\n".join(lines)
    return row


def changes_of(one: Record) -> list[Record]:
    return [
        {
            "action_id": f"action-{one['n']}",
            "field_name": item["field"],
            "field_id": item.get("field_id") or item["field"],
            "old_value_id": item.get("old_id"),
            "old_value": item["old"],
            "new_value_id": item.get("new_id"),
            "new_value": item["new"],
        }
        for item in one.get("items", [])
        if one["code"] == "ISSUE_UPDATED"
    ]


class Bench:
    """Handmade truth, evidence and snapshot in a folder; spoil them, then `check`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truth = deepcopy(TRUTH)
        self.served = deepcopy(SERVED)
        self.rows = [row_of(one) for one in TRUTH]
        self.changes = [change for one in TRUTH for change in changes_of(one)]

    def row(self, code: str, number: int = 0) -> Record:
        """Give the n-th row of a code."""
        return [row for row in self.rows if row["action_code"] == code][number]

    def unserve(self, *keys: str) -> None:
        """Let the API never have shown these."""
        self.served = [one for one in self.served if one["key"] not in keys]

    def write(self) -> tuple[Path, Path]:
        """Write all files; give the ledger's path and the home."""
        for name, records in (("ledger", self.truth), ("served", self.served)):
            text = "".join(json.dumps(one) + "\n" for one in records)
            (self.folder / f"{name}.jsonl").write_text(text)
        snapshots = self.folder / "snapshots"
        snapshots.mkdir(exist_ok=True)
        database = snapshots / "01.duckdb"
        database.unlink(missing_ok=True)
        with duckdb.connect(str(database)) as connection:
            for table, records, sample in (
                ("fct_actions", self.rows, row_of(TRUTH[0])),
                ("fct_action_changes", self.changes, changes_of(TRUTH[5])[0]),
            ):
                types = {
                    "change_count": "integer",
                    "is_secured": "boolean",
                    **{name: "timestamp" for name in sample if name.endswith("_at")},
                }
                columns = ", ".join(f"{name} {types.get(name, 'text')}" for name in sample)
                connection.execute(f"create table {table} ({columns})")
                source = self.folder / f"{table}.jsonl"
                source.write_text("".join(json.dumps(one) + "\n" for one in records))
                if records:
                    connection.execute(
                        f"insert into {table} by name select * from read_json('{source}', "
                        "format = 'newline_delimited', columns = $columns)",
                        {"columns": {name: types.get(name, "text") for name in sample}},
                    )
        (self.folder / "CURRENT").write_text("snapshots/01.duckdb\n")
        return self.folder / "ledger.jsonl", self.folder

    def check(self) -> Report:
        """Write all files and check them."""
        return checker.check(*self.write())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def verdicts(report: Report) -> dict[str, int]:
    return {
        verdict: report.total(verdict)
        for verdict in ("lost", "doubled", "invented", "wrong")
        if report.total(verdict)
    }


def wrong_fields(report: Report) -> set[str]:
    return {one["field"] for example in report.examples for one in example.get("differences", ())}


def test_exact_snapshot_has_no_fault(bench: Bench) -> None:
    report = bench.check()
    assert (verdicts(report), report.examples) == ({}, [])
    assert report.total("expected") == report.total("found") == len(TRUTH)
    assert set(report.tallies) == {one["code"] for one in TRUTH}


@pytest.mark.parametrize("number", range(len(TRUTH)))
def test_a_missing_row_is_lost(bench: Bench, number: int) -> None:
    gone = bench.rows.pop(number)
    report = bench.check()
    assert verdicts(report) == {"lost": 1}
    assert report.tallies[gone["action_code"]].lost == 1
    (example,) = report.examples
    assert example["ledger"]["n"] == number
    assert example["requests"], "a lost action names the requests that carried it"
    assert all(isinstance(one["request"], int) for one in example["requests"])


@pytest.mark.parametrize("number", range(len(TRUTH)))
def test_a_second_row_is_doubled(bench: Bench, number: int) -> None:
    bench.rows.append(bench.rows[number] | {"action_id": "again"})
    report = bench.check()
    assert verdicts(report) == {"doubled": 1}
    assert report.tallies[bench.rows[number]["action_code"]].doubled == 1


def test_the_same_row_twice_is_doubled(bench: Bench) -> None:
    bench.rows.append(dict(bench.row("STATUS_CHANGED")))
    assert verdicts(bench.check()) == {"doubled": 1}


def test_a_link_told_from_both_ends_is_doubled(bench: Bench) -> None:
    other = bench.row("ISSUELINK_CREATED") | {"issue_id": "101", "source_event_id": "903"}
    bench.rows.append(other | {"action_id": "other end"})
    assert verdicts(bench.check()) == {"doubled": 1}


@pytest.mark.parametrize(
    "strange",
    [
        {"action_code": "ISSUE_CREATED", "issue_id": "777"},
        {"action_code": "ISSUE_DELETED", "issue_id": "100"},
        {"action_code": "ISSUE_UPDATED", "source_event_id": "999"},
        {"action_code": "ISSUE_RESOLVED", "source_event_id": "901"},
        {"action_code": "ISSUELINK_CREATED", "source_event_id": "900"},
        {"action_code": "COMMENT_DELETED", "target_id": "301"},
        {"action_code": "COMMENT_UPDATED", "target_id": "300", "occurred_at": at(7)},
        {"action_code": "WORKLOG_DELETED", "target_id": "601"},
        {"action_code": "PROJECT_CREATED", "target_id": "10"},
    ],
    ids=lambda strange: str(strange["action_code"]),
)
def test_a_row_of_nothing_is_invented(bench: Bench, strange: Record) -> None:
    bench.rows.append(row_of(TRUTH[0]) | {"action_id": "strange"} | strange)
    report = bench.check()
    assert verdicts(report) == {"invented": 1}
    assert report.tallies[strange["action_code"]].invented == 1


@pytest.mark.parametrize(
    ("code", "column", "value", "field"),
    [
        ("ISSUE_CREATED", "actor_account_id", "bob", "actor"),
        ("ISSUE_DELETED", "actor_account_id", "ann", "actor"),
        ("COMMENT_DELETED", "actor_account_id", "ann", "actor"),
        ("WORKLOG_DELETED", "actor_account_id", None, "actor"),
        ("ISSUE_CREATED", "occurred_at", at(1, 1), "occurred_at"),
        ("STATUS_CHANGED", "occurred_at", "2026-03-02T10:02:00.123001Z", "occurred_at"),
        ("ISSUE_COMMENTED", "occurred_at", at(5), "occurred_at"),
        ("WORKLOG_UPDATED", "occurred_at", at(14, 1), "occurred_at"),
        ("ISSUE_DELETED", "observed_from_at", at(21), "observed window"),
        ("ISSUE_DELETED", "observed_from_at", None, "observed window"),
        ("ISSUE_DELETED", "occurred_at", at(30), "observed window"),
        ("COMMENT_DELETED", "observed_from_at", at(9), "observed window"),
        ("ISSUE_CREATED", "project_id", "11", "project_id"),
        ("ISSUELINK_CREATED", "project_id", "11", "project_id"),
        ("ATTACHMENT_CREATED", "issue_id", "101", "issue_id"),
        ("WORKLOG_DELETED", "issue_id", None, "issue_id"),
        ("ISSUE_COMMENTED", "issue_type_id", "2", "issue_type_id"),
        ("ISSUE_DELETED", "is_secured", False, "is_secured"),
        ("ISSUE_CREATED", "is_secured", True, "is_secured"),
        ("STATUS_CHANGED", "from_status_id", "2", "from_status_id"),
        ("STATUS_CHANGED", "to_status_id", None, "to_status_id"),
        ("STATUS_CHANGED", "old_value", "Done", "old_value"),
        ("ISSUE_RESOLVED", "resolution_id", "8", "resolution_id"),
        ("ISSUE_UPDATED", "new_value", "red", "new_value"),
        ("ISSUE_UPDATED", "change_count", 2, "change_count"),
        ("ISSUE_COMMENTED", "new_value", "three", "new_value"),
        ("COMMENT_UPDATED", "old_value", None, "old_value"),
        ("WORKLOG_UPDATED", "old_value", "90", "old_value"),
    ],
)
def test_a_wrong_field_is_named(
    bench: Bench, code: str, column: str, value: object, field: str
) -> None:
    bench.row(code)[column] = value
    report = bench.check()
    assert verdicts(report) == {"wrong": 1}
    assert wrong_fields(report) == {field} | ({"observed window"} & wrong_fields(report))


def _drop(changes: list[Record]) -> None:
    changes.pop()


def _double(changes: list[Record]) -> None:
    changes.append(dict(changes[-1]))


def _spoil(changes: list[Record]) -> None:
    changes[-1]["new_value_id"] = "bob"


@pytest.mark.parametrize("spoil", [_drop, _double, _spoil])
def test_wrong_changed_fields_are_named(
    bench: Bench, spoil: Callable[[list[Record]], None]
) -> None:
    spoil(bench.changes)
    report = bench.check()
    assert (verdicts(report), wrong_fields(report)) == ({"wrong": 1}, {"changes"})


def test_a_change_missing_from_the_text_of_several_is_named(bench: Bench) -> None:
    row = bench.row("ISSUE_UPDATED", 1)
    assert row["new_value"] == "labels: red blue\nassignee: Ann"
    row["new_value"] = "labels: red blue"
    assert wrong_fields(bench.check()) == {"new_value"}


def test_the_character_nul_is_stored_as_its_sign(bench: Bench) -> None:
    comment = next(one for one in bench.truth if one["code"] == "ISSUE_COMMENTED")
    comment["items"][0]["new"] = "a\0b"
    bench.row("ISSUE_COMMENTED")["new_value"] = "a␀b"
    assert bench.check().tallies["ISSUE_COMMENTED"].wrong == 0
    bench.row("ISSUE_COMMENTED")["new_value"] = "ab"
    assert bench.check().tallies["ISSUE_COMMENTED"].wrong == 1


def test_what_was_never_shown_may_be_missing_and_is_listed(bench: Bench) -> None:
    """An edit overwritten between two polls, and a deletion nobody has looked for."""
    bench.unserve(f"comment:300:{ms(5)}", "comments_of:100", "sweep")
    for row in (
        bench.row("COMMENT_UPDATED"),
        bench.row("COMMENT_DELETED"),
        bench.row("ISSUE_DELETED"),
    ):
        bench.rows.remove(row)
    bench.row("COMMENT_UPDATED")["old_value"] = "one"  # the last text that was shown
    report = bench.check()
    assert verdicts(report) == {}
    assert {
        code: sum(tally.unobservable.values())
        for code, tally in report.tallies.items()
        if tally.unobservable
    } == {"COMMENT_UPDATED": 1, "COMMENT_DELETED": 1, "ISSUE_DELETED": 1}


@pytest.mark.parametrize(("shown", "observed"), [((), "1"), (("history:950",), "2")])
def test_what_is_missed_is_of_the_type_that_was_last_shown(
    bench: Bench, shown: tuple[str, ...], observed: str
) -> None:
    gone = next(one for one in bench.truth if one["code"] == "ISSUE_DELETED")
    gone["issue_type_id"] = "2"
    change = item("Issue Type", "Bug", "Task", field_id="issuetype", old_id="1", new_id="2")
    place = {"issue_id": "101", "issue_key": "AB-2", "issue_type_id": "2", "secured": True}
    moved = line("ISSUE_UPDATED", 16, "101", event="950", items=[change], n=len(TRUTH), **place)
    bench.truth.insert(bench.truth.index(gone), moved)
    bench.served += [{"key": key, "request": 99, "served_at": at(31)} for key in shown]
    bench.row("ISSUE_DELETED")["issue_type_id"] = observed
    assert wrong_fields(bench.check()) == set()
    bench.row("ISSUE_DELETED")["issue_type_id"] = "3"
    assert wrong_fields(bench.check()) == {"issue_type_id"}


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("ISSUE_CREATED", ["issue:100"]),
        ("STATUS_CHANGED", ["history:900"]),
        ("ISSUELINK_CREATED", ["history:902", "history:903"]),
        ("ATTACHMENT_CREATED", ["history:906", "attachment:500"]),
        ("WORKLOG_DELETED", ["worklog_deleted:600"]),
        ("COMMENT_DELETED", ["comments_of:100"]),
    ],
)
def test_what_nobody_asked_for_in_time_is_lost(bench: Bench, code: str, keys: list[str]) -> None:
    """A product that never asks is not excused: the last complete listing was long after it."""
    bench.unserve(*keys)
    sweep = bench.served[-1]
    bench.rows.remove(bench.row(code))
    sweep["began"] = at(40)
    assert bench.check().tallies[code].lost == 1

    sweep["began"] = at(11)
    assert bench.check().tallies[code].unobservable.total() == (code != "ISSUE_CREATED")

    sweep |= {"began": at(40), "unsearchable": ["10"]}
    still_lost = code == "WORKLOG_DELETED"  # its feed knows no projects
    assert bench.check().tallies[code].lost == still_lost


def test_what_is_only_detected_belongs_to_the_project_at_the_end_of_its_window(
    bench: Bench,
) -> None:
    move = item("project", "A", "B", field_id="project", old_id="10", new_id="11")
    moved = line("ISSUE_UPDATED", 16, "100", event="950", items=[move], project_id="11")
    bench.truth.append(moved | {"n": 95})
    bench.served.append({"request": 99, "served_at": at(31), "key": "history:950"})
    bench.rows.append(row_of(moved | {"n": 50}))
    bench.changes += changes_of(moved | {"n": 50})
    assert wrong_fields(bench.check()) == {"project_id"}
    bench.row("COMMENT_DELETED")["project_id"] = "11"
    assert verdicts(bench.check()) == {}


def test_a_deletion_in_a_hidden_project_is_not_demanded(bench: Bench) -> None:
    sweep = bench.served[-1]
    sweep["unsearchable"] = ["10"]
    bench.rows.remove(bench.row("ISSUE_DELETED"))
    report = bench.check()
    assert verdicts(report) == {}
    assert report.tallies["ISSUE_DELETED"].unobservable.total() == 1

    bench.served.append(sweep | {"absent": [], "unsearchable": []})
    assert verdicts(bench.check()) == {"lost": 1}, "the project could be searched again"


def test_facts_of_the_ledger_are_no_actions(bench: Bench) -> None:
    bench.truth.append({"n": 99, "code": "_PROJECT_HIDDEN", "at": at(19), "project_id": "10"})
    assert set(bench.check().tallies) == {one["code"] for one in TRUTH}


def test_a_link_may_be_told_from_the_only_visible_end(bench: Bench) -> None:
    bench.row("ISSUELINK_CREATED").update(
        issue_id="101", source_event_id="903", project_id="11", occurred_at=at(9, 1)
    )
    assert "issue_id" in wrong_fields(bench.check()), "the outward end was shown"
    bench.unserve("history:902")
    assert verdicts(bench.check()) == {}


def test_the_deleter_of_a_worklog_is_unknown_without_its_history(bench: Bench) -> None:
    bench.unserve("history:910")
    bench.row("WORKLOG_DELETED")["actor_account_id"] = None
    assert verdicts(bench.check()) == {}


@pytest.mark.parametrize("form", ["home", "folder", "file"])
def test_main_finds_the_snapshot_and_says_what_it_saw(
    bench: Bench, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, home = bench.write()
    snapshots = home / "snapshots"
    place = {"home": home, "folder": snapshots, "file": snapshots / "01.duckdb"}[form]
    assert checker.main(ledger, place) == 0
    assert checker.main(ledger.parent, place) == 0
    assert "exact: nothing lost, doubled, invented or wrong" in capsys.readouterr().out

    bench.rows.remove(bench.row("STATUS_CHANGED"))
    bench.write()
    assert checker.main(ledger, place) == 1
    out = capsys.readouterr().out
    assert "LOST STATUS_CHANGED" in out
    assert '"key": "history:900", "request": 2' in out

    assert checker.main(ledger, place, as_json=True) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["faults"] == 1
    assert document["codes"]["STATUS_CHANGED"]["lost"] == 1


def test_main_says_in_one_line_what_is_missing(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, home = bench.write()
    assert checker.main(home / "none.jsonl", home) == 2
    assert checker.main(ledger, home / "nowhere") == 2
    (home / "CURRENT").write_text("snapshots/02.duckdb\n")
    assert checker.main(ledger, home) == 2
    (home / "served.jsonl").write_text('{"request": "x"}\n')
    assert checker.main(ledger, home / "snapshots" / "01.duckdb") == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4
    assert all(error.startswith("check: ") for error in errors)


def test_a_hundred_thousand_actions_are_checked(bench: Bench) -> None:
    count = 100_000
    histories = [str(1_000_000 + i) for i in range(count)]
    status = TRUTH[2]
    bench.truth = [status | {"n": i, "event": h} for i, h in enumerate(histories)]
    bench.served = [
        {"request": i, "served_at": at(31), "key": f"history:{h}"} for i, h in enumerate(histories)
    ]
    bench.rows = [row_of(one) for one in bench.truth]
    bench.changes = []
    ledger, home = bench.write()
    report = checker.check(ledger, home)
    assert report.total("found") == count
