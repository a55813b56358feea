"""Settings: the only reader of the environment in `pipelines` and `orchestration`."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.errors import ConfigurationError, NotConnectedError

ADMIN_URL = "https://api.atlassian.com"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where to ask and as whom. `url` has no trailing slash.

    `authorization` is the whole header; `url_setting` and `key_remedy` are for what a person is
    told when the address or the account does not work.
    """

    url: str
    authorization: SecretStr
    url_setting: str
    key_remedy: str

    @classmethod
    def to_site(cls, url: str, email: str, api_token: str) -> Self:
        """Return a connection to a site with an account's API token (Basic)."""
        return cls(
            url,
            SecretStr(f"Basic {b64encode(f'{email}:{api_token}'.encode()).decode()}"),
            "ATLASSIAN_SITE_URL",
            "Check ATLASSIAN_EMAIL and ATLASSIAN_API_TOKEN; tokens expire, a new one is "
            "made under the account's security settings.",
        )

    @classmethod
    def to_organization(cls, url: str, api_key: str) -> Self:
        """Return a connection to the organisation's administration with its key (Bearer)."""
        return cls(
            url,
            SecretStr(f"Bearer {api_key}"),
            "ATLASSIAN_ADMIN_URL",
            "Check ATLASSIAN_ORG_API_KEY; keys expire, a new one is made by an organisation "
            "admin under Settings > API keys.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Settings(BaseSettings):
    """All settings of a sync, from the environment and `.env` in the working directory."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", populate_by_name=True
    )

    home: Path = Field(default=Path("data"), validation_alias="AUDIT_LOG_HOME")
    """Directory that holds all state."""
    site_url: str | None = Field(default=None, validation_alias="ATLASSIAN_SITE_URL")
    """`https://<site>.atlassian.net`; plain http only to a loopback address."""
    email: str | None = Field(default=None, validation_alias="ATLASSIAN_EMAIL")
    api_token: SecretStr | None = Field(default=None, validation_alias="ATLASSIAN_API_TOKEN")
    org_id: str | None = Field(default=None, validation_alias="ATLASSIAN_ORG_ID")
    """The organisation of the site, for its events (Atlassian Guard) and people."""
    org_api_key: SecretStr | None = Field(default=None, validation_alias="ATLASSIAN_ORG_API_KEY")
    """API key of an organisation admin, without scopes."""
    admin_url: str = Field(default=ADMIN_URL, validation_alias="ATLASSIAN_ADMIN_URL")
    assets_workspace_id: str | None = Field(
        default=None, validation_alias="ATLASSIAN_ASSETS_WORKSPACE_ID"
    )
    """None: the site is asked for it."""
    database_url: SecretStr | None = Field(default=None, validation_alias="AUDIT_LOG_DATABASE_URL")
    """SQLAlchemy address of the application's own state, which holds the inbox of webhooks;
    None: `app.db` in the home. It may hold a password."""
    inbox_retention_days: int = Field(
        default=30, ge=0, le=3650, validation_alias="AUDIT_LOG_INBOX_RETENTION_DAYS"
    )
    """How long received webhooks and views stay in that state after the lake holds them."""
    overlap_minutes: int = Field(
        default=10, ge=0, le=1440, validation_alias="AUDIT_LOG_OVERLAP_MINUTES"
    )
    """How far before the cursor a sync reads again, against late search indexes."""
    concurrency: int = Field(default=8, ge=1, le=64, validation_alias="AUDIT_LOG_CONCURRENCY")
    """Requests in flight per endpoint."""
    reconcile_limit: int = Field(default=50_000, ge=0, validation_alias="AUDIT_LOG_RECONCILE_LIMIT")
    """Sites with at most this many issues are reconciled in every sync, larger ones daily."""
    shrink_percent: int = Field(
        default=20, ge=0, le=100, validation_alias="AUDIT_LOG_SHRINK_PERCENT"
    )
    shrink_objects: int = Field(default=20, ge=0, validation_alias="AUDIT_LOG_SHRINK_OBJECTS")
    """A listing that lost more than both of these proves no deletion until accepted."""

    @field_validator("admin_url", mode="before")
    @classmethod
    def _default_admin_url(cls, value: str) -> str:
        return value.strip() or ADMIN_URL

    @field_validator("site_url", "admin_url")
    @classmethod
    def _check_address(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is not a web address; it begins with https://")
        if parts.username or parts.query or parts.fragment or parts.path not in {"", "/"}:
            raise ValueError("must be a bare address, without a path or user")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("must start with https:// so that no token or key is sent in clear")
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def database_address(self) -> str:
        """SQLAlchemy address of the application's own state; it may hold a password."""
        return _secret(self.database_url) or f"sqlite:///{self.home.absolute() / 'app.db'}"

    def connection(self) -> Connection:
        """Return the site and account, or raise ConfigurationError naming what is missing."""
        return Connection.to_site(
            _required(self.site_url, "ATLASSIAN_SITE_URL"),
            _required(self.email, "ATLASSIAN_EMAIL"),
            _required(_secret(self.api_token), "ATLASSIAN_API_TOKEN"),
        )

    def organization(self) -> Connection:
        """Return the organisation's administration; raises NotConnectedError when it is not set."""
        key = _secret(self.org_api_key)
        for value, variable in ((self.org_id, "ATLASSIAN_ORG_ID"), (key, "ATLASSIAN_ORG_API_KEY")):
            if not value:
                raise NotConnectedError(
                    f"{variable} is not set.", f"Set {variable} to connect the organisation."
                )
        return Connection.to_organization(self.admin_url, key or "")


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None


def _required(value: str | None, variable: str) -> str:
    if not value:
        raise ConfigurationError(f"{variable} is not set.", "Set it in the environment or in .env.")
    return value


def load_settings() -> Settings:
    """Read the environment and `.env`.

    Raises ConfigurationError naming the variable that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{name}: {reason}.", f"Correct {name}.") from None
