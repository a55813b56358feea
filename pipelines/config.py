"""Settings: the only reader of the environment in `pipelines` and `orchestration`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the site is and who we are there. `site_url` has no trailing slash."""

    site_url: str
    email: str
    api_token: SecretStr


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

    @field_validator("site_url")
    @classmethod
    def _check_site_url(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is not a web address; use https://<site>.atlassian.net")
        if parts.username or parts.query or parts.fragment or parts.path not in {"", "/"}:
            raise ValueError("must be the bare address of the site, without a path or user")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("must start with https:// so that the API token is not sent in clear")
        return f"{parts.scheme}://{parts.netloc}"

    def connection(self) -> Connection:
        """Return the site and account, or raise ConfigurationError naming what is missing."""
        token = self.api_token.get_secret_value() if self.api_token else None
        return Connection(
            _required(self.site_url, "ATLASSIAN_SITE_URL"),
            _required(self.email, "ATLASSIAN_EMAIL"),
            SecretStr(_required(token, "ATLASSIAN_API_TOKEN")),
        )


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
