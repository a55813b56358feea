"""What people see over HTTP is what the site's world lets them see, before and after it changes.

The expectation is made of the world alone: who is in which security level, who may browse which
project, who has a role of which object schema. The population is what was published; that it is
complete and true is proved elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient

from orchestration import publishing
from orchestration.transformation import MARTS
from pipelines.registry import SOURCES
from serve.app import create_app
from serve.config import ServeSettings
from tests.e2e.product import Product
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.assets import Assets
from tests.sandbox.domains.organization import Organization
from tests.sandbox.fields import REVIEWERS
from tests.sandbox.objects import Issue
from tests.sandbox.running import running_sandbox
from tests.sandbox.world import World

EVER: dict[str, str | int] = {"from": "2000-01-01", "to": "2100-01-01", "limit": 1_000}
BROWSE = "BROWSE_PROJECTS"
MANAGEMENT, LEGAL = "10400", "10401"
CONFIGURATION = {"jira_platform", "assets"}


@dataclass(frozen=True)
class Published:
    """An action as published: what its visibility depends on."""

    action_id: str
    code: str
    target_id: str | None
    issue_id: str | None


class Onlooker:
    """Decides by the world what one account may see, one thing after the other."""

    def __init__(self, world: World, account_id: str) -> None:
        self.world, self.me = world, account_id
        self.admin, self.assets = world.domain(Admin), world.domain(Assets)
        self.groups = {
            one.id: one.name for one in self.admin.groups.values() if account_id in one.members
        }
        self.is_jira_admin = "jira-administrators" in self.groups.values()

    def has_role(self, project_id: str, role_id: str | None) -> bool:
        """Tell whether the account has a role of a project, directly or through a group."""
        actors = self.admin.actors.get((project_id, role_id or ""), [])
        return any(who == self.me if kind == "user" else who in self.groups for kind, who in actors)

    def is_held(self, holder: str, value: str | None, issue: Issue) -> bool:
        """Tell whether the account is such a holder, in that issue."""
        holds = {
            "anyone": True,
            "applicationRole": value is None,  # who has access to one product, nobody tells
            "user": value == self.me,
            "group": value in self.groups,
            "projectRole": self.has_role(issue.project, value),
            "projectLead": self.world.projects[issue.project].lead == self.me,
            "reporter": issue.reporter == self.me,
            "assignee": issue.assignee == self.me,
            "userCustomField": self.me in self.world.reviewers(issue),
        }
        return holds[holder]

    def may_list(self, issue: Issue) -> bool:
        """Tell whether the security level of an issue, if it has one, lists the account."""
        security = self.admin.security
        assert security is not None
        return issue.security is None or any(
            self.is_held(member.holder, member.value, issue)
            for member in security.members
            if member.level == issue.security
        )

    def may_browse(self, issue: Issue) -> bool:
        """Tell whether the permission scheme of the project lets the account browse the issue."""
        admin = self.admin
        scheme = admin.schemes[admin.scheme_of.get(issue.project, admin.default_scheme.id)]
        return any(
            self.is_held(grant.holder, grant.value, issue)
            for grant in scheme.grants
            if grant.permission == BROWSE
        )

    def sees_assets(self, code: str, target_id: str) -> bool:
        """Tell whether an action in Assets concerns the account."""
        if self.is_jira_admin:
            return True
        number, assets = int(target_id), self.assets
        if code in {"ASSET_OBJECT_CREATED", "ASSET_OBJECT_UPDATED"}:
            schema = {**assets.objects, **assets.deleted}[number].schema
        else:
            [(kind, owner)] = [key for key, roles in assets.roles_of.items() if number in roles]
            schema = owner if kind == "schema" else assets.types[owner].schema
        names = self.groups.values()
        return any(
            one == f"user:{self.me}" or one.removeprefix("group:") in names
            for role in assets.roles_of["schema", schema]
            for one in assets.roles[role].actors
        )

    def counts(self, action: Published) -> bool:
        """Tell whether the account may count an action."""
        if not action.code.startswith("ASSET"):
            return True
        assert action.target_id is not None
        return self.sees_assets(action.code, action.target_id)

    def lists(self, action: Published) -> bool:
        """Tell whether the account may list an action."""
        if action.issue_id is None:
            # where nobody knows which issue was looked at, nobody knows who may browse it
            return action.code != "ISSUE_VIEWED" and self.counts(action)
        issue = self.world.issues[int(action.issue_id)]
        return self.may_list(issue) and (action.code != "ISSUE_VIEWED" or self.may_browse(issue))


def published(product: Product) -> list[Published]:
    """Return the actions of the newest build, but for those of issues that the world has lost."""
    with duckdb.connect(str(product.home / MARTS), read_only=True) as connection:
        rows = connection.execute(
            "select action_id, action_code, target_id, issue_id from fct_actions"
        ).fetchall()
    issues = product.sandbox.site.world.issues
    return [Published(*row) for row in rows if row[3] is None or int(row[3]) in issues]


def pages(client: TestClient, path: str, **question: str) -> Iterator[dict[str, Any]]:
    """Yield the pages of an answer."""
    cursor: dict[str, str] = {}
    while True:
        answer = client.get(path, params={**EVER, **question, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield page
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def items(client: TestClient, path: str, **question: str) -> Iterator[dict[str, Any]]:
    """Yield the items of all pages of an answer."""
    for page in pages(client, path, **question):
        yield from page["items"]


def seen(product: Product, account_id: str) -> set[str]:
    """Hold what an account is shown against the world; return the actions it may list."""
    onlooker = Onlooker(product.sandbox.site.world, account_id)
    actions = published(product)
    listed = {one for one in actions if onlooker.lists(one)}
    known = {one.action_id: one for one in actions}
    issues = {one.issue_id for one in actions}
    settings = ServeSettings(home=product.home, viewer_account_id=account_id, viewer_role="manager")
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:

        def shown(path: str, key: str) -> set[Published]:
            ids = {item[key] for item in items(client, path)}
            return {known[one] for one in ids & known.keys()}

        assert shown("/api/v1/actions", "action_id") == listed
        views = {one for one in listed if one.code == "ISSUE_VIEWED"}
        assert shown("/api/v1/issue-views", "view_id") == views
        of_issues = {
            item["issue"]["id"] for item in items(client, "/api/v1/issues") if item["issue"]
        }
        assert of_issues & issues == {one.issue_id for one in listed if one.issue_id}
        # with JQL only what may be listed is counted
        by_jql = items(client, "/api/v1/activity", jql="summary is not empty or deleted = true")
        counted = sum(item["total"] for item in by_jql)
        page = next(pages(client, "/api/v1/activity"))
        total_known = sum(onlooker.counts(one) for one in actions)
    with duckdb.connect(str(product.home / MARTS), read_only=True) as connection:
        row = connection.execute("select count(*) from fct_actions").fetchone()
    assert row is not None
    assert page["action_count"] == total_known + row[0] - len(actions)
    assert counted < total_known
    return {one.action_id for one in listed}


def people(world: World) -> dict[str, str]:
    """Choose an account for each way to see something, and one that should see little."""
    issues = [one for one in world.issues.values() if one.security == LEGAL]
    reviewed = next(one for one in issues if one.id % 10 == 0)
    managed = next(one for one in world.issues.values() if one.security == MANAGEMENT)
    lead = world.projects[managed.project].lead
    admin, assets = world.domain(Admin), world.domain(Assets)
    groups = {group.name: group.members for group in admin.groups.values()}
    busy = set(groups["jira-administrators"]) | {lead, reviewed.reporter, reviewed.assignee}
    owner = next(
        actor.removeprefix("user:")
        for role in assets.roles_of["schema", 1]
        for actor in assets.roles[role].actors
        if actor.startswith("user:") and actor.removeprefix("user:") not in busy
    )
    nobody = next(
        one.account_id
        for one in reversed(world.people.values())
        if one.active
        and one.account_type == "atlassian"
        and one.account_id not in busy | {owner, *groups["developers"], *groups["support"]}
    )
    assert lead is not None
    assert reviewed.reporter is not None
    return {
        "administrator": groups["jira-administrators"][0],
        "lead": lead,
        "reporter": reviewed.reporter,
        "reviewer": world.reviewers(reviewed)[0],
        "owner of assets": owner,
        "nobody": nobody,
    }


def _prepare(world: World, now: int) -> None:
    """Give levels to some issues, let people look at them, and open the projects to a group."""
    admin, log = world.domain(Admin), world.domain(Organization)
    security = admin.security
    assert security is not None
    held = {(member.level, member.holder) for member in security.members}
    for level, holder in {(MANAGEMENT, "projectLead"), (LEGAL, "reporter")} - held:
        security.add(level, holder, None)
    if (LEGAL, "userCustomField") not in held:
        security.add(LEGAL, "userCustomField", REVIEWERS)
    issues = [one for one in world.issues.values() if one.reporter is not None][:60]
    for number, issue in enumerate(issues):
        if number % 2:
            world.edit(now, world.me, issue, {"security": (MANAGEMENT, LEGAL)[number // 2 % 2]})
        log.view(now, world.me, issue, "issue_view")
    reviewed = next(one for one in issues if one.id % 10 == 0)
    world.edit(now, world.me, reviewed, {"security": LEGAL})
    developers = next(one for one in admin.groups.values() if one.name == "developers")
    admin.grant(now, world.me, admin.default_scheme, BROWSE, "group", developers.id)
    assets = world.domain(Assets)
    assets.change_role(
        now, world.me, assets.roles_of["schema", 1][0], added=[f"user:{[*world.people][60]}"]
    )


def _change(whom: str, world: World, now: int) -> None:
    """Take all of it away: a holder of every kind, the grant, the role; and let `whom` in."""
    admin, assets = world.domain(Admin), world.domain(Assets)
    security = admin.security
    assert security is not None
    for member in [one for one in security.members if one.level in {MANAGEMENT, LEGAL}]:
        if member.holder in {"reporter", "userCustomField", "projectLead", "projectRole"}:
            security.remove(member)
    security.add(MANAGEMENT, "user", whom)
    for grant in [one for one in admin.default_scheme.grants if one.permission == BROWSE]:
        admin.revoke(now, world.me, admin.default_scheme, grant)
    admin.grant(now, world.me, admin.default_scheme, BROWSE, "projectRole", [*admin.roles][1])
    for role in assets.roles_of["schema", 1]:
        assets.change_role(now, world.me, role, removed=list(assets.roles[role].actors))


@pytest.fixture
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Publish a site with secured issues, views of issues, and Assets."""
    domains = ("admin", "assets", "organization")
    with running_sandbox(days=4, max_lag_minutes=0, domains=domains) as sandbox:
        sandbox.do(_prepare)
        sandbox.advance(30)
        product = Product(tmp_path_factory.mktemp("visibility"), sandbox)
        product.run()
        yield product


def sets_of(product: Product, accounts: Iterable[str]) -> dict[str, set[str]]:
    """Return what each account may list, after holding it against the world."""
    return {account_id: seen(product, account_id) for account_id in accounts}


def test_everybody_sees_what_the_world_lets_them_see_also_after_it_changed(
    product: Product,
) -> None:
    chosen = people(product.sandbox.site.world)
    before = sets_of(product, chosen.values())
    least = before[chosen["nobody"]]
    for name in ("administrator", "lead", "reporter", "reviewer", "owner of assets"):
        assert before[chosen[name]] - least, name

    product.sandbox.do(partial(_change, chosen["nobody"]))
    product.sync(without=SOURCES.keys() - CONFIGURATION)
    product.build()
    publishing.publish(product.home, project=product.project)
    after = sets_of(product, chosen.values())
    for name in ("lead", "reporter", "reviewer", "owner of assets"):
        assert before[chosen[name]] - after[chosen[name]], name
    assert after[chosen["nobody"]] - least
