"""Who sees what, on every endpoint, in random worlds: the product against an oracle.

Not a row too many, not one too few, and no word, key or id of a hidden issue in any response.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

import openpyxl
import pytest
from fastapi.testclient import TestClient

from serve.query.visibility import Role, Viewer
from tests.bench.synthetic import Shape, publish, write_marts
from tests.serve.conftest import app_of, make_client
from tests.serve.visibility_world import (
    ADMIN_GROUP,
    ASSETS_CODES,
    VIEWED,
    Asker,
    Deed,
    Oracle,
    World,
    make_world,
    write_world,
)

ALL_TIME: dict[str, Any] = {"from": "2025-01-01", "to": "2027-01-01"}
BREAKDOWNS = ("projects", "status", "transition", "issues", "fields")
LEGAL = [
    chosen
    for size in range(len(BREAKDOWNS) + 1)
    for chosen in combinations(BREAKDOWNS, size)
    if not ("fields" in chosen and {"status", "transition"} & set(chosen))
]
FEW, MANY = 3, 8
"""How many of every list of questions are asked, always and in the long version."""
SECURED = "Issues with a security level"
UNBROWSED = "Issues that may not be browsed"
NON_ISSUE = "Non-issue activities"


@pytest.fixture(scope="session")
def empty_marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return marts whose shape counts and whose rows do not."""
    path = tmp_path_factory.mktemp("shape") / "marts.duckdb"
    write_marts(path, Shape(actions=200, actors=5, projects=2, issues=10, days=30))
    return path


Anything = TypeVar("Anything")


class Asking:
    """A client that asks as anybody, and looks for secrets in whatever comes back."""

    def __init__(self, client: TestClient, draw: random.Random | None, few: int) -> None:
        """Ask everything, or with `draw` of every list of questions only `few`."""
        self.client = client
        self.draw, self.few = draw, few
        self.secrets: re.Pattern[str] | None = None

    def some(self, questions: Iterable[Anything]) -> list[Anything]:
        """Return all questions, or a few of them."""
        found = list(questions)
        return found if self.draw is None else self.draw.sample(found, min(len(found), self.few))

    def become(self, oracle: Oracle) -> None:
        """Ask as the oracle's asker from now on."""
        asker = oracle.asker
        role = Role(asker.role) if asker.role else None
        app_of(self.client).state.viewer = (
            Viewer("operator", role, is_operator=True)
            if asker.account_id is None
            else Viewer("somebody", role, asker.account_id)
        )
        secrets = list(oracle.secrets())
        self.secrets = re.compile("|".join(map(re.escape, secrets))) if secrets else None

    def answer(self, path: str, *, echoes: bool = False, **params: Any) -> Any:  # noqa: ANN401 - JSON, and what asks for it
        """GET JSON; fails if it tells of a hidden issue, unless it may echo what was asked."""
        response = self.client.get(f"/api/v1/{path}", params=params)
        assert response.status_code == 200, response.text
        if not echoes:
            self.look_through(response.text)
        return response.json()

    def sheet(self, path: str, **params: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - what asks for it
        """Return the rows of a workbook below its header; fails if any part tells of an issue."""
        response = self.client.get(f"/api/v1/{path}", params=ALL_TIME | params)
        assert response.status_code == 200, response.text
        with zipfile.ZipFile(io.BytesIO(response.content)) as book:
            for name in book.namelist():
                self.look_through(book.read(name).decode())
        sheet = openpyxl.load_workbook(io.BytesIO(response.content)).worksheets[0]
        return list(sheet.iter_rows(min_row=2, values_only=True))

    def look_through(self, text: str) -> None:
        """Fail if `text` tells of a hidden issue."""
        found = self.secrets.search(text) if self.secrets else None
        assert found is None, f"{found} in {text[:2_000]}"

    def pages(self, path: str, **params: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - what asks for JSON
        """Return the items of all pages."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            page = self.answer(path, **params, **cursor)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}


@contextmanager
def serving(
    world: World,
    empty: Path,
    home: Path,
    draw: random.Random | None,
    few: int = FEW,
    **settings: object,
) -> Iterator[Asking]:
    """Serve a world."""
    home.mkdir(parents=True)
    marts = home / "marts.duckdb"
    write_world(world, empty, marts)
    publish(home, marts)
    with make_client(home, jira_admin_groups=f"other, {ADMIN_GROUP}", **settings) as client:
        yield Asking(client, draw, few)


def askers(world: World) -> list[Asker]:
    """Return the operator, somebody whom nobody knows, and everybody with one of the roles."""
    roles = ("administrator", "manager", None)
    return [
        Asker(None, "administrator"),
        Asker("nobody-knows", "manager"),
        *(
            Asker(account, roles[place % 3 if place else 1])
            for place, account in enumerate(world.accounts)
        ),
        Asker(world.accounts[2], "manager"),
    ]


def check_detail(asking: Asking, oracle: Oracle) -> None:
    listed = oracle.listed()
    page = asking.answer("actions", limit=1_000, count=True, expand="changes", **ALL_TIME)
    assert [item["action_id"] for item in page["items"]] == [deed.id for deed in listed]
    assert page["action_count"] == len(listed)
    for item, deed in zip(page["items"], listed, strict=True):
        texts = oracle.texts(deed)
        shown = {name: item[name] for name in ("old_value", "new_value")}
        shown |= {f"target_{name}": item["target"][name] for name in ("id", "label")}
        assert shown == texts
        changes = [
            {name: change[name] for name in oracle.change_texts(wanted)}
            for change, wanted in zip(item["changes"] or [], deed.changes, strict=True)
        ]
        assert changes == [oracle.change_texts(change) for change in deed.changes]
        if deed.issue is None:
            assert item["issue"] is None
            continue
        issue = oracle.world.issues[deed.site, deed.issue]
        assert (item["issue"]["id"], item["issue"]["key"]) == (issue.id, issue.key)
        assert issue.word in item["issue"]["summary"]
    for params in ({"sort": "author"}, {"sort": "-target"}, {"sort": "-occurred_at", "limit": 7}):
        again = asking.pages("actions", **(ALL_TIME | {"limit": 40} | params))
        assert Counter(item["action_id"] for item in again) == Counter(one.id for one in listed)


def filters(world: World) -> list[tuple[dict[str, Any], Callable[[Deed], bool]]]:
    """Return some filters, and what they mean."""
    account = world.accounts[0]
    site, project = next(iter(world.projects))
    key = world.projects[site, project]
    return [
        ({"user": account}, lambda deed: deed.actor == account),
        ({"project": key}, lambda deed: deed.project == project),
        (
            {"field": ["parent", "customfield_10014"]},
            lambda deed: any(
                change.field_id in ("parent", "customfield_10014") for change in deed.changes
            ),
        ),
        ({"status_to": "3"}, lambda deed: deed.to_status == "3"),
        (
            {"action_code": [VIEWED, *ASSETS_CODES]},
            lambda deed: deed.code in {VIEWED, *ASSETS_CODES},
        ),
    ]


def check_filters(asking: Asking, oracle: Oracle) -> None:
    for params, means in asking.some(filters(oracle.world)):
        wanted = [deed for deed in oracle.listed() if means(deed)]
        page = asking.answer("actions", limit=1_000, count=True, **ALL_TIME, **params)
        assert [item["action_id"] for item in page["items"]] == [deed.id for deed in wanted]
        assert page["action_count"] == len(wanted)
        counted = asking.answer("activity", limit=1_000, **ALL_TIME, **params)
        assert counted["action_count"] == sum(means(deed) for deed in oracle.counted())
        found = asking.pages("issues", **ALL_TIME, **params)
        assert {(item["site_id"], item["issue"]["id"]) for item in found} == {
            (deed.site, deed.issue) for deed in wanted if deed.issue
        }
        asking.answer("filters/describe", **ALL_TIME, **params)


def check_activity(asking: Asking, oracle: Oracle) -> None:
    counted = oracle.counted()
    for chosen in asking.some(LEGAL):
        page = asking.answer("activity", limit=1_000, breakdown=list(chosen), **ALL_TIME)
        wanted: Counter[tuple[str | None, tuple[str | None, ...], str]] = Counter()
        for deed in counted:
            for group in groups(oracle, deed, chosen):
                wanted[deed.actor, group, deed.code] += 1
        told: Counter[tuple[str | None, tuple[str | None, ...], str]] = Counter()
        for item in page["items"]:
            group = tuple(
                one["label"] if one["id"] is None and one["by"] == "issues" else one["id"]
                for one in item["groups"]
            )
            for code, number in item["counts"].items():
                told[item["author"] and item["author"]["account_id"], group, code] += number
        assert told == wanted
        assert page["action_count"] == wanted.total()
        rows = asking.sheet("activity.xlsx", breakdown=list(chosen))
        assert [(row[1 : len(chosen) + 1], row[-1]) for row in rows] == [
            (tuple(group["label"] for group in item["groups"]), item["total"])
            for item in page["items"]
        ]


def groups(oracle: Oracle, deed: Deed, chosen: tuple[str, ...]) -> list[tuple[str | None, ...]]:
    """Return the groups of a breakdown that an action is part of: ids, or words without one."""
    if {"status", "transition"} & set(chosen) and deed.to_status is None:
        return []
    issue: str | None = NON_ISSUE
    if deed.issue is not None:
        issue = SECURED
        if oracle.lists_issue(deed.site, deed.issue):
            issue = deed.issue if oracle.lists(deed) else UNBROWSED
    one = {
        "projects": deed.project,
        "status": deed.to_status,
        "transition": f"1:{deed.to_status}",
        "issues": issue,
    }
    fields: list[str | None] = [None]
    if "fields" in chosen:
        fields = [change.field_id for change in deed.changes]
    return [tuple(field_id if by == "fields" else one[by] for by in chosen) for field_id in fields]


def check_export(asking: Asking, oracle: Oracle) -> None:
    sheet = asking.sheet("actions.xlsx")
    rows = [row[5:8] for row in sheet]
    wanted = []
    for deed in oracle.listed():
        texts = oracle.texts(deed)
        old, new = texts["old_value"], texts["new_value"]
        if old is None and new is None:
            old = new = "N/A"
        issue = oracle.world.issues.get((deed.site, deed.issue or ""))
        wanted.append((old, new, issue.key if issue else texts["target_id"]))
    assert rows == wanted
    views = [deed for deed in oracle.listed() if deed.code == VIEWED]
    assert len(asking.sheet("issue-views.xlsx")) == len(views)


def check_issues(asking: Asking, oracle: Oracle) -> None:
    wanted = {(deed.site, deed.issue) for deed in oracle.listed() if deed.issue}
    found = asking.pages("issues", limit=5, **ALL_TIME)
    assert Counter((item["site_id"], item["issue"]["id"]) for item in found) == Counter(wanted)
    for item in found:
        assert item["is_browsable"] == oracle.browses(item["site_id"], item["issue"]["id"])
    links = asking.pages("issues/links", **ALL_TIME)
    closed = {
        (issue.site, issue.key)
        for issue in map(oracle.world.issues.__getitem__, wanted)
        if not oracle.browses(issue.site, issue.id)
    }
    for item in links:
        shown = {(item["site_id"], key) for key in re.findall(r"P[ABC]\d-\d+", item["url"])}
        assert item["unbrowsable_count"] == len(shown & closed)
    keys = {key for item in links for key in re.findall(r"P[ABC]\d-\d+", item["url"])}
    known = (oracle.world.issues[one] for one in wanted)
    assert keys == {issue.key for issue in known if not issue.is_deleted}


def check_views(asking: Asking, oracle: Oracle) -> None:
    wanted = [deed for deed in oracle.listed() if deed.code == VIEWED]
    page = asking.answer("issue-views", limit=1_000, **ALL_TIME)
    assert [item["view_id"] for item in page["items"]] == [deed.id for deed in wanted]
    first = min((deed.at for deed in wanted), default=None)
    told = page["first_view_at"]
    assert (told and told.removesuffix("Z")) == (first and first.isoformat())
    for (site, issue_id), issue in asking.some(oracle.world.issues.items()):
        for name in (issue.id, issue.key, *issue.former_keys):
            response = asking.client.get(
                "/api/v1/issue-views", params=ALL_TIME | {"issue": name, "limit": 1_000}
            )
            if not oracle.lists_issue(site, issue_id):
                assert response.status_code == 422
                assert issue.word not in response.text
                continue
            assert response.status_code == 200
            assert [item["view_id"] for item in response.json()["items"]] == [
                deed.id for deed in wanted if (deed.site, deed.issue) == (site, issue_id)
            ]


def check_the_rest(asking: Asking, oracle: Oracle) -> None:
    counted = oracle.counted()
    meta = asking.answer("meta")
    assert meta["action_count"] == len(counted)
    times = [deed.at.isoformat() for deed in counted]
    assert [meta[name].removesuffix("Z") for name in ("oldest_at", "newest_at")] == [
        min(times), max(times),
    ]  # fmt: skip
    coverage = asking.answer("coverage")
    told = {
        (one["action_code"], one["source"]): (one["action_count"], one["last_seen_at"])
        for one in coverage["actions"]
    }
    every = {(deed.code, source) for deed in oracle.world.deeds for source in sources(deed)}
    assert told == {
        (code, source): newest([deed for deed in counted if deed.code == code])
        for code, source in every
    }
    assert {one["source"]: (one["action_count"], one["last_seen_at"]) for one in
            coverage["sources"]} == {
        source: newest([deed for deed in counted if source in sources(deed)])
        for source in {source for _, source in every}
    }  # fmt: skip
    for source in asking.answer("freshness")["sources"]:
        numbers = [source["row_count"], source["request_count"], source["newest_source_at"]]
        if source["source"] != "assets" or oracle.asker.account_id is None:
            assert None not in numbers
        elif any(number is not None for number in numbers):
            done = [deed for deed in oracle.world.deeds if deed.code in ASSETS_CODES]
            assert all(oracle.counts(deed) for deed in done)
    for kind in meta["lookups"]:
        found = asking.answer(f"lookups/{kind}", q="")["items"]
        if found:
            asking.answer(f"lookups/{kind}/labels", id=[one["id"] for one in found])


def sources(deed: Deed) -> tuple[str, ...]:
    return ("assets",) if deed.code in ASSETS_CODES else ("inbox", "jira_issues")


def newest(deeds: list[Deed]) -> tuple[int, str | None]:
    return len(deeds), max((f"{deed.at.isoformat()}Z" for deed in deeds), default=None)


def check_jql(asking: Asking, oracle: Oracle) -> None:
    """Look for issues with JQL: it finds those that may be listed, and counts no other."""
    for (site, issue_id), issue in asking.some(oracle.world.issues.items()):
        is_listed = oracle.lists_issue(site, issue_id)
        wanted = [
            deed.id for deed in oracle.listed() if (deed.site, deed.issue) == (site, issue_id)
        ]
        count = len(wanted)
        for clause in (
            f'summary ~ "{issue.word}"',
            f'comment ~ "{issue.word}"',
            f'text ~ "{issue.word}"',
            f'"Story" ~ "{issue.word}"',
        ):
            jql = f"{clause} and deleted in (true, false)"
            listed = asking.answer("actions", echoes=True, jql=jql, limit=1_000, **ALL_TIME)
            assert [one["action_id"] for one in listed["items"]] == (wanted if is_listed else [])
            counted = asking.answer("activity", echoes=True, jql=jql, **ALL_TIME)
            assert counted["action_count"] == (count if is_listed else 0)
        for name in (issue.key, *issue.former_keys, issue.id):
            for clause in (
                f"issuekey = {name}", f"issue in linkedIssues({name})", f"parent = {name}",
            ):  # fmt: skip
                response = asking.client.get("/api/v1/activity", params={"jql": clause} | ALL_TIME)
                assert response.status_code == (200 if is_listed else 422), (clause, response.text)
                assert issue.word not in response.text
    hushed = [one.hush for one in oracle.world.deeds if one.hush and one.target_type != "issue"]
    for word in asking.some(hushed):
        for clause in ("comment", "worklogComment", "text"):
            jql = f"{clause} ~ {word} and deleted in (true, false)"
            assert asking.answer("activity", echoes=True, jql=jql, **ALL_TIME)["items"] == []
    for begun in ("labels = ", "issue = ", "parent = ", "issue in linkedIssues(", "Readers = "):
        response = asking.client.post(
            "/api/v1/jql/suggest", json={"jql": begun, "position": len(begun)}
        )
        assert response.status_code == 200, response.text
        asking.look_through(response.text)
    every = asking.answer("actions", jql="deleted in (true, false)", limit=1_000, **ALL_TIME)
    assert [item["action_id"] for item in every["items"]] == [
        deed.id for deed in oracle.listed() if deed.issue
    ]


def check_rows(asking: Asking, oracle: Oracle) -> None:
    """Ask for rows of a breakdown: none is a way to count a hidden issue."""
    for site, issue_id in asking.some(oracle.world.issues):
        deeds = [deed for deed in oracle.counted() if deed.issue == issue_id]
        is_listed = oracle.lists_issue(site, issue_id)
        for path in ("actions", "activity"):
            params = ALL_TIME | {"row": f"issues:{issue_id}"}
            if path == "actions":
                params["count"] = True
            response = asking.client.get(f"/api/v1/{path}", params=params)
            assert response.status_code == 200, response.text
            wanted = 0
            if is_listed:
                wanted = sum(map(oracle.lists, deeds))
            assert response.json()["action_count"] == wanted


CHECKS = (
    check_detail, check_filters, check_activity, check_export, check_issues, check_views,
    check_the_rest, check_rows, check_jql,
)  # fmt: skip


def prove(seed: int, empty: Path, home: Path, few: int) -> None:
    """Compare what everybody sees in the world of a seed, asking `few` of every list of questions.

    All of them are millions: the lists are asked by each other's.
    """
    world = make_world(seed)
    views_need_browse = seed % 4 != 1
    draw = random.Random(seed)
    with serving(world, empty, home, draw, few, views_need_browse=views_need_browse) as asking:
        everybody = askers(world)
        thoroughly = asking.some(everybody)
        for asker in everybody:
            oracle = Oracle(world, asker, views_need_browse)
            asking.become(oracle)
            if not oracle.is_admitted():
                response = asking.client.get("/api/v1/actions", params=ALL_TIME)
                assert response.status_code == 403
                continue
            for check in CHECKS if asker in thoroughly else (check_detail,):
                check(asking, oracle)


@pytest.mark.parametrize("seed", [1, 3])
def test_everybody_sees_just_what_they_may(seed: int, empty_marts: Path, tmp_path: Path) -> None:
    prove(seed, empty_marts, tmp_path / "home", FEW)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_everybody_sees_just_what_they_may_in_many_worlds(
    seed: int, empty_marts: Path, tmp_path: Path
) -> None:
    prove(seed, empty_marts, tmp_path / "home", MANY)


def test_more_rights_never_hide_anything(empty_marts: Path, tmp_path: Path) -> None:
    world = make_world(5)
    asker = Asker(world.accounts[1], "manager")
    seen = []
    for step in range(3):
        if step == 1:
            world.active |= {(site, world.accounts[1]) for site in world.sites}
            world.known = {one for one in world.known if one[1] != world.accounts[1]} | {
                (site, world.accounts[1], True, False) for site in world.sites
            }
            for holders in (*world.levels.values(), *world.grants.values()):
                holders.append(("reporter", None))
        if step == 2:
            for holders in (*world.levels.values(), *world.grants.values()):
                holders.append(("user", world.accounts[1]))
        with serving(world, empty_marts, tmp_path / f"home{step}", None) as asking:
            asking.become(Oracle(world, asker))
            page = asking.answer("actions", limit=1_000, **ALL_TIME)
            seen.append({item["action_id"] for item in page["items"]})
    assert seen[0] < seen[1] < seen[2]
