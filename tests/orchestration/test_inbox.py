"""Real time: what is received starts one run at a time, and a full run is not kept out by it."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    RunRequest,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
)

from orchestration import inbox, locking, sensors
from orchestration.locking import AlreadyRunningError, run_lock
from orchestration.publishing import current_snapshot
from orchestration.schedules import half_hourly_schedule
from orchestration.sensors import inbox_sensor, run_lost_sensor
from pipelines.config import load_settings
from pipelines.registry import SOURCES
from pipelines.runner import run_source
from tests.orchestration.conftest import TinyHome
from tests.pipelines.inboxes import give_site, push, webhook

ROOT = Path(__file__).parents[2]
SITE = {
    "ATLASSIAN_SITE_URL": "http://127.0.0.1:1",
    "ATLASSIAN_EMAIL": "admin@example.com",
    "ATLASSIAN_API_TOKEN": "none",
}


@pytest.fixture
def home(built_home: TinyHome, monkeypatch: pytest.MonkeyPatch) -> TinyHome:
    """Provide a home that knows its site; the site itself cannot be reached."""
    monkeypatch.chdir(built_home.path)
    monkeypatch.setenv("AUDIT_LOG_HOME", str(built_home.path))
    for name, value in SITE.items():
        monkeypatch.setenv(name, value)
    give_site(built_home.path)
    return built_home


def tick(instance: DagsterInstance) -> RunRequest | str:
    """Evaluate the sensor; the reason if it skips."""
    answer = inbox_sensor(build_sensor_context(instance))
    assert isinstance(answer, RunRequest | SkipReason)
    return answer if isinstance(answer, RunRequest) else str(answer.skip_message)


def test_a_burst_is_one_run_and_what_it_read_waits_no_more(
    definitions: Definitions, instance: DagsterInstance, home: TinyHome
) -> None:
    assert tick(instance) == "nothing waits"
    for number in range(20):
        push(home.path, webhook("board_created", number))
    assert isinstance(tick(instance), RunRequest)
    job = definitions.resolve_job_def("inbox_job")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert result.success
    made = {
        event.asset_key.to_user_string()
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    assert made == {"raw_inbox/deliveries", "snapshot"}
    assert current_snapshot(home.path) is not None
    assert tick(instance) == "nothing waits"
    push(home.path, webhook("board_created", 99))
    assert isinstance(tick(instance), RunRequest)


@pytest.mark.parametrize("job_name", ["inbox_job", "audit_log_job"])
def test_one_run_in_flight_is_enough(
    definitions: Definitions, instance: DagsterInstance, home: TinyHome, job_name: str
) -> None:
    push(home.path, webhook("board_created"))
    with run_lock(home.path):
        assert "already running" in str(tick(instance))
    job = definitions.resolve_job_def(job_name)
    instance.create_run_for_job(job, status=DagsterRunStatus.STARTING)
    assert tick(instance) == f"a run of {job_name} is coming"


def test_a_run_that_left_something_behind_is_not_repeated_at_once(
    definitions: Definitions,
    instance: DagsterInstance,
    home: TinyHome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    push(home.path, webhook("board_created"))
    time.sleep(0.01)
    job = definitions.resolve_job_def("inbox_job")
    instance.create_run_for_job(job, status=DagsterRunStatus.FAILURE)
    assert "trying again" in str(tick(instance))
    monkeypatch.setattr(sensors, "RETRY_AFTER", timedelta(0))
    assert isinstance(tick(instance), RunRequest)


def test_a_database_that_cannot_be_read_is_said_and_no_run(
    instance: DagsterInstance, home: TinyHome
) -> None:
    (home.path / "app.db").write_bytes(b"no database at all, and long enough to be sure" * 50)
    assert "cannot be used" in str(tick(instance))


def test_a_full_run_is_asked_for_beside_a_run_of_the_inbox_and_is_not_lost_while_it_waits(
    definitions: Definitions,
    instance: DagsterInstance,
    home: TinyHome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with run_lock(home.path):
        assert isinstance(half_hourly_schedule(build_schedule_context()), SkipReason)
    with run_lock(home.path, is_for_inbox=True):
        assert isinstance(half_hourly_schedule(build_schedule_context()), RunRequest)
        waiting = instance.create_run_for_job(
            definitions.resolve_job_def("audit_log_job"), status=DagsterRunStatus.STARTED
        )
        monkeypatch.setattr(sensors, "GRACE", timedelta(seconds=-1))
        run_lost_sensor(build_sensor_context(instance))
        found = instance.get_run_by_id(waiting.run_id)
        assert found is not None
        assert found.status == DagsterRunStatus.STARTED


def test_only_a_run_of_the_inbox_is_waited_for_and_only_by_others(
    home: TinyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, free = threading.Event(), threading.Event()

    def hold(*, is_for_inbox: bool) -> None:
        with run_lock(home.path, is_for_inbox=is_for_inbox):
            held.set()
            free.wait(300)

    def try_to_hold(*, is_for_inbox: bool = False) -> None:
        with run_lock(home.path, is_for_inbox=is_for_inbox):
            pass

    for is_for_inbox in (False, True):
        held.clear()
        free.clear()
        thread = threading.Thread(target=hold, kwargs={"is_for_inbox": is_for_inbox})
        thread.start()
        assert held.wait(300)
        if is_for_inbox:
            with pytest.raises(AlreadyRunningError):
                try_to_hold(is_for_inbox=True)
            monkeypatch.setattr(locking, "MAX_WAIT_SECONDS", 0.2)
            with pytest.raises(AlreadyRunningError):
                try_to_hold()
            monkeypatch.setattr(locking, "MAX_WAIT_SECONDS", 300.0)
            threading.Timer(0.3, free.set).start()
            try_to_hold()
        else:
            with pytest.raises(AlreadyRunningError):
                try_to_hold()
            free.set()
        thread.join(300)


class LookedAtClock:
    """A clock on which a quarter of a second passes whenever somebody looks at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Let the time pass and return it, in seconds."""
        self.now += 0.25
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> LookedAtClock:
    """Let followers look at this clock, and wait for next to nothing."""
    clock = LookedAtClock()
    monkeypatch.setattr(inbox, "time", clock)
    monkeypatch.setattr(inbox, "INTERVAL_SECONDS", 0.001)
    return clock


def test_following_reads_the_inbox_soon_and_everything_now_and_then(
    home: TinyHome, clock: LookedAtClock
) -> None:
    settings = load_settings()
    stopped = threading.Event()
    calls: list[list[str] | None] = []
    moments: list[float] = []

    def attempt(names: list[str] | None) -> None:
        calls.append(names)
        moments.append(clock.now)
        if names is not None:
            run_source("inbox", settings)
        elif len(calls) > 1:
            stopped.set()
        else:
            push(home.path, webhook("board_created"))

    inbox.follow_inbox(settings, stopped, timedelta(seconds=10), attempt)
    assert calls == [None, ["inbox"], None]
    first, soon, again = moments
    assert soon - first <= 1
    assert 10 <= again - first <= 11


def test_following_does_not_repeat_what_fails_without_a_pause(
    home: TinyHome, clock: LookedAtClock
) -> None:
    push(home.path, webhook("board_created"))
    stopped = threading.Event()
    tries: list[float] = []

    def attempt(names: list[str] | None) -> None:
        if names is not None:
            tries.append(clock.now)
        if len(tries) == 3:
            stopped.set()

    inbox.follow_inbox(load_settings(), stopped, timedelta(hours=1), attempt)
    pauses = [later - before for before, later in itertools.pairwise(tries)]
    assert all(inbox.RETRY_SECONDS <= pause <= inbox.RETRY_SECONDS + 1 for pause in pauses)


def test_follow_ends_cleanly_on_sigterm(home: TinyHome) -> None:
    """The site cannot be reached, so the first run fails; that is said, and the loop goes on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "follow"],
        cwd=home.path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=300)
    assert line.startswith(f"audit-log: {next(iter(SOURCES))} and ")
    assert "not synced" in line
    assert (process.returncode, errors) == (0, "")
