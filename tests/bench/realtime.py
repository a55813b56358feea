"""From the arrival of a webhook to the published snapshot: real processes, the demo's size.

sandbox (a year of activity, live clock) --webhooks--> `audit-log serve` --> app.db
`dagster dev` (or `audit-log follow`) --> inbox, dbt, publish --> CURRENT
"""

from __future__ import annotations

import random
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.publishing import current_snapshot
from tests.bench.report import Figure, Tell, percentile, say_nothing
from tests.bench.serving import LONGEST_WAIT, LOOK_SECONDS, ROOT, address, process
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

SECRET = "of-the-bench"  # noqa: S105 - of a receiver that lives for one measurement

Runner = Literal["dagster", "follow"]


def measure(
    bursts: int,
    *runners: Runner,
    actions_per_year: int = 62_000,
    pause: float = 20,
    tell: Tell = say_nothing,
) -> dict[Runner, list[float]]:
    """Return the seconds that each change took with each runner, in bursts of 1 to 20.

    A change's time begins when serve has acknowledged all webhooks of its burst. Bursts are up to
    `pause` seconds apart. TimeoutError with the log when one does not arrive at all.
    """
    rng = random.Random(f"{bursts} {runners}")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home, log = directory / "home", directory / "log.txt"
        home.mkdir()
        tell(f"realtime: a site with {actions_per_year:,} actions, and its first run")
        sandbox = stack.enter_context(
            running_sandbox(now="live", days=365, actions_per_year=actions_per_year)
        )
        environment = sandbox.environment | {
            "AUDIT_LOG_HOME": str(home),
            "AUDIT_LOG_WEBHOOK_SECRET": SECRET,
            "PORT": "0",
        }
        with process(["orchestration.cli", "run"], environment, log) as first:
            if first.wait() != 0:
                raise RuntimeError(log.read_text())
        serving = process(["orchestration.cli", "serve"], environment, log)
        server = stack.enter_context(serving)
        sandbox.webhooks(f"{address(log, server)}/ingest/jira", SECRET)
        found: dict[Runner, list[float]] = {}
        for runner in runners:
            tell(f"realtime: {bursts} bursts of changes, with {runner}")
            with process(_command(runner, home), _environment(home, environment), log):
                _burst(sandbox, home, log, 1)  # everything has started when this one has arrived
                found[runner] = []
                for _ in range(bursts):
                    time.sleep(rng.uniform(0, pause))
                    found[runner] += _burst(sandbox, home, log, rng.randint(1, 20))
        return found


def _command(runner: Runner, home: Path) -> list[str]:
    if runner == "follow":
        return ["orchestration.cli", "follow"]
    (home / "dagster").mkdir()
    shutil.copy(ROOT / "orchestration" / "dagster.yaml", home / "dagster")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = ["-m", "orchestration.definitions"]
    return ["dagster", "dev", "--host", "127.0.0.1", "--port", str(port), *module]


def _environment(home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    return dict(environment) | {"DAGSTER_HOME": str(home / "dagster")}


def _burst(sandbox: RunningSandbox, home: Path, log: Path, size: int) -> list[float]:
    """Make comments on as many issues; the seconds until each is in the published snapshot."""

    def change(world: World, now: int) -> set[str]:
        issues = [*world.issues.values()][-size:]
        author = next(iter(world.people))
        return {str(world.comment(now, author, issue, "Now?").id) for issue in issues}

    waiting = sandbox.do(change)
    sandbox.settle()
    began = time.monotonic()
    seconds: list[float] = []
    seen: Path | None = None
    while waiting:
        if time.monotonic() - began > LONGEST_WAIT:
            raise TimeoutError(f"{len(waiting)} changes never arrived:\n{log.read_text()[-8_000:]}")
        current = current_snapshot(home)
        if current is not None and current != seen:
            seen = current
            arrived = waiting & _comments(current)
            seconds += [time.monotonic() - began] * len(arrived)
            waiting -= arrived
        time.sleep(LOOK_SECONDS)
    return seconds


def _comments(snapshot: Path) -> set[str]:
    with duckdb.connect(str(snapshot), read_only=True) as database:
        rows = database.execute(
            "select target_id from fct_actions where action_code = 'ISSUE_COMMENTED'"
        ).fetchall()
    return {target_id for (target_id,) in rows}


def bench_realtime(tell: Tell = say_nothing, bursts: int = 3, pause: float = 5) -> list[Figure]:
    """Measure with `dagster dev`, and with `audit-log follow`."""
    figures = []
    runners: dict[Runner, str] = {"dagster": "dagster dev", "follow": "audit-log follow"}
    for runner, seconds in measure(bursts, *runners, pause=pause, tell=tell).items():
        words = f"{runners[runner]}: webhook to snapshot"
        figures += [
            Figure(f"{words}, p50", percentile(seconds, 0.5), "s"),
            Figure(f"{words}, p95", percentile(seconds, 0.95), "s", goal="<= 60 s"),
        ]
    return figures
