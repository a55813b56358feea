"""The files of a state directory: what happened, what was served, which faults were injected."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from tests.sandbox.clock import iso
from tests.sandbox.ledger import Line, encode_line
from tests.sandbox.world import World


class StateError(Exception):
    """A state directory that cannot be continued; the text says why and what to do."""


def _continue(path: Path) -> tuple[bytes, BinaryIO]:
    """Open a file of lines to append to, without the torn last line a kill may have left."""
    path.touch(mode=0o600)
    held = path.read_bytes()
    held = held[: held.rfind(b"\n") + 1]
    file = path.open("r+b")
    file.truncate(len(held))
    file.seek(0, os.SEEK_END)
    return held, file


class LedgerFile:
    """`ledger.jsonl`, append-only.

    A restarted world tells its history again from the beginning: lines that are already in the
    file are compared instead of written, so a ledger is only ever continued by its own world.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held, self._file = _continue(path)
        self._told = 0

    def write(self, line: Line) -> None:
        """Append a line, or check it against the one already there. StateError if they differ."""
        data = encode_line(line)
        if self._told < len(self._held):
            if self._held[self._told : self._told + len(data)] != data:
                raise StateError(
                    f"{self._path} was written by another world (seed, start or version differ); "
                    "give another --state directory or delete this one"
                )
            self._told += len(data)
        else:
            self._file.write(data)

    def flush(self) -> None:
        """Hand buffered lines to the system, before anything of them is served."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        self._file.close()


class Served(Struct, omit_defaults=True):
    """One entry of `served.jsonl`.

    `key`: `issue:<id>` (with creator and created), `listed:<id>` (its id in a search),
    `history:<id>`, `comment:<id>:<updated ms>`, `attachment:<id>`, `worklog:<id>:<updated ms>`,
    `worklog_deleted:<id>` — the first time only; `comments_of:<issue id>` — each complete listing
    of an issue's comments, with how many `ids` it held and the deleted ones it went `without`;
    `sweep` — each complete listing of all searchable issues, `began`/`ended` in virtual time, with
    the `count` of issues, the deleted issues first found `absent`, and the projects then
    `unsearchable` (hidden, archived or trashed); it `is_blind` when the account may not see some
    live project or security level, so that what is missing need not be deleted;
    `list:<resource>[:<parent>]` — each complete listing of configuration objects, likewise, with
    how many `lines` the ledger had when it began, that of users with their `names` by account id
    but for erased ones; all other keys are the exact channels of `Carrier`.
    """

    request: int
    served_at: str
    key: str
    ids: int | None = None
    without: list[str] | None = None
    began: str | None = None
    ended: str | None = None
    count: int | None = None
    absent: list[str] | None = None
    lines: int | None = None
    unsearchable: list[str] | None = None
    is_blind: bool = False
    names: dict[str, str] | None = None


class Listings:
    """Lists being paged through: a listing begins with its page at 0 and is complete at its end."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[int, int, int]] = {}

    def page(self, name: str, world: World, start: int, count: int, total: int) -> list[Served]:
        """Give the entry of a listing that this page ends, or none while it goes on.

        `count` objects from `start` of `total` are shown; a listing with pages left out is no
        complete one.
        """
        fresh = (world.now, world.line_count, 0)
        begun, lines, reached = fresh if start == 0 else self._begun.get(name, (0, 0, -1))
        if start > reached:
            return []
        reached = max(reached, start + count)
        self._begun[name] = (begun, lines, reached)
        if reached < total:
            return []
        now = iso(world.now)
        return [
            Served(
                0,
                now,
                name,
                began=iso(begun),
                ended=now,
                count=total,
                lines=lines,
            )
        ]


class ServedLog:
    """`served.jsonl`: what left the server completely and uncorrupted."""

    def __init__(self, path: Path) -> None:
        self.last_request = 0
        self._seen: set[str] = set()
        held, self._file = _continue(path)
        for entry in msgspec.json.Decoder(Served).decode_lines(held):
            self.last_request = max(self.last_request, entry.request)
            self._seen.add(entry.key)

    def write(self, request: int, at: int, keys: Iterable[str], details: Iterable[Served]) -> None:
        """Record one delivered response: plain keys once each, and the detailed entries."""
        moment = iso(at)
        new = [key for key in dict.fromkeys(keys) if key not in self._seen]
        self._seen.update(new)
        entries = [Served(request, moment, key) for key in new]
        entries += [msgspec.structs.replace(detail, request=request) for detail in details]
        if entries:
            self._file.write(msgspec.json.Encoder().encode_lines(entries))
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class FaultLog:
    """`faults.jsonl`: every injected fault."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def write(self, request: int, at: int, path: str, kind: str, **details: object) -> None:
        """Record one fault at virtual time `at`."""
        row = {"request": request, "at": iso(at), "path": path, "kind": kind, **details}
        self._file.write(msgspec.json.encode(row) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
