"""Finds the issues behind a number and makes the links that open them in Jira."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from serve.issues.schemas import (
    IssueRange,
    IssueRangesPage,
    IssuesPage,
    IssuesRequest,
    ListedIssue,
)
from serve.labels import issue_label, issue_names, project_label
from serve.narrowing import narrowed
from serve.paging import next_offset, offset_of
from serve.query.issues import (
    ISSUE_COLUMNS,
    RANGE,
    compile_issue_ranges,
    compile_listed_issues,
)
from serve.query.visibility import Viewer
from serve.scoping import resolve
from serve.warehouse.snapshot import as_utc
from serve.warehouse.warehouse import Warehouse

# Longer addresses are cut by some browsers and proxies; ranges are halved until they fit.
MAX_URL = 2_000


@dataclass(frozen=True, slots=True)
class IssuesService:
    """Lists issues for one viewer at a time."""

    warehouse: Warehouse

    def issues(self, request: IssuesRequest, viewer: Viewer) -> IssuesPage:
        """Return one page of issues."""
        place = offset_of(request)
        with self.warehouse.lease(place.snapshot if place else None) as snapshot:
            rights = snapshot.rights(viewer)
            scope = narrowed(snapshot, resolve(request, snapshot, rights))
            offset = place.offset if place else 0
            rows = snapshot.run(
                compile_listed_issues(scope, rights, limit=request.limit + 1, offset=offset)
            )
            found = [dict(zip(ISSUE_COLUMNS, row, strict=False)) for row in rows[: request.limit]]
            names = issue_names(snapshot, rights, (issue["issue_id"] for issue in found))
            directory = snapshot.directory
            items = [
                ListedIssue.of(
                    site_id=issue["site_id"],
                    issue=issue_label(directory, names, issue["site_id"], issue["issue_id"]),
                    project=project_label(directory, issue["site_id"], issue["project_id"]),
                    is_browsable=issue["is_browsable"],
                    action_count=issue["action_count"],
                    last_action_at=as_utc(issue["last_action_at"]),
                )
                for issue in found
            ]
            return IssuesPage.of(
                snapshot_id=snapshot.id,
                interval_from=scope.interval.start,
                interval_to=scope.interval.end,
                description=scope.description,
                next_cursor=next_offset(snapshot, request, offset, len(rows)),
                issue_count=rows[0][-1] if rows else 0,
                items=items,
            )

    def ranges(self, request: IssuesRequest, viewer: Viewer) -> IssueRangesPage:
        """Return one page of ranges of issues, each with the link that opens it."""
        place = offset_of(request)
        with self.warehouse.lease(place.snapshot if place else None) as snapshot:
            rights = snapshot.rights(viewer)
            scope = narrowed(snapshot, resolve(request, snapshot, rights))
            offset = place.offset if place else 0
            rows = snapshot.run(
                compile_issue_ranges(scope, rights, limit=request.limit + 1, offset=offset)
            )
            return IssueRangesPage.of(
                snapshot_id=snapshot.id,
                interval_from=scope.interval.start,
                interval_to=scope.interval.end,
                description=scope.description,
                next_cursor=next_offset(snapshot, request, offset, len(rows)),
                issue_count=rows[0][4] if rows else 0,
                range_count=rows[0][5] if rows else 0,
                items=[
                    part
                    for site_id, first, keys, closed_keys, *_ in rows[: request.limit]
                    for part in links(site_id, first, keys, frozenset(closed_keys))
                ],
            )


def links(
    site_id: str, first: int, keys: list[str], closed_keys: frozenset[str] = frozenset()
) -> Iterator[IssueRange]:
    """Yield the links of one range: one, or several if its address would be too long."""
    jql = f"issuekey in ({','.join(keys)})"
    url = f"https://{site_id}/issues/?jql={quote(jql)}"
    if len(url) > MAX_URL and len(keys) > 1:
        half = RANGE // 2 if len(keys) > RANGE // 2 else len(keys) // 2
        yield from links(site_id, first, keys[:half], closed_keys)
        yield from links(site_id, first + half, keys[half:], closed_keys)
        return
    yield IssueRange.of(
        site_id=site_id,
        first=first,
        last=first + len(keys) - 1,
        unbrowsable_count=len(closed_keys.intersection(keys)),
        url=url,
    )
