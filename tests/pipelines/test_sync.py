"""The place where sources put rows: many coroutines at once, quarantine, progress."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.client import Answer
from pipelines.rows import BadRecordError, Row, is_plain
from pipelines.sync import Progress, Sync
from tests.pipelines.conftest import NOW, make_sync, taken


async def _go_on() -> None:
    """Let every task go on until it waits for something."""
    for _ in range(1_000):
        await asyncio.sleep(0)


def test_a_resource_may_begin_while_others_wait_for_the_lake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.sync.TABLE_ROWS", 1)

    async def run() -> list[str]:
        sync = make_sync(queue=1)
        for resource in ("issues", "comments"):
            sync.buffer(resource).add(Row("1", "v", 0, b"{}"))
        flushing = asyncio.create_task(sync.flush_full())
        await _go_on()  # one table fits, the second waits
        assert not flushing.done()
        sync.buffer("changelogs").add(Row("2", "v", 0, b"{}"))
        items = sync.tables.take_all(asyncio.get_running_loop())
        first = next(items)
        await flushing
        return [first.resource, next(items).resource]

    assert asyncio.run(run()) == ["issues", "comments"]


def test_those_who_wait_for_the_lake_hold_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sync.TABLE_ROWS", 2)

    async def run() -> tuple[int, list[int]]:
        sync = make_sync(queue=1)
        buffer = sync.buffer("issues")

        async def work() -> None:
            for _ in range(2):
                buffer.add(Row("1", "v", 0, b"{}"))
            await sync.flush_full()

        workers = [asyncio.create_task(work()) for _ in range(10)]
        await _go_on()
        waiting = len(buffer)
        items = sync.tables.take_all(asyncio.get_running_loop())
        first = next(items)
        await _go_on()  # the next in line sends what all of them added
        second = next(items)
        await asyncio.gather(*workers)
        return waiting, [first.table.num_rows, second.table.num_rows]

    waiting, sizes = asyncio.run(run())
    assert waiting == 18
    assert sizes == [2, 18]


RECORD = st.one_of(
    st.just(b'{"id":"%d"}'),
    st.sampled_from(
        [b"[]", b"7", b'{"id":null}', b'{"id":{}}', b'{"n":1e400}', rb'{"id":"\u0000"}']
    ),
)


@given(st.lists(RECORD, max_size=30))
def test_one_bad_record_never_blocks_the_others(records: list[bytes]) -> None:
    numbered = [
        record % number if b"%d" in record else record for number, record in enumerate(records)
    ]
    body = b"[" + b",".join(numbered) + b"]"

    class Identity(msgspec.Struct):
        id: str

    async def run() -> tuple[dict[str, list[dict[str, object]]], int]:
        sync = make_sync()

        def read(record: bytes) -> None:
            try:
                identity = msgspec.json.decode(record, type=Identity)
            except msgspec.ValidationError as error:
                raise BadRecordError(str(error)) from error
            sync.buffer("things").add(Row(identity.id, "v", 0, record))

        raws = msgspec.json.decode(body, type=list[msgspec.Raw])
        answer = Answer(raws, 0, NOW, is_plain(body))
        return await taken_and_count(sync, sync.read_records("things", raws, answer, read))

    async def taken_and_count(
        sync: Sync, unusable: int
    ) -> tuple[dict[str, list[dict[str, object]]], int]:
        return await taken(sync), unusable

    tables, unusable = asyncio.run(run())
    good = [record for record in numbered if record.startswith(b'{"id":"')]
    assert len(tables.get("things", [])) == len(good)
    assert unusable == len(numbered) - len(good)
    reasons = [json.loads(str(row["payload"])) for row in tables.get("quarantine", [])]
    mended = sum("\\u0000" in record.decode() for record in numbered)
    assert len(reasons) == unusable + mended
    assert all(reason["resource"] == "things" and reason["reason"] for reason in reasons)


def test_quarantine_keeps_a_bounded_text() -> None:
    async def run() -> dict[str, list[dict[str, object]]]:
        sync = make_sync()
        sync.quarantine("issues", "too strange", b'{"id": 5, "x": "' + b"y" * 5_000_000 + b'"}', 0)
        return await taken(sync)

    (row,) = asyncio.run(run())["quarantine"]
    assert row["object_id"] == "5"
    assert len(json.loads(str(row["payload"]))["record"]) == 2**20


def test_shrinking_needs_both_thresholds() -> None:
    sync = make_sync()
    assert not sync.shrank("users", absent=20, known=20)
    assert not sync.shrank("users", absent=21, known=105)
    assert not sync.warnings
    assert sync.shrank("users", absent=22, known=105)
    assert "22 of 105" in sync.warnings[0]


def test_progress_is_throttled_but_never_misses_the_end() -> None:
    seen: list[Progress] = []
    sync = make_sync()
    sync.progress = seen.append
    for done in range(1, 1001):
        sync.report("issues", done, 1000)
    assert len(seen) < 20
    assert (seen[-1].done, seen[-1].total, seen[-1].eta_seconds) == (1000, 1000, 0)
