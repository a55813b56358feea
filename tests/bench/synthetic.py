"""Synthetic marts of any size, for benchmarks and the tests of `serve`.

The relations and columns are those of the public marts; the numbers come from `hash()` of the row
number, so the same arguments always give the same rows. Every time is UTC, every id is text.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
from ulid import ULID

from serve.warehouse.contract import DESCRIBE, columns_of, read_contract
from tests.bench.models import sql_of
from tests.bench.synthetic_values import SITE_ID, write_issue_values

SEED_FILE = Path(__file__).parents[2] / "dbt_project" / "seeds" / "action_types.csv"


# That of the marts in dbt's profiles.yml.
BLOCK_SIZE = "65536"

# What the person of the highest number did, at even distances over all the time.
RARE_ACTIONS = 20


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of what; `until` is the exclusive end of the generated time."""

    actions: int = 1_000_000
    actors: int = 10_000
    projects: int = 500
    issues: int = 200_000
    days: int = 1_095
    until: datetime = datetime(2026, 1, 1)  # noqa: DTZ001 - marts hold naive UTC


def write_marts(path: Path, shape: Shape) -> None:
    """Write a DuckDB file with the marts of `shape`; facts are stored in order of time."""
    with duckdb.connect(str(path), config={"default_block_size": BLOCK_SIZE}) as database:
        database.execute("set enable_progress_bar = false")
        _write_dimensions(database, shape)
        _write_facts(database, shape)
        write_named_issues(database)
        write_rollups(database)
        _fulfil_contract(database)
        database.execute("checkpoint")


def _fulfil_contract(database: duckdb.DuckDBPyConnection) -> None:
    """Give the marts what serve's contract has besides: columns full of nulls, exact types."""
    found = columns_of(database.execute(DESCRIBE).fetchall())
    for mart, name, data_type in read_contract():
        if mart not in {mart for mart, _ in found}:
            database.execute(f"create table {mart} ({name} {data_type})")
        elif (mart, name) not in found:
            database.execute(f"alter table {mart} add column {name} {data_type}")
        elif found[mart, name] != data_type:
            database.execute(f"alter table {mart} alter column {name} set data type {data_type}")
        found[mart, name] = data_type


def publish(home: Path, marts: Path) -> str:
    """Move `marts` into `home` as the newest snapshot, point `CURRENT` at it, return its id."""
    snapshot_id = str(ULID())
    (home / "snapshots").mkdir(parents=True, exist_ok=True)
    marts.rename(home / "snapshots" / f"{snapshot_id}.duckdb")
    pointer = home / "CURRENT.new"
    pointer.write_text(f"snapshots/{snapshot_id}.duckdb\n")
    os.replace(pointer, home / "CURRENT")  # noqa: PTH105 - the same call as the product's publish
    return snapshot_id


def publish_synthetic(home: Path, shape: Shape) -> str:
    """Generate `shape` and publish it under `home`; returns the snapshot's id."""
    home.mkdir(parents=True, exist_ok=True)
    marts = home / "synthetic.duckdb"
    write_marts(marts, shape)
    return publish(home, marts)


def _write_dimensions(database: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    database.execute(
        "create table dim_action_types as select * replace (action_code::varchar as action_code) "
        "from read_csv($seeds, header = true)",
        {"seeds": str(SEED_FILE)},
    )
    database.execute(
        """
        create table dim_users as
        select
            'account-' || i as account_id,
            'Person ' || (hash(i) % 100000)::varchar || ' Nr ' || i as display_name,
            'person' || i || '@example.com' as email_address,
            'atlassian' as account_type,
            'https://avatars.example.com/' || i as avatar_url,
            i % 50 != 0 as is_active,
            i % 97 = 0 as is_deleted,
            $site as site_id
        from range($actors) as numbers (i)
        """,
        {"site": SITE_ID, "actors": shape.actors},
    )
    database.execute(
        """
        create table agg_user_last_active as
        select
            account_id,
            $until::timestamp - to_minutes((hash('active' || account_id) % 500000)::integer)
                as last_active_at,
            $until::timestamp as recorded_at, 'jira_issues' as source, 'action' as evidence,
            null::timestamp as organization_active_at,
            null::timestamp as administration_active_at,
            null::timestamp as assets_active_at, last_active_at as product_active_at, site_id
        from dim_users
        where hash(account_id) % 10 != 0
        """,
        {"until": shape.until},
    )
    database.execute(
        """
        create table dim_projects as
        select
            (10000 + i)::varchar as project_id,
            'P' || i as project_key,
            'Project ' || i as project_name,
            case when i % 10 = 3 then 'service_desk' else 'software' end as project_type,
            null::varchar as project_category,
            'account-0' as lead_account_id,
            case when i % 20 = 19 then 'archived' else 'live' end as lifecycle_state,
            $site as site_id
        from range($projects) as numbers (i)
        """,
        {"site": SITE_ID, "projects": shape.projects},
    )
    _write_stored(
        database,
        "dim_issues",
        """
        select
            (100000 + i)::varchar as issue_id,
            'P' || (i % $projects) || '-' || (i // $projects + 1) as issue_key,
            []::varchar[] as previous_keys,
            'Summary of issue ' || i || ', with a few more words, as long as real ones'
                as summary,
            (10000 + i % $projects)::varchar as project_id,
            (1 + i % 5)::varchar as issue_type_id,
            (1 + i % 8)::varchar as status_id,
            null::varchar as resolution_id,
            (1 + i % 5)::varchar as priority_id,
            ['Highest', 'High', 'Medium', 'Low', 'Lowest'][i % 5 + 1] as priority_name,
            -- One project in ten is a service desk.
            case when i % $projects % 10 = 3 then (1 + i % 3)::varchar end as request_type_id,
            'account-0' as creator_account_id,
            'account-0' as reporter_account_id,
            case when hash(i) % 3 != 0 then 'account-' || hash(i) % $actors end
                as assignee_account_id,
            null::varchar as parent_issue_id,
            $until::timestamp - to_days($days::integer) as created_at,
            $until::timestamp as updated_at,
            case when i % 100 = 7 then (10 + i // 100 % 4)::varchar end as security_level_id,
            i % 100 = 7 as is_secured,
            case when i % 200 = 3 then 'deleted' else 'present' end as deletion_state,
            null::timestamp as deleted_observed_from_at,
            null::timestamp as deleted_observed_to_at,
            $site as site_id
        from range($issues) as numbers (i)
        """,
        {
            "site": SITE_ID,
            "actors": shape.actors,
            "issues": shape.issues,
            "projects": shape.projects,
            "days": shape.days,
            "until": shape.until,
        },
    )
    database.execute("create index dim_issues_by_id on dim_issues (issue_id)")
    database.execute(
        """
        create table bridge_issue_keys as
        select
            site_id, issue_id, issue_key, project_id, created_at as valid_from_at,
            null::timestamp as valid_to_at, true as is_current
        from dim_issues
        """
    )
    database.execute(
        """
        create table dim_issue_types as
        select
            (1 + i)::varchar as issue_type_id,
            ['Task', 'Bug', 'Story', 'Epic', 'Sub-task'][i + 1] as issue_type_name,
            i = 4 as is_subtask, [0, 0, 0, 1, -1][i + 1] as hierarchy_level,
            false as is_deleted, $site as site_id
        from range(5) as numbers (i)
        """,
        {"site": SITE_ID},
    )
    _write_memberships(database, shape)
    _write_holders(database, shape)
    database.execute(
        """
        create table dim_statuses as
        select
            (1 + i)::varchar as status_id,
            ['To Do', 'In Progress', 'In Review', 'Done', 'Closed', 'Blocked', 'Open', 'Waiting']
                [i + 1] as status_name,
            ['new', 'indeterminate', 'done'][i % 3 + 1] as status_category,
            false as is_deleted, $site as site_id
        from range(8) as numbers (i)
        """,
        {"site": SITE_ID},
    )
    database.execute(
        """
        create table dim_resolutions as
        select
            (10000 + i)::varchar as resolution_id,
            ['Done', 'Fixed', 'Duplicate'][i + 1] as resolution_name,
            false as is_deleted, $site as site_id
        from range(3) as numbers (i)
        """,
        {"site": SITE_ID},
    )
    write_issue_values(database, shape)
    database.execute(
        """
        create table agg_source_freshness as
        select
            'jira_issues' as source, $until::timestamp as last_success_at, 'run-1' as last_run_id,
            $until::timestamp - interval 90 second as newest_source_at, 90 as lag_seconds,
            $actions as row_count, 123 as request_count, 0 as quarantined_count
        """,
        {"until": shape.until, "actions": shape.actions},
    )
    _write_coverage(database, shape)


def _write_coverage(database: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    """Write one source that is connected, but for a part, and one that is not."""
    database.execute(
        """
        create table agg_source_coverage as
        select * from (values
            ('jira_issues', null, 'jira', true, null, 'there is no audit log', $until::timestamp,
                '2025-12-31T23:00:00.000Z', '2025-12-31T23:59:00.000Z', 1, 7200, 0, 0, $actions,
                $until::timestamp - interval 1 day, $until::timestamp, 60.5, 1800.0),
            ('jira_issues', 'worklogs', 'jira', false, 'View worklogs', 'worklogs are missing',
                $until::timestamp, null, null, 0, null, 0, 0, 0, null, null, null, null),
            ('org_events', null, 'guard', false, null, 'API tokens are not recorded', null, null,
                null, 0, null, 0, 0, 0, null, null, null, null)
        ) as rows (
            source, resource, connection, is_connected, missing_permission, loses, last_success_at,
            window_from, window_to, gap_count, longest_gap_seconds, quarantined_count,
            unmapped_event_count, action_count, first_seen_at, last_seen_at, lag_p50_seconds,
            lag_p99_seconds
        )
        """,
        {"until": shape.until, "actions": shape.actions},
    )
    database.execute(
        """
        create table agg_action_coverage as
        select
            action_number, action_code, label,
            if(is_issue, 'jira_issues', 'org_events') as source,
            if(is_issue, 'jira', 'guard') as connection,
            is_issue as is_connected,
            if(is_issue, 'there is no audit log', 'API tokens are not recorded') as loses,
            if(is_issue, 7, 0) as action_count,
            if(is_issue, $until::timestamp, null) as first_seen_at,
            if(is_issue, $until::timestamp, null) as last_seen_at,
            if(is_issue, 60.5, null) as lag_p50_seconds,
            if(is_issue, 1800.0, null) as lag_p99_seconds,
            if(action_code = 'ISSUE_DELETED', 3, 0) as unobserved_count
        from (select *, target_type = 'issue' as is_issue from dim_action_types)
        """,
        {"until": shape.until},
    )


def _write_memberships(database: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    """Write ten groups and organizations; a third of all memberships began or ended on the way."""
    for thing in ("group", "organization"):
        database.execute(
            f"""
            create table dim_{thing}s as
            select '{thing}-' || i as {thing}_id, '{thing.title()} ' || i as {thing}_name,
                i = 9 as is_deleted, $site as site_id
            from range(10) as numbers (i)
            """,
            {"site": SITE_ID},
        )
    periods = """
        case when h % 6 = 0 then $until::timestamp - to_days((h % $days)::integer) end
            as valid_from_at,
        case when h % 6 = 1 then $until::timestamp - to_days((h % $days)::integer) end
            as valid_to_at
    """
    values = {
        "site": SITE_ID,
        "actors": shape.actors,
        "until": shape.until,
        "days": shape.days,
    }
    roles = "['Object Schema Managers', 'Object Schema Developers', 'Object Schema Users']"
    schema_role = (
        f"(1 + thing % 3)::varchar as object_schema_id, {roles}[(1 + h % 3)::int] as role_name"
    )
    for name, columns in (
        ("bridge_group_members", "'group-' || thing as group_id"),
        ("bridge_organization_members", "'organization-' || thing as organization_id"),
        (
            "bridge_project_people",
            "(10000 + thing)::varchar as project_id, (10 + h % 3)::varchar as role_id",
        ),
        ("bridge_asset_schema_people", schema_role),
    ):
        database.execute(
            f"""
            create table {name} as
            select
                $site as site_id, {columns}, 'account-' || person as account_id,
                {periods}
            from (
                select person, thing, (hash('{name}' || person || ' ' || thing) // 7)::hugeint as h
                from range($actors) as people (person), range(10) as things (thing)
            ) as drawn
            where h % 11 < 3
            """,
            values,
        )


def _write_holders(database: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    """Write four security levels and the grants of the projects, to holders of every type."""
    database.execute(
        """
        create table dim_security_levels as
        select
            (10 + i)::varchar as level_id, 'Level ' || i as level_name, '1' as scheme_id,
            'Confidential' as scheme_name, false as is_deleted, $site as site_id
        from range(4) as numbers (i)
        """,
        {"site": SITE_ID},
    )
    database.execute(
        """
        create table bridge_security_level_holders as
        select $site as site_id, * from (values
            ('10', 'user', 'account-1'), ('10', 'group', 'group-1'), ('10', 'projectLead', null),
            ('11', 'projectRole', '10'), ('11', 'reporter', null), ('11', 'assignee', null),
            ('12', 'userCustomField', 'customfield_10100'),
            ('12', 'groupCustomField', 'customfield_10101'), ('12', 'user', 'account-2'),
            ('13', 'applicationRole', null)
        ) as holders (level_id, holder_type, holder_id)
        """,
        {"site": SITE_ID},
    )
    # Most projects are open to a group and a role, one in seven to everybody with an account.
    database.execute(
        """
        create table bridge_permission_holders as
        select
            $site as site_id, (10000 + i)::varchar as project_id, permission_key, holder_type,
            case holder_type
                when 'group' then 'group-' || i % 10
                when 'projectRole' then (10 + i % 3)::varchar
            end as holder_id
        from
            range($projects) as numbers (i),
            (values ('BROWSE_PROJECTS'), ('EDIT_ISSUES')) as permissions (permission_key),
            (values ('group'), ('projectRole'), ('reporter'), ('applicationRole'))
                as types (holder_type)
        where holder_type != 'applicationRole' or i % 7 = 0
        """,
        {"site": SITE_ID, "projects": shape.projects},
    )


# Columns that are not stored as DuckDB would: as the marts of the product are.
COMPRESSION = {
    "fct_actions": dict.fromkeys(
        ("target_id", "target_label", "issue_id", "old_value", "new_value"), "zstd"
    ),
    "dim_issues": dict.fromkeys(("issue_id", "issue_key", "summary"), "uncompressed"),
}


def _write_stored(
    database: duckdb.DuckDBPyConnection, table: str, rows: str, values: dict[str, object]
) -> None:
    """Write the `rows` of a SELECT as a table with the compression of its mart."""
    special = COMPRESSION[table]
    columns = ", ".join(
        f"{name} {data_type}" + (f" using compression {special[name]}" if name in special else "")
        for name, data_type, *_ in database.execute(f"describe {rows}", values).fetchall()
    )
    database.execute(f"create table {table} ({columns})")
    database.execute(f"insert into {table} {rows}", values)


def _write_facts(database: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    """Skewed like real logs: few people and codes make most actions; 1 % of issues are secured.

    The rows come in order of time, so that nothing has to be sorted and memory stays flat. One
    person did `RARE_ACTIONS` things however many actions there are.
    """
    values = {
        "site": SITE_ID,
        "actions": shape.actions,
        "actors": shape.actors,
        "projects": shape.projects,
        "issues": shape.issues,
        "seconds": int(timedelta(days=shape.days).total_seconds()),
        "days": shape.days,
        "until": shape.until,
        "rare": max(1, shape.actions // RARE_ACTIONS),
    }
    rows = """
        with
        codes as (
            select
                row_number() over (order by action_number) - 1 as n,
                action_code, is_issue_action, target_type
            from dim_action_types
            where product = 'jira'
        ),
        draws as (
            select
                i,
                hash(i, 1) / 18446744073709551616.0 as u_actor,
                hash(i, 2) / 18446744073709551616.0 as u_code,
                hash(i, 3) / 18446744073709551616.0 as u_issue,
                ($actions - 1 - i + hash(i, 4) / 18446744073709551616.0) / $actions * $seconds
                    as age,
                hash(i, 5) as h_rest
            from range($actions) as numbers (i)
        ),
        placed as (
            select
                draws.*,
                codes.*,
                $until::timestamp - to_microseconds(1 + floor(age * 1000000)::bigint)
                    as occurred_at,
                -- Cubing the uniform draw gives the few busy people of a real site.
                case
                    when i % $rare = $rare // 2 then $actors - 1
                    else floor(($actors - 1) * pow(u_actor, 3))::bigint
                end as actor,
                -- An issue is mostly worked on in the weeks after it was created (mean: 30 days).
                floor(
                    $issues * greatest(0, 1 - age / $seconds + ln(1 - u_issue) * 30 / $days)
                )::bigint as issue,
                (h_rest // 64 % $issues)::bigint as linked
            from draws
            join codes on codes.n = floor((select count(*) from codes) * pow(u_code, 4))::bigint
        )
        select
            md5(i::varchar) as action_id,
            $site as site_id,
            action_code,
            occurred_at,
            occurred_at::date as occurred_date,
            date_trunc('month', occurred_at)::date as occurred_month,
            occurred_at + interval 5 minute as recorded_at,
            case when action_code in ('ISSUE_DELETED', 'COMMENT_DELETED')
                then occurred_at - interval 30 minute end as observed_from_at,
            case when action_code in ('ISSUE_DELETED', 'COMMENT_DELETED')
                then occurred_at end as observed_to_at,
            case when action_code not in ('ISSUE_DELETED', 'COMMENT_DELETED')
                then 'account-' || actor end as actor_account_id,
            target_type,
            case when target_type = 'issuelink'
                then (100000 + issue) || '-10000-' || (100000 + linked)
                when is_issue_action then (100000 + issue)::varchar
                else 'object-' || i end as target_id,
            case when target_type = 'issuelink'
                then 'This issue blocks P' || linked % $projects || '-' || linked // $projects + 1
                when is_issue_action
                then 'P' || (issue % $projects) || '-' || (issue // $projects + 1)
                else 'Object ' || i end as target_label,
            case when is_issue_action then (100000 + issue)::varchar end as issue_id,
            case when is_issue_action then (10000 + issue % $projects)::varchar end as project_id,
            case when is_issue_action then (1 + issue % 5)::varchar end as issue_type_id,
            case when is_issue_action and issue % $projects % 10 = 3 then (1 + issue % 3)::varchar
                end as request_type_id,
            case when action_code = 'STATUS_CHANGED' then (1 + h_rest % 8)::varchar end
                as from_status_id,
            case when action_code = 'STATUS_CHANGED' then (1 + h_rest // 8 % 8)::varchar end
                as to_status_id,
            case when action_code = 'ISSUE_RESOLVED' then (10000 + h_rest % 3)::varchar end
                as resolution_id,
            case when is_issue_action and h_rest % 3 != 0 then 'old value ' || h_rest % 1000 end
                as old_value,
            case when target_type = 'issuelink' then target_label
                when is_issue_action then 'new value ' || h_rest % 997 end as new_value,
            case when action_code in ('ISSUE_UPDATED', 'STATUS_CHANGED', 'ISSUE_RESOLVED') then 1
                else 0 end as change_count,
            case when is_issue_action and issue % 100 = 7
                then (10 + issue // 100 % 4)::varchar end as security_level_id,
            is_issue_action and issue % 100 = 7 as is_secured,
            case when target_type = 'assets' then (1 + h_rest % 3)::varchar end
                as object_schema_id,
            'jira_issues' as source,
            'jira_issues' as sources,
            'event-' || i as source_event_id
        from placed
    """
    _write_stored(database, "fct_actions", rows, values)
    database.execute(
        """
        create table fct_action_changes as
        select
            md5(action_id || '0') as change_id, action_id, action_code, occurred_at, occurred_month,
            site_id, issue_id, project_id, field_id, field_name, 0 as item_index,
            from_status_id as old_value_id, old_value,
            coalesce(to_status_id, resolution_id) as new_value_id, new_value
        from (
            select
                *,
                case action_code
                    when 'STATUS_CHANGED' then 'status'
                    when 'ISSUE_RESOLVED' then 'resolution'
                    else ['summary', 'assignee', 'priority', 'customfield_10016']
                        [(hash(action_id) % 4)::bigint + 1]
                end as field_id
            from fct_actions
            where change_count > 0
        ) as changed
        join dim_fields using (site_id, field_id)
        """
    )
    # One row in eight is a look at an issue.
    database.execute(
        """
        create table fct_issue_views as
        select
            md5(action_id || 'view') as view_id, site_id, occurred_at as viewed_at,
            occurred_date as viewed_date, occurred_month as viewed_month, recorded_at,
            actor_account_id as account_id, issue_id, project_id,
            case when hash(action_id) % 5 = 0 then 'customer_portal' else 'issue_view' end
                as view_source,
            is_secured, security_level_id, 'inbox' as source, 'inbox' as sources,
            (1 + hash(action_id) % 3)::integer as raw_view_count
        from fct_actions
        where issue_id is not null and actor_account_id is not null and hash(action_id) % 8 = 0
        """
    )


def write_named_issues(database: duckdb.DuckDBPyConnection) -> None:
    """Write which texts of the facts name which issues, and hidden ones, as dbt would."""
    fields = sql_of(
        "int_fields__naming_issues",
        {"stg_jira_platform__fields": "(select *, 0 as build_id from dim_fields)"},
    )
    model = sql_of("bridge_named_issues", {"int_fields__naming_issues": f"({fields})"})
    database.execute(f"create or replace table bridge_named_issues as {model}")
    model = sql_of("bridge_withheld_texts", {})
    database.execute(f"create or replace table bridge_withheld_texts as {model}")


def write_rollups(database: duckdb.DuckDBPyConnection) -> None:
    """Write what the marts of these names would count in the facts, as dbt would, by month."""
    months = database.execute(
        "select distinct occurred_month from fct_actions order by occurred_month"
    ).fetchall()
    for rollup, counted, column in _ROLLUPS:
        of_a_month = f"(select * from {counted} where date_trunc('month', {column}) = $month)"
        model = sql_of(rollup, {counted: of_a_month, "action_types": "dim_action_types"})
        database.execute(f"create or replace table {rollup} as {model} limit 0", {"month": None})
        for (month,) in months:
            database.execute(f"insert into {rollup} {model}", {"month": month})
    write_issue_months(database)
    write_totals(database)


# A rollup, what it counts, and the column of that by which its months are told.
_ROLLUPS = (
    ("agg_actor_days", "fct_actions", "occurred_month"),
    ("agg_actor_months", "agg_actor_days", "occurred_date"),
    ("agg_actor_issue_days", "fct_actions", "occurred_month"),
)


def write_issue_months(database: duckdb.DuckDBPyConnection) -> None:
    """Write on which days something was done to an issue, as dbt would."""
    database.execute(
        f"create or replace table agg_issue_months as {sql_of('agg_issue_months', {})}"
    )


def write_totals(database: duckdb.DuckDBPyConnection) -> None:
    """Write how many actions of each kind there are, as dbt would."""
    database.execute(
        f"create or replace table agg_action_totals as {sql_of('agg_action_totals', {})}"
    )
