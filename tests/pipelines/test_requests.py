"""No source sends a request per issue, however much has changed."""

from __future__ import annotations

from pathlib import Path

from pipelines.connections import CONNECTIONS
from pipelines.registry import SOURCES
from tests.bench.requests import count_requests

MORE_PER_ISSUE = 0.25
"""A request per issue would be 1; people and configuration objects that changed meanwhile cost
requests of their own."""
EVERY_SYNC = 250
"""What a sync of the sandbox may cost when nothing happened: pages and configuration objects."""


def test_requests_do_not_grow_with_the_number_of_issues(home: Path) -> None:
    counts = {count.source: count for count in count_requests(home)}
    asking = {name for name in SOURCES if CONNECTIONS[SOURCES[name].connection].asks != "nobody"}
    assert counts.keys() >= asking
    for count in counts.values():
        more_issues = count.busy_issues - count.quiet_issues
        assert more_issues > 200
        more_requests = count.busy_requests - count.quiet_requests
        assert more_requests <= MORE_PER_ISSUE * more_issues, count
        assert count.quiet_requests <= EVERY_SYNC, count
