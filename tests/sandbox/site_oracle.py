"""The expected actions of the site: projects, people, boards, versions, views - all but the issues.

Such an action is told exactly by the channels that name it (`carriers` of its ledger line), or
only found by comparing two complete listings (`listing`). Worked out here, without product code:

* what a served carrier tells is one action, with the time it tells, and with its actor if any
  served carrier tells it. Lines of one thing within `ISLAND` of each other are told apart per
  source: the k-th telling of each source is the k-th action;
* what no carrier told is found between two listings, once at most: first old and last new values;
  nothing if it was undone, or came and went; nothing of its own beside an exact one;
* a board that is gone is missed by the first listing made while its project is in sight: one in a
  project that is archived, in the trash, or hidden is not listed either way;
* logs are read in order: a record is owed once a much later one was served;
* views of one person and issue within five minutes of a counted one are one view;
* a name that a carrier shows instead of an account tells who it was if one account alone was ever
  listed by it, and was in the last listing before;
* a person was last active when the newest record says that names them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from tests.sandbox.oracle import (
    LATENESS,
    MICROSECOND,
    Carrier,
    Evidence,
    Expected,
    Item,
    Line,
    Listing,
    Told,
    microseconds,
)

SECOND = 1_000_000
ISLAND = 10 * SECOND
SLACK = 60 * SECOND
"""How much wider than the two listings a window may be: a run begins before its listings."""
VIEW_WINDOW = 300 * SECOND
KEPT = 180 * 86_400 * SECOND
"""How long the administration log and the organisation keep a record."""
VIEWS = "ISSUE_VIEWED"
LAST_ACTIVE = "USER_LAST_ACTIVE"
LOGS = frozenset({"audit", "org_event", "confluence"})
OF_ACTIVITY = frozenset({"audit", "org_event", "asset_history", "last_active"})

SOURCES = {
    "audit": "jira_audit",
    "org_event": "org_events",
    "last_active": "org_events",
    "webhook": "inbox",
    "view": "inbox",
    "asset": "assets",
    "asset_history": "assets",
    "asset_name": "assets",
    "confluence": "confluence",
    "sprint_dates": "jira_software",
    "project_state": "jira_platform",
}
"""Kind of a carrier -> the product's source that reads it."""

_APPEARS = ("_CREATED", "_COPIED", "_ADDED", "_ADDED_TO_GROUP", "_INVITED_TO_SITE")
_SHOWN_BY_ARRIVING = frozenset({"SPRINT_STARTED"})
"""Nothing is made in such a state: what arrives in it was brought there since."""
_VANISHES = ("_DELETED", "_REMOVED_FROM_GROUP", "_REMOVED_FROM_SITE")

IN_A_PROJECT = frozenset({"PROJECT_ROLES_CHANGED", "PERMISSION_SCHEME_ADDED_TO_PROJECT"})
"""Codes whose target means another thing in each project."""

Key = tuple[str, str | None, str | None]
"""Action code, target id, member id: what actions are told apart by, besides their time."""
Thing = tuple[str | None, str | None]
"""Target id, member id."""
Values = tuple[tuple[str | None, str | None, str | None, str | None], ...]
"""Old text, new text, old id, new id of each change."""


def kind_of(carrier: str) -> str:
    """Give the channel of a served key: `audit` of `audit:17`."""
    return carrier.partition(":")[0]


def key_of(line: Line) -> Key:
    """Give what an action is an action on."""
    member = line.project_id if line.code in IN_A_PROJECT else line.member_id
    return line.code, line.target_id, member


def expected_of_site(lines: list[Line], evidence: Evidence) -> Iterator[Expected]:
    """Work out the site's expected actions from its ledger lines (facts among them)."""
    actions = [
        _as_told(line, evidence)
        for line in lines
        if line.is_of_site and not line.code.startswith("_")
    ]
    told_by_webhook = {
        line.issue_id
        for line in lines
        if not line.is_of_site and evidence.shown(*(carrier.key for carrier in line.carriers))
    }

    def is_known(issue_id: str | None) -> bool:
        return issue_id in told_by_webhook or bool(evidence.shown(f"issue:{issue_id}"))

    yield from _views([line for line in actions if line.code == VIEWS], evidence, is_known)
    yield from _last_active(lines, evidence)
    yield from _exact_and_listed([line for line in actions if line.code != VIEWS], evidence)


def _as_told(line: Line, evidence: Evidence) -> Line:
    """Give the line with carriers that tell who only where the name they show tells it."""
    if not any(carrier.named for carrier in line.carriers):
        return line
    at = microseconds(line.at)
    return msgspec.structs.replace(
        line,
        carriers=[
            msgspec.structs.replace(carrier, tells_actor=False)
            if carrier.named and not evidence.tells(carrier.named, line.actor, at)
            else carrier
            for carrier in line.carriers
        ],
    )


# -- exactly told ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Telling:
    """One source's word on a line."""

    at: int
    source: str
    line: Line
    carriers: list[Carrier] = field(default_factory=list)


def _exact_and_listed(lines: list[Line], evidence: Evidence) -> Iterator[Expected]:
    owed = _Owed(lines, evidence)
    unlisted = _unlisted_boards(lines, evidence)
    groups: dict[Key, list[Line]] = defaultdict(list)
    for line in lines:
        groups[key_of(line)].append(line)
    untold: list[Expected] = []
    exact: dict[Key, list[int]] = {}
    for key, group in groups.items():
        tellings: list[_Telling] = []
        for line in group:
            served = [carrier for carrier in line.carriers if evidence.shown(carrier.key)]
            if not served and owed.names(line):
                carriers = owed.names(line)
                at = microseconds(line.at)
                yield Expected(line, at, tuple(c.key for c in carriers), told=_told(line, carriers))
            elif not served:
                # What a listing shows as coming into sight or going out of it is no action.
                shown = line if (line.listing_code or "").startswith("_") else _as_listed(line)
                untold.append(Expected(shown, microseconds(line.at), ()))
            tellings += _tellings(line, served)
        exact[key] = sorted(telling.at for telling in tellings)
        for one in _as_actions(tellings):
            if one.told and one.told.channels == {"webhook"} and unlisted(one.line):
                one.told = replace(one.told, has_project=False)
            yield one
    yield from _listed(untold, exact, lines, evidence)


def _unlisted_boards(lines: Iterable[Line], evidence: Evidence) -> Callable[[Line], bool]:
    """Tell actions on boards that no list has ever shown: their webhooks name no project."""
    listings = evidence.listings.get("list:boards", [])
    marks = {mark for listing in listings for mark in (listing.lines_before, listing.lines)}
    lives: dict[str | None, list[float]] = defaultdict(lambda: [0, math.inf])
    for line in lines:
        if line.code == "BOARD_CREATED":
            lives[line.target_id][0] = line.n
        elif line.code == "BOARD_DELETED":
            lives[line.target_id][1] = line.n

    def is_unlisted(line: Line) -> bool:
        born, gone = lives[line.target_id]
        return line.code.startswith("BOARD_") and not any(born <= mark < gone for mark in marks)

    return is_unlisted


def _tellings(line: Line, served: Iterable[Carrier]) -> list[_Telling]:
    """Group served carriers by source; a source that tells twice is heard once, first."""
    tellings: dict[str, _Telling] = {}
    for carrier in served:
        at = microseconds(line.at) if carrier.at is None else carrier.at * 1000
        source = SOURCES[kind_of(carrier.key)]
        telling = tellings.setdefault(source, _Telling(at, source, line))
        telling.at = min(telling.at, at)
        telling.carriers.append(carrier)
    return list(tellings.values())


def _as_actions(tellings: list[_Telling]) -> Iterator[Expected]:
    """Make the k-th tellings of each source, within an island of time, one action."""
    for island in _islands(tellings):
        by_source: dict[str, list[_Telling]] = defaultdict(list)
        for telling in island:
            by_source[telling.source].append(telling)
        for number in range(max(map(len, by_source.values()))):
            row = [of_one[number] for of_one in by_source.values() if number < len(of_one)]
            line = min((telling.line for telling in row), key=lambda line: line.n)
            yield Expected(
                line,
                microseconds(line.at),
                tuple(carrier.key for telling in row for carrier in telling.carriers),
                told=_merged(row),
            )


def _islands(tellings: list[_Telling]) -> Iterator[list[_Telling]]:
    """Cut tellings where nothing is told for longer than `ISLAND`; a line is never cut."""
    last: dict[int, int] = {}
    for telling in tellings:
        last[telling.line.n] = max(last.get(telling.line.n, 0), telling.at)
    island: list[_Telling] = []
    until = 0
    for telling in sorted(tellings, key=lambda telling: (telling.at, telling.line.n)):
        if island and telling.at > until + ISLAND:
            yield island
            island = []
        island.append(telling)
        until = max(until, last[telling.line.n])
    if island:
        yield island


def _merged(row: list[_Telling]) -> Told:
    parts = [_told(telling.line, telling.carriers) for telling in row]
    actors = frozenset(actor for part in parts for actor in part.actors if actor is not None)
    return Told(
        times=frozenset(time for part in parts for time in part.times),
        actors=actors or frozenset({None}),
        values=next((part.values for part in parts if part.values), ()),
        sources=frozenset(telling.source for telling in row),
        channels=frozenset(channel for part in parts for channel in part.channels),
    )


def _told(line: Line, carriers: Iterable[Carrier]) -> Told:
    carriers = list(carriers)
    has_actor = any(carrier.tells_actor for carrier in carriers)
    return Told(
        times=frozenset(
            microseconds(line.at) if carrier.at is None else carrier.at * 1000
            for carrier in carriers
        ),
        actors=frozenset({line.actor if has_actor else None}),
        values=_values(line) if any(carrier.tells_items for carrier in carriers) else (),
        sources=frozenset(SOURCES[kind_of(carrier.key)] for carrier in carriers),
        channels=frozenset(kind_of(carrier.key) for carrier in carriers),
    )


def _values(line: Line) -> Values:
    return tuple(
        (item.old, item.new, item.old_id, item.new_id)
        for item in line.items
        if item.old != item.new
    )


class _Owed:
    """What a log still owes: records that it shows long before one that it has served."""

    def __init__(self, lines: Iterable[Line], evidence: Evidence) -> None:
        self._newest: dict[str, int] = {}
        self._begun: dict[str, int] = {}
        """Log -> when the first of its records was served; what was too old then is gone."""
        for line in lines:
            for carrier in line.carriers:
                log = self._log(line, carrier)
                served = evidence.first.get(carrier.key)
                if log is not None and served is not None:
                    self._newest[log] = max(self._newest.get(log, 0), _appears(line, carrier))
                    began = microseconds(served.served_at)
                    self._begun[log] = min(self._begun.get(log, began), began)

    @staticmethod
    def _log(line: Line, carrier: Carrier) -> str | None:
        kind = kind_of(carrier.key)
        if kind in LOGS:
            return kind
        return f"assets:{line.target_id}" if kind in {"asset_history", "asset_name"} else None

    def names(self, line: Line) -> list[Carrier]:
        """Give the carriers of a line that should have been asked for."""
        at = microseconds(line.at)
        logs = ((carrier, self._log(line, carrier)) for carrier in line.carriers)
        return [
            carrier
            for carrier, log in logs
            if log in self._begun
            and self._newest[log] > _appears(line, carrier) + LATENESS // MICROSECOND
            and self._begun[log] - KEPT <= at
        ]


def _appears(line: Line, carrier: Carrier) -> int:
    return microseconds(line.at) if carrier.appears is None else carrier.appears * 1000


# -- found between two listings ----------------------------------------------------------------


_NOTHING = Told(frozenset(), frozenset({None}), frozenset(), frozenset(), window=(1, 0))
"""Of a change that no row can be about: no window is narrow enough."""


def _listed(
    untold: list[Expected], exact: dict[Key, list[int]], lines: list[Line], evidence: Evidence
) -> Iterator[Expected]:
    """Judge what no channel told by the first listing after it."""
    windows: dict[tuple[Listing, Thing], list[Expected]] = defaultdict(list)
    is_in_sight = _projects_in_sight(lines)
    for one in untold:
        listing = _revealing(one.line, evidence)
        if listing is None:
            one.reason = "no channel told it" + _why_unlisted(one.line, evidence)
        elif (listing := _in_sight(listing, one.line, is_in_sight, evidence)) is None:
            one.told = _NOTHING
            one.reason = "its project was out of sight whenever its list was read since"
        else:
            windows[listing, _thing_of(one.line)].append(one)
    things: dict[Thing, list[Line]] = defaultdict(list)
    for line in map(_as_listed, lines):
        things[_thing_of(line)].append(line)
    for (listing, thing), members in windows.items():
        by_code: dict[str, list[Expected]] = defaultdict(list)
        for one in members:
            by_code[one.line.code].append(one)
        codes = _codes_shown(listing, thing, things)
        for of_code in by_code.values():
            _judge_window(listing, of_code, codes, exact.get(key_of(of_code[0].line), ()))
    return iter(untold)


def _as_listed(line: Line) -> Line:
    """Give the line as a listing shows it, which may be as another action."""
    return msgspec.structs.replace(line, code=line.listing_code or line.code)


def _thing_of(line: Line) -> Thing:
    """Give what two listings are compared by; a project has one permission scheme at a time."""
    _, target, member = key_of(line)
    return (None if line.code == "PERMISSION_SCHEME_ADDED_TO_PROJECT" else target), member


def _codes_shown(
    listing: Listing, thing: Thing, things: Mapping[Thing, list[Line]]
) -> Mapping[str, Values]:
    """Tell which codes a listing shows of a thing, with first old and last new values."""

    def story_of(one: Thing) -> list[Line]:
        return [
            line
            for line in things[one]
            if listing.name in line.listing_names and listing.shows_first(line.n)
        ]

    target, member = thing
    if member is not None and any(
        line.code.endswith(_APPEARS + _VANISHES) for line in story_of((target, None))
    ):
        return {}  # members of what is new or gone are part of it
    return _net_codes(story_of(thing))


def _judge_window(
    listing: Listing, of_code: list[Expected], codes: Mapping[str, Values], exact: Iterable[int]
) -> None:
    """Say of changes of one kind that only this listing shows what is left of them."""
    *others, last = of_code
    for one in of_code:
        one.told = _NOTHING
    for one in others:
        one.reason = "several changes between two listings are one"
    since, until = listing.begun_before - ISLAND, listing.ended + ISLAND
    if last.line.code not in codes:
        last.reason = "undone, or part of a coming or going, between two listings"
    elif any(since <= at <= until for at in exact):
        last.reason = "between two listings, beside an action that was told exactly"
    else:
        last.carriers = (f"{listing.name}@{listing.request}",)
        last.told = Told(
            times=frozenset(),
            actors=frozenset({None}),
            window=(listing.begun_before - SLACK, listing.ended + SLACK),
            values=codes[last.line.code],
            sources=frozenset(),
            channels=frozenset({"listing"}),
        )


def _revealing(line: Line, evidence: Evidence) -> Listing | None:
    """Give the first listing that shows the line's change against the one before it."""
    found = [
        listing
        for name in line.listing_names
        for listing in evidence.listings.get(name, ())
        if listing.shows_first(line.n)
    ]
    return min(found, key=lambda listing: listing.ended, default=None)


def _projects_in_sight(lines: Iterable[Line]) -> Callable[[str | None, int], bool]:
    """Tell whether a project was live and visible when the ledger had so many lines."""
    hidden, shelved = "_PROJECT_HIDDEN", "PROJECT_UPDATED"
    reasons: dict[str | None, list[tuple[int, frozenset[str]]]] = defaultdict(
        lambda: [(0, frozenset())]
    )
    for line in lines:
        known = reasons[line.target_id][-1][1] if "PROJECT_" in line.code else frozenset()
        if line.code in {hidden, "_PROJECT_TRASHED", "PROJECT_DELETED"}:
            known |= {line.code}
        elif line.code == "_PROJECT_UNHIDDEN":
            known -= {hidden}
        elif line.code == shelved and line.items[0].field == "State":
            known = known - {shelved} if line.items[0].new == "Live" else known | {shelved}
        else:
            continue
        reasons[line.target_id].append((line.n, known))

    def is_in_sight(project: str | None, count: int) -> bool:
        return not [why for number, why in reasons[project] if number <= count][-1]

    return is_in_sight


def _in_sight(
    listing: Listing,
    line: Line,
    is_in_sight: Callable[[str | None, int], bool],
    evidence: Evidence,
) -> Listing | None:
    """Give the listing that proves what `listing` is the first to miss, since when it did."""
    if line.code != "BOARD_DELETED":
        return listing
    return next(
        (
            replace(later, begun_before=listing.begun_before, lines_before=listing.lines_before)
            for later in evidence.listings[listing.name]
            if later.lines >= listing.lines and is_in_sight(line.project_id, later.lines)
        ),
        None,
    )


def _why_unlisted(line: Line, evidence: Evidence) -> str:
    if not line.listing_names:
        return ""
    if any(evidence.listings.get(name) for name in line.listing_names):
        return ", and it was before the first complete listing or after the last"
    return ", and its list was never read"


def _net_codes(story: list[Line]) -> Mapping[str, Values]:
    """Tell which codes a comparison shows of a thing's changes, with first old and last new."""
    comings = [line for line in story if line.code.endswith(_APPEARS)]
    goings = [line for line in story if line.code.endswith(_VANISHES)]
    presence = sorted(comings + goings, key=lambda line: line.n)
    if presence:
        was_there, is_there = presence[0] in goings, presence[-1] in comings
        if not was_there or not is_there:
            if was_there == is_there:
                return {}
            arrived = [line for line in story if is_there and line.code in _SHOWN_BY_ARRIVING]
            # What came or went has the name that it had when it was listed.
            return {line.code: _values(line) for line in arrived} | {presence[-1].code: ()}
    net: dict[str, tuple[Item, Item, str]] = {}
    codes: dict[str, list[tuple[str | None, str | None, str | None, str | None]]] = {}
    for line in story:
        if not line.items and line not in presence:
            codes[line.code] = []  # nothing says what changed: it cannot be undone
        for item in line.items:
            name = item.field_id or item.field
            first = net[name][0] if name in net else item
            net[name] = (first, item, line.code)
    for first, last, code in net.values():
        if first.old != last.new:
            value = (first.old, last.new, first.old_id, last.new_id)
            codes.setdefault(code, []).append(value)
    return {code: tuple(values) for code, values in codes.items()}


# -- derived by a rule -------------------------------------------------------------------------


def _views(
    lines: list[Line], evidence: Evidence, is_known: Callable[[str | None], bool]
) -> Iterator[Expected]:
    """Count the views that were told: five minutes from the last counted one."""
    looks: dict[tuple[str | None, str | None], list[Expected]] = defaultdict(list)
    for line in lines:
        if not is_known(line.issue_id):
            line = _as_named(line)  # noqa: PLW2901 - the same look, as far as it is told
        served = [carrier for carrier in line.carriers if evidence.shown(carrier.key)]
        one = Expected(line, microseconds(line.at), tuple(carrier.key for carrier in served))
        if served:
            one.told = _told(line, served)
            looks[line.actor, line.target_id].append(one)
        else:
            one.reason = "no channel told of the view"
            yield one
    for told in looks.values():
        counted: int | None = None
        for one in sorted(told, key=lambda one: one.at):
            if counted is None or one.at >= counted + VIEW_WINDOW:
                counted = one.at
                yield one


def _as_named(line: Line) -> Line:
    """Give a look at an issue that no source has told of: without project, and mostly id."""
    if line.target_label == line.issue_id:
        return msgspec.structs.replace(line, project_id=None)
    return msgspec.structs.replace(
        line, target_id=line.target_label, issue_id=None, project_id=None
    )


def _last_active(lines: list[Line], evidence: Evidence) -> Iterator[Expected]:
    """Give each person's newest record, whatever it is about."""
    newest: dict[str, tuple[int, Line, Carrier]] = {}
    for line in lines:
        for carrier in line.carriers if line.actor is not None else ():
            if not carrier.tells_actor or kind_of(carrier.key) not in OF_ACTIVITY:
                continue
            at = microseconds(line.at) if carrier.at is None else carrier.at * 1000
            person = line.actor or ""
            if evidence.shown(carrier.key) and at > newest.get(person, (0,))[0]:
                newest[person] = (at, line, carrier)
    for person, (at, line, carrier) in newest.items():
        active = Line(
            n=line.n, code=LAST_ACTIVE, at=line.at, actor=person, target_id=person, listing=[]
        )
        told = Told(
            times=frozenset({at}),
            actors=frozenset({person}),
            sources=frozenset(),
            channels=frozenset({kind_of(carrier.key)}),
        )
        yield Expected(active, at, (carrier.key,), told=told)
