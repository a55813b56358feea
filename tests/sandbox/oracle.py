"""What a snapshot has to say: the expected actions, worked out from the ledger and the served log.

An action must be known if the API has shown it, or if it was still there to be seen at the last
complete listing of all issues and had happened `LATENESS` before it (a site's search may lag).
All else could not be known; the reason is kept. No product code, no SQL.

Times are UTC; instants are whole microseconds since 1970.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LATENESS = timedelta(minutes=10)
"""How late a change may come up in the site's search; a sync reads as far back again."""

FROM_A_HISTORY = frozenset({"ISSUE_UPDATED", "STATUS_CHANGED", "ISSUE_RESOLVED"})
LINKS = frozenset({"ISSUELINK_CREATED", "ISSUELINK_DELETED"})
ABOUT_THE_ISSUE = frozenset({"ISSUE_CREATED", "ISSUE_DELETED"})
ONLY_DETECTED = frozenset({"ISSUE_DELETED", "COMMENT_DELETED"})
"""Nobody tells when these happen: a window is stored instead of an instant, and no actor."""
VERSIONS = {
    "ISSUE_COMMENTED": "comment",
    "COMMENT_UPDATED": "comment",
    "WORKLOG_CREATED": "worklog",
    "WORKLOG_UPDATED": "worklog",
}
"""Codes of which each is a version of a thing that has only its last version to show."""
REPEATABLE = frozenset({"COMMENT_UPDATED", "WORKLOG_UPDATED"})
"""One target can have several of these; their instant tells them apart."""
GONE = {
    "ISSUE_DELETED": "issue",
    "COMMENT_DELETED": "comment",
    "WORKLOG_DELETED": "worklog",
    "ATTACHMENT_DELETED": "attachment",
}


class Item(msgspec.Struct, frozen=True, gc=False):
    """One changed field of a ledger line, as the API renders it."""

    field: str
    field_id: str | None = None
    old_id: str | None = None
    old: str | None = None
    new_id: str | None = None
    new: str | None = None


class Carrier(msgspec.Struct, frozen=True, gc=False):
    """A channel that can tell of a line exactly; `at`: what time it tells, if another (ms).

    `named`: it tells who did it by this display name alone. `appears`: when its log first shows it,
    if later than the line's own time (ms).
    """

    key: str
    tells_actor: bool = True
    tells_items: bool = False
    at: int | None = None
    named: str | None = None
    appears: int | None = None


class Line(msgspec.Struct):
    """One line of the ledger: an action (or, with a leading underscore, a fact)."""

    n: int
    code: str
    at: str
    actor: str | None = None
    true_actor: str | None = None
    issue_id: str | None = None
    issue_key: str | None = None
    project_id: str | None = None
    issue_type_id: str | None = None
    target_id: str | None = None
    event: str | None = None
    items: list[Item] = []
    secured: bool = False
    other_issue_id: str | None = None
    link_type: str | None = None
    link_histories: list[str] = []
    """History ids: [the end the action belongs to, the other end]."""
    link_ats: list[str] = []
    target_label: str | None = None
    member_id: str | None = None
    carriers: list[Carrier] = []
    listing: list[str] | None = None
    """Listings that reveal it by comparison; None: an action of the issues, not of the site."""
    listing_code: str | None = None
    """Code under which a listing shows it, where that is another one."""

    @property
    def is_of_site(self) -> bool:
        """Whether the line is about the site's objects rather than its issues."""
        return self.listing is not None

    @property
    def listing_names(self) -> list[str]:
        """Names of the listings that reveal it."""
        return self.listing or []


class Served(msgspec.Struct, frozen=True, gc=False):
    """One line of the served log: something was sent whole, for the first time."""

    request: int
    served_at: str
    key: str
    began: str | None = None
    ended: str | None = None
    """A complete listing: when it began and ended."""
    lines: int = 0
    """A complete listing of other objects: how many lines the ledger had when it began."""
    without: list[str] = []
    """A complete listing of an issue's comments: deleted comments it no longer held."""
    absent: list[str] = []
    """A complete listing of all issues: deleted issues it was the first to miss."""
    unsearchable: list[str] = []
    """A complete listing of all issues: projects whose issues cannot be in it."""
    is_blind: bool = False
    """A complete listing of all issues: what it misses may have moved where nobody can look."""
    names: dict[str, str] = {}
    """A complete listing of people: account id -> display name, but for erased accounts."""


def microseconds(text: str) -> int:
    """Microseconds since 1970 UTC of an ISO-8601 text with an offset."""
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


@dataclass(frozen=True, slots=True)
class Listing:
    """A complete listing that can be compared with the one before it. Microseconds since 1970."""

    name: str
    request: int
    begun_before: int
    """When the listing before this one began."""
    ended: int
    lines_before: int
    """Lines of the ledger that the listing before this one shows for certain."""
    lines: int
    """Lines of the ledger that this one shows for certain."""

    def shows_first(self, number: int) -> bool:
        """Whether this listing is the first to show the effect of a ledger line."""
        return self.lines_before < number <= self.lines


@dataclass(frozen=True, slots=True)
class Told:
    """What served channels tell of an action; see `site_oracle`. Microseconds since 1970."""

    times: frozenset[int]
    """Instants told exactly, any of which may be taken; none: only a window is known."""
    actors: frozenset[str | None]
    sources: frozenset[str]
    """Sources of the product that have to be named."""
    channels: frozenset[str]
    window: tuple[int, int] | None = None
    """The widest window that may be given."""
    values: tuple[tuple[str | None, str | None, str | None, str | None], ...] = ()
    """Old and new texts that are told, and their ids."""
    has_project: bool = True
    """Whether anything tells the project."""


class Evidence:
    """The served log, indexed by what was shown."""

    def __init__(self, served: Iterable[Served]) -> None:
        self.first: dict[str, Served] = {}
        self.versions: dict[str, dict[int, str]] = defaultdict(dict)
        """`comment:<id>` or `worklog:<id>` -> instants of the versions shown, with their keys."""
        self.missing: dict[str, Served] = {}
        """Comment id -> the first complete listing of its issue that was without it."""
        self.sweeps: list[Served] = []
        self.absent: dict[str, int] = {}
        """Issue id -> place in `sweeps` of the first that was without it."""
        self.listings: dict[str, list[Listing]] = defaultdict(list)
        """Name -> its complete listings but the first, which has nothing to be compared with."""
        self._listed: dict[str, Served] = {}
        self._names: list[tuple[int, Mapping[str, str]]] = []
        """When each complete listing of people began, and what they were called in it."""
        for one in served:
            kind = one.key.partition(":")[0]
            if kind == "comments_of":
                for comment in one.without:
                    self.missing.setdefault(comment, one)
            elif kind == "sweep":
                for issue in one.absent:
                    self.absent.setdefault(issue, len(self.sweeps))
                self.sweeps.append(one)
            elif kind == "list":
                self._add_listing(one)
            elif one.key not in self.first:
                self.first[one.key] = one
                if kind in {"comment", "worklog"}:
                    thing, _, version = one.key.rpartition(":")
                    self.versions[thing][int(version) * 1000] = one.key

    def _add_listing(self, one: Served) -> None:
        previous = self._listed.get(one.key)
        if previous is not None:
            self.listings[one.key].append(
                Listing(
                    one.key,
                    one.request,
                    microseconds(previous.began or previous.served_at),
                    microseconds(one.ended or one.served_at),
                    previous.lines,
                    one.lines,
                )
            )
        self._listed[one.key] = one
        if one.names:
            self._names.append((microseconds(one.began or one.served_at), one.names))

    def tells(self, name: str, account_id: str | None, at: int) -> bool:
        """Tell whether a display name was one account's alone, and known to be so by then."""
        bearers = {who for _, names in self._names for who in names if names[who] == name}
        before = [names for began, names in self._names if began <= at]
        return bearers == {account_id} and bool(before) and before[-1].get(account_id or "") == name

    def add_webhooks(self, lines: Iterable[Line]) -> None:
        """Take in the versions of comments and worklogs that received webhooks have told."""
        for line in lines:
            told = self.shown(*(carrier.key for carrier in line.carriers))
            if told and line.code in VERSIONS:
                thing = f"{VERSIONS[line.code]}:{line.target_id}"
                self.versions[thing].setdefault(microseconds(line.at), told[0])

    def shown(self, *keys: str) -> tuple[str, ...]:
        """Those of the keys that have been served."""
        return tuple(key for key in keys if key in self.first)

    def any_version(self, kind: str, target: str | None) -> tuple[str, ...]:
        """Give the first served version of a comment or worklog, if any was."""
        versions = self.versions.get(f"{kind}:{target}")
        return (versions[min(versions)],) if versions else ()


class Standing:
    """What was still to be seen at the last complete listing of all issues."""

    def __init__(self, lines: Iterable[Line], evidence: Evidence) -> None:
        self._gone: set[tuple[str, str | None]] = set()
        self._project: dict[str | None, str | None] = {}
        self._last: dict[tuple[str, str | None], int] = {}
        """Thing with versions -> number of the ledger line of its last one."""
        for line in lines:
            if line.code in GONE:
                self._gone.add((GONE[line.code], line.target_id))
            if line.code in VERSIONS:
                self._last[VERSIONS[line.code], line.target_id] = line.n
            self._project[line.issue_id] = line.project_id
        sweep = evidence.sweeps[-1] if evidence.sweeps else None
        self.carriers = (f"sweep@{sweep.request}",) if sweep else ()
        self._unsearchable = frozenset(sweep.unsearchable) if sweep else frozenset()
        self._until = (
            microseconds(sweep.began or sweep.served_at) - LATENESS // MICROSECOND if sweep else -1
        )

    def carriers_of(self, line: Line, at: int) -> tuple[str, ...]:
        """Name the last complete listing if the line's traces were there to be seen then."""
        return self.carriers if at <= self._until and self._holds(line) else ()

    def _holds(self, line: Line) -> bool:
        if line.code == "WORKLOG_DELETED":
            return True
        if line.code in LINKS:
            return self._issue(line.issue_id) or self._issue(line.other_issue_id)
        if not self._issue(line.issue_id):
            return False
        if line.code in VERSIONS:
            thing = (VERSIONS[line.code], line.target_id)
            is_told = line.code not in REPEATABLE or self._last[thing] == line.n
            return is_told and thing not in self._gone
        if line.code == "ATTACHMENT_CREATED" and line.event is None:
            return ("attachment", line.target_id) not in self._gone
        return True

    def _issue(self, issue_id: str | None) -> bool:
        return ("issue", issue_id) not in self._gone and self._project.get(
            issue_id
        ) not in self._unsearchable


@dataclass(slots=True)
class Expected:
    """A ledger line, and whether it could be known."""

    line: Line
    at: int
    carriers: tuple[str, ...]
    """Served keys that told of it; empty: it could not be known."""
    reason: str = ""
    """Why it could not be known."""
    told: Told | None = None
    """What exact channels or listings tell; None: only the issues' own endpoints."""


def expected_actions(lines: list[Line], evidence: Evidence) -> list[Expected]:
    """Add to each ledger line of the issues what told of it, or why nothing did."""
    evidence.add_webhooks(lines)
    standing = Standing(lines, evidence)
    expected = []
    for line in lines:
        at = microseconds(line.at)
        carriers, reason = _served(line, at, evidence)
        if line.code == "ISSUE_DELETED":
            pass  # only a complete listing tells of it, and it was asked for
        elif line.code == "COMMENT_DELETED":
            if not carriers and evidence.any_version("comment", line.target_id):
                carriers = standing.carriers_of(line, at)
        else:
            carriers = carriers or standing.carriers_of(line, at)
        told = _told_by_webhook(line, at, evidence)
        if told is not None:
            carriers += evidence.shown(*(carrier.key for carrier in line.carriers))
        expected.append(Expected(line, at, carriers, reason, told))
    return expected


def _told_by_webhook(line: Line, at: int, evidence: Evidence) -> Told | None:
    """Give what received webhooks tell of a line: its time and, mostly, who."""
    heard = [carrier for carrier in line.carriers if evidence.shown(carrier.key)]
    if not heard:
        return None
    has_actor = any(carrier.tells_actor for carrier in heard)
    return Told(
        times=frozenset(at if c.at is None else c.at * 1000 for c in heard),
        actors=frozenset({line.true_actor if has_actor else None}),
        sources=frozenset(),
        channels=frozenset({"webhook"}),
    )


def _served(line: Line, at: int, evidence: Evidence) -> tuple[tuple[str, ...], str]:  # noqa: PLR0911 - a case each
    """Give the served keys that told of a ledger line, and the reason if there are none."""
    target = line.target_id
    if line.code == "ISSUE_CREATED":
        return evidence.shown(f"issue:{line.issue_id}"), "the issue was never shown"
    if line.code == "ISSUE_DELETED":
        return _served_without_issue(line, evidence)
    if line.code == "COMMENT_DELETED":
        return _served_without_comment(line, evidence)
    if line.code == "WORKLOG_DELETED":
        shown = evidence.shown(f"worklog_deleted:{target}")
        return shown, "the feed of deleted worklogs was not read that far"
    if line.code in REPEATABLE:
        shown = evidence.shown(f"{VERSIONS[line.code]}:{target}:{at // 1000}")
        return shown, "the version was replaced or gone before it was shown"
    if line.code in VERSIONS:
        kind = VERSIONS[line.code]
        return evidence.any_version(kind, target), f"the {kind} was gone before it was shown"
    if line.code in LINKS:
        shown = evidence.shown(*(f"history:{history}" for history in line.link_histories))
        return shown, "the history of neither end was shown"
    shown = evidence.shown(f"history:{line.event}")
    if line.code == "ATTACHMENT_CREATED":
        shown += evidence.shown(f"attachment:{target}")
        return shown, "neither the attachment nor its history was shown"
    return shown, "the history was never shown"


def _served_without_issue(line: Line, evidence: Evidence) -> tuple[tuple[str, ...], str]:
    seen = evidence.shown(f"issue:{line.issue_id}")
    if not seen:
        return (), "the issue was gone before it was shown"
    first = evidence.absent.get(line.issue_id or "", len(evidence.sweeps))
    for sweep in evidence.sweeps[first:]:
        if line.project_id not in sweep.unsearchable and not sweep.is_blind:
            return (*seen, f"sweep@{sweep.request}"), ""
    return (), "no complete listing since that could tell it from access lost"


def _served_without_comment(line: Line, evidence: Evidence) -> tuple[tuple[str, ...], str]:
    seen = evidence.any_version("comment", line.target_id)
    if not seen:
        return (), "the comment was gone before it was shown"
    missing = evidence.missing.get(line.target_id or "")
    if missing is None:
        return (), "no complete listing of the issue's comments since"
    return (*seen, f"comments_of:{line.issue_id}@{missing.request}"), ""
