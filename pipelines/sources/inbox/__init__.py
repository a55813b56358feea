"""What was pushed to us: Jira's webhooks and views of issues, out of the application's database.

Data flow:

    POST /ingest/jira, /ingest/issue-views  -> inbox_deliveries (serve)
    inbox_deliveries, kind jira             -> deliveries
    inbox_deliveries, kind issue_view       -> issue_views

No request is made. A run reads what came after the last delivery it has read; that place is stored
with the data. Deliveries are deleted from the database `AUDIT_LOG_INBOX_RETENTION_DAYS` after they
came, and never before a finished load holds them: the lake is their archive.
Run it: `python -m pipelines run inbox`.
"""

from __future__ import annotations

from pipelines.sources.inbox.traversal import traverse
from pipelines.specs import BOOKKEEPING, ResourceSpec, SourceSpec

SOURCE = SourceSpec(
    name="inbox",
    description="Webhooks of Jira and views of issues, as they were received.",
    resources=(
        ResourceSpec("deliveries", "One row per webhook, known by its content."),
        ResourceSpec("issue_views", "One row per view of an issue that a collector sent."),
        *BOOKKEEPING,
    ),
    connection="inbox",
    schedule="*/30 * * * *",
    traverse=traverse,
)
