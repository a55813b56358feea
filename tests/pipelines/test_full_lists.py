"""Full lists of every style and of every parent: complete ones prove, others prove nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from pipelines.errors import NotConnectedError, RequestRefusedError
from pipelines.full_lists import FullList, ListPage, Style, decode_page, read_full_lists
from pipelines.lake import last_versions_by_parent
from pipelines.registry import SOURCES
from pipelines.rows import member_of
from pipelines.runner import SyncReport, run_source
from pipelines.specs import SourceSpec
from pipelines.sync import Skipped, Sync
from tests.pipelines.conftest import QUICK, ScriptedSite, lake_rows, settings_for

NAME = "made_up"
BOARDS = FullList("boards", "Boards.", "/boards", "page_bean", page_size=2)
SPRINTS = FullList(
    "sprints",
    "Sprints.",
    "/boards/{parent}/sprints",
    "page_bean",
    page_size=2,
    parents="boards",
    parents_where=lambda record: member_of(record, "type") != "kanban",
    permission="See sprints",
    loses="sprints are unknown",
)


class Site:
    """Answers lists out of `lists` (path -> objects or a status), and counts what was asked."""

    def __init__(self, scripted: ScriptedSite) -> None:
        self.lists: dict[str, Any] = {}
        self.queries: list[tuple[str, dict[str, str], str]] = []
        self.scripted = scripted
        scripted.handler = self.answer

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Say who the site is, and what a list holds."""
        path = request.path
        if path == "/rest/api/3/serverInfo":
            return web.json_response({"baseUrl": "https://a.atlassian.net"})
        if path == "/rest/api/3/myself":
            return web.json_response({"accountId": "me"})
        self.queries.append((path, dict(request.query), await request.text()))
        held = self.lists.get(path, 404)
        if isinstance(held, int):
            return web.json_response({"errorMessages": ["no"]}, status=held)
        if callable(held):
            return web.json_response(held(request))
        start, size = int(request.query["startAt"]), int(request.query["maxResults"])
        page = held[start : start + size]
        last = start + size >= len(held)
        return web.json_response({"values": page, "total": len(held), "isLast": last})


@pytest.fixture
def made_up(site: ScriptedSite) -> Site:
    return Site(site)


@pytest.fixture
def run(made_up: Site, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SyncReport]:
    """Sync the given lists as a source of their own."""

    def sync(*lists: FullList, connection: str = "jira", **names: str) -> SyncReport:
        async def traverse(running: Sync) -> None:
            await read_full_lists(running, lists, names)

        monkeypatch.setitem(
            SOURCES, NAME, SourceSpec(NAME, "Made up.", (), connection, "", traverse)
        )
        made_up.queries.clear()
        return run_source(NAME, settings_for(made_up.scripted.url, home), patience=QUICK)

    return sync


def present(home: Path, resource: str) -> dict[str, set[str]]:
    """Return the objects of a resource that are there, by parent."""
    return {
        parent: {object_id for object_id, seen in objects.items() if seen.is_present}
        for parent, objects in last_versions_by_parent(home, NAME, resource).items()
    }


def board(number: int, kind: str = "scrum") -> dict[str, Any]:
    return {"id": number, "type": kind}


def test_each_parent_has_a_listing_of_its_own(
    made_up: Site, run: Callable[..., SyncReport], home: Path
) -> None:
    made_up.lists = {
        "/boards": [board(1), board(2), board(3, "kanban")],
        "/boards/1/sprints": [{"id": 10}, {"id": 11}, {"id": 12}],
        "/boards/2/sprints": [{"id": 10}],
    }
    run(SPRINTS, BOARDS)
    assert present(home, "sprints") == {"1": {"10", "11", "12"}, "2": {"10"}}
    assert "/boards/3/sprints" not in {path for path, _, _ in made_up.queries}
    made_up.lists["/boards/1/sprints"] = [{"id": 11}, {"id": 12}]
    report = run(BOARDS, SPRINTS)
    assert report.rows == {"sprints": 1, "sweeps": 3}
    assert present(home, "sprints") == {"1": {"11", "12"}, "2": {"10"}}
    sweeps = lake_rows(home, NAME, "sweeps")
    assert [row["object_id"] for row in sweeps].count("sprints:1") == 2
    assert {row["object_id"] for row in sweeps} == {"boards", "sprints:1", "sprints:2"}
    [tombstone] = [row for row in lake_rows(home, NAME, "sprints") if not row["is_present"]]
    assert (tombstone["parent_id"], tombstone["object_id"]) == ("1", "10")


def test_what_was_in_a_parent_that_is_gone_is_not_gone_by_silence(
    made_up: Site, run: Callable[..., SyncReport], home: Path
) -> None:
    made_up.lists = {
        "/boards": [board(1), board(2)],
        "/boards/1/sprints": [{"id": 10}],
        "/boards/2/sprints": [{"id": 20}],
    }
    run(BOARDS, SPRINTS)
    made_up.lists = {"/boards": [board(2)], "/boards/2/sprints": 404}
    report = run(BOARDS, SPRINTS)
    assert present(home, "boards") == {"": {"2"}}
    assert present(home, "sprints") == {"1": {"10"}, "2": {"20"}}
    assert report.skipped == []


def test_a_parent_that_may_not_be_read_is_skipped_and_the_others_are_read(
    made_up: Site, run: Callable[..., SyncReport], home: Path
) -> None:
    made_up.lists = {
        "/boards": [board(1), board(2)],
        "/boards/1/sprints": 403,
        "/boards/2/sprints": [{"id": 20}],
    }
    report = run(BOARDS, SPRINTS)
    assert report.skipped == [Skipped("sprints", "See sprints", "sprints are unknown")]
    assert present(home, "sprints") == {"2": {"20"}}
    [stored] = lake_rows(home, NAME, "runs")
    assert json.loads(stored["payload"])["skipped"] == [
        {"resource": "sprints", "permission": "See sprints", "loses": "sprints are unknown"}
    ]


def test_a_refusal_is_an_error_unless_it_means_that_there_is_none(
    made_up: Site, run: Callable[..., SyncReport], home: Path
) -> None:
    made_up.lists = {"/boards": [board(1)], "/boards/1/sprints": 400}
    with pytest.raises(RequestRefusedError):
        run(BOARDS, SPRINTS)
    tolerant = FullList(
        "sprints", "Sprints.", SPRINTS.path, "page_bean", parents="boards", may_be_refused=True
    )
    assert run(BOARDS, tolerant).rows == {"boards": 1, "sweeps": 1}
    assert present(home, "sprints") == {}


def test_a_listing_is_dated_by_the_server_before_its_first_page(
    made_up: Site, run: Callable[..., SyncReport], home: Path
) -> None:
    made_up.lists = {"/boards": [board(1), board(2)]}
    run(BOARDS)
    [sweep] = lake_rows(home, NAME, "sweeps")
    content = json.loads(sweep["payload"])
    assert content["started_at"] < content["finished_at"]
    rows = lake_rows(home, NAME, "boards")
    assert {row["source_at"] for row in rows} == {sweep["source_at"]}


def test_other_styles_are_followed_to_their_end(
    made_up: Site, run: Callable[..., SyncReport], home: Path
) -> None:
    def people(request: web.Request) -> dict[str, Any]:
        start = int(request.query["start"])
        values = [{"accountId": f"p{start + n}"} for n in range(int(request.query["limit"]))]
        return {"start": start, "values": values, "isLastPage": start >= 4, "_links": {}}

    def users(request: web.Request) -> dict[str, Any]:
        assert request.headers["Authorization"] == "Bearer sandbox-org-key"
        pages = {
            "": ("a", "https://host/users?cursor=bare%3D&limit=1"),
            "bare=": ("b", "last"),
            "last": ("c", None),
        }
        name, following = pages[request.query.get("cursor", "")]
        return {"data": [{"id": name}], "links": {"next": following}}

    def things(request: web.Request) -> dict[str, Any]:
        start = int(request.query["startAt"])
        held = [{"id": "t1"}, {"id": "t2"}, {"id": "t3"}]
        return {"objectEntries": held[start : start + 2], "startAt": start}

    made_up.lists = {
        "/people": people,
        "/orgs/org-sandbox/users": users,
        "/workspace/w/1/aql": things,
        "/configuration": lambda _: {"votingEnabled": True},
        "/roles": lambda _: {"Managers": "https://host/role/62", "Users": "https://host/role/63"},
        "/schemes": lambda _: {"permissionSchemes": [{"id": 1}], "expand": "all"},
    }
    report = run(
        FullList("people", "P.", "/people", "jsm_pages", key="accountId", page_size=2),
        FullList(
            "users",
            "U.",
            "/orgs/{organization}/users",
            "cursor",
            page_size=1,
            asks="organization",
        ),
        FullList("things", "T.", "/workspace/{w}/aql", "aql", page_size=2, query="schema = {s}"),
        FullList("configuration", "C.", "/configuration", "object", key=""),
        FullList("roles", "R.", "/roles", "map"),
        FullList("schemes", "S.", "/schemes", "named", member="permissionSchemes"),
        connection="guard",
        w="w/1",
        s="7",
    )
    assert report.requests["POST /workspace/{w}/aql"] == 3
    assert present(home, "people") == {"": {f"p{n}" for n in range(6)}}
    assert present(home, "users") == {"": {"a", "b", "c"}}
    assert present(home, "things") == {"": {"t1", "t2", "t3"}}
    assert present(home, "configuration") == {"": {"configuration"}}
    assert present(home, "roles") == {"": {"Managers", "Users"}}
    assert present(home, "schemes") == {"": {"1"}}
    assert {body for _, _, body in made_up.queries if body} == {'{"qlQuery":"schema = 7"}'}
    [managers] = [r for r in lake_rows(home, NAME, "roles") if r["object_id"] == "Managers"]
    assert managers["payload"] == '"https://host/role/62"'


@pytest.mark.parametrize("style", ["page_bean", "named", "cursor", "aql", "jsm_pages"])
def test_a_page_without_its_list_is_no_empty_list(style: Style) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_page(FullList("x", "X.", "/x", style, member="members"), b'{"total":0}')


def test_an_empty_list_is_a_page() -> None:
    page = decode_page(BOARDS, b'{"values":[],"total":0,"isLast":true}')
    assert page == ListPage([], 0, is_last=True)


def test_a_source_whose_product_the_site_lacks_leaves_no_trace(
    made_up: Site, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def traverse(sync: Sync) -> None:
        sync.warn("never seen")
        raise NotConnectedError("The site has no such product.", "Nothing to do.")

    spec = SourceSpec(NAME, "Made up.", (), "assets", "", traverse)
    monkeypatch.setitem(SOURCES, NAME, spec)
    with pytest.raises(NotConnectedError, match="no such product"):
        run_source(NAME, settings_for(made_up.scripted.url, home), patience=QUICK)
    assert lake_rows(home, NAME, "runs") == []


def test_the_inbox_asks_nobody_and_needs_a_home_with_a_site(
    made_up: Site, run: Callable[..., SyncReport], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites: list[str] = []

    async def traverse(sync: Sync) -> None:
        sites.append(sync.site_id)
        with pytest.raises(NotConnectedError):
            _ = sync.client

    spec = SourceSpec("quiet", "Asks nobody.", (), "inbox", "", traverse)
    monkeypatch.setitem(SOURCES, "quiet", spec)
    settings = settings_for("http://127.0.0.1:9", home)
    with pytest.raises(NotConnectedError, match="whose data"):
        run_source("quiet", settings, patience=QUICK)
    made_up.lists = {"/boards": [board(1)]}
    run(BOARDS)
    monkeypatch.setitem(SOURCES, "quiet", spec)
    report = run_source("quiet", settings, patience=QUICK)
    assert sites == ["a.atlassian.net"]
    assert report.requests == {}
