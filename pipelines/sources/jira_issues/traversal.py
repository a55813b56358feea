"""One sync of issues: window and high water, then listing and everything else in parallel.

Issues are fetched while their listing goes on. An issue that a listing names and that is gone
when it is asked for is left out by the site; what is gone is decided by `presence` alone.
"""

from __future__ import annotations

from datetime import timedelta

from pipelines.errors import NotFoundError, PermissionDeniedError
from pipelines.paging import together
from pipelines.rows import version_at
from pipelines.sources.jira_issues.changelogs import fetch_changelogs
from pipelines.sources.jira_issues.feed import IdFeed
from pipelines.sources.jira_issues.issues import fetch_issues
from pipelines.sources.jira_issues.listing import high_water, list_changed, list_everything
from pipelines.sources.jira_issues.presence import reconcile, require_a_project
from pipelines.sources.jira_issues.worklogs import fetch_deletions, fetch_worklogs
from pipelines.sync import Sync
from pipelines.windows import Window, choose_window

PENDING_LIMIT = 10_000
"""Issues that could not be fetched are asked for again in the next sync, at most so many."""


async def traverse(sync: Sync) -> None:
    """Read what the window asks for and move the cursors in `sync.state`."""
    window = choose_window(
        sync.state,
        server_now=sync.server_now,
        overlap=timedelta(minutes=sync.settings.overlap_minutes),
        reconcile_limit=sync.settings.reconcile_limit,
        full=sync.full,
        reconcile=sync.reconcile,
    )
    sync.mode = window.mode
    sync.cursor_from = sync.state.get("updated_cursor")
    newest = await high_water(sync)
    feed = IdFeed(sync.state.get("pending_issue_ids", ()))
    failed: set[str] = set()
    worked_on: set[str] = set()

    async def listing() -> None:
        await _list_into(sync, window, feed)

    async def issues() -> None:
        failed.update(await _fetch_whole(sync, feed))

    async def worklogs() -> None:
        try:
            worked_on.update(await fetch_worklogs(sync, window.worklogs_from_ms))
            await fetch_deletions(sync, window.deletions_from_ms)
        except (PermissionDeniedError, NotFoundError):
            sync.skip("worklogs", "View worklogs", "worklogs and their changes are not recorded")

    await together(listing, issues, worklogs)
    # worklogs also tell of issues that no search lists, as those of archived projects
    unlisted = IdFeed(never_fetched(sync, worked_on - feed.ids))
    unlisted.end()
    failed |= await _fetch_whole(sync, unlisted)
    if newest is not None:
        # an issue dated in the future must not hide those that are not
        sync.cursor_to = version_at(min(newest, sync.server_now))
        sync.state["updated_cursor"] = sync.cursor_to
    sync.state["pending_issue_ids"] = sorted(failed, key=int)[:PENDING_LIMIT]
    _remember_depth(sync, window)


async def _list_into(sync: Sync, window: Window, feed: IdFeed) -> None:
    """List what the window asks for into `feed`, then compare complete listings if it asks so."""
    is_full = window.mode == "full"
    if not is_full:
        await list_changed(sync, window.updated_from, found=feed.add)
    if is_full or window.reconcile:
        everything = await list_everything(sync, found=feed.add if is_full else None)
        if not everything.ids:
            await require_a_project(sync)
        if not is_full:
            feed.add(never_fetched(sync, everything.ids))
    feed.end()
    if window.reconcile:
        await reconcile(sync, everything)


async def _fetch_whole(sync: Sync, feed: IdFeed) -> set[str]:
    """Fetch issues and their histories; return the ids the site could not send now."""
    failed: set[str] = set()

    async def issues() -> None:
        failed.update(await fetch_issues(sync, feed))

    async def changelogs() -> None:
        await fetch_changelogs(sync, feed)

    await together(issues, changelogs)
    return failed


def never_fetched(sync: Sync, ids: set[str]) -> set[str]:
    """Return the ids the lake has no issue of: they came into view without being changed."""
    return ids - sync.last_versions("issues").keys() if ids else ids


def _remember_depth(sync: Sync, window: Window) -> None:
    now = version_at(sync.server_now)
    if window.mode == "full":
        sync.state["last_full_at"] = now
    if window.mode != "incremental":
        sync.state["last_recent_at"] = now
