"""How long a webhook takes into the published snapshot, with real processes at the demo's size."""

import pytest

from tests.bench.realtime import Runner, measure, percentile


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["dagster", "follow"])
def test_a_webhook_is_in_the_snapshot_within_a_minute(runner: Runner) -> None:
    seconds = measure(4, runner, pause=10)[runner]
    assert len(seconds) >= 4
    assert percentile(seconds, 0.95) <= 60
