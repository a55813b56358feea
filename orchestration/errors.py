"""What can go wrong after the data has arrived; each error is one line and a remedy.

They are PipelineErrors, so the command line and Dagster report every failure of a run alike.
"""

from pipelines.errors import PipelineError


class StorageError(PipelineError):
    """The home directory cannot be used: no space, no permission, a file open elsewhere."""


class PublishError(PipelineError):
    """The marts were not published; the previous snapshot is still the current one."""
