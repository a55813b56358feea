"""The shape of a source: what `registry.SOURCES` lists and everyone else reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pipelines.sync import Sync


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One table of the lake and what a row of it is."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A small read that shows whether the account has a permission.

    Whom it asks is the connection's matter; `{organization}` in `path` is the organisation's id.
    `loses` completes "Without it …".
    """

    permission: str
    path: str
    loses: str
    params: tuple[tuple[str, str], ...] = ()
    may_be_empty: bool = True


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source: its resources, the connection it needs, how often it runs, how it is read.

    `connection` is a name of `connections.CONNECTIONS`. `schedule` is a cron expression in UTC.
    `traverse` reads everything a run needs and adds rows to the sync it is given; it raises
    NotConnectedError when the site turns out not to have what the source reads.
    """

    name: str
    description: str
    resources: tuple[ResourceSpec, ...]
    connection: str
    schedule: str
    traverse: Callable[[Sync], Awaitable[None]]
    probes: tuple[Probe, ...] = ()


BOOKKEEPING = (
    ResourceSpec("sweeps", "One row per complete listing: how many objects, what was missing."),
    ResourceSpec("runs", "One row per successful sync: window, rows, requests, warnings."),
    ResourceSpec("quarantine", "One row per record that could not be used as it was sent."),
)
"""Resources that every source has."""
