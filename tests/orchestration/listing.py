"""The Dagster location as text: `python -m tests.orchestration.listing` writes location.txt."""

import tempfile
from pathlib import Path

from dagster import Definitions

from orchestration.location import build_definitions

LISTING = Path(__file__).with_name("location.txt")


def describe(definitions: Definitions) -> str:
    """List every asset with its group, and jobs, schedules and sensors."""
    graph = definitions.resolve_asset_graph()
    lines = [
        f"asset {key.to_user_string()} [{graph.get(key).group_name}]"
        for key in sorted(graph.get_all_asset_keys())
    ]
    repository = definitions.get_repository_def()
    lines += [f"job {job.name} {dict(job.tags)}" for job in repository.get_all_jobs()]
    lines += [
        f"schedule {schedule.name}: {schedule.cron_schedule} {schedule.execution_timezone}"
        for schedule in repository.schedule_defs
    ]
    lines += [
        f"sensor {sensor.name}: {sensor.minimum_interval_seconds} s"
        for sensor in repository.sensor_defs
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        LISTING.write_text(describe(build_definitions(Path(home))))
