"""Random little worlds of people and secrets, and who may see what of them, said in plain Python.

The oracle here decides one thing at a time, with sets and loops, from the rules as the reference
guide states them. It shares no code with the product: neither SQL nor names of its functions.

Every issue has a word of its own (`zq…zq`) that is in all its texts, a key and an id that are no
part of any other text: a response that holds one of the three tells of the issue.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tests.bench.synthetic import write_named_issues, write_rollups

WITHHELD = "(withheld)"
START = datetime(2026, 1, 5)  # noqa: DTZ001 - marts hold naive UTC
ADMIN_GROUP = "Site-Admins"
USER_FIELD, GROUP_FIELD, EPIC_FIELD, TEXT_FIELD = (
    "customfield_10100",
    "customfield_10101",
    "customfield_10014",
    "customfield_10033",
)
ASSETS_CODES = (
    "ASSET_OBJECT_CREATED",
    "ASSET_OBJECT_UPDATED",
    "ASSETS_ROLES_UPDATED",
    "ASSETS_OBJECT_TYPE_ROLES_UPDATED",
)
VIEWED = "ISSUE_VIEWED"
HOLDER_TYPES = (
    "user", "group", "projectRole", "projectLead", "reporter", "assignee", "applicationRole",
    "userCustomField", "groupCustomField", "sd.customer.portal.only",
)  # fmt: skip

Holder = tuple[str, str | None]


@dataclass(frozen=True)
class Asker:
    """Who asks: an account or (None) the operator, and their role in the application."""

    account_id: str | None
    role: str | None


@dataclass
class Issue:
    """An issue as last seen; `home` is the project it was in at first."""

    site: str
    id: str
    key: str
    former_keys: list[str]
    project: str
    home: str
    word: str
    reporter: str | None
    assignee: str | None
    level: str | None
    people: list[str]
    groups: list[tuple[str | None, str]]
    is_deleted: bool


@dataclass
class Value:
    """One side of a change: id and text, and the issue that they name, by (site, id or unknown)."""

    id: str | None
    text: str | None
    names: tuple[str, str | None] | None = None


@dataclass
class Change:
    """A changed field."""

    id: str
    field_id: str
    field_name: str
    old: Value
    new: Value


@dataclass
class Deed:
    """An action: a row of the log."""

    id: str
    site: str
    code: str
    at: datetime
    actor: str | None
    issue: str | None
    project: str | None
    target_type: str
    target_id: str
    target_label: str | None
    old: str | None = None
    new: str | None = None
    changes: list[Change] = field(default_factory=list)
    ends: tuple[tuple[str, str | None], ...] = ()
    schema: str | None = None
    to_status: str | None = None
    view_source: str = "issue_view"
    hush: str | None = None
    """A word that nobody reads: of a comment or a worklog for some people only, or an issue that
    nobody knows."""


@dataclass
class World:
    """Everything there is; sets hold tuples that begin with the site."""

    sites: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    active: set[tuple[str, str]] = field(default_factory=set)
    known: set[tuple[str, str, bool, bool]] = field(default_factory=set)
    groups: dict[tuple[str, str], str] = field(default_factory=dict)
    members: set[tuple[str, str, str, bool]] = field(default_factory=set)
    projects: dict[tuple[str, str], str] = field(default_factory=dict)
    leads: dict[tuple[str, str], str | None] = field(default_factory=dict)
    roles: set[tuple[str, str, str, str, bool]] = field(default_factory=set)
    levels: dict[tuple[str, str], list[Holder]] = field(default_factory=dict)
    dead_levels: set[tuple[str, str]] = field(default_factory=set)
    grants: dict[tuple[str, str], list[Holder]] = field(default_factory=dict)
    schema_people: set[tuple[str, str, str, bool]] = field(default_factory=set)
    issues: dict[tuple[str, str], Issue] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)


def make_world(seed: int) -> World:
    """Return the world of a seed; the same every time."""
    draw = random.Random(seed)
    world = World(sites=["one.atlassian.net", "two.atlassian.net"][: 2 if seed % 3 == 0 else 1])
    world.accounts = [f"acc-{seed}-{number}" for number in range(6)]
    for number, site in enumerate(world.sites):
        _populate(world, draw, site, 1_000_000 * (number + 1))
    world.deeds.sort(key=lambda deed: (deed.at, deed.id))
    return world


def _populate(  # noqa: C901, PLR0912 - one paragraph for each kind of thing
    world: World, draw: random.Random, site: str, base: int
) -> None:
    for account in world.accounts:
        if draw.random() < 0.9:
            is_active, is_deleted = draw.random() < 0.9, draw.random() < 0.1
            world.known.add((site, account, is_active, is_deleted))
            if is_active and not is_deleted:
                world.active.add((site, account))
    for number, name in enumerate(("staff", "readers", ADMIN_GROUP)):
        group = f"group-{base}-{number}"
        world.groups[site, group] = name
        for account in world.accounts:
            if draw.random() < (0.15 if name == ADMIN_GROUP else 0.35):
                world.members.add((site, group, account, draw.random() < 0.8))
    groups = [group for of, group in world.groups if of == site]
    for number in range(3):
        project = str(base + 10 + number)
        world.projects[site, project] = f"P{'ABC'[number]}{base // 1_000_000}"
        world.leads[site, project] = draw.choice([None, *world.accounts])
        for role in ("role-1", "role-2"):
            for account in world.accounts:
                if draw.random() < 0.2:
                    world.roles.add((site, project, role, account, draw.random() < 0.8))
        world.grants[site, project] = _holders(world, draw, groups, most=3)
    for number in range(6):
        level = f"level-{base}-{number}"
        world.levels[site, level] = _holders(world, draw, groups, most=3)
        if draw.random() < 0.1:
            world.dead_levels.add((site, level))
    for schema in ("1", "2"):
        for account in world.accounts:
            if draw.random() < 0.3:
                world.schema_people.add((site, schema, account, draw.random() < 0.8))
    for number in range(14):
        _add_issue(world, draw, site, base + 500 + number)
    mine = [issue for issue in world.issues.values() if issue.site == site]
    for _ in range(8):
        one, other = draw.sample(mine, 2)
        world.links.append((site, one.id, other.id))
    for number in range(90):
        _add_deed(world, draw, site, mine, f"{base // 1_000_000}{number:04d}")


def _holders(world: World, draw: random.Random, groups: list[str], most: int) -> list[Holder]:
    types = draw.sample(HOLDER_TYPES, draw.randint(0, most))
    if draw.random() < 0.1:
        types.append("anyone")
    ids: dict[str, list[str | None]] = {
        "user": list(world.accounts),
        "group": list(groups),
        "projectRole": ["role-1", "role-2"],
        "applicationRole": [None, "jira-software"],
        "userCustomField": [USER_FIELD],
        "groupCustomField": [GROUP_FIELD],
    }
    return [(kind, draw.choice(ids.get(kind, [None]))) for kind in types]


def _add_issue(world: World, draw: random.Random, site: str, number: int) -> None:
    here = [project for of, project in world.projects if of == site]
    home = draw.choice(here)
    project = draw.choice(here) if draw.random() < 0.3 else home
    own = [(group, name) for (of, group), name in world.groups.items() if of == site]
    group = draw.choice(own)
    levels = [level for of, level in world.levels if of == site]
    issue = Issue(
        site=site,
        id=str(number),
        key=f"{world.projects[site, project]}-{number}",
        former_keys=[f"{world.projects[site, home]}-{number}1"] if project != home else [],
        project=project,
        home=home,
        word=f"zq{number}zq",
        reporter=draw.choice([None, *world.accounts]),
        assignee=draw.choice([None, *world.accounts]),
        level=draw.choice(levels) if draw.random() < 0.6 else None,
        people=draw.sample(world.accounts, draw.randint(0, 2)),
        # Some versions of Jira give the name of a group alone.
        groups=[draw.choice([group, (None, group[1])])] if draw.random() < 0.5 else [],
        is_deleted=draw.random() < 0.1,
    )
    world.issues[site, issue.id] = issue


def _naming(draw: random.Random, mine: list[Issue], *, by_key: bool) -> Value:
    """Return a value that is another issue: by its id or its key, present, former or unknown."""
    if draw.random() < 0.15:
        gone = f"GONE-{draw.randint(100, 999)}"
        return Value(gone if by_key else "77", gone, (mine[0].site, None))
    other = draw.choice(mine)
    key = draw.choice([other.key, *other.former_keys])
    return Value(key if by_key else other.id, key, (other.site, other.id))


_NOTHING = Value(None, None)


def _add_deed(  # noqa: C901, PLR0912, PLR0915 - one paragraph for each kind of action
    world: World, draw: random.Random, site: str, mine: list[Issue], number: str
) -> None:
    at = START + timedelta(minutes=draw.randint(0, 60 * 24 * 20), microseconds=int(number))
    actor = draw.choice([None, *world.accounts])
    issue = draw.choice(mine)
    deed = Deed(
        id=f"deed{number}", site=site, code="ISSUE_CREATED", at=at, actor=actor, issue=issue.id,
        project=draw.choice([issue.project, issue.home]), target_type="issue",
        target_id=issue.id, target_label=issue.key,
    )  # fmt: skip
    kind = draw.choice(
        ["created", "renamed", "parent", "epic", "link", "link", "status", "viewed", "viewed",
         "comment", "worklog", "assets", "assets", "elsewhere"],
    )  # fmt: skip
    if kind == "comment":
        _write_comment(deed, draw, issue, number)
    elif kind == "worklog":
        deed.code, deed.target_type, deed.target_id = "WORKLOG_CREATED", "worklog", f"w{number}"
        deed.hush = f"hush{number}word" if draw.random() < 0.4 else None
        deed.new = f"Worked on {deed.hush or issue.word}"
    elif kind == "status":
        deed.code, deed.target_type, deed.to_status = "STATUS_CHANGED", "status", "3"
        deed.target_label, deed.old, deed.new = "Review", "To Do", "Review"
        deed.changes = [
            Change(f"{number}-0", "status", "Status", Value("1", "To Do"), Value("3", "Review"))
        ]
    elif kind == "viewed":
        _write_view(deed, draw, world.accounts, number)
    elif kind in ("renamed", "parent", "epic"):
        deed.code = "ISSUE_UPDATED"
        deed.changes = [
            Change(
                f"{number}-0", "summary", "Summary",
                Value(None, f"Was {issue.word}"), Value(None, f"Is {issue.word}"),
            )
        ]  # fmt: skip
        if kind != "renamed":
            field_id, name = draw.choice(
                [("parent", "Parent"), ("issueparentassociation", "IssueParentAssociation")]
                if kind == "parent"
                else [(EPIC_FIELD, "Epic-Verknüpfung"), (EPIC_FIELD, "Epic Link")]
            )
            values = [_NOTHING, _naming(draw, mine, by_key=False)]
            if draw.random() < 0.4:
                values[0] = _naming(draw, mine, by_key=False)
            draw.shuffle(values)
            deed.changes.append(Change(f"{number}-1", field_id, name, *values))
        deed.old = _lines((change.field_name, change.old.text) for change in deed.changes)
        deed.new = _lines((change.field_name, change.new.text) for change in deed.changes)
    elif kind == "link":
        deed.target_type = "issuelink"
        end = _naming(draw, [one for one in mine if one is not issue], by_key=True)
        assert end.names is not None
        far = end.names[1] or end.id
        deed.ends = (end.names,)
        ends = [issue.id, "10100", far] if draw.random() < 0.5 else [far, "10100", issue.id]
        deed.target_id = "-".join(str(one) for one in ends)
        deed.target_label = f"This issue blocks {end.text}"
        deed.code = draw.choice(["ISSUELINK_CREATED", "ISSUELINK_DELETED"])
        if deed.code == "ISSUELINK_CREATED":
            deed.new = deed.target_label
        else:
            deed.old = deed.target_label
    else:
        deed.issue = None
        if kind == "assets":
            deed.code, deed.target_type = draw.choice(ASSETS_CODES), "assets"
            deed.schema, deed.project = draw.choice(["1", "2", "2", None]), None
            deed.target_id, deed.target_label = f"o{number}", f"Object {number}"
            deed.new = None if deed.code == "ASSET_OBJECT_CREATED" else f"asset {number}"
        else:
            deed.code, deed.target_type = "PROJECT_CREATED", "project"
            deed.target_id = deed.project or ""
            deed.target_label = "A project"
    world.deeds.append(deed)


def _write_view(deed: Deed, draw: random.Random, accounts: list[str], number: str) -> None:
    """Make `deed` a view of an issue; of some, nobody knows which issue it was."""
    deed.code, deed.actor = VIEWED, draw.choice(accounts)
    deed.view_source = draw.choice(["issue_view", "customer_portal"])
    if draw.random() < 0.15:
        deed.issue = deed.project = None
        deed.target_id = deed.target_label = deed.hush = f"LOST-{number}"


def _write_comment(deed: Deed, draw: random.Random, issue: Issue, number: str) -> None:
    """Make `deed` a comment or the edit of one; some are for some people only."""
    deed.code, deed.target_type = "ISSUE_COMMENTED", "comment"
    deed.target_id, deed.new = f"c{number}", f"Remark {issue.word}"
    if draw.random() < 0.4:
        deed.hush = f"hush{number}word"
        deed.new = f"Whisper {deed.hush}"
    if draw.random() < 0.5:
        deed.code, deed.old = "COMMENT_UPDATED", f"{deed.new}, at first"
        hidden = None if deed.hush is None else (deed.site, None)
        old, new = (Value(None, text, hidden) for text in (deed.old, deed.new))
        deed.changes = [Change(f"{number}-0", "comment", "Comment", old, new)]


def _lines(values: Iterable[tuple[str, str | None]]) -> str | None:
    return "\n".join(f"{name}: {text}" for name, text in values if text is not None) or None


@dataclass
class Oracle:
    """What one asker may see of a world."""

    world: World
    asker: Asker
    views_need_browse: bool = True

    def _is_somebody(self, site: str) -> bool:
        return self.asker.account_id is not None and (
            (site, self.asker.account_id) in self.world.active
        )

    def _my_groups(self, site: str) -> set[str]:
        if not self._is_somebody(site):
            return set()
        return {
            group
            for of, group, account, still in self.world.members
            if of == site and account == self.asker.account_id and still
        }

    def _is_jira_admin(self, site: str) -> bool:
        if self.asker.account_id is None:
            return True
        return any(
            self.world.groups[site, group].lower() == ADMIN_GROUP.lower()
            for group in self._my_groups(site)
        )

    def is_admitted(self) -> bool:
        """Say whether the asker is answered at all."""
        if self.asker.role is not None:
            return True
        return self.asker.account_id is not None and any(
            self._is_jira_admin(site) for site in self.world.sites
        )

    def _holds(self, holder: Holder, site: str, project: str, issue: Issue | None) -> bool:
        kind, what = holder
        me, mine = self.asker.account_id, self._my_groups(site)
        if not self._is_somebody(site):
            return False
        answers = {
            "anyone": True,
            "applicationRole": what is None,
            "user": what == me,
            "group": what in mine,
            "projectRole": (site, project, what, me, True) in self.world.roles,
            "projectLead": self.world.leads[site, project] == me,
        }
        if issue is not None:
            names = {self.world.groups[site, group] for group in mine}
            answers |= {
                "reporter": issue.reporter == me,
                "assignee": issue.assignee == me,
                "userCustomField": me in issue.people,
                "groupCustomField": any(
                    group in mine if group is not None else name in names
                    for group, name in issue.groups
                ),
            }
        return answers.get(kind, False)

    def lists_issue(self, site: str, issue_id: str | None) -> bool:
        """Say whether the key and the texts of an issue may be known."""
        issue = self.world.issues.get((site, issue_id or ""))
        if issue is None:
            return False
        if issue.level is None:
            return True
        if (site, issue.level) in self.world.dead_levels:
            return False
        return any(
            self._holds(holder, site, issue.project, issue)
            for holder in self.world.levels[site, issue.level]
        )

    def browses(self, site: str, issue_id: str | None) -> bool:
        """Say whether the issue can be opened in Jira, as far as its project decides."""
        if self.asker.account_id is None:
            return True
        if issue_id is None:
            return False
        issue = self.world.issues[site, issue_id]
        return any(
            self._holds(holder, site, issue.project, issue)
            for holder in self.world.grants[site, issue.project]
        )

    def counts(self, deed: Deed) -> bool:
        """Say whether the action is part of numbers."""
        if deed.code not in ASSETS_CODES:
            return True
        if self.asker.role is None:
            return False
        if self._is_jira_admin(deed.site):
            return True
        return (
            self._is_somebody(deed.site)
            and (deed.site, deed.schema, self.asker.account_id, True) in self.world.schema_people
        )

    def lists(self, deed: Deed) -> bool:
        """Say whether the action is part of lists."""
        if not self.counts(deed):
            return False
        if deed.issue is not None and not self.lists_issue(deed.site, deed.issue):
            return False
        if deed.code != VIEWED or not self.views_need_browse:
            return True
        return self.browses(deed.site, deed.issue)

    def counted(self) -> list[Deed]:
        """Return the actions that are counted."""
        return [deed for deed in self.world.deeds if self.counts(deed)]

    def listed(self) -> list[Deed]:
        """Return the actions that are listed, newest first."""
        return [deed for deed in reversed(self.world.deeds) if self.lists(deed)]

    def reads(self, value: Value) -> bool:
        """Say whether a value names no issue that is hidden."""
        return value.names is None or self.lists_issue(*value.names)

    def texts(self, deed: Deed) -> dict[str, str | None]:
        """Return the texts of an action as they are to be read."""
        is_hush = deed.hush is not None
        hides_old = is_hush or any(not self.reads(change.old) for change in deed.changes)
        hides_new = is_hush or any(not self.reads(change.new) for change in deed.changes)
        ends = deed.ends if deed.code != VIEWED else ((deed.site, deed.issue),)
        hides_all = any(not self.lists_issue(*end) for end in ends)

        def shown(text: str | None, hides: bool) -> str | None:  # noqa: FBT001 - a local word
            return WITHHELD if hides and text is not None else text

        return {
            "old_value": shown(deed.old, hides_old or hides_all),
            "new_value": shown(deed.new, hides_new or hides_all),
            "target_id": shown(deed.target_id, hides_all),
            "target_label": shown(deed.target_label, hides_all),
        }

    def change_texts(self, change: Change) -> dict[str, str | None]:
        """Return the texts of a change as they are to be read."""
        shown: dict[str, str | None] = {"field_id": change.field_id}
        for side, value in (("old", change.old), ("new", change.new)):
            for name, text in ((f"{side}_value_id", value.id), (f"{side}_value", value.text)):
                shown[name] = text if self.reads(value) or text is None else WITHHELD
        return shown

    def secrets(self) -> Iterator[str]:
        """Yield every text that tells of an issue which is hidden from the asker."""
        for (site, issue_id), issue in self.world.issues.items():
            if not self.lists_issue(site, issue_id):
                yield from (issue.id, issue.word, issue.key, *issue.former_keys)
        yield from (deed.hush for deed in self.world.deeds if deed.hush is not None)


def write_world(world: World, empty: Path, path: Path) -> None:
    """Write the marts of a world into a copy of `empty` marts."""
    path.write_bytes(empty.read_bytes())
    rows = _rows(world)
    with duckdb.connect(str(path)) as database:
        for table, found in rows.items():
            database.execute(f"delete from {table}")
            if not found:
                continue
            names = ", ".join(found[0])
            marks = ", ".join("?" for _ in found[0])
            database.executemany(
                f"insert into {table} ({names}) values ({marks})",
                [list(row.values()) for row in found],
            )
        _write_coverage(database)
        write_named_issues(database)
        write_rollups(database)
        database.execute("checkpoint")


def _period(*, still: bool) -> dict[str, Any]:
    return {"valid_from_at": None, "valid_to_at": None if still else START}


def _rows(world: World) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the tables that tell of a world, by their names."""
    return {
        **_people_rows(world),
        **_issue_rows(world),
        **_deed_rows(world),
    }


def _people_rows(world: World) -> dict[str, list[dict[str, Any]]]:
    return {
        "dim_users": [
            {"site_id": site, "account_id": account, "display_name": f"Person {account}",
             "is_active": is_active, "is_deleted": is_deleted}
            for site, account, is_active, is_deleted in sorted(world.known)
        ],
        "dim_groups": [
            {"site_id": site, "group_id": group, "group_name": name, "is_deleted": False}
            for (site, group), name in world.groups.items()
        ],
        "bridge_group_members": [
            {"site_id": site, "group_id": group, "account_id": account, **_period(still=still)}
            for site, group, account, still in sorted(world.members)
        ],
        "bridge_organization_members": [],
        "dim_organizations": [],
        "dim_projects": [
            {"site_id": site, "project_id": project, "project_key": key,
             "project_name": f"Project {key}", "lead_account_id": world.leads[site, project],
             "lifecycle_state": "live"}
            for (site, project), key in world.projects.items()
        ],
        "bridge_project_people": [
            {"site_id": site, "project_id": project, "role_id": role, "account_id": account,
             **_period(still=still)}
            for site, project, role, account, still in sorted(world.roles)
        ],
        "dim_security_levels": [
            {"site_id": site, "level_id": level, "level_name": level, "scheme_id": "1",
             "scheme_name": "Scheme", "is_deleted": (site, level) in world.dead_levels}
            for site, level in world.levels
        ],
        "bridge_security_level_holders": [
            {"site_id": site, "level_id": level, "holder_type": kind, "holder_id": what}
            for (site, level), holders in world.levels.items()
            for kind, what in holders
        ],
        "bridge_permission_holders": [
            {"site_id": site, "project_id": project, "permission_key": key, "holder_type": kind,
             "holder_id": what}
            for (site, project), holders in world.grants.items()
            for key, granted in (("BROWSE_PROJECTS", holders), ("EDIT_ISSUES", [("anyone", None)]))
            for kind, what in granted
        ],
        "bridge_asset_schema_people": [
            {"site_id": site, "object_schema_id": schema, "account_id": account,
             "role_name": "Object Schema Users", **_period(still=still)}
            for site, schema, account, still in sorted(world.schema_people)
        ],
    }  # fmt: skip


def _issue_rows(world: World) -> dict[str, list[dict[str, Any]]]:
    issues = list(world.issues.values())
    values = [
        {"site_id": issue.site, "issue_id": issue.id, "field_id": field_id, "value_index": place,
         "value_id": value_id, "value_text": text}
        for issue in issues
        for field_id, held in (
            (USER_FIELD, [(account, f"Person {account}") for account in issue.people]),
            (GROUP_FIELD, issue.groups),
            ("labels", [(None, f"label{issue.word}")]),
            (TEXT_FIELD, [(None, f"Custom {issue.word}")]),
        )
        for place, (value_id, text) in enumerate(held)
    ]  # fmt: skip
    return {
        "dim_issues": [
            {"site_id": issue.site, "issue_id": issue.id, "issue_key": issue.key,
             "previous_keys": issue.former_keys, "summary": f"Summary {issue.word}",
             "project_id": issue.project, "issue_type_id": "1", "status_id": "3",
             "creator_account_id": issue.reporter, "reporter_account_id": issue.reporter,
             "assignee_account_id": issue.assignee, "created_at": START, "updated_at": START,
             "security_level_id": issue.level, "is_secured": issue.level is not None,
             "deletion_state": "deleted" if issue.is_deleted else "present"}
            for issue in issues
        ],
        "bridge_issue_keys": [
            {"site_id": issue.site, "issue_id": issue.id, "issue_key": key, "project_id": project,
             "valid_from_at": START, "valid_to_at": None, "is_current": key == issue.key}
            for issue in issues
            for key, project in (
                (issue.key, issue.project), *((key, issue.home) for key in issue.former_keys),
            )
        ],
        "bridge_issue_field_values": values,
        "bridge_issue_links": [
            {"site_id": site, "issue_id": one, "linked_issue_id": other, "link_id": str(place),
             "link_type_id": "10100", "link_type_name": "Blocks", "direction_name": phrase}
            for place, (site, source, target) in enumerate(world.links)
            for one, other, phrase in (
                (source, target, "blocks"), (target, source, "is blocked by"),
            )
        ],
        "dim_comments": [
            {"site_id": issue.site, "comment_id": f"c{issue.id}", "issue_id": issue.id,
             "author_account_id": issue.reporter, "body_text": f"Remark {issue.word}",
             "created_at": START, "updated_at": START, "is_restricted": False,
             "was_restricted": False, "is_deleted": False}
            for issue in issues
        ] + [
            {"site_id": deed.site, "comment_id": deed.target_id, "issue_id": deed.issue,
             "author_account_id": deed.actor, "body_text": deed.new, "created_at": deed.at,
             "updated_at": deed.at, "is_restricted": True, "was_restricted": True,
             "is_deleted": False}
            for deed in world.deeds if deed.hush is not None and deed.target_type == "comment"
        ],
        "dim_worklogs": [
            {"site_id": issue.site, "worklog_id": f"w{issue.id}", "issue_id": issue.id,
             "author_account_id": issue.reporter, "started_at": START,
             "time_spent_seconds": 60, "comment_text": issue.word, "created_at": START,
             "updated_at": START, "is_restricted": False, "was_restricted": False,
             "is_deleted": False}
            for issue in issues
        ] + [
            {"site_id": deed.site, "worklog_id": deed.target_id, "issue_id": deed.issue,
             "author_account_id": deed.actor, "started_at": deed.at, "time_spent_seconds": 60,
             "comment_text": deed.new, "created_at": deed.at, "updated_at": deed.at,
             "is_restricted": deed.hush is not None, "was_restricted": deed.hush is not None,
             "is_deleted": False}
            for deed in world.deeds if deed.target_type == "worklog"
        ],
        "bridge_issue_attachments": [
            {"site_id": issue.site, "issue_id": issue.id, "attachment_id": f"f{issue.id}",
             "file_name": f"{issue.word}.png", "created_at": START,
             "author_account_id": issue.reporter}
            for issue in issues
        ],
        "dim_fields": [
            {"site_id": site, "field_id": field_id, "field_name": name,
             "is_custom": field_id.startswith("custom"), "field_type": kind, "item_type": None,
             "custom_type": custom, "clause_names": clauses, "is_searchable": True,
             "is_deleted": False}
            for site in world.sites
            for field_id, name, kind, custom, clauses in _FIELDS
        ],
        "dim_statuses": [
            {"site_id": site, "status_id": status, "status_name": name,
             "status_category": category, "is_deleted": False}
            for site in world.sites
            for status, name, category in (("1", "To Do", "new"), ("3", "Review", "done"))
        ],
        "dim_issue_types": [
            {"site_id": site, "issue_type_id": "1", "issue_type_name": "Task",
             "is_subtask": False, "hierarchy_level": 0, "is_deleted": False}
            for site in world.sites
        ],
        "dim_versions": [], "dim_sprints": [],
    }  # fmt: skip


_CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes"
_FIELDS: tuple[tuple[str, str, str, str | None, list[str]], ...] = (
    ("summary", "Summary", "string", None, ["summary"]),
    ("status", "Status", "status", None, ["status"]),
    ("parent", "Parent", "issuelink", None, ["parent"]),
    ("labels", "Labels", "array", None, ["labels"]),
    (EPIC_FIELD, "Epic-Verknüpfung", "any", "com.pyxis.greenhopper.jira:gh-epic-link",
     ["cf[10014]"]),
    (TEXT_FIELD, "Story", "string", f"{_CUSTOM}:textarea", ["cf[10033]", "Story"]),
    (USER_FIELD, "Readers", "array", f"{_CUSTOM}:multiuserpicker", ["cf[10100]", "Readers"]),
    (GROUP_FIELD, "Reading groups", "array", f"{_CUSTOM}:multigrouppicker", ["cf[10101]"]),
)  # fmt: skip


def _deed_rows(world: World) -> dict[str, list[dict[str, Any]]]:
    def level(deed: Deed) -> str | None:
        return world.issues[deed.site, deed.issue].level if deed.issue else None

    def dates(deed: Deed) -> Mapping[str, Any]:
        return {"occurred_at": deed.at, "occurred_month": deed.at.date().replace(day=1)}

    return {
        "fct_actions": [
            {"action_id": deed.id, "site_id": deed.site, "action_code": deed.code, **dates(deed),
             "occurred_date": deed.at.date(), "recorded_at": deed.at,
             "actor_account_id": deed.actor, "target_type": deed.target_type,
             "target_id": deed.target_id, "target_label": deed.target_label,
             "issue_id": deed.issue, "project_id": deed.project,
             "issue_type_id": "1" if deed.issue else None,
             "from_status_id": "1" if deed.to_status else None, "to_status_id": deed.to_status,
             "old_value": deed.old, "new_value": deed.new, "change_count": len(deed.changes),
             "security_level_id": level(deed), "is_secured": level(deed) is not None,
             "object_schema_id": deed.schema,
             "source": "assets" if deed.code in ASSETS_CODES else "jira_issues",
             "sources": "assets" if deed.code in ASSETS_CODES else "inbox,jira_issues",
             "source_event_id": deed.id}
            for deed in world.deeds
        ],
        "fct_action_changes": [
            {"change_id": change.id, "action_id": deed.id, "action_code": deed.code,
             **dates(deed), "site_id": deed.site, "issue_id": deed.issue,
             "project_id": deed.project, "field_id": change.field_id,
             "field_name": change.field_name, "item_index": place,
             "old_value_id": change.old.id, "old_value": change.old.text,
             "new_value_id": change.new.id, "new_value": change.new.text}
            for deed in world.deeds
            for place, change in enumerate(deed.changes)
        ],
        "fct_issue_views": [
            {"view_id": deed.id, "site_id": deed.site, "viewed_at": deed.at,
             "viewed_date": deed.at.date(), "viewed_month": deed.at.date().replace(day=1),
             "recorded_at": deed.at, "account_id": deed.actor, "issue_id": deed.issue,
             "project_id": deed.project, "view_source": deed.view_source,
             "is_secured": level(deed) is not None, "security_level_id": level(deed),
             "source": "inbox", "sources": "inbox", "raw_view_count": 1}
            for deed in world.deeds
            if deed.code == VIEWED
        ],
    }  # fmt: skip


def _write_coverage(database: duckdb.DuckDBPyConnection) -> None:
    """Count by source and action what there is, for a machine that sees everything."""
    for table in ("agg_action_coverage", "agg_source_coverage"):
        database.execute(f"delete from {table}")
    told = "(select *, unnest(string_split(sources, ',')) as one_source from fct_actions)"
    database.execute(
        f"""
        insert into agg_source_freshness by name
        select
            one_source as source, 'run-1' as last_run_id,
            (select max(last_success_at) from agg_source_freshness) as last_success_at,
            max(occurred_at) as newest_source_at, 1 as lag_seconds, count(*) as row_count,
            count(*) as request_count, 0 as quarantined_count
        from {told}
        where one_source not in (select source from agg_source_freshness)
        group by one_source
        """
    )
    database.execute(
        f"""
        insert into agg_action_coverage by name
        select
            any_value(action_number) as action_number, action_code, any_value(label) as label,
            one_source as source, 'jira' as connection, true as is_connected, 'all' as loses,
            count(*) as action_count, min(occurred_at) as first_seen_at,
            max(occurred_at) as last_seen_at, 1.5 as lag_p50_seconds, 2.5 as lag_p99_seconds,
            0 as unobserved_count
        from {told} join dim_action_types using (action_code)
        group by action_code, one_source
        """
    )
    database.execute(
        f"""
        insert into agg_source_coverage by name
        select
            one_source as source, 'jira' as connection, true as is_connected, 'all' as loses,
            0 as gap_count, 0 as quarantined_count, 0 as unmapped_event_count,
            count(*) as action_count, min(occurred_at) as first_seen_at,
            max(occurred_at) as last_seen_at, 1.5 as lag_p50_seconds, 2.5 as lag_p99_seconds
        from {told}
        group by one_source
        """
    )
