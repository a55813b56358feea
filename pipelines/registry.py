"""All sources. A new one is a folder under `sources/` and a line here."""

from __future__ import annotations

from pipelines.sources import (
    assets,
    confluence,
    inbox,
    jira_audit,
    jira_issues,
    jira_platform,
    jira_software,
    org_events,
)
from pipelines.specs import ResourceSpec, SourceSpec

SOURCES: dict[str, SourceSpec] = {
    source.name: source
    for source in (
        # before the projects: what is missing is judged by a look at its project that came later
        jira_software.SOURCE,
        jira_platform.SOURCE,
        jira_issues.SOURCE,
        jira_audit.SOURCE,
        org_events.SOURCE,
        assets.SOURCE,
        confluence.SOURCE,
        inbox.SOURCE,
    )
}

__all__ = ["SOURCES", "ResourceSpec", "SourceSpec"]
