"""Finds what a viewer may see in one snapshot, once, and lays it down in the snapshot's memory.

The second file of the door. It writes into a database in memory that belongs to the snapshot, the
tables of each viewer into a schema of their own:

- `listed_issues`: issues with a security level that lists the viewer;
- `browsed_projects`, `browsed_issues`: where the viewer has Browse Projects, and the issues for
  which the project they were in is not the answer: they have moved, or somebody's part in the
  issue decides;
- `schemas`: object schemas of Assets whose actions may be seen;
- `withheld`, `withheld_changes`: actions and changes with texts that are not to be read.

Whoever is not an active account of a site holds nothing on it. Holders of a kind that the log knows
nothing about, such as the people with access to one product, are nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from serve.query.visibility import Extent, Rights, Viewer

Ask = Callable[[str, Mapping[str, object]], list[tuple[Any, ...]]]
"""Runs one statement with its named parameters and returns its rows."""

BROWSE = "BROWSE_PROJECTS"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say about all viewers; the case of the groups' names does not matter."""

    jira_admin_groups: tuple[str, ...] = ()
    views_need_browse: bool = True


def resolve(viewer: Viewer, policy: Policy, memory: str, ask: Ask) -> Rights:
    """Return the rights of `viewer`, after writing their tables into the empty schema `memory`."""
    _write_person(viewer, policy, memory, ask)
    ((is_jira_admin,),) = ask(
        f"select coalesce(bool_or(is_jira_admin), false) from {memory}.sites", {}
    )
    _write_listed_issues(viewer, memory, ask)
    _write_withheld(memory, ask)
    codes: dict[str, tuple[str, ...]] = {"browse_project": (), "assets_role": ()}
    for rule, found in ask(
        """
        select visibility_rule, list(action_code order by action_code)
        from dim_action_types
        group by visibility_rule
        """,
        {},
    ):
        codes[rule] = tuple(found)
    browses = Extent.ALL
    if not viewer.is_operator:
        _write_browsed(viewer, memory, ask)
        browses = Extent.SOME
    return Rights(
        viewer,
        is_admitted=viewer.role is not None or is_jira_admin,
        secured_issues=_some(f"{memory}.listed_issues", ask),
        browses=browses,
        views=browses if policy.views_need_browse else Extent.ALL,
        assets=_write_schemas(viewer, memory, ask) if codes["assets_role"] else Extent.ALL,
        withholds=_some(f"{memory}.withheld", ask) is Extent.SOME,
        memory=memory,
        views_codes=codes["browse_project"],
        assets_codes=codes["assets_role"],
    )


def is_known(viewer: Viewer, ask: Ask) -> bool:
    """Return whether the viewer is an active account of a site, or needs no account."""
    return viewer.is_operator or bool(
        ask(f"select 1 from ({_SITES}) limit 1", {"account_id": viewer.account_id})
    )


_SITES = """
    select distinct site_id from dim_users
    where account_id = $account_id and is_active is not false and is_deleted is not true
"""


def _some(table: str, ask: Ask) -> Extent:
    return Extent.SOME if ask(f"select 1 from {table} limit 1", {}) else Extent.NONE


def _write_person(viewer: Viewer, policy: Policy, memory: str, ask: Ask) -> None:
    """Write where the viewer is somebody: sites, groups, roles in projects, projects they lead."""
    who = {"account_id": viewer.account_id}
    ask(
        f"""
        create table {memory}.groups as
        select distinct members.site_id, members.group_id, groups.group_name
        from bridge_group_members as members
        join ({_SITES}) as sites using (site_id)
        left join dim_groups as groups using (site_id, group_id)
        where members.account_id = $account_id and members.valid_to_at is null
        """,
        who,
    )
    ask(
        f"""
        create table {memory}.sites as
        select
            site_id,
            site_id in (
                select groups.site_id from {memory}.groups as groups
                where lower(groups.group_name) in (select lower(unnest($admin_groups)))
            ) as is_jira_admin
        from ({_SITES})
        """,
        who | {"admin_groups": list(policy.jira_admin_groups)},
    )
    ask(
        f"""
        create table {memory}.roles as
        select distinct people.site_id, people.project_id, 'projectRole' as holder_type,
            people.role_id as holder_id
        from bridge_project_people as people
        join {memory}.sites using (site_id)
        where people.account_id = $account_id and people.valid_to_at is null
        union
        select projects.site_id, projects.project_id, 'projectLead', null
        from dim_projects as projects
        join {memory}.sites using (site_id)
        where projects.lead_account_id = $account_id
        """,
        who,
    )


def _write_holdings(
    name: str, grants: str, key: str, viewer: Viewer, memory: str, ask: Ask
) -> None:
    """Write which of the `grants` (site_id, `key`, holder_type, holder_id) the viewer holds.

    `<name>` (site_id, key): whatever the issue; `<name>_projects` (and project_id): in these
    projects; `<name>_people` (holder_type, holder_id): depends on who has a part in the issue.
    """
    grants = f"({grants}) as grants join {memory}.sites as sites using (site_id)"
    ask(
        f"""
        create table {memory}.{name} as
        select distinct grants.site_id, grants.{key}
        from {grants}
        left join {memory}.groups as groups
            on grants.holder_type = 'group' and groups.site_id = grants.site_id
            and groups.group_id = grants.holder_id
        where grants.holder_type = 'anyone'
            or (grants.holder_type = 'applicationRole' and grants.holder_id is null)
            or (grants.holder_type = 'user' and grants.holder_id = $account_id)
            or groups.group_id is not null
        """,
        {"account_id": viewer.account_id},
    )
    ask(
        f"""
        create table {memory}.{name}_projects as
        select distinct grants.site_id, grants.{key}, roles.project_id as in_project_id
        from {grants}
        join {memory}.roles as roles
            on roles.site_id = grants.site_id and roles.holder_type = grants.holder_type
            and (grants.holder_type = 'projectLead' or roles.holder_id = grants.holder_id)
        """,
        {},
    )
    ask(
        f"""
        create table {memory}.{name}_people as
        select distinct grants.site_id, grants.{key}, grants.holder_type, grants.holder_id
        from {grants}
        where grants.holder_type in ('reporter', 'assignee', 'userCustomField', 'groupCustomField')
        """,
        {},
    )


def _holding_issues(name: str, key: str, issue_key: str, memory: str) -> str:
    """Return the issues in which the viewer has the part that a grant asks for."""
    grants = f"{memory}.{name}_people as grants"
    of_grant = f"issues.site_id = grants.site_id and issues.{issue_key} = grants.{key}"
    of_field = "field_values.site_id = grants.site_id and field_values.field_id = grants.holder_id"
    of_issue = "issues.site_id = field_values.site_id and issues.issue_id = field_values.issue_id"
    return f"""
        select issues.site_id, issues.issue_id
        from dim_issues as issues
        join {grants} on {of_grant}
        where (grants.holder_type = 'reporter' and issues.reporter_account_id = $account_id)
            or (grants.holder_type = 'assignee' and issues.assignee_account_id = $account_id)
        union
        select issues.site_id, issues.issue_id
        from {grants}
        join bridge_issue_field_values as field_values on {of_field}
        join dim_issues as issues on {of_issue} and {of_grant}
        where grants.holder_type = 'userCustomField' and field_values.value_id = $account_id
        union
        select issues.site_id, issues.issue_id
        from {grants}
        join bridge_issue_field_values as field_values on {of_field}
        join {memory}.groups as groups
            on groups.site_id = field_values.site_id
            and (
                groups.group_id = field_values.value_id
                or (field_values.value_id is null and groups.group_name = field_values.value_text)
            )
        join dim_issues as issues on {of_issue} and {of_grant}
        where grants.holder_type = 'groupCustomField'
    """


def _write_listed_issues(viewer: Viewer, memory: str, ask: Ask) -> None:
    _write_holdings(
        "levels",
        """
        select site_id, level_id, holder_type, holder_id
        from bridge_security_level_holders
        anti join (select * from dim_security_levels where is_deleted) as gone
            using (site_id, level_id)
        """,
        "level_id",
        viewer,
        memory,
        ask,
    )
    ask(
        f"""
        create table {memory}.listed_issues as
        with secured as (select * from dim_issues where is_secured)
        select secured.site_id, secured.issue_id
        from secured
        join {memory}.levels as levels
            on levels.site_id = secured.site_id and levels.level_id = secured.security_level_id
        union
        select secured.site_id, secured.issue_id
        from secured
        join {memory}.levels_projects as levels
            on levels.site_id = secured.site_id and levels.level_id = secured.security_level_id
            and levels.in_project_id = secured.project_id
        union
        {_holding_issues("levels", "level_id", "security_level_id", memory)}
        """,
        {"account_id": viewer.account_id},
    )


def _write_browsed(viewer: Viewer, memory: str, ask: Ask) -> None:
    _write_holdings(
        "grants",
        f"""
        select site_id, project_id, holder_type, holder_id
        from bridge_permission_holders
        where permission_key = '{BROWSE}'
        """,
        "project_id",
        viewer,
        memory,
        ask,
    )
    ask(
        f"""
        create table {memory}.browsed_projects as
        select site_id, project_id from {memory}.grants
        union
        select site_id, project_id from {memory}.grants_projects where project_id = in_project_id
        """,
        {},
    )
    ask(
        f"""
        create table {memory}.browsed_issues as
        with holding as (
            {_holding_issues("grants", "project_id", "project_id", memory)}
        ),
        moved as (
            select
                issues.site_id, issues.issue_id, projects.project_id is not null as is_browsed
            from dim_issues as issues
            left join {memory}.browsed_projects as projects
                on projects.site_id = issues.site_id and projects.project_id = issues.project_id
            where len(issues.previous_keys) > 0
        )
        select site_id, issue_id, bool_or(is_browsed) as is_browsed
        from (select site_id, issue_id, true as is_browsed from holding union all from moved)
        group by site_id, issue_id
        """,
        {"account_id": viewer.account_id},
    )


def _write_schemas(viewer: Viewer, memory: str, ask: Ask) -> Extent:
    """Write the schemas in which the viewer has a role; return how much of Assets they may see."""
    if viewer.role is None:
        return Extent.NONE
    ((foreign_sites,),) = ask(
        f"""
        select count(*) from (select distinct site_id from dim_users)
        anti join (select site_id from {memory}.sites where is_jira_admin) using (site_id)
        """,
        {},
    )
    if viewer.is_operator or not foreign_sites:
        return Extent.ALL
    ask(
        f"""
        create table {memory}.schemas as
        select distinct people.site_id, people.object_schema_id
        from bridge_asset_schema_people as people
        join {memory}.sites using (site_id)
        where people.account_id = $account_id and people.valid_to_at is null
        """,
        {"account_id": viewer.account_id},
    )
    return Extent.SOME


def _write_withheld(memory: str, ask: Ask) -> None:
    unlisted = f"""
        select texts.*
        from bridge_withheld_texts as texts
        left join {memory}.listed_issues as listed
            on listed.site_id = texts.site_id and listed.issue_id = texts.hidden_issue_id
        where listed.issue_id is null
    """
    ask(
        f"""
        create table {memory}.withheld as
        select
            action_id, min(occurred_at) as occurred_at,
            bool_or(part in ('old', 'all')) as hides_old,
            bool_or(part in ('new', 'all')) as hides_new, bool_or(part = 'all') as hides_target
        from ({unlisted})
        group by action_id
        order by occurred_at
        """,
        {},
    )
    ask(
        f"""
        create table {memory}.withheld_changes as
        select
            text_id as change_id, min(occurred_at) as occurred_at,
            bool_or(part = 'old') as hides_old, bool_or(part = 'new') as hides_new
        from ({unlisted})
        where text_id != action_id
        group by text_id
        order by occurred_at
        """,
        {},
    )
