"""The export: the same rows as the API, inert, complete, readable."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from fastapi.testclient import TestClient
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.escape import unescape
from openpyxl.workbook import Workbook

from serve import exports as exports_module
from serve import workbook as workbook_module
from serve.query.columns import EXPORT_COLUMNS
from serve.query.export import CELL_LIMIT
from tests.serve.conftest import HOSTILE_TEXTS
from tests.serve.test_actions import ALL_TIME, all_pages

Row = tuple[Any, ...]
HEADER = (
    "Date", "Author", "Target", "Action", "Project", "Old", "New", "ID/Issue Key", "Issue Type",
)  # fmt: skip


def download(client: TestClient, **params: str | int) -> bytes:
    response = client.get("/api/v1/actions.xlsx", params=params)
    assert response.status_code == 200, response.text
    assert int(response.headers["content-length"]) == len(response.content)
    return response.content


@pytest.fixture(scope="module")
def exported(client: TestClient) -> bytes:
    """Return the workbook of the whole log."""
    return download(client, **ALL_TIME)


def read(content: bytes) -> list[list[Row]]:
    """Return the rows of every sheet, as openpyxl reads them."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]


def shown(text: str | None) -> str | None:
    """Say in plain Python how a text appears in a cell."""
    if text is None:
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    units = len(text.encode("utf-16-le")) // 2
    if units > CELL_LIMIT:
        kept = 16_000 if units > len(text) else 32_000
        text = f"{text[:kept]} [… {len(text) - kept} more characters; the API gives them all]"
    table: dict[int, int] = {code: 0x2400 + code for code in range(0x20) if code not in (9, 10)}
    table |= {0x7F: 0x2421, 0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}
    return text.translate(table)


def expected_row(item: dict[str, Any]) -> Row:
    """Make the row of an item of the API."""
    author, project, issue = item["author"], item["project"], item["issue"]
    no_values = item["old_value"] is None and item["new_value"] is None
    return (
        datetime.fromisoformat(item["occurred_at"]).replace(tzinfo=None),
        (author["display_name"] or author["account_id"]) if author else "Unknown",
        item["target"]["type_label"],
        item["action"]["label"],
        project["name"] if project else "N/A",
        "N/A" if no_values else shown(item["old_value"]),
        "N/A" if no_values else shown(item["new_value"]),
        item["reference"],
        issue["type"] if issue else "N/A",
    )


def assert_same(row: Row, wanted: Row) -> None:
    # A spreadsheet's date is a float of days: openpyxl rounds what it reads to milliseconds.
    assert abs(row[0] - wanted[0]) <= timedelta(milliseconds=1)
    # The escape of SpreadsheetML is undone by Excel; openpyxl leaves it to its caller.
    assert tuple(unescape(v) if isinstance(v, str) else v for v in row[1:]) == wanted[1:]


def test_rows_are_those_of_the_api(client: TestClient, exported: bytes) -> None:
    (sheet,) = read(exported)
    items = all_pages(client, "/api/v1/actions", limit=1_000, **ALL_TIME)
    assert sheet[0] == HEADER == tuple(EXPORT_COLUMNS)
    assert len(sheet) == len(items) + 1
    for row, item in zip(sheet[1:], items, strict=True):
        assert_same(row, expected_row(item))
    old_values = {item["old_value"] for item in items}
    assert old_values.issuperset(HOSTILE_TEXTS), "the hostile texts were part of this"
    # `items` holds no action on a secured issue, so neither does the sheet.


def test_more_columns_stand_behind_the_nine(client: TestClient, exported: bytes) -> None:
    (nine,) = read(exported)
    (sheet,) = read(download(client, extended="true", **ALL_TIME))
    assert [row[:9] for row in sheet] == nine
    assert sheet[0] == (*HEADER, "Request Type", "Issue Summary", "Site", "Action ID")
    items = all_pages(client, "/api/v1/actions", limit=1_000, **ALL_TIME)
    for row, item in zip(sheet[1:], items, strict=True):
        issue = item["issue"] or {}
        assert row[9:] == (
            issue.get("request_type") or "N/A",
            issue.get("summary") or "N/A",
            item["site_id"],
            item["action_id"],
        )
    assert {row[9] for row in sheet[1:]} == {"N/A", "Get IT help", "New laptop"}


def test_cells_equal_those_that_openpyxl_writes_itself(exported: bytes) -> None:
    ours = openpyxl.load_workbook(io.BytesIO(exported)).worksheets[0]
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for moment, *texts in ours.iter_rows(min_row=2, values_only=True):
        assert isinstance(moment, datetime)
        date_cell = WriteOnlyCell(sheet, moment)
        date_cell.number_format = "yyyy-mm-dd hh:mm:ss"
        cells = [date_cell]
        for text in texts:
            assert text is None or isinstance(text, str)
            cell = WriteOnlyCell(sheet, text)
            if text is not None:
                cell.data_type = "s"  # or openpyxl takes `=1+1` for a formula
            cells.append(cell)
        sheet.append(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    theirs = openpyxl.load_workbook(buffer).worksheets[0]
    pairs = zip(ours.iter_rows(min_row=2), theirs.iter_rows(), strict=True)
    for our_row, their_row in pairs:
        for our_cell, their_cell in zip(our_row, their_row, strict=True):
            assert our_cell.value == their_cell.value
            assert our_cell.number_format == their_cell.number_format
            if our_cell.value is not None:
                assert our_cell.data_type == their_cell.data_type


def test_nothing_is_a_formula_or_a_link(exported: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(exported))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "d", "n"}
    assert all(cell.hyperlink is None for cell in cells)
    assert any(cell.value == "=1+1" for cell in cells)


def test_sheet_is_ready_to_read(client: TestClient) -> None:
    book = openpyxl.load_workbook(io.BytesIO(download(client, user="account-1")))
    sheet = book.worksheets[0]
    assert sheet.freeze_panes == "A2"
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.column_dimensions["B"].width == EXPORT_COLUMNS["Author"]
    assert sheet["A2"].is_date
    assert book.properties.title == "Activity from 2025-12-02 to 2025-12-31 (UTC)"
    assert book.sheetnames == ["Activity"]
    assert re.fullmatch(
        r"Actions of Person \d+ Nr 1, in the last 30 days \(from 2 to 31 December 2025, UTC\); "
        r"snapshot \w{26}",
        str(book.properties.description),
    )


@pytest.mark.parametrize("path", ["actions", "activity", "issue-views"])
@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"user": "bell\ufffe\uffff & <b>"}, "of bell�� & <b>, "),
        ({"jql": 'summary ~ "bell\x07 del\x7f"'}, "bell␇ del␡"),
    ],
)
def test_no_word_of_a_filter_breaks_the_file(
    client: TestClient, path: str, params: dict[str, str], wanted: str
) -> None:
    response = client.get(f"/api/v1/{path}.xlsx", params=params)
    assert response.status_code == 200, response.text
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    assert wanted in str(book.properties.description)


def test_empty_export_has_its_header(client: TestClient) -> None:
    assert read(download(client, **{"from": "2030-01-01"})) == [[HEADER]]


def test_more_rows_than_a_sheet_holds_fill_further_sheets(
    client: TestClient, exported: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = read(exported)
    monkeypatch.setattr(workbook_module, "SHEET_ROWS", 250)
    sheets = read(download(client, **ALL_TIME))
    assert len(sheets) == -(-(len(whole) - 1) // 250) > 10
    assert all(sheet[0] == HEADER and len(sheet) <= 251 for sheet in sheets)
    assert [row for sheet in sheets for row in sheet[1:]] == whole[1:]


def test_stretches_of_months_join_without_a_seam(
    client: TestClient, exported: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports_module, "STRETCH_ROWS", 1)
    assert read(download(client, **ALL_TIME)) == read(exported)


def test_filters_are_those_of_the_list_and_paging_is_not_offered(client: TestClient) -> None:
    response = client.get("/api/v1/actions.xlsx", params={"limit": 5})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["limit"]


def test_file_name_is_made_by_the_server(client: TestClient) -> None:
    response = client.get("/api/v1/actions.xlsx", params={"from": "2025-12-30", "user": '"; x="'})
    name = 'attachment; filename="activity_2025-12-30_2025-12-31.xlsx"'
    assert response.headers["content-disposition"] == name


@pytest.mark.parametrize("zone", ["Europe/Zurich", "Asia/Kathmandu", "America/Sao_Paulo"])
@pytest.mark.parametrize("path", ["actions", "issue-views"])
def test_dates_are_those_of_the_time_zone(client: TestClient, zone: str, path: str) -> None:
    question = {"from": "2025-10-20", "to": "2025-11-05", "time_zone": zone}
    items = all_pages(client, f"/api/v1/{path}", limit=1_000, **question)
    response = client.get(f"/api/v1/{path}.xlsx", params=question)
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    assert str(book.properties.title).endswith(f" from 2025-10-20 to 2025-11-04 ({zone})")
    assert "_2025-10-20_2025-11-04.xlsx" in response.headers["content-disposition"]
    dates = [row[0] for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)]
    offsets = set()
    for shown_at, item in zip(dates, items, strict=True):
        text = item.get("occurred_at") or item["viewed_at"]
        local = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
        offsets.add(local.utcoffset())
        assert isinstance(shown_at, datetime)
        assert abs(shown_at - local.replace(tzinfo=None)) <= timedelta(milliseconds=1)
    assert len(offsets) == (2 if zone == "Europe/Zurich" else 1), "clocks changed meanwhile"


def test_nothing_is_left_in_the_directory_for_temporary_files(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    download(client)
    assert list(tmp_path.iterdir()) == []
