"""Confluence's audit log.

Data flow:

    GET /wiki/rest/api/audit (closed windows of time) -> audit_records

Records have no id and come newest first, so a listing by offsets shifts whenever a record arrives.
Offsets are therefore not used: the next page is a window that ends where the one before it began,
and each window is whole in one answer (but for a burst of more than a page in one millisecond).
A record is identified by its content and by its place among equal ones of the same answer, so that
two truly identical records stay two and reading again changes nothing.

Requests per run: one per 1,000 records (or the server's page size, if smaller), plus one.
Run it:
`python -m pipelines run confluence`.
"""

from __future__ import annotations

from pipelines.sources.confluence.audit import AUDIT, LOSES, PERMISSION, traverse
from pipelines.specs import BOOKKEEPING, Probe, ResourceSpec, SourceSpec

SOURCE = SourceSpec(
    name="confluence",
    description="The audit log of the site's Confluence.",
    resources=(
        ResourceSpec("audit_records", "One row per record of the audit log."),
        *BOOKKEEPING,
    ),
    connection="confluence",
    schedule="*/30 * * * *",
    traverse=traverse,
    probes=(Probe(PERMISSION, AUDIT, LOSES, (("limit", "1"),)),),
)
