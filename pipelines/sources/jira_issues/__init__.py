"""Issues and everything in them, incrementally, by bulk endpoints.

Data flow:

    POST /search/jql (ids)        -> what to read; complete listings -> issue_presence, sweeps
    POST /issue/bulkfetch         -> issues; inline comments -> comments, comment_listings
    GET  /issue/{id}/comment      -> comments of issues with more than fit inline
    POST /changelog/bulkfetch     -> changelogs, a row per history
    GET  /worklog/updated, POST /worklog/list -> worklogs
    GET  /worklog/deleted         -> worklog_deletions

A sync reads what changed since the cursor less an overlap, once a day the last 48 hours, once a
week everything. Deleted issues are found by comparing complete listings; a listing that is not
believed, a project that is not visible or an issue that still answers makes no tombstone.
Run it: `python -m pipelines run jira_issues`.
"""

from __future__ import annotations

from pipelines.sources.jira_issues.traversal import traverse
from pipelines.specs import BOOKKEEPING, Probe, ResourceSpec, SourceSpec

SOURCE = SourceSpec(
    name="jira_issues",
    description="Issues, their histories, comments and worklogs of a Jira site.",
    resources=(
        ResourceSpec("issues", "One row per issue version as fetched (version: fields.updated)."),
        ResourceSpec("changelogs", "One row per changelog history; parent is the issue."),
        ResourceSpec("comments", "One row per comment version (version: updated)."),
        ResourceSpec("comment_listings", "One row per complete listing of an issue's comment ids."),
        ResourceSpec("worklogs", "One row per worklog version (version: updated)."),
        ResourceSpec("worklog_deletions", "One row per entry of the worklog deletion feed."),
        ResourceSpec(
            "issue_presence", "One row per issue that appeared in or vanished from the site."
        ),
        *BOOKKEEPING,
    ),
    connection="jira",
    schedule="*/30 * * * *",
    traverse=traverse,
    probes=(
        Probe(
            "Browse projects (search)",
            "/rest/api/3/search/jql",
            "no issue can be found, so nothing of this source is read",
            (("jql", 'updated >= "1970-01-02 00:00" ORDER BY updated DESC'), ("maxResults", "1")),
            may_be_empty=False,
        ),
        Probe(
            "View worklogs",
            "/rest/api/3/worklog/updated",
            "worklogs and their changes are not recorded",
            (("since", "0"),),
        ),
        Probe(
            "View deleted worklogs",
            "/rest/api/3/worklog/deleted",
            "deleted worklogs are not recorded",
            (("since", "0"),),
        ),
    ),
)
