"""One running site: its state directory, clock, world, logs and faults, without any HTTP."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from tests.sandbox.api import Api
from tests.sandbox.clock import MINUTE, YEAR, Clock, iso
from tests.sandbox.domains import attach
from tests.sandbox.domains.organization import Organization
from tests.sandbox.faults import Faults
from tests.sandbox.generator import build_world
from tests.sandbox.image import load_image
from tests.sandbox.logs import FaultLog, LedgerFile, ServedLog, StateError
from tests.sandbox.objects import JsonObject
from tests.sandbox.webhook_bodies import WebhookBodies
from tests.sandbox.webhooks import Plan, Push, Sender, describe, webhook_push
from tests.sandbox.world import Webhook, World


class Options(Struct, frozen=True):
    """How a site is started. None: taken from the state directory, else the default.

    `start` default: a year before now; `now` None is the live clock, else the frozen one's first
    present (a continued frozen site never goes back). Times are ms since 1970 UTC. `domains`: the
    names of those to have, None for all; `activity`: how busy they are, 1 as on a site of 62,000
    issue actions a year, None as busy as the issues are.
    """

    state: Path
    seed: int = 7
    start: int | None = None
    now: int | None = None
    image: Path | None = None
    plan: Path | None = None
    actions_per_year: int = 62_000
    max_lag_minutes: float = 4
    late_share: float = 0
    time_zone: str = "Europe/Zurich"
    page_limit: int | None = None
    domains: tuple[str, ...] | None = None
    activity: float | None = None


class _Control(Struct):
    """A control call that changed the ledger; told again when the world is rebuilt."""

    at: int
    project: str
    is_hidden: bool


class _Saved(Struct):
    """`world.json`: what a state directory needs to be continued."""

    seed: int
    start: int
    now: int
    image: str | None
    actions_per_year: int
    time_zone: str
    controls: list[_Control] = msgspec.field(default_factory=list)


class Site:
    """A site at its clock's present. `open` builds or continues it; `close` ends it."""

    def __init__(self, options: Options) -> None:
        """StateError when the state directory belongs to another world; PlanError for the plan."""
        self.faults = Faults.load(options.plan) if options.plan else Faults()
        options.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.state = options.state
        self._saved = self._load(options)
        self._save()
        self.clock = Clock(None if options.now is None else self._saved.now)
        self.ledger = LedgerFile(self.state / "ledger.jsonl")
        self.served = ServedLog(self.state / "served.jsonl")
        self.fault_log = FaultLog(self.state / "faults.jsonl")
        self.requests = self.served.last_request
        self.world = self._build(options)
        self.world.is_live = not self.clock.is_frozen
        self.world.bodies = WebhookBodies(self.world)
        self.senders: dict[str, Sender] = {}
        self.api = Api(self.world, options.page_limit)
        for control in self._saved.controls:
            self.world.advance(control.at)
            self.world.hide(control.at, control.project, is_hidden=control.is_hidden)
        self.catch_up()

    def _load(self, options: Options) -> _Saved:
        path = self.state / "world.json"
        saved = msgspec.json.decode(path.read_bytes(), type=_Saved) if path.exists() else None
        now = Clock(options.now).now()
        image = None if options.image is None else str(options.image.resolve())
        fresh = _Saved(
            seed=options.seed,
            start=options.start
            if options.start is not None
            else saved.start
            if saved
            else now - YEAR,
            now=max(now, saved.now) if saved else now,
            image=image,
            actions_per_year=options.actions_per_year,
            time_zone=options.time_zone,
        )
        if saved is not None:
            for name in ("seed", "start", "image", "actions_per_year", "time_zone"):
                held, asked = getattr(saved, name), getattr(fresh, name)
                if held != asked:
                    raise StateError(
                        f"{path} holds a world with {name} {held}, not {asked}; give the same "
                        "options or another --state directory"
                    )
            fresh.controls = saved.controls
        return fresh

    def _build(self, options: Options) -> World:
        saved = self._saved
        if options.image is not None:
            world = load_image(options.image, time_zone=saved.time_zone, sink=self.ledger.write)
            attach(world, None, options.domains)
            return world
        world = build_world(
            seed=saved.seed,
            start=saved.start,
            actions_per_year=saved.actions_per_year,
            max_lag_ms=int(options.max_lag_minutes * MINUTE),
            late_share=options.late_share,
            time_zone=saved.time_zone,
            sink=self.ledger.write,
        )
        if options.activity is not None:
            world.activity = options.activity
        attach(world, saved.start, options.domains)
        return world

    def catch_up(self) -> int:
        """Bring the world to the clock's present and the ledger to disk; return the present."""
        now = self.clock.now()
        self.world.advance(now)
        self.ledger.flush()
        return now

    def advance(self, minutes: float) -> None:
        """Move a frozen clock on. ValueError on a live one or for going back."""
        self._saved.now = self.clock.advance(int(minutes * MINUTE))
        self.catch_up()
        self._save()

    def hide_project(self, key: str, *, is_hidden: bool) -> None:
        """Take away or give back the API user's right to a project. KeyError: no such project."""
        now = self.catch_up()
        projects = {project.key: project.id for project in self.world.projects.values()}
        control = _Control(now, projects[key], is_hidden)
        self.world.hide(now, control.project, is_hidden=is_hidden)
        self.ledger.flush()
        self._saved.controls.append(control)
        self._save()

    def connect(self, kind: str, plan: Plan) -> Sender:
        """Send `webhooks` or `views` from now on; told again, change where and how.

        ValueError for another kind, or views of a world without the organisation.
        """
        sender = self.senders.get(kind)
        if sender is not None:
            sender.plan = plan
            return sender
        sender = Sender(plan, self._saved.seed, self._note_served)
        if kind == "webhooks":
            self.world.receiver = lambda webhook: sender.push(self._webhook(webhook))
        elif kind == "views" and "organization" in self.world.domains:
            self.world.domain(Organization).receiver = lambda view: sender.push(
                Push("view", view.number, "", {}, msgspec.json.encode(view.body))
            )
        else:
            raise ValueError(f"this site has no {kind} to send")
        self.senders[kind] = sender
        return sender

    def _webhook(self, webhook: Webhook) -> Push:
        return webhook_push(self.world.site, webhook)

    def _note_served(self, key: str) -> None:
        self.served.write(self.requests, self.clock.now(), [key], [])

    def _save(self) -> None:
        path = self.state / "world.json"
        aside = path.with_suffix(".new")
        aside.write_bytes(msgspec.json.encode(self._saved))
        aside.replace(path)

    def describe(self) -> JsonObject:
        """Where the site stands, for `/__control/state`."""
        return {
            "site": self.world.site,
            "now": iso(self.clock.now()),
            "is_frozen": self.clock.is_frozen,
            "start": iso(self._saved.start),
            "issues": len(self.world.issues),
            "deleted_issues": len(self.world.deleted),
            "ledger_lines": self.world.line_count,
            "requests": self.requests,
            "sent": describe(self.senders),
            "state": str(self.state),
        }

    def close(self) -> None:
        """Close the files."""
        for file in (self.ledger, self.served, self.fault_log):
            file.close()
