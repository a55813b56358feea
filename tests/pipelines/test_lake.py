"""Which files of the lake count, through crashes, compaction and damage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import lake
from pipelines.errors import DamagedLakeError
from pipelines.lake import (
    LakeFile,
    Seen,
    compact,
    finished_loads,
    last_versions,
    payloads,
    raw_dir,
    read_manifest,
    row_digest,
    site_of,
    sweep,
    write_manifest,
)
from pipelines.rows import Row, RowBuffer

OCTOBER = datetime(2026, 10, 5, tzinfo=UTC).timestamp()
NOVEMBER = datetime(2026, 11, 5, tzinfo=UTC).timestamp()
DAY = 86_400


def put_rows(home: Path, name: str, rows: Sequence[Row], resource: str = "issues") -> Path:
    path = raw_dir(home) / "jira_issues" / resource / f"{name}.abc.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = RowBuffer("a.atlassian.net")
    for row in rows:
        buffer.add(row)
    pq.write_table(buffer.take(), path)
    return path


def finish(home: Path, load_id: str, status: int = 0) -> Path:
    """Write what dlt writes last: the state of the load, then its entry in `_dlt_loads`."""
    base = raw_dir(home) / "jira_issues"
    for folder in ("_dlt_pipeline_state", "_dlt_loads", "_dlt_version"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "init").write_text("{}")
    (base / "_dlt_pipeline_state" / f"jira_issues__{load_id}__ff.jsonl").write_text("{}")
    entry = base / "_dlt_loads" / f"jira_issues__{load_id}.jsonl"
    entry.write_text(json.dumps({"load_id": load_id, "status": status}))
    return entry


def row(number: int, version: str = "v1", fetched: int = 0, payload: bytes | None = b"{}") -> Row:
    return Row(str(number), version, fetched, payload, is_present=payload is not None)


def files(home: Path) -> list[str]:
    return [entry.file for entry in write_manifest(home)]


def test_only_files_of_finished_loads_count(home: Path) -> None:
    put_rows(home, "100.1", [row(1)])
    put_rows(home, "200.2", [row(2)])
    put_rows(home, "300.3", [row(3)])
    finish(home, "100.1")
    finish(home, "300.3", status=1)
    (raw_dir(home) / "jira_issues" / "_dlt_loads" / "jira_issues__200.2.jsonl").write_text('{"lo')
    assert write_manifest(home) == [
        LakeFile("jira_issues", "issues", "jira_issues/issues/100.1.abc.parquet", "100.1", 1)
    ]
    on_disk = json.loads((raw_dir(home) / "manifest.json").read_text())
    assert on_disk == [
        {
            "source": "jira_issues",
            "resource": "issues",
            "file": "jira_issues/issues/100.1.abc.parquet",
            "load_id": "100.1",
            "rows": 1,
            "replaces": [],
        }
    ]


def test_sweep_removes_what_a_killed_load_left_and_its_cursor(home: Path) -> None:
    put_rows(home, "100.1", [row(1)])
    finish(home, "100.1")
    write_manifest(home)
    stray = put_rows(home, "200.2", [row(2)])
    finish(home, "200.2").unlink()
    base = raw_dir(home) / "jira_issues"
    torn = base / "_dlt_version" / "jira_issues__1__ff.jsonl"
    torn.write_text("{")
    assert sweep(home, "jira_issues") == 3
    assert not stray.exists()
    assert not torn.exists()
    assert [path.name for path in (base / "_dlt_pipeline_state").iterdir()] == [
        "jira_issues__100.1__ff.jsonl"
    ]
    assert sweep(home, "jira_issues") == 0
    assert len(files(home)) == 1


def test_sweep_starts_over_when_nothing_was_finished(home: Path) -> None:
    put_rows(home, "100.1", [row(1)])
    finish(home, "100.1").write_text("")
    assert sweep(home, "jira_issues") > 0
    assert not (raw_dir(home) / "jira_issues").exists()
    assert sweep(home, "jira_issues") == 0


def test_a_load_torn_by_a_power_cut_is_taken_back_with_its_cursor(home: Path) -> None:
    put_rows(home, "100.1", [row(1)])
    finish(home, "100.1")
    write_manifest(home)
    whole = put_rows(home, "200.2", [row(2)])
    torn = put_rows(home, "200.2", [row(2)], "changelogs")
    torn.write_bytes(torn.read_bytes()[:-20])
    finish(home, "200.2")
    sweep(home, "jira_issues")
    assert not whole.exists()
    assert not torn.exists()
    assert files(home) == ["jira_issues/issues/100.1.abc.parquet"]
    states = (raw_dir(home) / "jira_issues" / "_dlt_pipeline_state").iterdir()
    assert [path.name for path in states] == ["jira_issues__100.1__ff.jsonl"]


def test_a_damaged_file_is_named(home: Path) -> None:
    path = put_rows(home, "100.1", [row(1)])
    finish(home, "100.1")
    path.write_bytes(b"PAR1")
    with pytest.raises(DamagedLakeError, match=r"100\.1\.abc\.parquet") as raised:
        write_manifest(home)
    assert "backup" in raised.value.remedy


def test_last_versions_by_time_then_file_then_row(home: Path) -> None:
    put_rows(home, "100.1", [row(1, "old", 5), row(2, "later", 9), row(3, "first", 5)])
    put_rows(home, "200.2", [row(1, "new", 6), row(2, "earlier", 8), row(3, "second", 5)])
    put_rows(home, "300.3", [row(1, "gone", 7, None), row(4, "a", 1), row(4, "b", 1)])
    for load_id in ("100.1", "200.2", "300.3"):
        finish(home, load_id)
    write_manifest(home)
    assert last_versions(home, "jira_issues", "issues") == {
        "1": Seen("gone", is_present=False),
        "2": Seen("later", is_present=True),
        "3": Seen("second", is_present=True),
        "4": Seen("b", is_present=True),
    }
    assert last_versions(home, "jira_issues", "comments") == {}


def test_a_clock_that_was_set_back_does_not_bring_back_what_a_listing_lacked(home: Path) -> None:
    """Else each listing would find it missing anew: one more removal of a member of a group."""
    second = 1_000_000

    def listed(number: int, version: str, at: int, fetched: int) -> Row:
        is_present = version != "gone"
        return Row(str(number), version, fetched, None, at * second, is_present=is_present)

    put_rows(home, "200.2", [listed(1, "a", 1_000, 9_000), listed(2, "a", 1_000, 9_000)])
    put_rows(home, "100.1", [listed(1, "gone", 2_001, 5_400), listed(2, "gone", 2_001, 5_400)])
    # a listing that begins in the second in which the one before ended
    put_rows(home, "300.3", [listed(2, "b", 2_000, 5_401)])
    for load_id in ("100.1", "200.2", "300.3"):
        finish(home, load_id)
    write_manifest(home)
    assert last_versions(home, "jira_issues", "issues", is_listed=True) == {
        "1": Seen("gone", is_present=False),
        "2": Seen("b", is_present=True),
    }


def test_payloads_of_chosen_objects(home: Path) -> None:
    put_rows(home, "100.1", [row(1, payload=b'{"n":"\xc3\xa9"}'), row(2), row(3, payload=None)])
    finish(home, "100.1")
    write_manifest(home)
    found = list(payloads(home, "jira_issues", "issues", ["1", "3", "9"]))
    assert found == [("1", '{"n":"é"}'.encode())]


def test_the_home_knows_its_site(home: Path) -> None:
    assert site_of(home) is None
    put_rows(home, "100.1", [])
    put_rows(home, "100.1", [row(1)], "runs")
    finish(home, "100.1")
    assert site_of(home) == "a.atlassian.net"


def lake_of_two_months(home: Path) -> None:
    for day in range(3):
        load_id = f"{OCTOBER + day * DAY}"
        put_rows(
            home, load_id, [row(day * 10 + n, fetched=day, payload=b"x" * n) for n in range(9)]
        )
        put_rows(home, load_id, [row(day, fetched=day, payload=None)], "issue_presence")
        finish(home, load_id)
    put_rows(home, f"{NOVEMBER}", [row(99, fetched=9)])
    finish(home, f"{NOVEMBER}")
    write_manifest(home)


def counted(home: Path) -> list[dict[str, object]]:
    entries = sorted(read_manifest(home), key=lambda entry: (entry.resource, entry.load_id))
    tables = [pq.read_table(raw_dir(home) / entry.file) for entry in entries]
    return sorted(pa.concat_tables(tables).to_pylist(), key=str)


def test_closed_months_become_one_file_each(home: Path) -> None:
    lake_of_two_months(home)
    before = counted(home)
    made = compact(home, now=datetime(2026, 11, 20, tzinfo=UTC))
    assert counted(home) == before
    assert [(entry.resource, entry.rows, len(entry.replaces)) for entry in made] == [
        ("issue_presence", 3, 3),
        ("issues", 27, 3),
    ]
    assert len(read_manifest(home)) == 3
    assert not any((raw_dir(home) / name).exists() for entry in made for name in entry.replaces)
    assert compact(home, now=datetime(2026, 11, 20, tzinfo=UTC)) == []
    assert last_versions(home, "jira_issues", "issues")["99"] == Seen("v1", is_present=True)


def test_a_compacted_month_can_grow_and_be_compacted_again(home: Path) -> None:
    lake_of_two_months(home)
    first = compact(home, now=datetime(2026, 11, 20, tzinfo=UTC))
    late = f"{OCTOBER + 9 * DAY}"
    put_rows(home, late, [row(500)])
    finish(home, late)
    write_manifest(home)
    before = counted(home)
    (again,) = compact(home, now=datetime(2026, 11, 20, tzinfo=UTC))
    assert counted(home) == before
    old = next(entry for entry in first if entry.resource == "issues")
    assert {*old.replaces, old.file} < set(again.replaces)
    assert len(again.replaces) == 5


def test_a_crowded_month_is_rewritten_while_it_is_open(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake, "CROWDED", 3)
    loads = [f"{NOVEMBER + minute * 60}" for minute in range(5)]
    for number, load_id in enumerate(loads):
        put_rows(home, load_id, [row(number, fetched=number)])
        if number != 2:
            finish(home, load_id)
    write_manifest(home)
    before = counted(home)
    now = datetime(2026, 11, 20, tzinfo=UTC)
    (made,) = compact(home, now=now, only_crowded=True)
    assert counted(home) == before
    assert (made.rows, len(made.replaces)) == (3, 3)
    newest = f"jira_issues/issues/{loads[-1]}.abc.parquet"
    assert {entry.file for entry in read_manifest(home)} == {made.file, newest}
    # a sync may be under way: nothing is removed but by the one that begins next
    assert all((raw_dir(home) / name).exists() for name in made.replaces)
    assert compact(home, now=now, only_crowded=True) == []
    for name in ("_dlt_pipeline_state", "_dlt_version"):
        for path in (raw_dir(home) / "jira_issues" / name).glob(f"*{loads[0]}*"):
            path.unlink()  # dlt keeps the last states only
    sweep(home, "jira_issues")
    write_manifest(home)
    assert counted(home) == before
    assert not any((raw_dir(home) / name).exists() for name in made.replaces)
    # of loads that are in the new file, only those are remembered that hold a state
    assert set(finished_loads(raw_dir(home), "jira_issues")) == {loads[1], loads[3], loads[4]}


def test_a_lake_of_nothing_but_compacted_files_is_kept(home: Path) -> None:
    lake_of_two_months(home)
    before = counted(home)
    now = datetime(2026, 12, 20, tzinfo=UTC)
    put_rows(home, f"{NOVEMBER + DAY}", [])
    finish(home, f"{NOVEMBER + DAY}")
    compact(home, now=now)
    for folder in ("_dlt_pipeline_state", "_dlt_loads"):
        for path in (raw_dir(home) / "jira_issues" / folder).iterdir():
            path.unlink()
    sweep(home, "jira_issues")
    write_manifest(home)
    assert counted(home) == before


class Crash(BaseException):
    """Stands for a process that ends between two steps."""


@pytest.mark.parametrize("step", ["_force", "_write_whole", "sweep", "row_digest"])
def test_a_crash_while_compacting_changes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    lake_of_two_months(home)
    before = counted(home)

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(lake, step, crash)
        with pytest.raises(Crash):
            compact(home, now=datetime(2026, 11, 20, tzinfo=UTC))
    write_manifest(home)
    assert counted(home) == before
    sweep(home, "jira_issues")
    compact(home, now=datetime(2026, 11, 20, tzinfo=UTC))
    assert counted(home) == before
    on_disk = {str(path.relative_to(raw_dir(home))) for path in raw_dir(home).rglob("*.parquet")}
    assert on_disk == {entry.file for entry in read_manifest(home)}


def test_a_wrong_copy_never_replaces_the_rows(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake_of_two_months(home)
    before = counted(home)
    monkeypatch.setattr(lake, "_batches", lambda paths: iter(pq.read_table(paths[0]).to_batches()))
    real = row_digest
    monkeypatch.setattr(lake, "row_digest", lambda paths: (len(paths), str(paths)))
    with pytest.raises(DamagedLakeError, match="same rows"):
        compact(home, now=datetime(2026, 11, 20, tzinfo=UTC))
    monkeypatch.setattr(lake, "row_digest", real)
    write_manifest(home)
    assert counted(home) == before


ROWS = st.lists(
    st.builds(
        Row,
        st.text(max_size=5),
        st.text(max_size=5),
        st.integers(0, 10),
        st.none() | st.text(max_size=5).map(str.encode),
        st.none() | st.integers(0, 10),
        st.none() | st.text(max_size=3),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60)
@given(ROWS, ROWS, st.integers(1, 12), st.integers(1, 5))
def test_digest_sees_values_and_order_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    some: list[Row],
    others: list[Row],
    cut: int,
    group: int,
) -> None:
    folder = tmp_path_factory.mktemp("digest")

    def write(name: str, rows: list[Row]) -> Path:
        buffer = RowBuffer("s")
        for one in rows:
            buffer.add(one)
        pq.write_table(buffer.take(), folder / name, row_group_size=group)
        return folder / name

    whole = row_digest([write("whole", some)])
    parts = [write(f"part{n}", part) for n, part in enumerate((some[:cut], some[cut:])) if part]
    assert row_digest(parts) == whole
    assert (row_digest([write("other", others)]) == whole) == (some == others)
