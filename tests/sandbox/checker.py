"""The checker: a snapshot must say what happened, all of it, once, and nothing else.

It reads three things: the sandbox's ledger (what happened, written by the world before any
API rendered it), the served log beside it (what the API has shown so far), and the marts of
a published snapshot. It shares no code and no SQL with the product: `oracle` works the expected
actions out in Python.

Verdicts, per action code:

* LOST: it was there to be known, the snapshot has no such action.
* DOUBLED: the snapshot has an action more than once.
* INVENTED: the snapshot has an action that never happened.
* WRONG: the action is there, a field of it is not true (which field is said).
* unobservable: it happened, but nothing could tell (a comment edited twice between two polls,
  say). Such actions may be missing; they are counted with the reason, not hidden.

Times are UTC throughout; instants are compared in whole microseconds.
"""

from __future__ import annotations

import bisect
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import msgspec

from tests.sandbox.oracle import (
    ABOUT_THE_ISSUE,
    EPOCH,
    FROM_A_HISTORY,
    LINKS,
    MICROSECOND,
    ONLY_DETECTED,
    REPEATABLE,
    VERSIONS,
    Evidence,
    Expected,
    Item,
    Line,
    Served,
    expected_actions,
    microseconds,
)
from tests.sandbox.site_oracle import IN_A_PROJECT, Key, expected_of_site, key_of

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


@dataclass(slots=True)
class Tally:
    """The verdict on one action code."""

    expected: int = 0
    found: int = 0
    lost: int = 0
    doubled: int = 0
    invented: int = 0
    wrong: int = 0
    unobservable: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    """Channel (`audit`, `webhook`, `listing`, `pull`, ...) -> true rows that it proved."""
    sources: Counter[str] = field(default_factory=Counter)
    """Source of the product -> true rows that name it."""

    @property
    def faults(self) -> int:
        """Number of faults of any class."""
        return self.lost + self.doubled + self.invented + self.wrong


@dataclass(slots=True)
class Report:
    """Tallies per code and the counter-examples, earliest in the ledger first."""

    tallies: dict[str, Tally]
    examples: list[dict[str, Any]]

    @property
    def faults(self) -> int:
        """Number of faults over all codes."""
        return sum(tally.faults for tally in self.tallies.values())

    def total(self, verdict: str) -> int:
        """Sum of one verdict (`lost`, `doubled`, `invented`, `wrong`, …) over all codes."""
        return sum(int(getattr(tally, verdict)) for tally in self.tallies.values())


class Matcher:
    """Pairs expected actions with the snapshot's rows and judges each pair."""

    def __init__(self, lines: list[Line], evidence: Evidence) -> None:
        self._evidence = evidence
        self._link: dict[str, str] = {}
        """History id of either end -> the name under which both ends' links are grouped."""
        for line in lines:
            if line.code in LINKS and line.link_histories:
                known = (self._link[one] for one in line.link_histories if one in self._link)
                name = next(known, line.link_histories[0])
                for history in line.link_histories:
                    self._link[history] = name
        self._texts = _texts_by_version(lines)
        self._places = _places(lines)
        self._secured = _secured_now(lines, evidence)
        self._members: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        """(Code, target) of the site's actions -> ids of the members they are about."""
        for line in lines:
            if line.member_id is not None:
                self._members[line.code, line.target_id].add(line.member_id)
        issues = [line for line in lines if not line.is_of_site and not line.code.startswith("_")]
        self._groups: dict[Key, list[Expected]] = defaultdict(list)
        for one in (*expected_actions(issues, evidence), *expected_of_site(lines, evidence)):
            self._groups[self._key_of_line(one.line)].append(one)
        for group in self._groups.values():
            group.sort(key=lambda one: not one.carriers)  # what has to be there comes first

    def _key_of_line(self, line: Line) -> Key:
        if line.is_of_site:
            return key_of(line)
        if line.code in LINKS:
            return line.code, self._link.get(next(iter(line.link_histories), "")), None
        if line.code in FROM_A_HISTORY:
            return line.code, line.event, None
        return line.code, line.issue_id if line.code in ABOUT_THE_ISSUE else line.target_id, None

    def _key_of_row(self, row: Action, changes: Sequence[Item]) -> Key:
        if row.code in LINKS:
            return row.code, self._link.get(row.source_event_id or "", row.source_event_id), None
        if row.code in FROM_A_HISTORY:
            return row.code, row.source_event_id, None
        if row.code in ABOUT_THE_ISSUE:
            return row.code, row.issue_id, None
        if row.code in IN_A_PROJECT:
            return row.code, row.target_id, row.project_id
        members = self._members.get((row.code, row.target_id), set())
        named = (name for item in changes for name in (item.new_id, item.old_id))
        return row.code, row.target_id, next((name for name in named if name in members), None)

    def judge(self, rows: Iterable[Action], changes: Mapping[str, list[Item]]) -> Report:
        """Compare all groups. `changes` maps an action id to its rows of changed fields."""
        report = _Recorder(self._evidence)
        found: dict[Key, list[Action]] = defaultdict(list)
        for row in rows:
            found[self._key_of_row(row, changes.get(row.action_id, ()))].append(row)
        for key, group in self._groups.items():
            self._judge_group(group, found.pop(key, []), changes, report)
        for strangers in found.values():
            for row in strangers:
                report.invented(row)
        return report.finish()

    def _judge_group(
        self,
        group: list[Expected],
        rows: list[Action],
        changes: Mapping[str, list[Item]],
        report: _Recorder,
    ) -> None:
        def differences(one: Expected, row: Action) -> list[tuple[str, object, object]]:
            return self._differences(one, row, changes.get(row.action_id, []))

        open_rows = list(rows)
        unmatched: list[Expected] = []
        matched: list[Expected] = []
        for one in group:  # exact pairs first, so that a doubled row is called doubled
            exact = next((row for row in open_rows if not differences(one, row)), None)
            if exact is None:
                unmatched.append(one)
            else:
                open_rows.remove(exact)
                matched.append(one)
                report.found(one)
                report.proved(one, exact)
        surplus = [row for row in open_rows if any(_same_instant(one, row) for one in matched)]
        open_rows = [row for row in open_rows if row not in surplus]
        for one in sorted(unmatched, key=lambda one: not one.carriers):
            # What the API never showed may pair with a row of its own instant only.
            close = [row for row in open_rows if one.carriers or _same_instant(one, row)]
            if close:
                _, row = min(
                    ((len(differences(one, row)), row) for row in close), key=itemgetter(0)
                )
                open_rows.remove(row)
                matched.append(one)
                report.wrong(one, row, differences(one, row))
            elif one.carriers:
                report.lost(one)
            else:
                report.unobservable(one)
        for row in surplus:
            report.doubled(row, next(one for one in matched if _same_instant(one, row)))
        for row in open_rows:
            if matched and row.code not in REPEATABLE and not matched[0].line.is_of_site:
                report.doubled(row, matched[0])
            else:
                report.invented(row)

    def _differences(
        self, one: Expected, row: Action, changes: list[Item]
    ) -> list[tuple[str, object, object]]:
        line = one.line
        if line.is_of_site:
            return self._differences_of_site(one, row, changes)
        truth: dict[str, object] = {"actor": self._actor(one)}
        told: dict[str, object] = {"actor": row.actor}

        def must(name: str, expected: object, observed: object) -> None:
            truth[name], told[name] = expected, observed

        if line.code in ONLY_DETECTED and one.told is None:
            holds = _is_in_window(one, row)
            must("observed window", line.at, line.at if holds else _when(row))
        elif self._told_from_the_other_end(line, row):
            must("occurred_at", _iso(microseconds(line.link_ats[1])), _iso(row.occurred_at))
            must("issue_id", line.other_issue_id, row.issue_id)
            return _differing(truth, told)
        elif one.told is None or row.occurred_at not in one.told.times:
            must("occurred_at", _iso(one.at), _iso(row.occurred_at))
        must("issue_id", self._issue(one), row.issue_id)
        if self._issue(one) is not None:
            project, issue_type = self._place(one, row)
            must("project_id", project, row.project_id)
            must("issue_type_id", issue_type, row.issue_type_id)
            must("is_secured", line.issue_id in self._secured, row.is_secured)
        for name, value in self._values(line, one).items():
            must(name, value, getattr(row, name))
        if line.code == "ISSUE_UPDATED":
            must("change_count", len(line.items), row.change_count)
            must("changes", _changes(line.items), _changes(changes))
            return _differing(truth, told) + _differing_texts(line, row)
        return _differing(truth, told)

    def _told_from_the_other_end(self, line: Line, row: Action) -> bool:
        """Tell whether a link has to be, and is, known by its inward end only."""
        return (
            line.code in LINKS
            and row.source_event_id in line.link_histories[1:]
            and not self._evidence.shown(f"history:{line.link_histories[0]}")
        )

    def _differences_of_site(
        self, one: Expected, row: Action, changes: list[Item]
    ) -> list[tuple[str, object, object]]:
        line, word = one.line, one.told
        truth: dict[str, object] = {
            "project_id": line.project_id,
            "issue_id": line.issue_id,
            "occurred_at": line.at,
        }
        told: dict[str, object] = {
            "project_id": row.project_id,
            "issue_id": row.issue_id,
            "occurred_at": line.at if _is_in_time(one, row) else _when(row),
        }
        if line.issue_id is not None:
            truth["is_secured"], told["is_secured"] = line.issue_id in self._secured, row.is_secured
        if word is not None and not word.has_project and row.project_id is None:
            del truth["project_id"]
        if word is not None:
            if row.actor not in word.actors and not (
                None in word.actors and row.actor_certainty == "inferred"
            ):
                truth["actor"], told["actor"] = next(iter(word.actors)), row.actor
            if row.sources is not None:
                sources = frozenset(row.sources.split(","))
                truth["sources"], told["sources"] = word.sources, word.sources & sources
            truth["values"] = values = [value[:2] for value in word.values]
            told["values"] = [
                text
                for text, value in zip(values, word.values, strict=True)
                if _is_told(value, changes)
            ]
        return _differing(truth, told)

    def _place(self, one: Expected, row: Action) -> tuple[str | None, str | None]:
        """Give project and type as of the action; for a window, as of its end."""
        line = one.line
        if line.code not in ONLY_DETECTED or one.told is not None:
            return line.project_id, line.issue_type_id
        places = self._places[line.issue_id]
        last = bisect.bisect_right(places, row.occurred_at, key=itemgetter(0)) - 1
        return places[max(last, 0)][1:]

    def _actor(self, one: Expected) -> str | None:
        line = one.line
        if one.told is not None and one.told.actors != {None}:
            return line.true_actor
        if line.code in ONLY_DETECTED:
            return None
        if line.code == "WORKLOG_DELETED" and not self._evidence.shown(f"history:{line.event}"):
            return None
        return line.actor

    def _issue(self, one: Expected) -> str | None:
        line = one.line
        if line.code == "WORKLOG_DELETED" and not (
            one.told is not None
            or self._evidence.any_version("worklog", line.target_id)
            or self._evidence.shown(f"history:{line.event}")
        ):
            return None
        return line.issue_id

    def _values(self, line: Line, one: Expected) -> dict[str, str | None]:
        """Columns whose value the ledger fixes, beyond those every action has."""
        if len(line.items) != 1:
            return {}
        item = line.items[0]
        values = {"old_value": _storable(item.old), "new_value": _storable(item.new)}
        if line.code == "STATUS_CHANGED":
            return values | {"from_status_id": item.old_id, "to_status_id": item.new_id}
        if line.code == "ISSUE_RESOLVED":
            return values | {"resolution_id": item.new_id}
        if line.code in VERSIONS:
            return self._values_of_version(line, one)
        if line.code == "COMMENT_DELETED" and one.told is None:
            return values | {"old_value": self._last_text_shown("comment", one)}
        return values

    def _last_text_shown(self, kind: str, one: Expected) -> str | None:
        """Give the text of the last version before an action that was shown."""
        shown = self._evidence.versions.get(f"{kind}:{one.line.target_id}", {})
        before = [at for at in shown if at < one.at]
        return self._texts[kind, one.line.target_id].get(max(before)) if before else None

    def _values_of_version(self, line: Line, one: Expected) -> dict[str, str | None]:
        """Give the new text if it was shown, and the old text of the last version shown before."""
        kind = VERSIONS[line.code]
        shown = self._evidence.versions.get(f"{kind}:{line.target_id}", {})
        values: dict[str, str | None] = {}
        if one.at in shown:
            values["new_value"] = _storable(line.items[0].new)
        if line.code in REPEATABLE:
            values["old_value"] = self._last_text_shown(kind, one)
        return values


class _Recorder:
    """Counts verdicts and keeps the earliest examples of each kind of fault."""

    KEPT = 3

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._tallies: dict[str, Tally] = defaultdict(Tally)
        self._examples: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)

    def found(self, one: Expected) -> None:
        tally = self._tallies[one.line.code]
        tally.found += 1
        tally.expected += bool(one.carriers)

    def proved(self, one: Expected, row: Action) -> None:
        """Count the channels that told of a true row, and the sources it names."""
        self._tallies[one.line.code].sources.update((row.sources or "").split(","))
        channels = self._tallies[one.line.code].channels
        channels.update(one.told.channels if one.told else ())
        if not one.line.is_of_site:
            is_pulled = any(not carrier.startswith("webhook:") for carrier in one.carriers)
            channels["listing" if row.observed_from is not None else "pull"] += is_pulled

    def wrong(
        self, one: Expected, row: Action, differences: list[tuple[str, object, object]]
    ) -> None:
        self.found(one)
        self._tallies[one.line.code].wrong += 1
        told = [
            {"field": name, "expected": truth, "observed": said}
            for name, truth, said in differences
        ]
        names = tuple(name for name, _, _ in differences)
        self._keep(("WRONG", *names), one=one, row=row, differences=told)

    def lost(self, one: Expected) -> None:
        tally = self._tallies[one.line.code]
        tally.lost += 1
        tally.expected += 1
        self._keep(("LOST",), one=one)

    def unobservable(self, one: Expected) -> None:
        self._tallies[one.line.code].unobservable[one.reason] += 1

    def doubled(self, row: Action, one: Expected) -> None:
        self._tallies[row.code].doubled += 1
        self._keep(("DOUBLED",), one=one, row=row)

    def invented(self, row: Action) -> None:
        self._tallies[row.code].invented += 1
        self._keep(("INVENTED",), row=row)

    def _keep(
        self,
        fault: tuple[str, ...],
        *,
        one: Expected | None = None,
        row: Action | None = None,
        differences: list[dict[str, object]] | None = None,
    ) -> None:
        code = one.line.code if one else row.code if row else ""
        kept = self._examples[(code, *fault)]
        example: dict[str, Any] = {"fault": fault[0], "code": code}
        if one:
            example["ledger"] = msgspec.to_builtins(one.line)
            example["requests"] = [self._request(key) for key in one.carriers]
        if row:
            example["row"] = {
                name: _iso(value)
                if name in {"occurred_at", "observed_from", "observed_to"}
                else value
                for name, value in ((name, getattr(row, name)) for name in row.__slots__)
            }
        if differences:
            example["differences"] = differences
        kept.append(example)
        if len(kept) > self.KEPT:
            kept.sort(key=_order)
            kept.pop()

    def _request(self, key: str) -> dict[str, object]:
        served = self._evidence.first.get(key)
        if served is None:  # a listing: named by its request
            name, is_listing, request = key.rpartition("@")
            if not is_listing:  # of a log that was read beyond it
                return {"key": key, "request": None}
            return {"key": name, "request": int(request)}
        return {"key": key, "request": served.request, "served_at": served.served_at}

    def finish(self) -> Report:
        examples = [one for kept in self._examples.values() for one in sorted(kept, key=_order)]
        return Report(dict(sorted(self._tallies.items())), examples)


def _order(example: dict[str, Any]) -> tuple[int, str]:
    ledger, row = example.get("ledger"), example.get("row")
    return (ledger["n"] if ledger else 1 << 62, row["action_id"] if row else "")


def _differing(
    truth: Mapping[str, object], told: Mapping[str, object]
) -> list[tuple[str, object, object]]:
    return [(name, truth[name], told[name]) for name in truth if truth[name] != told[name]]


def _same_instant(one: Expected, row: Action) -> bool:
    if one.line.is_of_site:
        return _is_in_time(one, row) or (bool(one.carriers) and _is_in_window(one, row))
    if one.told is not None and row.occurred_at in one.told.times:
        return True
    if one.line.code in ONLY_DETECTED:
        return (row.observed_from or 0) <= one.at <= row.occurred_at
    return one.at == row.occurred_at


def _is_told(
    value: tuple[str | None, str | None, str | None, str | None], changes: Iterable[Item]
) -> bool:
    """Tell whether a change is among a row's, by its texts, or its ids: things are renamed."""
    old, new, *ids = value
    texts = (_storable(old), _storable(new))
    return any(
        (item.old, item.new) == texts or (any(ids) and [item.old_id, item.new_id] == ids)
        for item in changes
    )


def _differing_texts(line: Line, row: Action) -> list[tuple[str, object, object]]:
    """Compare the texts of several changes: each must be there, in any order."""
    differing: list[tuple[str, object, object]] = []
    for side in ("old", "new"):
        lines = _text_of(line.items, side)
        text = getattr(row, f"{side}_value")
        if len(line.items) > 1 and any(part not in (text or "") for part in lines):
            differing.append((f"{side}_value", "\n".join(lines), text))
    return differing


def _is_in_time(one: Expected, row: Action) -> bool:
    """Tell whether a row of the site's gives an instant that was told, or a window that holds."""
    word = one.told
    if row.observed_from is None:
        return row.occurred_at in (word.times if word else {one.at})
    if word is not None and word.times:
        return False
    widest = word.window if word else None
    return _is_in_window(one, row) and (
        widest is None or (widest[0] <= row.observed_from and row.occurred_at <= widest[1])
    )


def _is_in_window(one: Expected, row: Action) -> bool:
    return (
        row.observed_from is not None
        and row.observed_to == row.occurred_at
        and row.observed_from <= one.at <= row.occurred_at
    )


def _when(row: Action) -> list[str | None]:
    return [_iso(row.observed_from), _iso(row.occurred_at)]


def _iso(at: int | None) -> str | None:
    return None if at is None else (EPOCH + at * MICROSECOND).isoformat()


def _storable(text: str | None) -> str | None:
    """Show the character NUL by its sign, as a store must that ends texts with it."""
    return text and text.replace("\0", "\N{SYMBOL FOR NULL}")


def _changes(items: Iterable[Item]) -> list[list[str | None]]:
    """Put changed fields in one order; a field without an id is named by its display name."""
    return sorted(
        (
            [i.field_id or i.field, i.field, i.old_id, _storable(i.old), i.new_id, _storable(i.new)]
            for i in items
        ),
        key=lambda parts: [part or "" for part in parts],
    )


def _text_of(items: Iterable[Item], side: str) -> list[str]:
    values = ((item.field, _storable(getattr(item, side))) for item in items)
    return [f"{name}: {value}" for name, value in values if value]


def _texts_by_version(lines: list[Line]) -> dict[tuple[str, str | None], dict[int, str | None]]:
    texts: dict[tuple[str, str | None], dict[int, str | None]] = defaultdict(dict)
    for line in lines:
        if line.items and line.code in VERSIONS:
            text = _storable(line.items[0].new)
            texts[VERSIONS[line.code], line.target_id][microseconds(line.at)] = text
    return texts


def _places(lines: list[Line]) -> dict[str | None, list[tuple[int, str | None, str | None]]]:
    """List for each issue since when it was in which project and of which type."""
    places: dict[str | None, list[tuple[int, str | None, str | None]]] = defaultdict(list)
    for line in lines:
        known = places[line.issue_id]
        if not known or known[-1][1:] != (line.project_id, line.issue_type_id):
            known.append((microseconds(line.at), line.project_id, line.issue_type_id))
    return places


def _secured_now(lines: list[Line], evidence: Evidence) -> set[str]:
    """Issues that have a security level, as far as the API has told."""
    secured: set[str] = set()
    for line in lines:
        heard = evidence.shown(*(carrier.key for carrier in line.carriers))
        created = line.code == "ISSUE_CREATED" and (
            heard or evidence.shown(f"issue:{line.issue_id}")
        )
        changed = (
            line.code == "ISSUE_UPDATED"
            and any(item.field_id == "security" for item in line.items)
            and (heard or evidence.shown(f"history:{line.event}"))
        )
        if line.issue_id and (created or changed):
            (secured.add if line.secured else secured.discard)(line.issue_id)
    return secured


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


def check(ledger: Path, snapshot: Path) -> Report:
    """Compare a snapshot with the ledger (or the folder of it) and the served log beside it."""
    if ledger.is_dir():
        ledger /= "ledger.jsonl"
    lines = read_lines(ledger, Line)
    evidence = Evidence(read_lines(ledger.with_name("served.jsonl"), Served))
    rows, changes = read_snapshot(find_snapshot(snapshot))
    return Matcher(lines, evidence).judge(rows, changes)


def main(ledger: Path, snapshot: Path, *, as_json: bool = False) -> int:
    """Print the verdict; 0 = exact, 1 = at least one fault, 2 = the check could not be made."""
    try:
        report = check(ledger, snapshot)
    except (CheckError, duckdb.Error) as error:
        sys.stderr.write(f"check: {error}\n")
        return 2
    sys.stdout.write(render_json(report) if as_json else render(report))
    return 1 if report.faults else 0


def render_json(report: Report) -> str:
    """Write the whole report as one JSON document."""
    codes = {
        code: {
            name: getattr(tally, name)
            for name in ("expected", "found", "lost", "doubled", "invented", "wrong")
        }
        | {"unobservable": dict(tally.unobservable), "channels": dict(tally.channels)}
        for code, tally in report.tallies.items()
    }
    document = {"faults": report.faults, "codes": codes, "examples": report.examples}
    return json.dumps(document, indent=2) + "\n"


def render(report: Report) -> str:
    """Write a table per code, why the rest cannot be known, and the counter-examples."""
    columns = ("expected", "found", "lost", "doubled", "invented", "wrong")
    wide = max([20, *(len(code) + 1 for code in report.tallies)])
    head = "".join(f"{name:>10}" for name in columns)
    out = [f"{'action':<{wide}}{head}  unobservable  proved by"]
    for code, tally in report.tallies.items():
        numbers = "".join(f"{getattr(tally, name):>10,}" for name in columns)
        channels = ", ".join(f"{name} {count:,}" for name, count in sorted(tally.channels.items()))
        out.append(f"{code:<{wide}}{numbers}{tally.unobservable.total():>14,}  {channels}")
    totals = "".join(f"{report.total(name):>10,}" for name in columns)
    unobservable = sum((tally.unobservable for tally in report.tallies.values()), Counter[str]())
    out.append(f"{'all':<{wide}}{totals}{unobservable.total():>14,}")
    if unobservable:
        out += ["", "Not observable, and why:"]
        out += [f"{count:>10,}  {reason}" for reason, count in unobservable.most_common()]
    for example in report.examples:
        out += ["", f"{example['fault']} {example['code']}"]
        out += [
            f"    {one['field']}: expected {one['expected']!r}, observed {one['observed']!r}"
            for one in example.get("differences", ())
        ]
        out += [
            f"    {name}: {json.dumps(example[name], ensure_ascii=False)}"
            for name in ("ledger", "requests", "row")
            if name in example
        ]
    verdict = f"{report.faults:,} faults" if report.faults else "exact: nothing lost, doubled, "
    out += ["", verdict if report.faults else verdict + "invented or wrong", ""]
    return "\n".join(out)
