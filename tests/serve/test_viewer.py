"""The one viewer there is until there are accounts: settings, and what is said at the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serve.app import tell_of_viewer
from serve.config import ServeSettings, load_settings
from serve.dependencies import viewer_of
from serve.errors import ServeError
from serve.query.visibility import OPERATOR, Role, Viewer
from serve.warehouse.warehouse import Warehouse
from tests.serve.conftest import BASE_URL, make_client, publish_copy


@pytest.fixture
def home(tmp_path: Path, marts: Path) -> Path:
    publish_copy(tmp_path, marts)
    return tmp_path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Return an environment without a `.env` beside it."""
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_without_settings_the_viewer_is_the_operator(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AUDIT_LOG_VIEWER_ACCOUNT_ID", raising=False)
    assert viewer_of(load_settings()) == OPERATOR


def test_an_account_takes_the_place_of_the_operator(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUDIT_LOG_VIEWER_ACCOUNT_ID", "account-1")
    environment.setenv("AUDIT_LOG_VIEWER_ROLE", "manager")
    environment.setenv("AUDIT_LOG_JIRA_ADMIN_GROUPS", " Chiefs , org-admins ,")
    settings = load_settings()
    assert viewer_of(settings) == Viewer("account account-1", Role.MANAGER, "account-1")
    assert settings.jira_admin_groups == ("Chiefs", "org-admins")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"AUDIT_LOG_VIEWER_ROLE": "none"}, "AUDIT_LOG_VIEWER_ROLE: none is for an account"),
        ({"AUDIT_LOG_VIEWER_ROLE": "auditor"}, "AUDIT_LOG_VIEWER_ROLE: Input should be"),
        ({"AUDIT_LOG_VIEWS_NEED_BROWSE": "maybe"}, "AUDIT_LOG_VIEWS_NEED_BROWSE: Input should be"),
    ],
)
def test_a_wrong_setting_is_named(
    environment: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(ServeError, match=told):
        load_settings()


@pytest.mark.parametrize(
    ("account", "said"),
    [("account-1", ""), ("account-0", "account-0 is no active"), ("who", "who is no"), (None, "")],
)
def test_an_account_that_is_none_is_told_of_at_the_start(
    home: Path, account: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ServeSettings.model_validate({"home": home, "viewer_account_id": account})
    warehouse = Warehouse(settings)
    tell_of_viewer(viewer_of(settings), warehouse)
    warehouse.close()
    told = capsys.readouterr().err
    assert said in told
    assert bool(told) == bool(said)


def test_a_jira_administrator_without_a_role_is_let_in_and_sees_no_assets(home: Path) -> None:
    member = "account-1"
    chosen = {"viewer_account_id": member, "viewer_role": "none"}
    with make_client(home, **chosen) as client:
        refused = client.get("/api/v1/meta")
    assert refused.status_code == 403
    assert refused.json()["remedy"].startswith("set AUDIT_LOG_VIEWER_ROLE")
    everybody = ",".join(f"group {number}" for number in range(10))
    with make_client(home, **chosen, jira_admin_groups=everybody) as client:
        seen = codes(client)
    with make_client(home) as client:
        assert codes(client) - seen == {
            "ASSET_OBJECT_CREATED", "ASSET_OBJECT_UPDATED", "ASSETS_ROLES_UPDATED",
            "ASSETS_OBJECT_TYPE_ROLES_UPDATED",
        }  # fmt: skip


def codes(client: TestClient) -> set[str]:
    """Return the codes of all actions that may be counted."""
    assert str(client.base_url) == BASE_URL
    page = client.get("/api/v1/activity", params={"period": "all", "limit": 1_000})
    assert page.status_code == 200, page.text
    return {code for item in page.json()["items"] for code in item["counts"]}


def test_two_openings_of_one_snapshot_do_not_meet(home: Path) -> None:
    first, second = (Warehouse(ServeSettings(home=home)) for _ in range(2))
    with first.lease() as one, second.lease() as other:
        assert one.rights(OPERATOR).memory != other.rights(OPERATOR).memory
    first.close()
    with second.lease() as other:
        assert other.rights(OPERATOR).is_admitted
    second.close()
