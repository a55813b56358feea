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
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path

import duckdb

from tests.sandbox.check_inputs import Action, CheckError, find_snapshot, read_lines, read_snapshot
from tests.sandbox.oracle import (
    ABOUT_THE_ISSUE,
    FROM_A_HISTORY,
    LINKS,
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
from tests.sandbox.verdicts import Recorder, Report, instant, render, render_json

PLACES = frozenset({"project", "issuetype"})
"""Ids of the fields that say where an issue is, and what."""


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
        self._places = _places(lines, evidence)
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
        report = Recorder(self._evidence)
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
        report: Recorder,
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
            must("occurred_at", instant(microseconds(line.link_ats[1])), instant(row.occurred_at))
            must("issue_id", line.other_issue_id, row.issue_id)
            return _differing(truth, told)
        elif one.told is None or row.occurred_at not in one.told.times:
            must("occurred_at", instant(one.at), instant(row.occurred_at))
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
            if row.actor not in word.actors and not _is_fair_guess(one, row):
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
        """Give project and type as of the action; for a window, the last shown as of its end."""
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


def _is_fair_guess(one: Expected, row: Action) -> bool:
    """Tell whether an actor that no channel tells may be inferred; by a name alone, if it is true.

    A listing of people that broke off may have told the product whose name it was.
    """
    word = one.told
    if word is None or None not in word.actors or row.actor_certainty != "inferred":
        return False
    return "asset_name" not in word.channels or row.actor == one.line.actor


def _is_in_window(one: Expected, row: Action) -> bool:
    return (
        row.observed_from is not None
        and row.observed_to == row.occurred_at
        and row.observed_from <= one.at <= row.occurred_at
    )


def _when(row: Action) -> list[str | None]:
    return [instant(row.observed_from), instant(row.occurred_at)]


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


def _places(
    lines: list[Line], evidence: Evidence
) -> dict[str | None, list[tuple[int, str | None, str | None]]]:
    """List for each issue since when it was in which project and of which type, as was shown."""
    places: dict[str | None, list[tuple[int, str | None, str | None]]] = defaultdict(list)
    for line in lines:
        known = places[line.issue_id]
        place = (microseconds(line.at), line.project_id, line.issue_type_id)
        keys = [one.key for one in line.carriers if one.key.startswith("webhook:")]
        if any(item.field_id in PLACES for item in line.items):
            keys.append(f"history:{line.event}")
        if not known or (known[-1][1:] != place[1:] and evidence.shown(*keys)):
            known.append(place)
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
