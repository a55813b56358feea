"""The Dagster entry point: `dagster dev -m orchestration.definitions`."""

from orchestration.location import build_definitions
from pipelines.config import load_settings

defs = build_definitions(load_settings().home)
