"""Test the account: does it get in, what may it read, and what is lost where it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from pipelines.client import FIRST_CONTACT, SiteClient
from pipelines.config import Settings
from pipelines.errors import NotFoundError, PermissionDeniedError, RequestRefusedError
from pipelines.registry import SOURCES
from pipelines.runner import first_contact
from pipelines.specs import Probe


@dataclass(frozen=True, slots=True)
class PermissionFinding:
    """One thing tested. `loses` says what the log lacks when `is_granted` is False."""

    source: str
    permission: str
    is_granted: bool
    detail: str
    loses: str


def check_connection(settings: Settings) -> list[PermissionFinding]:
    """Log in and try one small read per permission that a source uses.

    Raises `pipelines.errors.PipelineError` when the site or the login itself does not work.
    """
    return asyncio.run(_check(settings))


async def _check(settings: Settings) -> list[PermissionFinding]:
    async with SiteClient(settings.connection(), patience=FIRST_CONTACT) as client:
        site_id, _, me = await first_contact(client)
        findings = [
            PermissionFinding(
                source="site",
                permission="Log in",
                is_granted=True,
                detail=f"{me.account_id} at {site_id}",
                loses="nothing can be read",
            )
        ]
        for source in SOURCES.values():
            for probe in source.probes:
                is_granted, detail = await _try(client, probe)
                findings.append(
                    PermissionFinding(
                        source.name, probe.permission, is_granted, detail, probe.loses
                    )
                )
        return findings


async def _try(client: SiteClient, probe: Probe) -> tuple[bool, str]:
    decode: Callable[[bytes], object] = msgspec.json.decode
    try:
        answer = await client.get(probe.path, decode, params=probe.params)
    except (PermissionDeniedError, NotFoundError, RequestRefusedError) as error:
        return False, error.message
    if not probe.may_be_empty and not _holds_anything(answer.content):
        return False, f"{probe.path} shows nothing to this account"
    return True, f"{probe.path} can be read"


def _holds_anything(content: object) -> bool:
    """Whether an array, or an object with a list in it, has any element."""
    if isinstance(content, list):
        return bool(content)
    return isinstance(content, Mapping) and any(
        value for value in content.values() if isinstance(value, list)
    )
