"""What issues are called: read once for everybody who may list the same issues."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve.config import ServeSettings
from serve.labels import issue_names
from serve.query.compiler import Query
from serve.query.visibility import OPERATOR, Extent, Rights
from serve.warehouse.snapshot import Snapshot
from serve.warehouse.warehouse import Warehouse
from tests.serve.conftest import publish_copy

SEES_ALL = Rights(OPERATOR, secured_issues=Extent.ALL)
SEES_NONE = Rights(OPERATOR, secured_issues=Extent.NONE)


def test_names_are_read_once_and_only_for_whom_they_are_meant(
    tmp_path: Path, marts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_copy(tmp_path, marts)
    warehouse = Warehouse(ServeSettings(home=tmp_path))
    asked: list[str] = []
    run = Snapshot.run

    def counted(snapshot: Snapshot, query: Query) -> list[tuple[object, ...]]:
        asked.append(query.description)
        return run(snapshot, query)

    monkeypatch.setattr(Snapshot, "run", counted)
    with warehouse.lease() as snapshot:
        rows = run(snapshot, Query("select issue_id, issue_key, is_secured from dim_issues"))
        keys = {issue_id: key for issue_id, key, is_secured in rows if not is_secured}
        secured = {issue_id: key for issue_id, key, is_secured in rows if is_secured}
        open_id, secret_id = min(keys), min(secured)
        wanted = [open_id, secret_id, "no such issue", None]

        for _ in range(2):
            hidden = issue_names(snapshot, SEES_NONE, wanted)
            shown = issue_names(snapshot, SEES_ALL, wanted)
            assert {issue_id: name.key for (_, issue_id), name in hidden.items()} == {
                open_id: keys[open_id]
            }
            assert {issue_id: name.key for (_, issue_id), name in shown.items()} == {
                open_id: keys[open_id],
                secret_id: secured[secret_id],
            }
        assert asked == ["Labels of 3 issues"] * 2

        # Only what is new is read.
        another = max(keys)
        names = issue_names(snapshot, SEES_NONE, [*wanted, another])
        assert {issue_id for _, issue_id in names} == {open_id, another}
        assert asked[2:] == ["Labels of 1 issues"]
    warehouse.close()
