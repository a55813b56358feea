"""The export of the counts: the rows of the view, all of them, in its order."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from serve import workbook as workbook_module
from tests.serve.conftest import make_client, publish_copy
from tests.serve.test_actions import ALL_TIME, all_pages, filters, get
from tests.serve.test_breakdowns import LEGAL
from tests.serve.test_workbook import read

Params = dict[str, Any]
Row = tuple[Any, ...]

LABELS = {
    "projects": "Projects",
    "status": "Status",
    "transition": "Transition",
    "issues": "Issues",
    "fields": "Fields",
}


def download(client: TestClient, params: Params) -> bytes:
    response = client.get("/api/v1/activity.xlsx", params=params)
    assert response.status_code == 200, response.text
    assert int(response.headers["content-length"]) == len(response.content)
    return response.content


def expected(client: TestClient, params: Params) -> list[Row]:
    """Make the sheet, header and all, of the pages of the view."""
    items = all_pages(client, "/api/v1/activity", limit=1_000, **params)
    catalogue = get(client, "/api/v1/meta")["action_types"]
    chosen = params.get("column") or {code for item in items for code in item["counts"]}
    if "zeros" in params and "column" not in params:
        chosen = {kind["code"] for kind in catalogue}
    codes = {kind["code"]: kind["label"] for kind in catalogue if kind["code"] in chosen}
    groups = [LABELS[by] for by in LABELS if by in params.get("breakdown", [])]
    return [
        ("Author", *groups, *codes.values(), "Total"),
        *(
            (
                item["author"]["display_name"] if item["author"] else "Unknown",
                *(group["label"] for group in item["groups"]),
                *(item["counts"].get(code) for code in codes),
                item["total"],
            )
            for item in items
        ),
    ]


@pytest.mark.parametrize(
    "breakdown",
    [[], ["projects"], ["transition"], ["projects", "issues"], ["fields"]],
    ids="+".join,
)
@pytest.mark.parametrize(
    "view",
    [
        {},
        {"zeros": "true"},
        {"column": ["STATUS_CHANGED", "ISSUE_CREATED"], "sort": "display_name"},
        {
            "column": ["STATUS_CHANGED", "CONFLUENCE_SPACE_CREATED"],
            "zeros": "true",
            "sort": "STATUS_CHANGED",
        },
        {"sort": "-ISSUE_CREATED"},
    ],
    ids=str,
)
def test_sheet_holds_the_pages_of_the_view(
    client: TestClient, breakdown: list[str], view: Params
) -> None:
    params = {"breakdown": breakdown, **view, **ALL_TIME}
    (sheet,) = read(download(client, params))
    assert sheet == expected(client, params)
    assert len(sheet) > 3
    assert len(set(sheet[0])) == len(sheet[0])


@settings(max_examples=15)
@given(question=filters, breakdown=st.sampled_from(LEGAL))
def test_filters_and_breakdowns_are_those_of_the_view(
    client: TestClient, question: Params, breakdown: tuple[str, ...]
) -> None:
    params = {"breakdown": list(breakdown), **question}
    (sheet,) = read(download(client, params))
    assert sheet == expected(client, params)


def test_header_and_properties(client: TestClient) -> None:
    params = {"breakdown": ["transition", "projects"], "column": "STATUS_CHANGED"}
    response = client.get("/api/v1/activity.xlsx", params=params)
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    (header, first, *_) = book.worksheets[0].iter_rows(values_only=True)
    assert header == ("Author", "Projects", "Transition", "Status changed", "Total")
    assert " → " in str(first[2])
    assert book.properties.title == "Aggregated activity from 2025-12-02 to 2025-12-31 (UTC)"
    assert book.sheetnames == ["Aggregated activity"]
    answer = get(client, "/api/v1/activity")
    assert book.properties.description == (
        f"{answer['description']}; snapshot {answer['snapshot_id']}"
    )
    assert response.headers["content-disposition"] == (
        'attachment; filename="aggregated_activity_2025-12-02_2025-12-31.xlsx"'
    )


def test_empty_answer_has_its_header(client: TestClient) -> None:
    nothing = {"from": "2030-01-01"}
    assert read(download(client, nothing)) == [[("Author", "Total")]]
    chosen = {"column": "ISSUE_CREATED", "breakdown": "issues", **nothing}
    assert read(download(client, chosen)) == [[("Author", "Issues", "Issue created", "Total")]]


def test_more_rows_than_a_sheet_holds_fill_further_sheets(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"breakdown": "issues", **ALL_TIME}
    ((header, *rows),) = read(download(client, params))
    monkeypatch.setattr(workbook_module, "SHEET_ROWS", 200)
    sheets = read(download(client, params))
    assert len(sheets) == -(-len(rows) // 200) > 2
    assert all(sheet[0] == header for sheet in sheets)
    assert [row for sheet in sheets for row in sheet[1:]] == rows


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"column": "NO_SUCH"}, "column"),
        ({"sort": "-NO_SUCH"}, "sort"),
        ({"limit": 5}, "limit"),
        ({"breakdown": ["fields", "status"]}, "breakdown"),
    ],
)
def test_what_the_view_refuses_is_refused(client: TestClient, params: Params, field: str) -> None:
    response = client.get("/api/v1/activity.xlsx", params=params)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.fixture
def odd_names(marts: Path, tmp_path: Path) -> Iterator[TestClient]:
    """Serve a log of people and projects with names like formulas, and of an unknown action."""
    copy = tmp_path / "odd.duckdb"
    copy.write_bytes(marts.read_bytes())
    with duckdb.connect(str(copy)) as database:
        database.execute("update dim_users set display_name = '=1+' || account_id")
        database.execute("update dim_projects set project_name = '@SUM(<' || project_id || '&>)'")
        database.execute(
            "update fct_actions set action_code = 'NEW_DEED' where action_code = 'PROJECT_CREATED'"
        )
        database.execute("checkpoint")
    publish_copy(tmp_path, copy)
    with make_client(tmp_path) as client:
        yield client


def test_names_like_formulas_are_text_and_unknown_codes_stand_last(odd_names: TestClient) -> None:
    params = {"breakdown": "projects", **ALL_TIME}
    book = openpyxl.load_workbook(io.BytesIO(download(odd_names, params)))
    header, *rows = book.worksheets[0].iter_rows()
    assert [cell.value for cell in header][-2:] == ["NEW_DEED", "Total"]
    items = all_pages(odd_names, "/api/v1/activity", limit=1_000, **params)
    assert [(row[0].value, row[1].value, row[-2].value, row[-1].value) for row in rows] == [
        (
            item["author"]["display_name"] if item["author"] else "Unknown",
            item["groups"][0]["label"],
            item["counts"].get("NEW_DEED"),
            item["total"],
        )
        for item in items
    ]
    assert {str(row[0].value)[:3] for row in rows} == {"=1+", "Unk"}
    assert any(str(row[1].value).startswith("@SUM(<") for row in rows)
    assert {cell.data_type for row in rows for cell in row[:2]} <= {"s", "inlineStr"}
    assert {cell.data_type for row in rows for cell in row[2:]} == {"n"}
