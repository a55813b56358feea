"""How many requests a sync sends: per source, in a quiet half hour and in a busy week.

Measured on the sandbox, for every source of the registry. Requests may grow with the pages of what
changed and with the number of configuration objects, never with the number of issues.
"""

from dataclasses import dataclass
from pathlib import Path

from pipelines.config import Settings
from pipelines.errors import NotConnectedError
from pipelines.registry import SOURCES
from pipelines.runner import run_source
from tests.bench.report import Figure
from tests.sandbox.running import RunningSandbox, running_sandbox

BEFORE_DAYS = 30
QUIET_MINUTES = 30
BUSY_MINUTES = 7 * 24 * 60


@dataclass(frozen=True)
class RequestCount:
    """Requests of two incremental syncs of one source, and how many issues changed before each."""

    source: str
    quiet_requests: int
    quiet_issues: int
    busy_requests: int
    busy_issues: int

    @property
    def per_thousand_more(self) -> float:
        """Requests that 1,000 more changed issues cost, beside what every sync costs."""
        more_issues = self.busy_issues - self.quiet_issues
        return (self.busy_requests - self.quiet_requests) / more_issues * 1_000


def count_requests(home: Path) -> list[RequestCount]:
    """Sync every source three times while a sandbox site moves on; the first sync does not count.

    A source that the sandbox does not connect is left out.
    """
    with running_sandbox(days=BEFORE_DAYS) as sandbox:
        settings = Settings.model_validate({**sandbox.environment, "AUDIT_LOG_HOME": home})
        _sync(settings)
        quiet_issues = _changed_issues(sandbox, QUIET_MINUTES)
        quiet = _sync(settings)
        busy_issues = _changed_issues(sandbox, BUSY_MINUTES)
        busy = _sync(settings)
    return [
        RequestCount(source, quiet[source], quiet_issues, busy[source], busy_issues)
        for source in quiet
    ]


def _changed_issues(sandbox: RunningSandbox, minutes: float) -> int:
    """Let time pass; return how many issues something happened to."""
    before = len(sandbox.ledger())
    sandbox.advance(minutes=minutes)
    return len({line["issue_id"] for line in sandbox.ledger()[before:] if line.get("issue_id")})


def _sync(settings: Settings) -> dict[str, int]:
    requests: dict[str, int] = {}
    for source in SOURCES:
        try:
            requests[source] = sum(run_source(source, settings).requests.values())
        except NotConnectedError:
            continue
    return requests


def bench_requests(home: Path) -> list[Figure]:
    """Report requests per 1,000 changed issues, and those of a sync in which little changed."""
    figures: list[Figure] = []
    for count in count_requests(home):
        per_thousand = count.busy_requests / count.busy_issues * 1_000
        figures += [
            Figure(f"{count.source}: requests per 1,000 changed issues", per_thousand, "requests"),
            Figure(
                f"{count.source}: what 1,000 more changed issues cost",
                max(0.0, count.per_thousand_more),
                "requests",
                goal="no request per issue",
            ),
            Figure(f"{count.source}: a quiet half hour", count.quiet_requests, "requests"),
        ]
    return figures
