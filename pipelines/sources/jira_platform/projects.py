"""What decides whether the parts of a project can be asked for."""

from __future__ import annotations

from pipelines.rows import BadRecordError, member_of


def is_live(project: bytes) -> bool:
    """Whether a project is neither archived nor in the trash; their parts cannot be asked for."""
    try:
        return not (member_of(project, "archived") or member_of(project, "deleted"))
    except BadRecordError:
        return False
