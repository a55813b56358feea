"""Questions as query strings: there and back, one text for one question."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from serve.actions.schemas import ActionsRequest, ActivityRequest
from serve.issue_views.schemas import IssueViewsRequest
from serve.query.period import PERIODS
from serve.query.spec import (
    BREAKDOWNS,
    DETAIL_SORTS,
    ROW_KINDS,
    FilterSpec,
    WhoAndWhen,
    printable,
)
from serve.query.url import QuestionError, from_query, to_query
from tests.serve.test_actions import get


def is_printable(text: str) -> bool:
    try:
        printable(text)
    except ValueError:
        return False
    return True


texts = (
    st.text(min_size=1, max_size=40)
    | st.sampled_from(
        ["a+b", "a&b=c", "%2B", "#", "?", " ", "ü", "漢字 🏴", "a;b", "\u00a0", "=+&"]
    )
).filter(is_printable)
lists = st.lists(texts, max_size=4)
zones = st.sampled_from(["UTC", "Europe/Zurich", "America/Sao_Paulo", "Asia/Kathmandu"])
times = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)) | st.datetimes(  # noqa: DTZ001 - read in the zone of the question
    datetime(2018, 11, 3),  # noqa: DTZ001 - likewise; days on which clocks change
    datetime(2018, 11, 6),  # noqa: DTZ001 - likewise
)
moments = (
    times.map(lambda moment: moment.isoformat())
    | times.map(lambda moment: moment.date().isoformat())
    | times.map(lambda moment: moment.replace(tzinfo=UTC).isoformat())
)
codes = st.lists(st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True), max_size=3)
ends = texts.map(lambda text: text.replace(":", "")) | st.just("")
rows = st.fixed_dictionaries(
    {},
    optional={kind: texts | st.just("") for kind in ROW_KINDS}
    | {"action": texts, "fields": texts, "transition": st.builds("{}:{}".format, ends, ends)},
).map(lambda parts: [f"{kind}:{one}" for kind, one in parts.items()][:3])
who: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(
    ("user", "group", "people_in_project", "people_in_organization"), lists
)
when: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"time_zone": zones}
) | st.builds(dict, time_zone=zones, period=st.sampled_from(PERIODS))
what = {
    "project": lists,
    "membership": st.sampled_from(["now", "then"]),
    "action_code": codes,
    "status_from": lists,
    "status_to": lists,
    "resolution": lists,
    "field": lists,
    "jql": texts | st.sampled_from(['a = "b+c&d" AND\n x ~ "ü"', "ORDER BY x"]),
    "row": rows,
}
detail = {
    "sort": st.sampled_from(DETAIL_SORTS),
    "count": st.booleans(),
    "expand": st.just(["changes"]),
}
counted = {
    "sort": st.sampled_from(["total", "-total", "display_name", "-ISSUE_CREATED"]),
    "breakdown": st.lists(st.sampled_from(["projects", "issues", "fields"]), max_size=4)
    | st.lists(st.sampled_from(BREAKDOWNS[:4]), max_size=4),
    "column": codes,
    "zeros": st.booleans(),
}


KINDS: list[tuple[type[WhoAndWhen], dict[str, st.SearchStrategy[Any]]]] = [
    (FilterSpec, who | what),
    (ActionsRequest, who | what | detail),
    (ActivityRequest, who | what | counted),
    (
        IssueViewsRequest,
        who | {"project": lists, "issue": lists, "jql": what["jql"], "count": st.booleans()},
    ),
]


@st.composite
def questions(draw: st.DrawFn) -> WhoAndWhen:
    kind, parameters = draw(st.sampled_from(KINDS))
    values: dict[str, Any] = draw(when) | draw(st.fixed_dictionaries({}, optional=parameters))
    if "period" not in values:
        start, end = draw(st.none() | moments), draw(st.none() | moments)
        values |= {name: one for name, one in (("from", start), ("to", end)) if one is not None}
    question: WhoAndWhen
    try:
        question = kind.model_validate(values)
    except ValidationError:
        del values["to"]  # it was before the start, which is refused
        question = kind.model_validate(values)
    return question


@settings(max_examples=400)
@given(question=questions())
def test_there_and_back_is_the_same_question(question: WhoAndWhen) -> None:
    text = to_query(question)
    assert text.isascii()
    assert from_query(type(question), text) == question


@settings(max_examples=200)
@given(question=questions(), seed=st.integers(0, 1_000))
def test_one_question_has_one_text(question: WhoAndWhen, seed: int) -> None:
    text = to_query(question)
    pairs = parse_qsl(text, keep_blank_values=True)
    # the order of parameters and of values, and a value said twice, make no difference
    lists_of = {name for name, _ in pairs if [one for one, _ in pairs].count(name) > 1}
    lists_of.discard("breakdown")  # five at most, so not all of them twice
    pairs += [pair for pair in pairs if pair[0] in lists_of]
    random.Random(seed).shuffle(pairs)
    again = from_query(type(question), urlencode(pairs))
    assert again == question
    assert to_query(again) == text


@settings(max_examples=30)
@given(question=questions())
def test_http_reads_the_text_as_the_writer_does(client: TestClient, question: WhoAndWhen) -> None:
    spec = FilterSpec.model_validate(
        {
            (field.alias or name): getattr(question, name)
            for name, field in WhoAndWhen.model_fields.items()
            if name not in {"groups", "people_in_projects", "people_in_organizations", "projects"}
            and getattr(question, name) != field.default
        }
    )
    text = to_query(spec)
    got = client.get(f"/api/v1/filters/describe?{text}")
    assert got.status_code == 200, got.text
    posted = client.post("/api/v1/filters/describe", json={"query": text})
    assert got.json() == posted.json()
    assert got.json()["query"] == text
    assert client.get(f"/api/v1/actions?{text}&limit=1").json()["from"] == got.json()["from"]


@pytest.mark.parametrize("period", PERIODS)
def test_relative_times_stay_relative(period: str) -> None:
    question = from_query(FilterSpec, f"period={period}&time_zone=Asia%2FTokyo")
    assert question.occurred_from is None
    assert question.occurred_to is None
    wanted = "" if period == "last_30_days" else f"&period={period}"
    assert to_query(question) == f"time_zone=Asia%2FTokyo{wanted}"


@pytest.mark.parametrize(
    ("same", "text"),
    [
        (["", "period=last_30_days", "time_zone=UTC&membership=now"], ""),
        (
            [
                "from=2026-01-01&time_zone=Europe/Zurich",
                "time_zone=Europe/Zurich&from=2026-01-01T00:00",
                "time_zone=Europe/Zurich&from=2025-12-31T23:00:00Z",
                "time_zone=Europe/Zurich&from=2026-01-01T04:45:00%2B05:45",
            ],
            "time_zone=Europe%2FZurich&from=2026-01-01",
        ),
        (
            ["from=2026-01-01T08:00", "from=2026-01-01T09:00%2B01:00"],
            "from=2026-01-01T08%3A00%3A00Z",
        ),
        # A day that begins at 01:00, and one with two midnights.
        (
            [
                "from=2026-04-24&time_zone=Africa/Cairo",
                "from=2026-04-23T22:00:00Z&time_zone=Africa/Cairo",
            ],
            "time_zone=Africa%2FCairo&from=2026-04-24",
        ),
        (
            [
                "from=2026-11-01&time_zone=America/Havana",
                "from=2026-11-01T04:00:00Z&time_zone=America/Havana",
            ],
            "time_zone=America%2FHavana&from=2026-11-01",
        ),
        (
            ["from=2026-11-01T05:00:00Z&time_zone=America/Havana"],
            "time_zone=America%2FHavana&from=2026-11-01T05%3A00%3A00Z",
        ),
        (["user=b&user=a&user=b", "user=a&user=b"], "user=a&user=b"),
        (["row=status:4&row=author:", "row=author:&row=status:4"], "row=author%3A&row=status%3A4"),
    ],
)
def test_equal_questions_have_equal_texts(same: list[str], text: str) -> None:
    assert {to_query(from_query(FilterSpec, one)) for one in same} == {text}


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("frm=2026-01-01", "frm"),
        ("limit=5", "limit"),
        ("cursor=abc", "cursor"),
        ("period=today&period=today", "period"),
        ("time_zone=UTC&time_zone=Europe/Zurich", "time_zone"),
        ("user=%ff", "query"),
    ],
)
def test_what_is_no_question_names_the_parameter(
    client: TestClient, text: str, parameter: str
) -> None:
    with pytest.raises(QuestionError) as caught:
        from_query(FilterSpec, text)
    assert caught.value.parameter == parameter
    response = client.post("/api/v1/filters/describe", json={"query": text})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [parameter]


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("user=", "user"),
        ("jql=", "jql"),
        ("jql=order%20by", "jql"),
        ("user", "user"),
        ("from=", "from"),
        ("from=2026-02-30", "from"),
        ("period=next_week", "period"),
        ("period=today&from=2026-01-01", "from"),
        ("period=last_30_days&from=2026-01-01", "from"),
        ("action_code=nope", "action_code"),
        ("action_code=NO_SUCH_CODE", "action_code"),
        ("project=NOSUCH", "project"),
        ("user=a%00b", "user"),
    ],
)
def test_wrong_values_in_a_text_name_the_parameter(
    client: TestClient, text: str, parameter: str
) -> None:
    response = client.post("/api/v1/filters/describe", json={"query": text})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [parameter]
    assert client.get(f"/api/v1/filters/describe?{text}").status_code == 422


def test_a_text_may_be_longer_than_an_address(client: TestClient) -> None:
    text = "&".join(f"user={'x' * 200}{number}" for number in range(1_000))
    described = client.post("/api/v1/filters/describe", json={"query": text}).json()
    assert len(described["values"]) == 1_000
    assert "980 more" in described["description"]


def test_all_values_get_their_names_in_one_call(client: TestClient) -> None:
    described = get(
        client,
        "/api/v1/filters/describe",
        project=["10001", "P2"],
        group="group-1",
        status_to="4",
        field="customfield_10016",
        action_code="STATUS_CHANGED",
        resolution="10001",
    )
    assert [(one["parameter"], one["value"], one["label"]) for one in described["values"]] == [
        ("group", "group-1", "Group 1"),
        ("project", "10001", "P1"),
        ("project", "P2", "P2"),
        ("action_code", "STATUS_CHANGED", "Status changed"),
        ("status_to", "4", "Done"),
        ("resolution", "10001", "Fixed"),
        ("field", "customfield_10016", "Story Points"),
    ]
