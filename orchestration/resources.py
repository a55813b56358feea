"""The home directory as a Dagster resource: one locked run, the same functions as `audit-log`."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import ConfigurableResource, InitResourceContext, get_dagster_logger
from pydantic import PrivateAttr

from orchestration.locking import AlreadyRunningError, run_lock
from pipelines.config import Settings, load_settings

OWNERS = ["team:audit-log"]
"""Owners of every asset."""
INBOX_JOB = "inbox_job"
"""Name of the job that reads the inbox and no other source."""


class AuditLogHome(ConfigurableResource["AuditLogHome"]):
    """Holds the run lock from the first asset of a Dagster run to its last.

    When another run holds it, `is_skipped` is true: every asset yields nothing, and the run ends
    as a success that did nothing. The jobs use the in-process executor, so a run has one instance.
    """

    _is_skipped: bool = PrivateAttr(default=False)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["AuditLogHome"]:
        """Take the lock of the configured home for the run, or note that it is taken."""
        run = context.run
        try:
            with run_lock(
                self.settings.home,
                run_id=run.run_id if run is not None else None,
                is_for_inbox=run is not None and run.job_name == INBOX_JOB,
            ):
                yield self
        except AlreadyRunningError as running:
            get_dagster_logger().warning("Skipped: %s.", running)
            self._is_skipped = True
            yield self

    @property
    def is_skipped(self) -> bool:
        """Whether another run has the lock, so that this one does nothing."""
        return self._is_skipped

    @property
    def settings(self) -> Settings:
        """The settings of the environment; raises ConfigurationError."""
        return load_settings()
