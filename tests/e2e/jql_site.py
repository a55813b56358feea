"""The site that the corpus of JQL asks about, and its truth: the sandbox's own world.

Nothing here knows the product. The sandbox serves its world from this process, so the truth is that
very world; what the product can no longer read (an issue that was deleted after it had been seen)
is kept as it was when it was last seen.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.sandbox.clock import DAY, MINUTE, SECOND, parse_iso, to_ms
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.software import Software
from tests.sandbox.fields import POINTS, SPRINT, TEAM
from tests.sandbox.generator import build_world
from tests.sandbox.objects import Issue, Person
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

SEED = 7
DAYS = 60
ACTIONS_PER_YEAR = 40_000
FIRST_SYNC = "2031-06-02T19:30:00"
"""In the future, so that the newest action, and not the clock of the machine, is the product's
present."""
BETWEEN_SYNCS_MINUTES = 26 * 60
NOW = parse_iso(FIRST_SYNC) + BETWEEN_SYNCS_MINUTES * MINUTE
"""Tuesday 2031-06-03, 21:30 UTC: 17:30 in New York, Wednesday 11:30 on Kiritimati."""
ZURICH = ZoneInfo("Europe/Zurich")


@dataclass(frozen=True)
class Truth:
    """The site as far as anybody could know it. `issues` by id, those of `gone` as last seen."""

    world: World
    issues: Mapping[int, Issue]
    gone: frozenset[int]

    @property
    def now(self) -> int:
        """The present, ms since 1970 UTC."""
        return self.world.now


def first_world() -> World:
    """Make the site as it begins: its people, projects and versions, before anything happens."""
    return build_world(
        seed=SEED,
        start=parse_iso(FIRST_SYNC) - DAYS * DAY,
        actions_per_year=ACTIONS_PER_YEAR,
        max_lag_ms=0,
    )


@contextmanager
def jql_site() -> Iterator[RunningSandbox]:
    """Serve the site at the time of the first sync, with the stories of `prepare` told."""
    with running_sandbox(
        seed=SEED,
        now=FIRST_SYNC,
        days=DAYS,
        actions_per_year=ACTIONS_PER_YEAR,
        max_lag_minutes=0,
        domains=("admin", "software"),
    ) as sandbox:
        sandbox.do(_prepare)
        yield sandbox


def seen(sandbox: RunningSandbox) -> dict[int, Issue]:
    """Copy the issues as a sync of this moment sees them."""
    return sandbox.do(lambda world, _: copy.deepcopy(world.issues))


def go_on(sandbox: RunningSandbox, first: Mapping[int, Issue]) -> Truth:
    """Let the site live until `NOW`, delete some issues, and give the truth. `first`: as seen."""
    sandbox.advance(BETWEEN_SYNCS_MINUTES)
    sandbox.do(_delete_some)
    world = sandbox.site.world
    gone = {issue_id: issue for issue_id, issue in first.items() if issue_id not in world.issues}
    return Truth(world, {**world.issues, **gone}, frozenset(gone))


def local(text: str, zone: ZoneInfo = ZURICH) -> int:
    """Milliseconds of a wall-clock time (ISO) in a time zone."""
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=zone))


def people(world: World) -> list[Person]:
    """Give the accounts in the order in which the site was furnished."""
    return list(world.people.values())


# -- stories ---------------------------------------------------------------------------------------

KEY = "QRY"
TITLES = (
    "Edges of the calendar",
    "Zebra crossing at the harbour",
    'He wrote "read me \\ first" and left',
    "Ärger mit naïvem Übergang: 日本語 Тест",
    "Harbour (north) [draft] {v2} & co.",
    "Crossing zebra, harbour at night",
    "Zebra-crossing: re-open e-mail",
    "The herd",
    "The calf",
    "The foal",
    "The calf's shoe",
    "Wanders off",
    "Zebra that is gone tomorrow",
    "Secret zebra",
)
"""Summaries of QRY-1, QRY-2, …: words that the stream of commands never writes."""


def _prepare(world: World, now: int) -> None:
    """Tell what the stream of commands does not: a project with an issue for every question."""
    team = people(world)
    issues = _made(world, team)
    _edges(world, team, issues[0])
    _details(world, team, issues)
    _links(world, team, issues)
    _sprints(world, now, team)
    group = world.domain(Admin).create_group(now, team[0].account_id, "Night shift")
    for person in team[1:9]:
        world.domain(Admin).add_member(now, team[0].account_id, group, person.account_id)


def _made(world: World, team: list[Person]) -> list[Issue]:
    """Make the project and its issues, one a minute; their numbers follow `TITLES`."""
    lead = team[9].account_id
    project = world.domain(Admin).create_project(world.now, lead, KEY, "Queries & “Co”")
    for number, (name, is_released) in enumerate((("1.0", True), ("10.0", False), ("2.0", False))):
        project.versions.append(
            {
                "self": f"{world.site}/rest/api/3/version/{13_200 + number}",
                "id": str(13_200 + number),
                "name": name,
                "archived": False,
                "released": is_released,
            }
        )
    # the last is called as another component is numbered
    for number, name in enumerate(("API", "Hafenmauer", "12000")):
        component = str(12_200 + number)
        url = f"{world.site}/rest/api/3/component/{component}"
        project.components.append({"self": url, "id": component, "name": name})
    kinds = {7: "10200", 8: "10201", 9: "10201", 10: "10205"}
    parents = {8: 7, 9: 7, 10: 8}
    made: list[Issue] = []
    for number, title in enumerate(TITLES):
        values: dict[str, object] = {
            "priority": "2",
            "original_estimate": 5_400 if number % 2 else None,
            "parent": made[parents[number]].id if number in parents else None,
        }
        if number == 0:
            values |= {"priority": "3", "labels": ("Midnight",), "duedate": "2031-06-03"}
        made.append(
            world.create_issue(
                local("2031-05-12T00:00") + number * MINUTE,
                team[1 + number % 4].account_id,
                project.id,
                issuetype=kinds.get(number, "10203"),
                status="10000",
                summary=title,
                values=values,
            )
        )
    return made


def _edges(world: World, team: list[Person], issue: Issue) -> None:
    """Let every step of an issue be just at midnight in Zurich, or just before it."""
    ann, ben, cid = (team[n].account_id for n in (1, 2, 3))
    steps: tuple[tuple[str, str, dict[str, object]], ...] = (
        ("2031-05-13T00:00", ben, {"status": "10001", "assignee": cid}),
        ("2031-05-14T23:59:59.999", ben, {"status": "10002", "priority": "1"}),
        ("2031-05-16T00:00", cid, {"assignee": None}),
        ("2031-05-17T12:30", cid, {"status": "10003", "resolution": "10100"}),
        ("2031-05-18T12:31", "", {"status": "10000", "resolution": None}),
        ("2031-05-19T09:00", ann, {"assignee": ann, "reporter": ben}),
        ("2031-05-20T09:00", ann, {"fixVersions": ("13200", "13201")}),
        ("2031-05-21T09:00", ben, {"fixVersions": ("13201",)}),
    )
    for at, who, values in steps:
        world.edit(local(at), who or ann, issue, values, is_anonymous=not who)


def _details(world: World, team: list[Person], issues: list[Issue]) -> None:
    """Give issues what only one of them has."""
    author, at = team[5].account_id, local("2031-05-23T10:00")
    world.comment(at, author, issues[1], "The quokka slept.\nThe wombat did not.")
    world.comment(at + SECOND, author, issues[2], "Only a quokka here")
    world.comment(at + 2 * SECOND, author, issues[2], "Only a wombat there")
    edits: tuple[tuple[int, int, dict[str, object]], ...] = (
        (3, 3, {"description": "A quokka and a wombat", "fixVersions": ("13200",)}),
        (4, 4, {"duedate": "2031-06-02", TEAM: "10500", "components": ("12201",)}),
        (5, 5, {"duedate": "2031-06-04", POINTS: 13.0, "fixVersions": ("13202",)}),
        (6, 6, {"labels": ("Ärger", "midnight", "two-words"), "fixVersions": ("13201",)}),
        (7, 1, {"labels": ("and",), "components": ("12200", "12201")}),
        (8, 7, {"status": "10001"}),
        (9, 13, {"security": "10400"}),
        (10, 2, {"components": ("12202",), "labels": ("123", "say-“hi”", "null")}),
        (11, 2, {SPRINT: ("501",)}),
        (12, 2, {"labels": ("123", "null", "empty")}),
    )
    for seconds, number, values in edits:
        world.edit(at + seconds * SECOND, author, issues[number], values)
    for days, sprints in ((1, ("501", "502")), (2, ("502",)), (3, ()), (4, ("503",))):
        world.edit(at + days * DAY, team[2 + days].account_id, issues[2], {SPRINT: sprints})
    world.log_work(at + 20 * SECOND, author, issues[6], 5_400, "Fed the platypus")
    world.attach(at + 40 * SECOND, author, issues[4], [("plan.png", 10, "image/png")])
    world.move(at + 50 * SECOND, author, issues[11], "11000")


def _links(world: World, team: list[Person], issues: list[Issue]) -> None:
    """Link QRY-2 in every direction, once with an issue that will be deleted."""
    at = local("2031-05-24T10:00")
    for number, (source, target, kind) in enumerate(
        ((1, 2, "10300"), (1, 3, "10301"), (4, 1, "10302"), (5, 1, "10303"), (12, 1, "10300"))
    ):
        author = team[6].account_id
        world.link(at + number * MINUTE, author, issues[source], issues[target], kind, 20)


def _sprints(world: World, now: int, team: list[Person]) -> None:
    """Of the sprints that issues name, end those of the past, run one, and plan one."""
    software = world.domain(Software)
    actor = team[6].account_id
    for number in (500, 501, 502, 503, 504):
        sprint = software.sprints.all[number]
        if sprint.state != "closed":
            software.sprints.close(now, actor, sprint)
    running = software.sprints.all[505]
    if running.state != "active":
        software.sprints.start(now, actor, running)
    issues = list(world.issues.values())
    for issue in issues[10:40:3]:
        world.edit(now, actor, issue, {SPRINT: (*issue.sprints, "505")})
    for issue in issues[11:40:5]:
        world.edit(now, actor, issue, {SPRINT: ("506",)})


def _delete_some(world: World, now: int) -> None:
    """Delete issues that the first sync saw; the last is the newest action of the site."""
    actor = people(world)[7].account_id
    doomed = list(world.issues.values())[20:400:29]
    gone = world.issues[world.keys[f"{KEY}-13"]]
    for issue in (*doomed, gone):
        world.delete_issue(now, actor, issue)
