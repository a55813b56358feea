"""The endpoints: a request's parameters -> a reply, and what of the world that reply shows."""

from __future__ import annotations

import base64
import bisect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from tests.sandbox.clock import MINUTE, iso
from tests.sandbox.jql import JqlError, Query, SortKey, parse
from tests.sandbox.logs import Listings, Served
from tests.sandbox.objects import Issue, JsonObject
from tests.sandbox.render import INLINE_LIMIT, Renderer
from tests.sandbox.world import PROJECT_SCHEME, World

_MISSING = "Issue does not exist or you do not have permission to see it."
_EXPIRED = "The provided next page token is invalid or expired."
_KEPT_LISTINGS = 500

T = TypeVar("T")


class Call(Struct):
    """A request as an endpoint sees it: query string, JSON body, and groups of the route's path."""

    path: str
    query: Mapping[str, Sequence[str]]
    body: JsonObject
    path_params: Mapping[str, str] = msgspec.field(default_factory=dict)
    is_refusing: bool = False  # a bulk fetch leaves its first issue out, to be asked for again

    def one(self, name: str, default: str = "") -> str:
        """Give the first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def number(self, name: str, default: int, high: int) -> int:
        """Read an integer parameter from 0 to `high` (capped, as Jira does). ApiError if none."""
        text = self.one(name, str(default))
        if not re.fullmatch(r"-?\d{1,18}", text) or int(text) < 0:
            raise ApiError(400, f"The value '{text[:40]}' of parameter '{name}' is not a number.")
        return min(int(text), high)


class Reply(Struct):
    """A 200 answer: its body, and what it shows of the world if it arrives."""

    body: Any
    keys: list[str] = msgspec.field(default_factory=list)
    details: list[Served] = msgspec.field(default_factory=list)
    token: str | None = None


class ApiError(Exception):
    """An answer in Atlassian's error form; `body` where a product has another form than Jira."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        body: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body: JsonObject = body or {"errorMessages": [message], "errors": {}}


Auth = Literal["basic", "bearer"]


class Route(Struct, frozen=True):
    """One endpoint of a domain. `path`: a pattern of the whole path; its named groups are given on.

    `auth`: basic, the API token of the site; bearer, the key of the organisation.
    """

    method: str
    path: str
    handler: Callable[[Call], Reply]
    auth: Auth = "basic"


class _Listing(Struct):
    """A search being paged through: after which sort key each page begins, and what it showed."""

    number: int
    query: Query
    begun: int
    is_everything: bool
    starts: list[SortKey | None]
    shown: set[int] = msgspec.field(default_factory=set)


class Api:
    """All endpoints of one world. The server sets `request`, the number of the next answer.

    `page_limit`: the most a page of search/jql and changelog/bulkfetch holds, whatever is asked.
    """

    def __init__(self, world: World, page_limit: int | None = None) -> None:
        self.world = world
        self._page_limit = page_limit or 10_000
        self.render = Renderer(world)
        self.permissions = world.permissions
        self.permissions.update(dict.fromkeys((*_PERMISSIONS, *_OTHER_RIGHTS), True))
        self._routes = [
            (route, re.compile(route.path))
            for domain in world.domains.values()
            for route in domain.routes()
        ]
        self._lists = Listings()
        self.request = 0
        self._listings: dict[int, _Listing] = {}
        self._listing_count = 0
        self._sorted: tuple[str, int, list[SortKey], list[int]] = ("", -1, [], [])
        self._absent: set[int] = set()
        self._comment_pages: dict[int, set[int]] = {}

    def handle(self, method: str, call: Call) -> Reply:
        """Answer a call. ApiError for anything but 200."""
        endpoint = _EXACT.get((method, call.path))
        if endpoint is not None:
            return endpoint(self, call)
        match = _ISSUE.fullmatch(call.path)
        if match is not None and method == "GET":
            issue = self.world.find(match["issue"])
            if issue is None:
                raise ApiError(404, _MISSING)
            return _ISSUE_PARTS[match["part"] or ""](self, issue, call)
        match = _PROJECT.fullmatch(call.path)
        if match is not None and method == "GET":
            self._require_project(match["project"])
            return self.security_part(match["part"])
        found = self._route(method, call.path)
        if found is not None:
            route, call.path_params = found
            return route.handler(call)
        raise ApiError(404, f"No endpoint {method} {call.path} in the sandbox.")

    def _require_project(self, id_or_key: str) -> None:
        projects = self.world.projects.values()
        if any(id_or_key in (p.id, p.key) and not p.is_hidden for p in projects):
            return
        raise ApiError(404, f"No project could be found with key '{id_or_key[:40]}'.")

    def auth(self, method: str, path: str) -> Auth:
        """Tell which credentials a path asks for."""
        found = self._route(method, path)
        return "basic" if found is None else found[0].auth

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        for route, pattern in self._routes:
            match = pattern.fullmatch(path) if route.method == method else None
            if match is not None:
                return route, match.groupdict()
        return None

    # -- search --------------------------------------------------------------------------------

    def search_get(self, call: Call) -> Reply:
        """GET /search/jql: as POST, with the fields comma-separated or repeated."""
        fields = [name for text in call.query.get("fields", ()) for name in text.split(",") if name]
        return self._search(
            call.one("jql"),
            fields,
            call.number("maxResults", 50, 5000),
            call.one("nextPageToken") or None,
        )

    def search_post(self, call: Call) -> Reply:
        """POST /search/jql."""
        body = _body(call, _SearchBody)
        return self._search(
            body.jql, body.fields or [], min(body.max_results, 5000), body.next_page_token
        )

    def _search(self, jql: str, fields: list[str], limit: int, token: str | None) -> Reply:
        world = self.world
        wanted = frozenset(fields) or frozenset({"id"})
        is_ids_only = wanted <= {"id", "key"}
        if not is_ids_only:
            has_star = any(name.startswith("*") for name in wanted)
            limit = min(limit, 100 if has_star or len(wanted) > 10 else 1000)
        limit = max(1, min(limit, self._page_limit))
        listing, page = self._listing(jql, token)
        keys, ids = self._matching(listing.query)
        start = listing.starts[page]
        position = 0 if start is None else bisect.bisect_right(keys, start)
        end = position + limit
        found = ids[position:end]
        is_last = end >= len(ids)
        reply = Reply({}, keys=[f"listed:{issue_id}" for issue_id in found])
        rows: list[JsonObject] = []
        for issue_id in found:
            issue = world.issues.get(issue_id)
            if wanted == {"id"}:
                rows.append({"id": str(issue_id)})
            elif issue is not None and is_ids_only:
                rows.append({"id": str(issue_id), "key": issue.key})
            elif issue is not None:
                rows.append(self.render.issue(issue, wanted))
                self._show_issue(reply, issue, wanted)
        listing.shown.update(found)
        reply.body = {"issues": rows, "isLast": is_last}
        if is_last:
            if listing.is_everything:
                reply.details.append(self._sweep(listing))
        else:
            if len(listing.starts) == page + 1:
                listing.starts.append(None)
            listing.starts[page + 1] = keys[end - 1]
            reply.token = _encode_token(listing.number, page + 1)
            reply.body["nextPageToken"] = reply.token
        return reply

    def delivered(self, reply: Reply) -> None:
        """Take note that a reply arrived: what a sweep found absent is told once."""
        for detail in reply.details:
            self._absent.update(map(int, detail.absent or ()))

    def _listing(self, jql: str, token: str | None) -> tuple[_Listing, int]:
        if token is not None:
            numbers = _decode_token(token)
            listing = self._listings.get(numbers[0]) if len(numbers) == 2 else None
            if listing is None or listing.query.text != jql or numbers[1] >= len(listing.starts):
                raise ApiError(400, _EXPIRED)
            return listing, numbers[1]
        try:
            query = parse(jql, self.world)
        except JqlError as error:
            raise ApiError(400, str(error)) from error
        is_everything = all(
            query.matches(entry)
            for entry in self.world.index.entries.values()
            if self.world.is_searchable(entry)
        )
        self._listing_count += 1
        listing = _Listing(self._listing_count, query, self.world.now, is_everything, [None])
        self._listings[listing.number] = listing
        if len(self._listings) > _KEPT_LISTINGS:
            del self._listings[next(iter(self._listings))]
        return listing, 0

    def _matching(self, query: Query) -> tuple[list[SortKey], list[int]]:
        """Sort keys and ids of all matches in order, kept until query or index change."""
        world = self.world
        text, version, keys, ids = self._sorted
        if text != query.text or version != world.index.version:
            found = sorted(
                (query.sort_key(entry), entry.issue)
                for entry in world.index.entries.values()
                if query.matches(entry) and world.is_searchable(entry)
            )
            keys, ids = [key for key, _ in found], [issue_id for _, issue_id in found]
            self._sorted = (query.text, world.index.version, keys, ids)
        return keys, ids

    def _sweep(self, listing: _Listing) -> Served:
        absent = [i for i in self.world.deleted if i not in listing.shown | self._absent]
        live = [project for project in self.world.projects.values() if project.state == "live"]
        is_blind = bool(self.world.hidden_levels) or any(project.is_hidden for project in live)
        return Served(
            self.request,
            iso(self.world.now),
            "sweep",
            began=iso(listing.begun),
            ended=iso(self.world.now),
            count=len(listing.shown),
            absent=[str(issue_id) for issue_id in absent],
            unsearchable=[
                project.id
                for project in self.world.projects.values()
                if project.is_hidden or project.state != "live"
            ],
            is_blind=is_blind or not self.permissions["ADMINISTER"],
        )

    # -- issues --------------------------------------------------------------------------------

    def _show_issue(self, reply: Reply, issue: Issue, wanted: frozenset[str]) -> None:
        """Note what a rendered issue shows. Inline worklogs do not count: nobody must read them."""
        has_all = "*all" in wanted
        if wanted & {"*all", "*navigable"} or {"created", "creator"} <= wanted:
            reply.keys.append(f"issue:{issue.id}")
        if has_all or "attachment" in wanted:
            reply.keys += [f"attachment:{attachment_id}" for attachment_id in issue.attachments]
        if has_all or "comment" in wanted:
            shown = list(issue.comments.values())[:INLINE_LIMIT]
            reply.keys += [f"comment:{comment.id}:{comment.updated}" for comment in shown]
            if len(shown) == len(issue.comments):
                reply.details.append(self._all_comments(issue))

    def _all_comments(self, issue: Issue) -> Served:
        # what only a role may read proves to be gone beside another comment for the same role
        shown = {None, *(comment.restricted_to for comment in issue.comments.values())}
        return Served(
            self.request,
            iso(self.world.now),
            f"comments_of:{issue.id}",
            ids=len(issue.comments),
            without=[str(gone.id) for gone in issue.gone_comments if gone.restricted_to in shown],
        )

    def issue(self, issue: Issue, call: Call) -> Reply:
        """GET /issue/{id}."""
        names = [name for text in call.query.get("fields", ()) for name in text.split(",") if name]
        wanted = frozenset(names) or frozenset({"*all"})
        reply = Reply(self.render.issue(issue, wanted))
        self._show_issue(reply, issue, wanted)
        return reply

    def issue_bulkfetch(self, call: Call) -> Reply:
        """POST /issue/bulkfetch: at most 100, by id; missing and invisible ones are left out.

        `issueErrors` holds only what can be asked for again.
        """
        body = _body(call, _BulkIssueBody)
        if not 1 <= len(body.issue_ids_or_keys) <= 100:
            raise ApiError(400, "The number of issue IDs or keys must be between 1 and 100.")
        wanted = frozenset(body.fields or ("*navigable",))
        found = {i.id: i for i in map(self.world.find, body.issue_ids_or_keys) if i is not None}
        issues = [found[issue_id] for issue_id in sorted(found)]
        errors: list[JsonObject] = []
        if call.is_refusing and issues:
            refused = issues.pop(0)
            errors = [{"id": str(refused.id), "errorMessage": "The issue could not be loaded."}]
        reply = Reply({})
        rows = []
        for issue in issues:
            rows.append(self.render.issue(issue, wanted))
            self._show_issue(reply, issue, wanted)
        reply.body = {"issues": rows, "issueErrors": errors}
        return reply

    # -- changelogs ----------------------------------------------------------------------------

    def changelog_bulkfetch(self, call: Call) -> Reply:
        """POST /changelog/bulkfetch: histories by date, then issue; epoch-number dates."""
        body = _body(call, _BulkChangelogBody)
        if not 1 <= len(body.issue_ids_or_keys) <= 1000:
            raise ApiError(400, "The number of issue IDs or keys must be between 1 and 1000.")
        if not 1 <= body.max_results <= 10_000:
            raise ApiError(400, "maxResults must be between 1 and 10000.")
        if len(body.field_ids or ()) > 10:
            raise ApiError(400, "The number of field IDs must not exceed 10.")
        issues = {i.id: i for i in map(self.world.find, body.issue_ids_or_keys) if i is not None}
        after: list[int] = list(_decode_token(body.next_page_token)) if body.next_page_token else []
        if after and len(after) != 3:
            raise ApiError(400, _EXPIRED)
        asked = frozenset(body.field_ids or ())
        found = sorted(
            (
                ([history.at, issue.id, history.id], history)
                for issue in issues.values()
                for history in issue.histories
                if not asked or any(change.field_id in asked for change in history.changes)
            ),
            key=lambda row: row[0],
        )
        start = bisect.bisect_right(found, after, key=lambda row: row[0]) if after else 0
        end = start + min(body.max_results, self._page_limit)
        page = found[start:end]
        groups: dict[int, list[Any]] = {}
        reply = Reply({})
        for (_, issue_id, _), history in page:
            groups.setdefault(issue_id, []).append(self.render.bulk_history(history))
            reply.keys.append(f"history:{history.id}")
            reply.keys += [
                f"attachment:{change.new_id}"
                for change in history.changes
                if change.field == "Attachment" and change.new_id is not None
            ]
        reply.body = {
            "issueChangeLogs": [
                {"issueId": str(issue_id), "changeHistories": histories}
                for issue_id, histories in groups.items()
            ]
        }
        if end < len(found):
            reply.token = reply.body["nextPageToken"] = _encode_token(*page[-1][0])
        return reply

    def issue_changelog(self, issue: Issue, call: Call) -> Reply:
        """GET /issue/{id}/changelog, oldest first, at most 100."""
        page, body = self._page(call, issue.histories, default=100, high=100)
        body["values"] = [self.render.issue_history(history) for history in page]
        return Reply(body, keys=[f"history:{history.id}" for history in page])

    # -- comments and worklogs -----------------------------------------------------------------

    def issue_comments(self, issue: Issue, call: Call) -> Reply:
        """GET /issue/{id}/comment, style C."""
        order = call.one("orderBy", "created")
        if order not in ("created", "+created", "-created"):
            raise ApiError(400, f"orderBy '{order[:40]}' is not supported; use created.")
        comments = list(issue.comments.values())
        if order == "-created":
            comments.reverse()
        start = call.number("startAt", 0, 2**31)
        limit = call.number("maxResults", 100, 5000)
        page = comments[start : start + limit]
        shown = {comment.id for comment in page}
        if start > 0:
            shown |= self._comment_pages.get(issue.id, set())
        self._comment_pages[issue.id] = shown
        reply = Reply(
            {
                "startAt": start,
                "maxResults": limit,
                "total": len(comments),
                "comments": [self.render.comment(issue, comment) for comment in page],
            },
            keys=[f"comment:{comment.id}:{comment.updated}" for comment in page],
        )
        if start + limit >= len(comments) and shown >= set(issue.comments):
            reply.details.append(self._all_comments(issue))
        return reply

    def issue_worklogs(self, issue: Issue, call: Call) -> Reply:
        """GET /issue/{id}/worklog, style C."""
        worklogs = list(issue.worklogs.values())
        start = call.number("startAt", 0, 2**31)
        limit = call.number("maxResults", 5000, 5000)
        page = worklogs[start : start + limit]
        return Reply(
            {
                "startAt": start,
                "maxResults": limit,
                "total": len(worklogs),
                "worklogs": [self.render.worklog(worklog) for worklog in page],
            },
            keys=[f"worklog:{worklog.id}:{worklog.updated}" for worklog in page],
        )

    def worklog_updated(self, call: Call) -> Reply:
        """GET /worklog/updated: ids only, oldest first, without the last minute."""
        changes = sorted((w.updated, w.id) for w in self.world.worklogs.values())
        return self._worklog_feed(call, "updated", changes)

    def worklog_deleted(self, call: Call) -> Reply:
        """GET /worklog/deleted."""
        reply = self._worklog_feed(call, "deleted", self.world.worklog_deletions)
        reply.keys = [f"worklog_deleted:{value['worklogId']}" for value in reply.body["values"]]
        return reply

    def _worklog_feed(self, call: Call, feed: str, changes: list[tuple[int, int]]) -> Reply:
        since = call.number("since", 0, 2**53)
        horizon = self.world.now - MINUTE
        found = [change for change in changes if since < change[0] <= horizon]
        page = found[:1000]
        until = page[-1][0] if page else since
        url = f"{self.world.site}/rest/api/3/worklog/{feed}?since="
        body = {
            "values": [
                {"worklogId": worklog_id, "updatedTime": at, "properties": []}
                for at, worklog_id in page
            ],
            "since": since,
            "until": until,
            "self": f"{url}{since}",
            "lastPage": len(found) <= len(page),
        }
        if not body["lastPage"]:
            body["nextPage"] = f"{url}{until}"
        return Reply(body)

    def worklog_list(self, call: Call) -> Reply:
        """POST /worklog/list: missing and invisible ones are left out."""
        body = _body(call, _WorklogBody)
        if len(body.ids) > 1000:
            raise ApiError(400, "The number of worklog IDs must not exceed 1000.")
        worklogs = [
            worklog
            for worklog in map(self.world.worklogs.get, dict.fromkeys(body.ids))
            if worklog is not None and self.world.find(str(worklog.issue)) is not None
        ]
        return Reply(
            [self.render.worklog(worklog) for worklog in worklogs],
            keys=[f"worklog:{worklog.id}:{worklog.updated}" for worklog in worklogs],
        )

    # -- the site ------------------------------------------------------------------------------

    def _page(
        self, call: Call, items: Sequence[T], *, default: int = 50, high: int = 100
    ) -> tuple[Sequence[T], JsonObject]:
        return page_bean(self.world.site, call, items, default=default, high=high)

    def _listing_of(self, name: str, start: int, count: int, total: int) -> list[Served]:
        return self._lists.page(f"list:{name}", self.world, start, count, total)

    def issue_types(self, _: Call) -> Reply:
        """GET /issuetype: all for administrators, for others those of the projects they see."""
        types = list(self.world.issue_types.values())
        if not self.permissions["ADMINISTER"]:
            issues = self.world.issues.values()
            seen = {issue.issuetype for issue in issues if self.world.find(str(issue.id))}
            types = [kind for kind in types if kind["id"] in seen]
        return Reply(types, details=self._listing_of("issue_types", 0, 1, 1))

    def projects(self, call: Call) -> Reply:
        """GET /project/search: `status` may repeat; live only unless asked otherwise.

        Who administers Jira may view all projects, those in the trash too, and `action=browse`
        leaves those out whose issues they may not see.
        """
        states = set(call.query.get("status", ())) or {"live"}
        if not states <= {"live", "archived", "deleted"}:
            raise ApiError(400, "status must be live, archived or deleted.")
        action = call.one("action", "view")
        if action not in {"view", "browse", "edit"}:
            raise ApiError(400, "action must be view, browse or edit.")
        has_all = action != "browse" and self.permissions["ADMINISTER"]
        projects = [
            project
            for project in self.world.projects.values()
            if project.state in states
            and (has_all or not project.is_hidden)
            and (self.permissions["ADMINISTER"] or project.state != "deleted")
        ]
        projects.sort(key=lambda project: project.key)
        page, body = self._page(call, projects)
        expand = frozenset(call.one("expand").split(","))
        body["values"] = [self.render.project(project, expand) for project in page]
        keys = [f"project_state:{p.id}:{p.state_at}" for p in page if p.state != "live"]
        if len(states) < 3 or action == "browse":
            return Reply(body, keys=keys)
        start = body["startAt"]
        details = self._listing_of("projects", start, len(page), len(projects))
        return Reply(body, keys=keys, details=details)

    def users(self, call: Call) -> Reply:
        """GET /users/search: a plain array, active and inactive."""
        self._demand("USER_PICKER")
        people = list(self.world.people.values())
        start = call.number("startAt", 0, 2**31)
        limit = call.number("maxResults", 50, 1000)
        page = people[start : start + limit]
        listed = self._listing_of("users", start, len(page), len(people))
        for entry in listed:
            named = [one for one in people if one.account_type != "unknown"]
            entry.names = {one.account_id: one.name for one in named}
        return Reply([self.render.person(person) for person in page], details=listed)

    def _demand(self, permission: str) -> None:
        if not self.permissions[permission]:
            raise ApiError(403, "You do not have permission to perform this operation.")

    def statuses_search(self, call: Call) -> Reply:
        """GET /statuses/search."""
        categories = {"new": "TODO", "indeterminate": "IN_PROGRESS", "done": "DONE"}
        values = [
            {
                "id": status["id"],
                "name": status["name"],
                "description": status.get("description", ""),
                "statusCategory": categories[status["statusCategory"]["key"]],
                "scope": {"type": "GLOBAL"},
            }
            for status in self.world.statuses.values()
        ]
        page, body = self._page(call, values, default=200, high=200)
        return Reply(body | {"values": page})

    def resolutions_search(self, call: Call) -> Reply:
        """GET /resolution/search."""
        page, body = self._page(call, list(self.world.resolutions.values()))
        return Reply(body | {"values": page})

    def priorities_search(self, call: Call) -> Reply:
        """GET /priority/search: the highest first."""
        page, body = self._page(call, list(self.world.priorities.values()))
        return Reply(body | {"values": page})

    def security_part(self, part: str) -> Reply:
        """GET /project/{id or key}/…: the security scheme, or the levels the user belongs to."""
        levels = [
            level
            for level in self.world.security_levels.values()
            if level["issueSecuritySchemeId"] == PROJECT_SCHEME
        ]
        if part == "securitylevel":
            seen = [level for level in levels if level["id"] not in self.world.hidden_levels]
            return Reply({"levels": seen})
        self._demand("ADMINISTER")
        if not levels:
            raise ApiError(404, "The project has no issue security scheme.")
        url = f"{self.world.site}/rest/api/3/issuesecurityschemes/{PROJECT_SCHEME}"
        return Reply({"self": url, "id": int(PROJECT_SCHEME), "levels": levels})

    def my_permissions(self, call: Call) -> Reply:
        """GET /mypermissions: the asked ones; Jira refuses a call that asks for none."""
        names = [name for name in call.one("permissions").split(",") if name]
        if not names:
            raise ApiError(400, "The 'permissions' query parameter is required.")
        unknown = [name for name in names if name not in _PERMISSIONS]
        if unknown:
            raise ApiError(400, f"Unrecognized permission: {unknown[0][:60]}")
        return Reply(
            {
                "permissions": {
                    name: {
                        "id": str(number),
                        "key": name,
                        "name": name.replace("_", " ").capitalize(),
                        "type": _PERMISSIONS[name],
                        "description": "",
                        "havePermission": self.permissions[name],
                    }
                    for number, name in enumerate(names)
                }
            }
        )

    def server_info(self, _: Call) -> Reply:
        """GET /serverInfo: the site's stable address and its own time."""
        return Reply(
            {
                "baseUrl": self.world.site,
                "displayUrl": self.world.site,
                "version": "1001.0.0-SNAPSHOT",
                "versionNumbers": [1001, 0, 0],
                "deploymentType": "Cloud",
                "buildNumber": 100_291,
                "buildDate": "2026-01-12T00:00:00.000+0000",
                "serverTime": self.render.stamp(self.world.now),
                "scmInfo": "0" * 40,
                "serverTitle": "Jira",
            }
        )


class _SearchBody(Struct, rename="camel"):
    jql: str = ""
    next_page_token: str | None = None
    max_results: int = 50
    fields: list[str] | None = None
    expand: str | None = None
    fields_by_keys: bool = False


class _BulkIssueBody(Struct, rename="camel"):
    issue_ids_or_keys: list[str]
    fields: list[str] | None = None


class _BulkChangelogBody(Struct, rename="camel"):
    issue_ids_or_keys: list[str]
    field_ids: list[str] | None = None
    max_results: int = 1000
    next_page_token: str | None = None


class _WorklogBody(Struct):
    ids: list[int]


def _body(call: Call, kind: type[T]) -> T:
    try:
        return msgspec.convert(call.body, kind)
    except msgspec.ValidationError as error:
        raise ApiError(400, f"Invalid request payload: {error}") from error


def page_bean(
    site: str, call: Call, items: Sequence[T], *, default: int = 50, high: int = 100
) -> tuple[Sequence[T], JsonObject]:
    """Give the asked page of `items`, and a PageBean without its `values`."""
    start = call.number("startAt", 0, 2**31)
    limit = call.number("maxResults", default, high)
    url = f"{site}{call.path}?maxResults={limit}&startAt="
    body: JsonObject = {
        "self": f"{url}{start}",
        "maxResults": limit,
        "startAt": start,
        "total": len(items),
        "isLast": start + limit >= len(items),
    }
    if not body["isLast"]:
        body["nextPage"] = f"{url}{start + limit}"
    return items[start : start + limit], body


def _encode_token(*numbers: int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(numbers)).decode().rstrip("=")


def _decode_token(token: str) -> Sequence[int]:
    try:
        padded = token + "=" * (-len(token) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[int])
    except (ValueError, msgspec.DecodeError) as error:
        raise ApiError(400, _EXPIRED) from error


_PERMISSIONS = {
    "BROWSE_PROJECTS": "PROJECT",
    "ADMINISTER": "GLOBAL",
    "ADMINISTER_PROJECTS": "PROJECT",
    "USER_PICKER": "GLOBAL",
    "VIEW_ALL_WORKLOGS": "PROJECT",
    "SYSTEM_ADMIN": "GLOBAL",
}

_OTHER_RIGHTS = ("ORG_ADMIN", "ASSETS", "CONFLUENCE_ADMIN", "JSM_AGENT")
"""Rights beyond Jira's own permissions, for the `permission` control."""

_PROJECT = re.compile(
    r"/rest/api/3/project/(?P<project>[^/]+)/(?P<part>securitylevel|issuesecuritylevelscheme)"
)

_ISSUE = re.compile(r"/rest/api/3/issue/(?P<issue>[^/]+)(?:/(?P<part>changelog|comment|worklog))?")

_ISSUE_PARTS: dict[str, Callable[[Api, Issue, Call], Reply]] = {
    "": Api.issue,
    "changelog": Api.issue_changelog,
    "comment": Api.issue_comments,
    "worklog": Api.issue_worklogs,
}

_EXACT: dict[tuple[str, str], Callable[[Api, Call], Reply]] = {
    (method, f"/rest/api/3/{path}"): endpoint
    for method, path, endpoint in (
        ("GET", "search/jql", Api.search_get),
        ("POST", "search/jql", Api.search_post),
        ("POST", "issue/bulkfetch", Api.issue_bulkfetch),
        ("POST", "changelog/bulkfetch", Api.changelog_bulkfetch),
        ("GET", "worklog/updated", Api.worklog_updated),
        ("GET", "worklog/deleted", Api.worklog_deleted),
        ("POST", "worklog/list", Api.worklog_list),
        ("GET", "project/search", Api.projects),
        ("GET", "users/search", Api.users),
        ("GET", "field", lambda api, _: Reply(api.world.fields)),
        ("GET", "status", lambda api, _: Reply(list(api.world.statuses.values()))),
        ("GET", "statuses/search", Api.statuses_search),
        ("GET", "resolution", lambda api, _: Reply(list(api.world.resolutions.values()))),
        ("GET", "resolution/search", Api.resolutions_search),
        ("GET", "issuetype", Api.issue_types),
        (
            "GET",
            "issueLinkType",
            lambda api, _: Reply({"issueLinkTypes": list(api.world.link_types.values())}),
        ),
        ("GET", "priority", lambda api, _: Reply(list(api.world.priorities.values()))),
        ("GET", "priority/search", Api.priorities_search),
        ("GET", "myself", lambda api, _: Reply(api.render.person(api.world.people[api.world.me]))),
        ("GET", "mypermissions", Api.my_permissions),
        ("GET", "serverInfo", Api.server_info),
    )
}
