"""Records to rows: nothing that a server sends may be lost, torn or block its neighbours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import duckdb
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.rows import (
    ROW_SCHEMA,
    BadRecordError,
    Row,
    RowBuffer,
    at_us,
    best_known_id,
    content_hash,
    id_of,
    is_plain,
    mend,
    time_us,
    us_of,
    version_at,
)

ANY_TEXT = st.text(st.characters(codec=None), max_size=40)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


def replaced_everywhere(value: object) -> object:
    """Say what `mend` promises on decoded values: lone surrogates and NUL are replaced."""
    if isinstance(value, str):
        whole = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.replace("\0", "\u2400")
    if isinstance(value, list):
        return [replaced_everywhere(item) for item in value]
    if isinstance(value, dict):
        return {replaced_everywhere(key): replaced_everywhere(item) for key, item in value.items()}
    return value


@given(JSON)
@example("\ud800")
@example("\udc00\ud800")
@example("\ud800\ud83d\ude00")
@example("\\ud800")
@example("\0\\u0000")
@example({"emoji \U0001f600": ["\U0001f600", "\\\ud83d"]})
def test_mended_text_says_the_same_but_for_what_no_reader_takes(value: object) -> None:
    sent = json.dumps(value).encode()
    mended, replaced = mend(sent)
    assert json.loads(mended) == replaced_everywhere(value)
    assert (replaced is None) == (mended == sent)
    assert is_plain(mended) or b"\\\\u0000" in sent  # an escaped backslash looks like a NUL
    msgspec.json.decode(mended, type=msgspec.Raw)


@given(JSON)
def test_plain_text_is_stored_exactly_as_sent(value: object) -> None:
    sent = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if is_plain(sent):
        assert mend(sent) == (sent, None)
        buffer = RowBuffer("site")
        buffer.add(Row("1", "v", 0, sent))
        assert buffer.take()["payload"][0].as_py().encode() == sent


def test_bytes_that_are_not_utf8_become_text() -> None:
    mended, replaced = mend(b'{"a":"\xff\xfe"}')
    assert mended.decode() == '{"a":"\ufffd\ufffd"}'
    assert replaced == "bytes that are not UTF-8"


@pytest.mark.parametrize(
    "text", [r'{"a":"\u0000"}', r'{"a":"\ud800"}', '{"a":1e400}', '{"a":' + "9" * 400 + "}"]
)
def test_duckdb_reads_what_was_mended(text: str) -> None:
    mended, _ = mend(text.encode())
    found = duckdb.execute("select json_valid($1), $1::json->>'a'", [mended.decode()]).fetchone()
    assert found is not None
    assert found[0] is True
    assert found[1]


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.integers(-14 * 60, 14 * 60),
)
def test_times_are_read_in_every_offset(naive: datetime, minutes: int) -> None:
    moment = naive.replace(
        microsecond=naive.microsecond // 1000 * 1000, tzinfo=timezone(timedelta(minutes=minutes))
    )
    jira = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}{moment:%z}"
    jira = jira.rjust(len("2025-11-12T16:28:36.943+0000"), "0")
    assert at_us(time_us(jira)) == moment
    assert time_us(us_of(moment) // 1000) == us_of(moment)
    assert datetime.fromisoformat(version_at(at_us(time_us(jira)))) == moment


@pytest.mark.parametrize(
    "value", ["", "yesterday", "2025-11-12T16:28:36", None, True, [], 10**30, 1e400, float("nan")]
)
def test_unreadable_times_are_bad_records(value: object) -> None:
    with pytest.raises(BadRecordError):
        time_us(value)


@pytest.mark.parametrize("value", [None, "", True, 1.5, [], {}])
def test_missing_ids_are_bad_records(value: object) -> None:
    with pytest.raises(BadRecordError):
        id_of(value)


def test_best_known_id_of_records_of_any_shape() -> None:
    assert best_known_id(b'{"id": 7, "n": 1e400}') == "7"
    for record in (b"[]", b'{"id": []}', b"{", b"[" * 5000 + b"]" * 5000):
        assert best_known_id(record) == "unknown"


def test_content_hash_does_not_depend_on_order_or_space() -> None:
    assert content_hash(b'{"a": 1, "b": {"c": 2, "d": 3}}') == content_hash(
        b'{"b":{"d":3,"c":2},"a":1}'
    )
    assert content_hash(b'{"a":1}') != content_hash(b'{"a":2}')
    assert content_hash(b'{"a":1e400}') == content_hash(b'{"a":1e400}')


def test_buffer_makes_tables_of_the_one_schema() -> None:
    buffer = RowBuffer("example.atlassian.net")
    big = ('"' + "x" * 5_000_000 + '"').encode()
    buffer.add(Row("100017:0", "v1", 1_000_000, msgspec.Raw(big), 2_000_000, "5"))
    buffer.add(Row("2026-01", "v2", 1_000_000, None, is_present=False))
    assert buffer.size == len(big)
    table = buffer.take()
    assert table.schema == ROW_SCHEMA
    assert len(buffer) == buffer.size == 0
    first, second = table.to_pylist()
    assert first["object_id"] == "100017:0"
    assert first["source_at"] == datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert first["payload"] == big.decode()
    assert (second["payload"], second["is_present"], second["parent_id"]) == (None, False, None)
