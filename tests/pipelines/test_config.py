"""Settings: what may be set, and what is said when it may not."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipelines.config import Settings, load_settings
from pipelines.errors import ConfigurationError, NotConnectedError


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AUDIT_LOG_HOME", "ATLASSIAN_SITE_URL", "ATLASSIAN_EMAIL", "ATLASSIAN_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_env_file_and_environment_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "ATLASSIAN_SITE_URL=https://a.atlassian.net/\nATLASSIAN_EMAIL=me@example.com\n"
    )
    monkeypatch.setenv("ATLASSIAN_API_TOKEN", "t0ken")
    connection = load_settings().connection()
    assert connection.url == "https://a.atlassian.net"
    account = b64encode(b"me@example.com:t0ken").decode()
    assert connection.authorization.get_secret_value() == f"Basic {account}"
    assert account not in repr(connection)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.atlassian.net",
        "ftp://example.atlassian.net",
        "example.atlassian.net",
        "https://user:password@example.atlassian.net",
        "https://example.atlassian.net/jira",
        "http://127.0.0.1.example.com",
    ],
)
def test_addresses_that_would_leak_or_miss_are_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ATLASSIAN_SITE_URL", url)
    with pytest.raises(ConfigurationError, match="ATLASSIAN_SITE_URL") as raised:
        load_settings()
    assert "password" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:2"])
def test_plain_http_is_for_loopback(url: str) -> None:
    assert Settings(site_url=url).site_url == url


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match="ATLASSIAN_SITE_URL is not set"):
        Settings().connection()
    with pytest.raises(ConfigurationError, match="ATLASSIAN_EMAIL is not set"):
        Settings(site_url="https://a.atlassian.net").connection()


def test_an_organisation_is_connected_by_both_its_settings() -> None:
    with pytest.raises(NotConnectedError, match="ATLASSIAN_ORG_ID is not set"):
        Settings().organization()
    with pytest.raises(NotConnectedError, match="ATLASSIAN_ORG_API_KEY is not set"):
        Settings(org_id="o").organization()
    connection = Settings(org_id="o", org_api_key=SecretStr("k3y")).organization()
    assert connection.url == "https://api.atlassian.com"
    assert connection.authorization.get_secret_value() == "Bearer k3y"
    assert "k3y" not in repr(connection)


def test_the_admin_address_never_gets_the_key_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLASSIAN_ADMIN_URL", "http://api.example.com")
    with pytest.raises(ConfigurationError, match="ATLASSIAN_ADMIN_URL"):
        load_settings()


def test_numbers_out_of_range_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_LOG_CONCURRENCY", "0")
    with pytest.raises(ConfigurationError, match="AUDIT_LOG_CONCURRENCY"):
        load_settings()
