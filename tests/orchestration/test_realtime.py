"""Webhooks reach the published snapshot by themselves: real processes at the demo's size."""

import pytest

from tests.bench.realtime import Runner, measure


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["dagster", "follow"])
def test_every_webhook_of_several_bursts_is_in_the_snapshot(runner: Runner) -> None:
    """How soon is measured by `python -m tests.bench`; what never comes is an error there too."""
    assert len(measure(4, runner, pause=10)[runner]) >= 4
