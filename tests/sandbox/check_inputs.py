"""What a check reads: the ledger, the served log beside it, and the marts of a snapshot."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb
import msgspec

from tests.sandbox.oracle import Item

T = TypeVar("T")


class CheckError(Exception):
    """The check cannot be made: a file is missing or is not what it should be."""


@dataclass(slots=True)
class Action:
    """One row of `fct_actions`; instants are microseconds since 1970 UTC."""

    action_id: str
    code: str
    occurred_at: int
    observed_from: int | None
    observed_to: int | None
    actor: str | None
    target_id: str | None
    issue_id: str | None
    project_id: str | None
    issue_type_id: str | None
    from_status_id: str | None
    to_status_id: str | None
    resolution_id: str | None
    old_value: str | None
    new_value: str | None
    change_count: int | None
    is_secured: bool | None
    source_event_id: str | None
    actor_certainty: str | None
    sources: str | None


def find_snapshot(place: Path) -> Path:
    """Resolve AUDIT_LOG_HOME, its `snapshots` folder, or a .duckdb file to one database file.

    Raises CheckError when there is none.
    """
    if place.is_file():
        return place
    for home in (place, place.parent) if place.name == "snapshots" else (place,):
        pointer = home / "CURRENT"
        if pointer.is_file():
            snapshot = home / pointer.read_text(encoding="utf-8").strip()
            if snapshot.is_file():
                return snapshot
            message = f"{pointer} names {snapshot}, which does not exist; publish again"
            raise CheckError(message)
    message = f"no snapshot in {place}: give AUDIT_LOG_HOME after a publish, or a .duckdb file"
    raise CheckError(message)


def read_snapshot(path: Path) -> tuple[list[Action], dict[str, list[Item]]]:
    """Rows of `fct_actions`, and those of `fct_action_changes` by action id."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        rows = connection.execute(
            """
            select action_id, action_code, epoch_us(occurred_at), epoch_us(observed_from_at),
                epoch_us(observed_to_at), actor_account_id, target_id, issue_id, project_id,
                issue_type_id, from_status_id, to_status_id, resolution_id, old_value, new_value,
                change_count, is_secured, source_event_id, actor_certainty, sources
            from fct_actions
            order by action_id
            """
        ).fetchall()
        details = connection.execute(
            """
            select action_id, field_name, field_id, old_value_id, old_value, new_value_id, new_value
            from fct_action_changes
            """
        ).fetchall()
    changes: dict[str, list[Item]] = defaultdict(list)
    for action_id, *values in details:
        changes[action_id].append(Item(*values))
    return [Action(*row) for row in rows], changes


def read_lines(path: Path, kind: type[T]) -> list[T]:
    """Decode a JSON-lines file; raises CheckError naming the file."""
    try:
        return msgspec.json.Decoder(kind).decode_lines(path.read_bytes())
    except FileNotFoundError as error:
        message = f"{path} does not exist; give the ledger of a sandbox's --state folder"
        raise CheckError(message) from error
    except msgspec.MsgspecError as error:
        message = f"{path} is not a {kind.__name__.lower()} log: {error}"
        raise CheckError(message) from error
