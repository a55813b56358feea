"""Settings of serve: the only place in `serve` that reads the environment (and `.env`)."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from serve.errors import ServeError
from serve.query.spec import DEFAULT_DAYS


def _loopback(host: str) -> str:
    """Return `host` as a loopback address; any name but localhost could resolve to anything."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        msg = (
            f"{host!r} is not a loopback address. There are no user accounts yet, so anyone who "
            "reaches the port reads the whole log. Set AUDIT_LOG_HOST=127.0.0.1"
        )
        raise ValueError(msg)
    return str(address)


def _names(value: object) -> object:
    """Split names at commas; blanks around them do not count."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return value


class ServeSettings(BaseSettings):
    """Where the data is, where to listen, and how much one query may use."""

    model_config = SettingsConfigDict(
        env_prefix="AUDIT_LOG_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        # PORT is the variable, `port` the name in Python.
        populate_by_name=True,
    )

    home: Path = Field(default=Path("data"), description="Directory of all state.")
    host: Annotated[str, AfterValidator(_loopback)] = Field(
        default="127.0.0.1", description="Address to listen on; loopback only."
    )
    port: int = Field(
        default=8000, ge=0, le=65_535, validation_alias="PORT", description="0 takes a free one."
    )
    query_seconds: float = Field(
        default=30, gt=0, le=3_600, description="A query that runs longer is interrupted."
    )
    query_memory: str = Field(
        default="1GB",
        pattern=r"^[1-9][0-9]{0,5}(MB|GB)$",
        description="Memory all queries on one snapshot may use together.",
    )
    answer_memory: str = Field(
        default="64MB",
        pattern=r"^[0-9]{1,6}(MB|GB)$",
        description="Memory for answers of the current snapshot to be given again; 0MB: none.",
    )
    query_threads: int = Field(default=2, ge=1, le=256, description="Threads of one query.")
    queries_at_once: int = Field(default=4, ge=1, le=64, description="Others wait for their turn.")
    export_seconds: float = Field(
        default=900,
        gt=0,
        le=86_400,
        description="As query_seconds, for a whole export and what is read once for a snapshot.",
    )
    max_range_days: int | None = Field(
        default=None,
        ge=DEFAULT_DAYS,
        le=36_600,
        description="Most days that one question may cover; unset: any number.",
    )
    stale_minutes: int = Field(
        default=90,
        ge=1,
        le=525_600,
        description="A source whose last success is older than this is reported as stale.",
    )
    viewer_account_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = (
        Field(
            default=None,
            description="Jira account whose rights the one viewer has; unset: the operator's.",
        )
    )
    viewer_role: Literal["administrator", "manager", "none"] = Field(
        default="administrator",
        description="Role of the viewer here; none: let in as Jira administrator only.",
    )
    jira_admin_groups: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=("site-admins", "org-admins", "jira-administrators", "administrators"),
        description="Groups whose members are Jira administrators, with commas between.",
    )
    views_need_browse: bool = Field(
        default=True,
        description="List views of issues only in projects that the viewer may browse.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="Address of the application's database; the file app.db in home if unset.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="Secret of the Jira webhooks; unset: none are received."
    )
    views_secret: SecretStr | None = Field(
        default=None, description="Bearer secret of issue views; unset: none are received."
    )

    @property
    def answer_bytes(self) -> int:
        """`answer_memory` in bytes; as for DuckDB, a MB has a million."""
        number, unit = self.answer_memory[:-2], self.answer_memory[-2:]
        return int(number) * {"MB": 1_000_000, "GB": 1_000_000_000}[unit]

    @field_validator("viewer_role")
    @classmethod
    def _somebody_can_be_let_in(cls, role: str, info: ValidationInfo) -> str:
        if role == "none" and info.data.get("viewer_account_id") is None:
            msg = (
                "none is for an account that is a Jira administrator: "
                "set AUDIT_LOG_VIEWER_ACCOUNT_ID too"
            )
            raise ValueError(msg)
        return role


def load_settings() -> ServeSettings:
    """Read the settings; ServeError names the first wrong variable and the remedy."""
    try:
        return ServeSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name == "PORT" else f"AUDIT_LOG_{name.upper()}"
        reason = first["msg"].removeprefix("Value error, ")
        raise ServeError(
            f"{variable}: {reason}", "correct it in the environment or in .env and start again"
        ) from None
