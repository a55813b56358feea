"""Every action of a Jira site's administration, through the log, through lists alone, and both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pipelines.runner import run_source
from tests.e2e.product import Product, assert_exact
from tests.sandbox.clock import SECOND
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.admin.codes import CODES, LOG_ONLY
from tests.sandbox.domains.admin.records import SETTINGS
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.verdicts import Report
from tests.sandbox.world import World

# The longer story of one domain; `test_all_actions` proves the same codes in `make test`.
pytestmark = pytest.mark.slow

ACT_MINUTES = 60

Act = Callable[[Admin, Callable[[], int], str], None]


def first_act(admin: Admin, at: Callable[[], int], boss: str) -> None:
    """Make things."""
    project = admin.create_project(at(), boss, "NEW", "New project")
    role = admin.create_role(at(), boss, "Auditors")
    person = admin.create_user(at(), boss, "Neu Person", "neu@example.com")
    scheme = admin.create_scheme(at(), boss, "Strict")
    copy = admin.copy_scheme(at(), boss, scheme)
    group = next(iter(admin.groups.values()))
    admin.add_member(at(), boss, group, person.account_id)
    apps = next(p for p in admin.world.projects.values() if p.key == "APP")
    admin.change_role_actors(
        at(), boss, apps, next(iter(admin.roles.values())), add=_someone(admin)
    )
    admin.grant(at(), boss, admin.default_scheme, "EDIT_ISSUES", "group", group.id)
    admin.change_global_permission(at(), boss, "Bulk change", group, is_granted=True)
    admin.change_global_permission(at(), boss, "Bulk change", group, is_granted=False)
    for code in SETTINGS:
        desk = next(p for p in admin.world.projects.values() if p.kind == "service_desk")
        admin.change_setting(at(), boss, code, "Open", "Restricted", desk)
    admin.note(at(), None, "Workflow created", "workflows")
    assert project.id in admin.world.projects
    assert {role.id, copy.id, scheme.id} <= {*admin.roles, *admin.schemes}


def _someone(admin: Admin) -> Sequence[tuple[str, str]]:
    return [("user", list(admin.world.people)[7])]


def second_act(admin: Admin, at: Callable[[], int], boss: str) -> None:
    """Change them, and what was there before."""
    project = next(p for p in admin.world.projects.values() if p.key == "NEW")
    admin.update_project(at(), boss, project, name="Newer project", description="Why")
    admin.set_category(at(), boss, project, next(iter(admin.categories.values())))
    role = next(role for role in admin.roles.values() if role.name == "Auditors")
    admin.update_role(at(), boss, role, description="They look")
    admin.change_role_actors(at(), boss, project, role, add=_someone(admin))
    person = next(p for p in admin.world.people.values() if p.name == "Neu Person")
    admin.deactivate_user(at(), boss, person)
    other = admin.world.people[list(admin.world.people)[20]]
    admin.update_user(at(), boss, other, name="Ganz Anders")
    group = next(iter(admin.groups.values()))
    admin.remove_member(at(), boss, group, person.account_id)
    scheme = next(s for s in admin.schemes.values() if s.name == "Strict")
    admin.update_scheme(at(), boss, scheme, name="Stricter")
    admin.grant(at(), boss, scheme, "MANAGE_SPRINTS_PERMISSION", "projectRole", role.id)
    granted = next(g for g in admin.default_scheme.grants if g.permission == "EDIT_ISSUES")
    admin.revoke(at(), boss, admin.default_scheme, granted)
    admin.assign_scheme(at(), boss, project, scheme)


def third_act(admin: Admin, at: Callable[[], int], boss: str) -> None:
    """Undo some of it, and put the project into the trash."""
    project = next(p for p in admin.world.projects.values() if p.key == "NEW")
    admin.change_state(at(), boss, project, "deleted")
    person = next(p for p in admin.world.people.values() if p.name == "Neu Person")
    admin.reactivate_user(at(), boss, person)
    copy = next(s for s in admin.schemes.values() if s.name.startswith("Copy of"))
    admin.delete_scheme(at(), boss, copy)
    # Seen by no listing: put in and out again, renamed and renamed back.
    group = list(admin.groups.values())[1]
    admin.add_member(at(), boss, group, person.account_id)
    admin.remove_member(at(), boss, group, person.account_id)
    kept = next(p for p in admin.world.projects.values() if p.key == "OPS")
    admin.update_project(at(), boss, kept, name="Ops")
    admin.update_project(at(), boss, kept, name="Operations")


def last_act(admin: Admin, at: Callable[[], int], boss: str) -> None:
    """End things."""
    project = next(p for p in admin.world.projects.values() if p.key == "NEW")
    admin.purge_project(at(), project)
    person = next(p for p in admin.world.people.values() if p.name == "Neu Person")
    admin.delete_user(at(), boss, person)
    role = admin.create_role(at(), boss, "Short lived")
    admin.delete_role(at(), None, role)
    doomed = next(role for role in admin.roles.values() if role.name == "Viewers")
    admin.delete_role(at(), boss, doomed)


ACTS: tuple[Act, ...] = (first_act, second_act, third_act, last_act)


def play(sandbox: RunningSandbox, act: Act) -> None:
    """Let an hour pass in which an act happens, its commands twenty seconds apart."""
    begin = sandbox.site.world.now
    sandbox.advance(ACT_MINUTES)

    def run(world: World, _: int) -> None:
        moment = begin + 60 * SECOND

        def at() -> int:
            nonlocal moment
            moment += 20 * SECOND
            return moment

        act(world.domain(Admin), at, world.me)

    sandbox.do(run)


@pytest.fixture(scope="module", params=["log and lists", "log after lists", "lists"])
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Report]]:
    """Play all acts, sync after each, and hold the marts against the ledger.

    "log after lists": the account gets the right to read the log only at the end.
    """
    channels: str = request.param
    home: Path = tmp_path_factory.mktemp("home")
    with running_sandbox(days=0, actions_per_year=1, domains=("admin",)) as sandbox:
        product = Product(home, sandbox)
        settings = product.settings()
        with_log = {"jira_platform", "jira_issues", "jira_audit"}
        without_log = with_log - {"jira_audit"}
        for step in range(len(ACTS) + 1):
            if step:
                play(sandbox, ACTS[step - 1])
            is_last = step == len(ACTS)
            has_log = channels == "log and lists" or (channels == "log after lists" and is_last)
            for name in sorted(with_log if has_log else without_log):
                run_source(name, settings)
        product.build()
        yield channels, product.check_marts()


def test_each_action_is_told_once_and_right(told: tuple[str, Report]) -> None:
    channels, report = told
    assert_exact(report)
    found = {code for code, tally in report.tallies.items() if tally.found}
    expected = CODES - LOG_ONLY if channels == "lists" else CODES
    assert found >= expected
    assert channels != "lists" or not found & LOG_ONLY
