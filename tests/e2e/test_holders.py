"""Who may see what, from the API to the marts, while rights are lost and lists change."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from orchestration.transformation import MARTS
from pipelines.registry import SOURCES
from tests.e2e.product import Product
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.assets import Assets
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

READ = {"jira_platform", "assets"}
Rows = set[tuple[str | None, ...]]


def holders_of_levels(world: World) -> Rows:
    """Who is in which security level."""
    security = world.domain(Admin).security
    assert security is not None
    return {(member.level, member.holder, member.value) for member in security.members}


def holders_of_permissions(world: World) -> Rows:
    """Who holds which permission in the projects that can be asked."""
    admin = world.domain(Admin)
    return {
        (project.id, grant.permission, grant.holder, grant.value)
        for project in world.projects.values()
        if project.state == "live" and not project.is_hidden
        for grant in admin.schemes[admin.scheme_of.get(project.id, admin.default_scheme.id)].grants
    }


def people_of_schemas(world: World) -> Rows:
    """Who has which role of an object schema; a group that Jira does not know has nobody."""
    admin, assets = world.domain(Admin), world.domain(Assets)
    groups = {group.name: group.members for group in admin.groups.values()}
    return {
        (str(schema), account_id, assets.roles[role].name)
        for (kind, schema), roles in assets.roles_of.items()
        if kind == "schema"
        for role in roles
        for actor in assets.roles[role].actors
        for account_id in (
            [actor.removeprefix("user:")]
            if actor.startswith("user:")
            else groups.get(actor.removeprefix("group:"), [])
        )
    }


TRUTH = {
    "select level_id, holder_type, holder_id from bridge_security_level_holders": holders_of_levels,
    "select project_id, permission_key, holder_type, holder_id from bridge_permission_holders "
    "where project_id in (select project_id from dim_projects where lifecycle_state = 'live')": (
        holders_of_permissions
    ),
    "select object_schema_id, account_id, role_name from bridge_asset_schema_people "
    "where valid_to_at is null": people_of_schemas,
}


def found(product: Product, sql: str) -> Rows:
    """Ask the marts."""
    with duckdb.connect(str(product.home / MARTS), read_only=True) as connection:
        return set(connection.execute(sql).fetchall())


def assert_true(product: Product) -> None:
    """Hold the marts against the world."""
    for sql, truth in TRUTH.items():
        expected = truth(product.sandbox.site.world)
        assert expected
        assert found(product, sql) == expected, sql


def follow(product: Product) -> None:
    """Sync the sources concerned and build."""
    product.sync(without=SOURCES.keys() - READ)
    product.build()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Sync a site once."""
    with running_sandbox(days=20, domains=("admin", "assets")) as sandbox:
        product = Product(tmp_path_factory.mktemp("holders"), sandbox)
        follow(product)
        yield product


def change_everything(sandbox: RunningSandbox) -> None:
    """Let three months pass, and make sure that something of each kind came and went."""
    sandbox.advance(90 * 24 * 60)

    def change(world: World, now: int) -> None:
        admin = world.domain(Admin)
        assert admin.security is not None
        admin.security.remove(admin.security.members[0])
        admin.security.add("10403", "user", world.me)
        project = world.projects["11000"]
        other = next(one for one in admin.schemes.values() if one is not admin.default_scheme)
        admin.assign_scheme(now, world.me, project, other)
        admin.grant(now, world.me, other, "BROWSE_PROJECTS", "group", next(iter(admin.groups)))

    sandbox.do(change)


def test_the_marts_tell_what_the_site_tells_also_after_rights_were_lost(product: Product) -> None:
    assert_true(product)
    before = {sql: found(product, sql) for sql in TRUTH}
    change_everything(product.sandbox)
    for right in ("ADMINISTER", "USER_PICKER", "ASSETS"):
        product.sandbox.permission(right, granted=False)
    follow(product)
    levels, permissions, people = TRUTH
    assert found(product, levels) == before[levels]
    assert found(product, people) == before[people]
    assert {row[0] for row in found(product, permissions)} >= {"11000"}
    for right in ("ADMINISTER", "USER_PICKER", "ASSETS"):
        product.sandbox.permission(right, granted=True)
    follow(product)
    assert_true(product)


def test_every_action_of_assets_belongs_to_its_schema(product: Product) -> None:
    assets = product.sandbox.site.world.domain(Assets)
    objects = {**assets.objects, **assets.deleted}
    schemas = {("object", str(one.id)): str(one.schema) for one in objects.values()}
    for (kind, owner), roles in assets.roles_of.items():
        belongs_to = owner if kind == "schema" else assets.types[owner].schema
        schemas |= {("role", str(role)): str(belongs_to) for role in roles}
    rows = found(
        product,
        "select action_id, if(starts_with(action_code, 'ASSETS_'), 'role', 'object'), target_id, "
        "object_schema_id from fct_actions join dim_action_types using (action_code) "
        "where visibility_rule = 'assets_role'",
    )
    assert {kind for _, kind, _, _ in rows} == {"object", "role"}
    for _, what, target_id, object_schema_id in rows:
        assert object_schema_id == schemas[str(what), str(target_id)]
