"""The lists of a Jira site's configuration, as data."""

from __future__ import annotations

from pipelines.full_lists import FullList
from pipelines.sources.jira_platform.administration import ADMINISTRATION_LISTS
from pipelines.sources.jira_platform.planning import PLANNING_LISTS

FULL_LISTS = {
    entry.resource: entry
    for entry in (
        FullList(
            "projects",
            "One row per project and changed content; archived and trashed ones included.",
            "/rest/api/3/project/search",
            "page_bean",
            page_size=100,
            params=(
                *(("status", state) for state in ("live", "archived", "deleted")),
                ("expand", "description,lead,url"),
            ),
            permission="Browse projects",
            loses="projects, their issues and everything in them stay invisible",
            may_be_empty=False,
        ),
        FullList(
            "browsable_projects",
            "One row per live project whose issues and boards the account may see, and changed "
            "content: administrators are shown the others, too.",
            "/rest/api/3/project/search",
            "page_bean",
            page_size=100,
            params=(("action", "browse"),),
        ),
        FullList(
            "users",
            "One row per account and changed content, inactive and deleted ones included.",
            "/rest/api/3/users/search",
            "array_pages",
            key="accountId",
            page_size=1000,
            permission="Browse users and groups",
            loses="people who did nothing in visible issues are unknown, names may be missing",
            may_be_empty=False,
        ),
        FullList("fields", "One row per field and changed content.", "/rest/api/3/field"),
        FullList("statuses", "One row per status and changed content.", "/rest/api/3/status"),
        FullList(
            "resolutions", "One row per resolution and changed content.", "/rest/api/3/resolution"
        ),
        FullList(
            "priorities",
            "One row per priority and changed content.",
            "/rest/api/3/priority/search",
            "page_bean",
            page_size=100,
        ),
        FullList(
            "issue_types", "One row per issue type and changed content.", "/rest/api/3/issuetype"
        ),
        FullList(
            "issue_link_types",
            "One row per issue link type and changed content.",
            "/rest/api/3/issueLinkType",
            "named",
            member="issueLinkTypes",
            permission="Browse projects, with issue linking switched on",
            loses="the kinds of issue links are unknown",
        ),
        *ADMINISTRATION_LISTS,
        *PLANNING_LISTS,
    )
}
