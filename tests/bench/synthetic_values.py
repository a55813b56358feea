"""What issues hold, in the synthetic marts: field values, links, comments, worklogs, files.

Each relation is drawn from `hash()` of the issue's number, as `tests.bench.synthetic` does it.
Every time is UTC, every id is text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from tests.bench.synthetic import Shape

SITE_ID = "synthetic.atlassian.net"

PREFIX = "com.atlassian.jira.plugin.system.customfieldtypes"
FIELDS: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    ("summary", "Summary", "string", None, None),
    ("assignee", "Assignee", "user", None, None),
    ("reporter", "Reporter", "user", None, None),
    ("creator", "Creator", "user", None, None),
    ("priority", "Priority", "priority", None, None),
    ("status", "Status", "status", None, None),
    ("resolution", "Resolution", "resolution", None, None),
    ("issuetype", "Issue Type", "issuetype", None, None),
    ("project", "Project", "project", None, None),
    ("created", "Created", "datetime", None, None),
    ("updated", "Updated", "datetime", None, None),
    ("labels", "Labels", "array", "string", None),
    ("components", "Components", "array", "component", None),
    ("fixVersions", "Fix versions", "array", "version", None),
    ("duedate", "Due date", "date", None, None),
    ("description", "Description", "string", None, None),
    ("votes", "Votes", "votes", None, None),
    ("timeoriginalestimate", "Original estimate", "number", None, None),
    ("customfield_10016", "Story Points", "number", None, f"{PREFIX}:float"),
    ("customfield_10020", "Sprint", "array", "json", "com.pyxis.greenhopper.jira:gh-sprint"),
    ("customfield_10030", "Team", "option", None, f"{PREFIX}:select"),
    ("customfield_10010", "Request Type", "sd-customerrequesttype", None,
     "com.atlassian.servicedesk:vp-origin"),
)  # fmt: skip
"""Id, name, type, type of the elements, type of the custom field."""

ISSUES = """
    select
        issue_id, project_id, request_type_id, created_at, $site as site_id,
        issue_id::bigint - 100000 as i, (hash('values' || issue_id) // 2)::bigint as h
    from dim_issues
"""


def write_issue_values(database: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    """Write what hangs on the issues of `dim_issues`, and the names it is known by."""
    _write_names(database, shape)
    _write_field_values(database)
    _write_hanging(database, shape)


def _write_names(database: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    database.execute(
        """
        create table dim_fields (
            field_id varchar, field_name varchar, is_custom boolean, field_type varchar,
            item_type varchar, custom_type varchar, clause_names varchar[], is_searchable boolean,
            is_deleted boolean, site_id varchar
        )
        """
    )
    database.executemany(
        "insert into dim_fields values ($1, $2, $3, $4, $5, $6, $7, true, false, $8)",
        [
            (
                field_id,
                name,
                custom is not None,
                kind,
                items,
                custom,
                [f"cf[{field_id.rpartition('_')[2]}]", name] if custom else [field_id],
                SITE_ID,
            )
            for field_id, name, kind, items, custom in FIELDS
        ],
    )
    database.execute(
        """
        create table dim_priorities as
        select
            (1 + i)::varchar as priority_id,
            ['Highest', 'High', 'Medium', 'Low', 'Lowest'][i + 1] as priority_name,
            (1 + i)::integer as priority_order, false as is_deleted, $site as site_id
        from range(5) as numbers (i)
        """,
        {"site": SITE_ID},
    )
    database.execute(
        """
        create table dim_request_types as
        select
            (1 + i)::varchar as request_type_id,
            ['Get IT help', 'New laptop', 'Report a fault'][i + 1] as request_type_name,
            $site as site_id
        from range(3) as numbers (i)
        """,
        {"site": SITE_ID},
    )
    # Six versions of each project, two a year, and a sprint every two weeks on one board of each.
    database.execute(
        """
        create table dim_versions as
        select
            (project * 10 + v)::varchar as version_id, v || '.0' as version_name,
            null::varchar as description, (10000 + project)::varchar as project_id,
            v < 4 as is_released, v = 0 as is_archived, null::date as start_date,
            ($until::timestamp - to_days(((4 - v) * 180)::integer))::date as release_date,
            v::integer as version_order, false as is_deleted, $site as site_id
        from range($projects) as projects (project), range(6) as numbers (v)
        """,
        {"site": SITE_ID, "projects": shape.projects, "until": shape.until},
    )
    database.execute(
        """
        create table dim_sprints as
        select
            (project * 10 + s)::varchar as sprint_id,
            'P' || project || ' Sprint ' || s as sprint_name,
            case when s < 6 then 'closed' when s = 6 then 'active' else 'future' end
                as sprint_state,
            null::varchar as goal, project::varchar as board_id,
            (10000 + project)::varchar as project_id, starts_at as created_at,
            starts_at as start_at, starts_at + interval 14 day as end_at,
            case when s < 6 then starts_at + interval 14 day end as completed_at,
            false as is_deleted, $site as site_id
        from (
            select *, $until::timestamp - to_days(((7 - s) * 14)::integer) as starts_at
            from range($projects) as projects (project), range(8) as numbers (s)
        ) as sprints
        """,
        {"site": SITE_ID, "projects": shape.projects, "until": shape.until},
    )


def _write_field_values(database: duckdb.DuckDBPyConnection) -> None:
    """Write about nine values an issue: lists, texts, numbers, dates, options and sprints."""
    places = "(project_id::bigint - 10000)"
    value = (
        "select site_id, issue_id, '{field}' as field_id, cast({index} as integer) as value_index, "
        "cast({id} as varchar) as value_id, cast({text} as varchar) as value_text, "
        "cast({number} as double) as value_number, cast({at} as timestamp) as value_at "
        "from issues where {held}"
    )
    drawn = (
        ("labels", "0", "null", "'label-' || h % 500", "null", "null", "h % 3 != 0"),
        ("labels", "1", "null", "'label-' || 500 + h % 100", "null", "null", "h % 3 = 1"),
        (
            "components", "0", f"{places} * 10 + h % 5", "'Component ' || h % 5", "null", "null",
            "h % 2 = 0",
        ),
        (
            "fixVersions", "0", f"{places} * 10 + h // 7 % 6", "h // 7 % 6 || '.0'", "null",
            "null", "h % 5 < 3",
        ),
        (
            "duedate", "0", "null", "strftime(due, '%Y-%m-%d')", "null", "due", "h % 4 = 0",
        ),
        (
            "description", "0", "null",
            "'Description of issue ' || i || ' with the word token' || h % 1000", "null", "null",
            "h % 10 != 0",
        ),
        ("votes", "0", "null", "h % 7 % 3", "h % 7 % 3", "null", "true"),
        (
            "timeoriginalestimate", "0", "null", "3600 * (1 + h % 16)", "3600 * (1 + h % 16)",
            "null", "h % 3 = 2",
        ),
        (
            "customfield_10016", "0", "null", "[1, 2, 3, 5, 8][1 + h % 5]",
            "[1, 2, 3, 5, 8][1 + h % 5]", "null", "h % 2 = 1",
        ),
        (
            "customfield_10020", "0", f"{places} * 10 + h // 11 % 8",
            f"'P' || {places} || ' Sprint ' || h // 11 % 8", "null", "null", "h % 5 != 4",
        ),
        (
            "customfield_10030", "0", "10500 + h % 4", "'Team ' || h % 4", "null", "null",
            "h % 3 != 1",
        ),
        (
            "customfield_10010", "0", "request_type_id", "request_type_name", "null", "null",
            "request_type_id is not null",
        ),
    )  # fmt: skip
    values = " union all ".join(
        value.format(
            field=field, index=index, id=value_id, text=text, number=number, at=moment, held=held
        )
        for field, index, value_id, text, number, moment, held in drawn
    )
    database.execute(
        f"""
        create table bridge_issue_field_values as
        with issues as (
            select
                drawn.*, request_type_name,
                (created_at + to_days((h % 400)::integer))::date::timestamp as due
            from ({ISSUES}) as drawn
            left join dim_request_types using (site_id, request_type_id)
        )
        select * from ({values})
        order by field_id, issue_id::bigint, value_index
        """,
        {"site": SITE_ID},
    )


def _write_hanging(database: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    """Write a comment for each issue, a worklog for every third, a link and a file for some."""
    database.execute(
        f"""
        create table bridge_issue_links as
        with links as (
            select
                site_id, issue_id, (100000 + h // 13 % $issues)::varchar as linked_issue_id,
                i::varchar as link_id, 1 + h % 2 as link_type
            from ({ISSUES})
            where h % 8 = 0
        )
        select
            site_id, issue_id, linked_issue_id, link_id, link_type::varchar as link_type_id,
            ['Blocks', 'Relates'][link_type] as link_type_name,
            ['blocks', 'relates to'][link_type] as direction_name
        from links
        where issue_id != linked_issue_id
        union all
        select
            site_id, linked_issue_id, issue_id, link_id, link_type::varchar,
            ['Blocks', 'Relates'][link_type], ['is blocked by', 'relates to'][link_type]
        from links
        where issue_id != linked_issue_id
        """,
        {"site": SITE_ID, "issues": shape.issues},
    )
    database.execute(
        f"""
        create table dim_comments as
        select
            site_id, i::varchar as comment_id, issue_id,
            'account-' || h % $actors as author_account_id,
            'A remark about the word token' || h % 1000 as body_text,
            created_at + interval 1 day as created_at, created_at + interval 1 day as updated_at,
            h % 20 = 0 as is_restricted, h % 20 = 0 as was_restricted, h % 50 = 1 as is_deleted
        from ({ISSUES})
        """,
        {"site": SITE_ID, "actors": shape.actors},
    )
    database.execute(
        f"""
        create table dim_worklogs as
        select
            site_id, i::varchar as worklog_id, issue_id,
            'account-' || h % $actors as author_account_id,
            created_at + interval 2 day as started_at, (900 * (1 + h % 20))::bigint
                as time_spent_seconds,
            null::varchar as comment_text, created_at + interval 2 day as created_at,
            created_at + interval 2 day as updated_at, false as is_restricted,
            false as was_restricted, h % 50 = 2 as is_deleted
        from ({ISSUES})
        where h % 3 = 0
        """,
        {"site": SITE_ID, "actors": shape.actors},
    )
    database.execute(
        f"""
        create table bridge_issue_attachments as
        select
            site_id, issue_id, i::varchar as attachment_id, 'file-' || i || '.png' as file_name,
            created_at, 'account-' || h % $actors as author_account_id
        from ({ISSUES})
        where h % 6 = 0
        """,
        {"site": SITE_ID, "actors": shape.actors},
    )
