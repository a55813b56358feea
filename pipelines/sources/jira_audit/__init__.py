"""Jira's administration log.

Data flow:

    GET /auditing/record (closed windows of time) -> records
      +-> GET /user/bulk/migration (keys it names) -> user_keys

The log is sent newest first by offset and limit, with a `total` that cannot be trusted. A window
ends a minute before the server's present, so that nothing is added to it any more; one that does
not fit into a page is cut in two, and each is read a second time at its end, which shows both a
record that came in between and one that the first answer left out. Only what is written within one
millisecond is paged by offset.

Requests per run: two per window, and a window holds about 500 records; then one per 50 user keys
that nobody asked for before. Run it: `python -m pipelines run jira_audit`.
"""

from __future__ import annotations

from pipelines.sources.jira_audit.records import LOSES, PERMISSION, RECORDS, traverse
from pipelines.specs import BOOKKEEPING, Probe, ResourceSpec, SourceSpec

SOURCE = SourceSpec(
    name="jira_audit",
    description="The administration log of a Jira site.",
    resources=(
        ResourceSpec("records", "One row per record of the administration log."),
        ResourceSpec("user_keys", "One row per user key of the log and the account it belongs to."),
        *BOOKKEEPING,
    ),
    connection="jira_admin",
    schedule="*/30 * * * *",
    traverse=traverse,
    probes=(Probe(PERMISSION, RECORDS, LOSES, (("limit", "1"),)),),
)
