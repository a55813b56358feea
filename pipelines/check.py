"""Test the account: does it get in, what may it read, and what is lost where it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec

from pipelines.client import AtlassianClient
from pipelines.config import Connection, Settings
from pipelines.connections import CONNECTIONS, ConnectionSpec
from pipelines.errors import (
    NotFoundError,
    PermissionDeniedError,
    PipelineError,
    RequestRefusedError,
)
from pipelines.patience import FIRST_CONTACT
from pipelines.registry import SOURCES
from pipelines.runner import first_contact
from pipelines.specs import Probe


@dataclass(frozen=True, slots=True)
class PermissionFinding:
    """One thing tested. `loses` says what the log lacks when `is_granted` is False.

    `is_connected` is False for a connection that nobody set up or that the site does not have;
    that is no error. `source` is then the name of the connection.
    """

    source: str
    permission: str
    is_granted: bool
    detail: str
    loses: str
    is_connected: bool = True


def check_connection(settings: Settings) -> list[PermissionFinding]:
    """Log in and try one small read per permission that a source uses, on every connection.

    Raises `pipelines.errors.PipelineError` when the site or the login itself does not work; a
    failing connection of another kind is a finding.
    """
    return asyncio.run(_check(settings))


async def _check(settings: Settings) -> list[PermissionFinding]:
    async with AsyncExitStack() as stack:

        async def opened(of: Connection) -> AtlassianClient:
            return await stack.enter_async_context(AtlassianClient(of, patience=FIRST_CONTACT))

        site = await opened(settings.connection())
        site_id, _, me = await first_contact(site)
        who = f"{me.account_id} at {site_id}"
        findings = [PermissionFinding("site", "Log in", True, who, "nothing can be read")]  # noqa: FBT003  (the field's place)
        for connection in CONNECTIONS.values():
            if not connection.is_set_up(settings):
                findings.append(_connection_finding(connection, is_connected=False))
                continue
            asks_organization = connection.asks == "organization"
            client = await opened(settings.organization()) if asks_organization else site
            probes = [
                (source.name, probe)
                for source in SOURCES.values()
                for probe in source.probes
                if source.connection == connection.name
            ]
            for name, probe in probes:
                findings.append(await _try(client, settings, connection, name, probe))
            if not probes:
                findings.append(_connection_finding(connection, is_connected=True))
        return findings


def _connection_finding(connection: ConnectionSpec, *, is_connected: bool) -> PermissionFinding:
    return PermissionFinding(
        connection.name,
        connection.title,
        is_connected,
        f"needs {connection.needs}",
        connection.loses,
        is_connected,
    )


async def _try(
    client: AtlassianClient,
    settings: Settings,
    connection: ConnectionSpec,
    source: str,
    probe: Probe,
) -> PermissionFinding:
    def finding(detail: str, *, is_granted: bool, is_there: bool = True) -> PermissionFinding:
        is_connected = is_there or connection.is_essential
        return PermissionFinding(
            source, probe.permission, is_granted, detail, probe.loses, is_connected
        )

    decode: Callable[[bytes], object] = msgspec.json.decode
    names = {"organization": settings.org_id or ""}
    try:
        answer = await client.get(probe.path, decode, path=names, params=probe.params)
    except NotFoundError as error:
        return finding(error.message, is_granted=False, is_there=False)
    except (PermissionDeniedError, RequestRefusedError) as error:
        return finding(error.message, is_granted=False)
    except PipelineError as error:
        if connection.is_essential:
            raise
        return finding(f"{error.message} {error.remedy}", is_granted=False)
    if not probe.may_be_empty and not _holds_anything(answer.content):
        nothing = f"{probe.path} shows nothing to this account"
        return finding(nothing, is_granted=False, is_there=False)
    return finding(f"{probe.path} can be read", is_granted=True)


def _holds_anything(content: object) -> bool:
    """Whether an array, or an object with a list in it, has any element."""
    if isinstance(content, list):
        return bool(content)
    return isinstance(content, Mapping) and any(
        value for value in content.values() if isinstance(value, list)
    )
