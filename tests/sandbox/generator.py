"""The generated site: a seeded stream of what its people do.

(seed, start) decides everything: who exists, and each command with its time. `advance` may be
called in any steps; the stream is the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.sandbox.clock import DAY, HOUR, SECOND, YEAR, from_ms
from tests.sandbox.fields import IMPACT, POINTS, RANK, SPRINT, TEAM
from tests.sandbox.furniture import WORDS, furnish
from tests.sandbox.ledger import Line
from tests.sandbox.objects import Issue, Person, Project
from tests.sandbox.world import World

_HOSTILE = (
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://127.0.0.1","click")',
    "+1-1@SUM(A1:A9)",
    "-2+3",
    "@import",
    "He said \"no\", then 'yes'; DROP TABLE issues; --",
    "emoji 👩‍👩‍👧‍👦 🇨🇭 ✅ and ⚠️",
    "שלום עולם \u202eevil.exe\u202c مرحبا",
    "tab\there, bell\u0007, vertical\u000btab, form\u000cfeed",
    "line\u2028separator and zero\u200bwidth and \ufeffmark",
    "<script>alert(1)</script> & <b>bold</b> {{7*7}} ${jndi:ldap://127.0.0.1/a}",
    "back\\slash \\n \\u0041 %s %n {0}",
    "Ünïcödé ﬁne print — “quotes” … e\u0301 combining",
    "null",
    "2026-01-02",
    "100017:0",
    "  leading and trailing  ",
    "long " + "word " * 400 + "end",
    "한국어 中文 日本語 ไทย हिन्दी",
)
_FILES = (
    ("screenshot.png", "image/png"),
    ("Protokoll äöü.pdf", "application/pdf"),
    ("data,final (2).csv", "text/csv"),
    ("server.log", "text/plain"),
    ("=cmd.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("video.mp4", "video/mp4"),
)
_LABELS = ("backend", "frontend", "urgent", "customer", "tech-debt", "q1", "q2", "naïve", "ops")
_FIRST_ISSUES = 25
_DONE = ("10003", "10004")

# Work follows the week: (weekday hours 6-17 UTC, other weekday hours, weekend).
_RATES = (1.0, 0.06, 0.04)
_MEAN_RATE = (5 * (12 * _RATES[0] + 12 * _RATES[1]) + 2 * 24 * _RATES[2]) / (7 * 24)
_COMMANDS_PER_ACTION = 0.82
_USUAL_ACTIONS = 62_000


def build_world(
    *,
    seed: int,
    start: int,
    actions_per_year: int = _USUAL_ACTIONS,
    max_lag_ms: int = 240_000,
    late_share: float = 0,
    time_zone: str = "Europe/Zurich",
    sink: Callable[[Line], None] = lambda _: None,
) -> World:
    """Make the site of (seed, start), at `start` and with its stream attached.

    `time_zone` is that of the API user; `max_lag_ms` and `late_share` (see `World`) set the search
    index's lag.
    """
    world = World(
        site=f"https://sandbox-{seed}.atlassian.net",
        seed=seed,
        max_lag_ms=max_lag_ms,
        late_share=late_share,
        sink=sink,
    )
    world.now = start
    world.activity = actions_per_year / _USUAL_ACTIONS
    rng = random.Random(f"site {seed}")
    furnish(world, rng, start, time_zone)
    world.stream = Activity(world, start, actions_per_year)
    return world


class Activity:
    """The stream of commands: weighted, with the rhythm of a working week, seeded."""

    def __init__(self, world: World, start: int, actions_per_year: int) -> None:
        self._world = world
        self._rng = random.Random(f"activity {world.seed} {start}")
        self._start = start
        self._gap = YEAR * _MEAN_RATE / (actions_per_year * _COMMANDS_PER_ACTION)
        self._alive: list[Issue] = []
        self._hot: Issue | None = None
        self._edits = _EDITS
        self._old_links: list[tuple[Issue, Issue, str]] = []
        # What it works with is fixed here: objects that other domains add do not change the stream.
        self._projects = list(world.projects.values())
        self._versions_of = {p.id: [v["id"] for v in p.versions] for p in self._projects}
        self._types, self._statuses = list(world.issue_types), list(world.statuses)
        self._resolutions, self._link_types = list(world.resolutions), list(world.link_types)
        self._people = [p for p in world.people.values() if p.active and p.account_type != "app"]
        self._app = next(p for p in world.people.values() if p.account_type == "app")
        commands: tuple[tuple[float, Callable[[int, Person], bool]], ...] = (
            (9, self._create),
            (32, self._edit),
            (21, self._transition),
            (18, self._comment),
            (2.4, self._edit_comment),
            (0.8, self._delete_comment),
            (6, self._log_work),
            (1.0, self._edit_worklog),
            (0.6, self._delete_worklog),
            (2.6, self._attach),
            (0.6, self._detach),
            (3.2, self._link),
            (0.9, self._unlink),
            (0.5, self._move),
            (0.4, self._delete),
            (0.7, self._remote_link),
            (0.4, self._change_type),
        )
        self._weights = [weight for weight, _ in commands]
        self._commands = [command for _, command in commands]
        # Rare events of the year, by their day.
        days = self._rng.sample(range(20, 360), 8)
        self._rare: list[tuple[int, Callable[[int], None]]] = sorted(
            [(start + day * DAY, self._deactivate) for day in days[:6]]
            + [
                (start + days[6] * DAY, self._erase),
                (start + 100 * DAY, self._delete_field),
                (start + 150 * DAY, self._rename),
                (start + 200 * DAY, self._archive),
            ],
            key=lambda event: event[0],
        )
        self.next_at = start
        self._schedule(0)

    # -- time ----------------------------------------------------------------------------------

    def step(self) -> None:
        """Do the next command, at `next_at`; commands that find nothing to do become edits."""
        at = self.next_at
        while self._rare and self._rare[0][0] <= at:
            self._rare.pop(0)[1](at)
        rng = self._rng
        actor = rng.choice(self._people)
        if len(self._alive) < _FIRST_ISSUES and (not self._alive or rng.random() < 0.5):
            self._create(at, actor)
        else:
            command = rng.choices(self._commands, self._weights)[0]
            if not command(at, actor):
                self._edit(at, actor)
        self._schedule(1)

    def _schedule(self, spent: int) -> None:
        """Set the next time: exponential gaps stretched over nights and weekends, bursts within."""
        rng = self._rng
        # A command's last history entry may lie up to 1.2 s after its time.
        at = self.next_at + spent * 1_200
        if rng.random() < 0.04:
            self.next_at = at + rng.randrange(5 * SECOND)
            return
        work = rng.expovariate(1 / self._gap)
        while True:
            hours = at // HOUR
            weekday, hour = (hours // 24 + 3) % 7, hours % 24
            rate = _RATES[2] if weekday > 4 else _RATES[0] if 6 <= hour < 18 else _RATES[1]
            rest = (hours + 1) * HOUR - at
            if work <= rest * rate:
                self.next_at = at + int(work / rate) + 1
                return
            work -= rest * rate
            at += rest

    # -- choices -------------------------------------------------------------------------------

    def _pick(self) -> Issue:
        """Recent issues get most of the attention, and for some weeks one gets very much."""
        alive, rng = self._alive, self._rng
        luck = rng.random()
        if luck < 0.12:
            return rng.choice(alive)
        if luck < 0.16:
            return self._debated()
        return alive[-1 - min(len(alive) - 1, int(rng.expovariate(1 / 120)))]

    def _debated(self) -> Issue:
        if (
            self._hot is None
            or self._hot.id not in self._world.issues
            or self._rng.random() < 0.005
        ):
            self._hot = self._rng.choice(self._alive)
        return self._hot

    def _words(self, low: int, high: int) -> str:
        rng = self._rng
        if rng.random() < 0.025:
            return rng.choice(_HOSTILE)
        text = " ".join(rng.choices(WORDS, k=rng.randint(low, high)))
        return text[0].upper() + text[1:]

    def _paragraphs(self) -> str:
        rng = self._rng
        return "\n".join(self._words(4, 24) for _ in range(rng.choice((1, 1, 1, 2, 3))))

    def _title(self) -> str:
        return self._words(3, 9).replace("\n", " ")[:255]

    def _someone(self) -> str:
        return self._rng.choice(self._people).account_id

    def _file(self) -> tuple[str, int, str]:
        name, kind = self._rng.choice(_FILES)
        return name, self._rng.randrange(10, 5_000_000), kind

    def _live_projects(self) -> list[Project]:
        return [p for p in self._projects if p.state == "live"]

    # -- commands ------------------------------------------------------------------------------

    def _create(self, at: int, actor: Person) -> bool:
        rng, world = self._rng, self._world
        projects = self._live_projects()
        weights = [1 if p.key == "OLD" else 9 - i for i, p in enumerate(projects)]
        project = rng.choices(projects, weights)[0]
        kind = rng.choices(self._types, (1, 6, 6, 6, 3, 3))[0]
        parent = None
        if kind == "10205":
            parents = [i for i in self._alive[-40:] if i.project == project.id and not i.parent]
            if not parents:
                kind = "10203"
            else:
                parent = rng.choice(parents).id
        estimate = rng.choice((None, None, 3600, 14_400, 57_600))
        reporter = actor if rng.random() < 0.9 else rng.choice(self._people)
        issue = world.create_issue(
            at,
            actor.account_id,
            project.id,
            issuetype=kind,
            status="10000",
            summary=self._title(),
            attachments=[self._file() for _ in range(rng.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 2)))],
            values={
                "description": self._paragraphs() if rng.random() < 0.8 else None,
                "priority": rng.choice(("2", "3", "3", "3", "4")),
                "assignee": self._someone() if rng.random() < 0.4 else None,
                "reporter": reporter.account_id,
                "labels": tuple(sorted(rng.sample(_LABELS, rng.choice((0, 0, 1, 2))))),
                "security": rng.choice(("10400", "10401")) if rng.random() < 0.01 else None,
                "parent": parent,
                "original_estimate": estimate,
                "remaining_estimate": estimate,
            },
        )
        self._alive.append(issue)
        return True

    def _edit(self, at: int, actor: Person) -> bool:
        rng = self._rng
        edits = self._edits
        names = rng.choices(
            list(edits),
            [weight for weight, _ in edits.values()],
            k=1 if rng.random() < 0.75 else rng.randint(2, 4),
        )
        issue = self._pick()
        is_rule = rng.random() < 0.03
        history = self._world.edit(
            at,
            self._app.account_id if is_rule else actor.account_id,
            issue,
            {name: edits[name][1](self, issue) for name in dict.fromkeys(names)},
            is_anonymous=rng.random() < 0.005,
        )
        return history is not None

    def _transition(self, at: int, actor: Person) -> bool:
        """Move on through the workflow; closing resolves, reopening clears the resolution."""
        rng, world = self._rng, self._world
        issue = self._pick()
        choices = [s for s in self._statuses if s != issue.status]
        if issue.status in _DONE and rng.random() < 0.7:
            # A finished issue rests, but sometimes its resolution is corrected.
            if issue.resolution is not None and rng.random() < 0.2:
                resolution = rng.choice([r for r in self._resolutions if r != issue.resolution])
                world.edit(at, actor.account_id, issue, {"resolution": resolution})
                return True
            return False
        values: dict[str, object] = {}
        if rng.random() < 0.35 and issue.status not in _DONE:
            values["status"] = rng.choice(_DONE)
            values["resolution"] = rng.choice(self._resolutions)
        else:
            values["status"] = rng.choice([s for s in choices if s not in _DONE])
            if issue.resolution is not None:
                values["resolution"] = None
        if rng.random() < 0.2:
            values["assignee"] = self._someone()
        if rng.random() < 0.05:
            values[RANK] = self._rank(issue)
        is_rule = rng.random() < 0.05
        world.edit(
            at,
            self._app.account_id if is_rule else actor.account_id,
            issue,
            values,
            is_anonymous=rng.random() < 0.004,
        )
        return True

    def _comment(self, at: int, actor: Person) -> bool:
        issue = self._debated() if self._rng.random() < 0.06 else self._pick()
        self._world.comment(at, actor.account_id, issue, self._paragraphs())
        return True

    def _commented(self) -> Issue | None:
        return next((i for i in (self._pick() for _ in range(8)) if i.comments), None)

    def _edit_comment(self, at: int, actor: Person) -> bool:
        issue = self._commented()
        if issue is None:
            return False
        comment = self._rng.choice(list(issue.comments.values()))
        editor = (self._rng.random() < 0.9 and comment.author) or actor.account_id
        text = self._paragraphs()
        self._world.edit_comment(at, editor, issue, comment, text)
        return True

    def _delete_comment(self, at: int, actor: Person) -> bool:
        issue = self._commented()
        if issue is None:
            return False
        comment = self._rng.choice(list(issue.comments.values()))
        self._world.delete_comment(at, actor.account_id, issue, comment)
        return True

    def _log_work(self, at: int, actor: Person) -> bool:
        rng = self._rng
        seconds = rng.choice((900, 1800, 3600, 7200, 12_600))
        text = self._words(2, 8) if rng.random() < 0.6 else ""
        self._world.log_work(at, actor.account_id, self._pick(), seconds, text)
        return True

    def _worked(self) -> Issue | None:
        return next((i for i in (self._pick() for _ in range(12)) if i.worklogs), None)

    def _edit_worklog(self, at: int, actor: Person) -> bool:
        issue = self._worked()
        if issue is None:
            return False
        worklog = self._rng.choice(list(issue.worklogs.values()))
        editor = worklog.author if self._rng.random() < 0.8 else actor.account_id
        seconds = max(60, worklog.seconds + self._rng.choice((-300, 600, 1800)))
        self._world.edit_worklog(at, editor, worklog, seconds)
        return True

    def _delete_worklog(self, at: int, actor: Person) -> bool:
        issue = self._worked()
        if issue is None:
            return False
        worklog = self._rng.choice(list(issue.worklogs.values()))
        self._world.delete_worklog(at, actor.account_id, worklog)
        return True

    def _attach(self, at: int, actor: Person) -> bool:
        files = [self._file() for _ in range(self._rng.choice((1, 1, 1, 1, 2, 3)))]
        self._world.attach(at, actor.account_id, self._pick(), files)
        return True

    def _detach(self, at: int, actor: Person) -> bool:
        issue = next((i for i in (self._pick() for _ in range(12)) if i.attachments), None)
        if issue is None:
            return False
        attachment = self._rng.choice(list(issue.attachments.values()))
        self._world.detach(at, actor.account_id, issue, attachment)
        return True

    def _link_gap(self) -> int:
        """Choose how many ms after the one end's entry the other's is written."""
        return self._rng.randint(2, 60)

    def _link(self, at: int, actor: Person) -> bool:
        rng, world = self._rng, self._world
        if self._old_links and rng.random() < 0.3:
            # The same pair again: what was unlinked is linked once more.
            source, target, kind = self._old_links.pop(rng.randrange(len(self._old_links)))
            if source.id not in world.issues or target.id not in world.issues:
                return False
        else:
            source, target = self._pick(), self._pick()
            kind = rng.choices(self._link_types, (5, 6, 2, 1))[0]
        if not {source.project, target.project} <= {p.id for p in self._live_projects()}:
            return False
        linked = {(link.type, link.source, link.target) for link in source.links.values()}
        ends = {(kind, source.id, target.id), (kind, target.id, source.id)}
        if source is target or linked & ends:
            return False
        if rng.random() < 0.1:
            at += (-at - 5) % SECOND  # just before a full second
        world.link(at, actor.account_id, source, target, kind, self._link_gap())
        return True

    def _unlink(self, at: int, actor: Person) -> bool:
        world = self._world
        issue = next((i for i in (self._pick() for _ in range(12)) if i.links), None)
        if issue is None:
            return False
        link = self._rng.choice(list(issue.links.values()))
        ends = {world.issues[link.source].project, world.issues[link.target].project}
        if not ends <= {p.id for p in self._live_projects()}:
            return False
        self._old_links.append((world.issues[link.source], world.issues[link.target], link.type))
        world.unlink(at, actor.account_id, link, self._link_gap())
        return True

    def _move(self, at: int, actor: Person) -> bool:
        issue = self._pick()
        others = [p.id for p in self._live_projects() if p.id != issue.project and p.key != "OLD"]
        self._world.move(at, actor.account_id, issue, self._rng.choice(others))
        return True

    def _delete(self, at: int, actor: Person) -> bool:
        issue = self._pick()
        self._alive.remove(issue)
        self._world.delete_issue(at, actor.account_id, issue)
        return True

    def _remote_link(self, at: int, actor: Person) -> bool:
        title = f"{self._words(2, 5)[:80]} (Confluence)"
        self._world.add_remote_link(at, actor.account_id, self._pick(), title)
        return True

    def _change_type(self, at: int, actor: Person) -> bool:
        issue = self._pick()
        if issue.issuetype in ("10200", "10205"):
            return False
        others = [t for t in ("10201", "10202", "10203", "10204") if t != issue.issuetype]
        self._world.change_type(at, actor.account_id, issue, self._rng.choice(others))
        return True

    # -- new values of edited fields -----------------------------------------------------------

    def _rank(self, _: Issue) -> str:
        return f"0|i{self._rng.getrandbits(28):07x}:"

    def _due(self, issue: Issue) -> str | None:
        day = from_ms(issue.updated + self._rng.randrange(60) * DAY)
        return None if self._rng.random() < 0.2 else f"{day:%Y-%m-%d}"

    def _sprints(self, issue: Issue) -> tuple[str, ...]:
        number = min(29, (issue.updated - self._start) // (14 * DAY))
        return (*issue.sprints[-2:], str(500 + number))

    def _versions(self, issue: Issue) -> tuple[str, ...]:
        versions = self._versions_of[issue.project]
        return tuple(self._rng.sample(versions, self._rng.randint(0, 2)))

    def _components(self, issue: Issue) -> tuple[str, ...]:
        components = self._world.projects[issue.project].components
        return tuple(c["id"] for c in self._rng.sample(components, self._rng.randint(0, 2)))

    def _parent(self, issue: Issue) -> int | None:
        if issue.issuetype in _NOT_BELOW_EPICS:
            return issue.parent
        epics = [other.id for other in self._alive[-200:] if other.issuetype == "10200"]
        return self._rng.choice([*epics, None])

    def _labels(self, _: Issue) -> tuple[str, ...]:
        return tuple(sorted(self._rng.sample(_LABELS, self._rng.randint(0, 3))))

    def _choice(self, *values: object) -> object:
        return self._rng.choice(values)

    # -- rare events ---------------------------------------------------------------------------

    def _leaver(self) -> Person:
        """Someone who can go: neither the API user nor among the first, busiest ten."""
        return self._people.pop(self._rng.randrange(10, len(self._people)))

    def _deactivate(self, at: int) -> None:
        self._world.deactivate(at, self._leaver().account_id)

    def _erase(self, at: int) -> None:
        self._world.erase(at, self._leaver().account_id)

    def _delete_field(self, at: int) -> None:
        self._edits = {name: edit for name, edit in _EDITS.items() if name != IMPACT}
        self._world.delete_field(at, IMPACT)

    def _rename(self, at: int) -> None:
        person = self._people[len(self._people) // 2]
        self._world.rename_person(at, person.account_id, f"{person.name}-Neumann")
        project = next(p for p in self._projects if p.key == "WEB")
        self._world.rename_project(at, project.id, "Web Shop (new)")

    def _archive(self, at: int) -> None:
        project = next(p for p in self._projects if p.key == "OLD")
        self._alive = [issue for issue in self._alive if issue.project != project.id]
        self._hot = None
        self._world.archive(at, self._world.me, project.id)


_NOT_BELOW_EPICS = ("10200", "10205")

_EDITS: dict[str, tuple[float, Callable[[Activity, Issue], object]]] = {
    "summary": (4, lambda a, _: a._title()),
    "description": (5, lambda a, _: a._paragraphs()),
    "labels": (5, Activity._labels),
    "assignee": (9, lambda a, _: a._choice(None, *[a._someone() for _ in range(8)])),
    "reporter": (1, lambda a, _: a._someone()),
    "priority": (5, lambda a, _: a._choice("1", "2", "3", "4", "5")),
    "duedate": (4, Activity._due),
    "fixVersions": (4, Activity._versions),
    "components": (3, Activity._components),
    "security": (0.2, lambda a, _: a._choice(None, "10400", "10401")),
    "timeoriginalestimate": (1, lambda a, _: a._choice(1800, 3600, 7200, 28_800)),
    "timeestimate": (1, lambda a, _: a._choice(1800, 3600, 7200, 28_800)),
    "parent": (2, Activity._parent),
    POINTS: (4, lambda a, _: a._choice(1.0, 2.0, 3.0, 5.0, 8.0, 0.5, None)),
    SPRINT: (5, Activity._sprints),
    RANK: (6, Activity._rank),
    TEAM: (2, lambda a, _: a._choice("10500", "10501", "10502", None)),
    IMPACT: (2, lambda a, _: a._choice(None, a._paragraphs(), a._paragraphs())),
}
