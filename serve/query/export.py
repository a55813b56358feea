"""The export as SQL: every row of a sheet leaves DuckDB as finished SpreadsheetML.

Rendering where the data is costs a fraction of handing a million rows to Python one cell at a time.
A text is always an inline string, so it can never become a formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from serve.query.breakdowns import compile_breakdown
from serve.query.columns import NOT_APPLICABLE, TARGET_LABELS, UNKNOWN_AUTHOR, VIEW_SOURCES
from serve.query.compiler import Query, compile_author_counts
from serve.query.period import utc_offsets
from serve.query.scope import Condition, Scope, compile_where, naive
from serve.query.spec import AggregatedView
from serve.query.visibility import Purpose, Rights, visible_actions, visible_issues, visible_views

CELL_LIMIT = 32_767

# A text of at most this many characters fits a cell even if each takes two UTF-16 units.
_ALWAYS_FITS = CELL_LIMIT // 2
_KEPT = 32_000

# XML 1.0 cannot hold these; shown as the control pictures of Unicode (U+2400 and on) instead.
_CONTROLS = [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20)]
# What makes a text need care; most have none of it, and looking is far cheaper than escaping.
_NEEDS_CARE = "[&<>\\x00-\\x08\\x0b-\\x1f\\x7f\\x{FFFE}\\x{FFFF}]|_x"
_CELL_PARAMS = {
    "needs_care": _NEEDS_CARE,
    "controls": "".join(map(chr, _CONTROLS)) + "\x7f\ufffe\uffff",
    "pictures": "".join(chr(0x2400 + code) for code in _CONTROLS) + "\u2421\ufffd\ufffd",
}
_PICTURES = str.maketrans(_CELL_PARAMS["controls"], _CELL_PARAMS["pictures"])

_NO_VALUES = (
    "(actions.old_value is null and actions.new_value is null or action_types.has_changes is false)"
)

_TARGET = (
    "case actions.target_type "
    + " ".join(f"when '{name}' then '{label}'" for name, label in TARGET_LABELS.items())
    + " else actions.target_type end"
)

# The texts of a row after its date, in the order of EXPORT_COLUMNS; an action that cannot have
# values shows that none apply.
_TEXTS = {
    "author": "coalesce(users.display_name, actions.actor_account_id, $unknown_author)",
    "target": _TARGET,
    "action": "coalesce(action_types.label, actions.action_code)",
    "project": (
        "coalesce(projects.project_name, projects.project_key, actions.project_id, $not_applicable)"
    ),
    "old_value": f"case when {_NO_VALUES} then $not_applicable else actions.old_value end",
    "new_value": f"case when {_NO_VALUES} then $not_applicable else actions.new_value end",
    "reference": "coalesce(issues.issue_key, actions.target_id)",
    "issue_type": (
        "coalesce(issue_types.issue_type_name, actions.issue_type_id, issues.issue_type_id, "
        "$not_applicable)"
    ),
}
# Likewise, in the order of EXTENDED_COLUMNS.
_EXTENDED_TEXTS = {
    "request_type": (
        "coalesce(request_types.request_type_name, actions.request_type_id, $not_applicable)"
    ),
    "summary": "coalesce(issues.summary, $not_applicable)",
    "site": "actions.site_id",
    "id_of_action": "actions.action_id",
}

_VIEW_TEXTS = {
    "author": _TEXTS["author"],
    "issue": "coalesce(nullif(concat_ws(' ', issues.issue_key, issues.summary), ''), "
    "actions.issue_id, $not_applicable)",
    "project": _TEXTS["project"],
    "source": (
        "case actions.view_source "
        + " ".join(f"when '{name}' then '{label}'" for name, label in VIEW_SOURCES.items())
        + " else actions.view_source end"
    ),
}


def with_pictures(text: str) -> str:
    """Return `text` with pictures of what XML cannot hold, as cells show it."""
    return text.translate(_PICTURES)


def compile_export_months(scope: Scope, rights: Rights) -> Query:
    """(month, number of listed actions), newest month first; empty months are left out."""
    where = compile_where(scope, rights, Purpose.LIST)
    return Query(
        sql=f"""
            select occurred_month, count(*)
            from {visible_actions(rights, Purpose.LIST, texts=False)} as actions
            where {where.sql}
            group by occurred_month
            order by occurred_month desc
        """,
        params=where.params,
        description=f"Number of actions in each month: {scope.description}",
    )


def compile_export_rows(
    scope: Scope,
    rights: Rights,
    zone: ZoneInfo,
    first: date,
    last: date,
    date_style: int,
    *,
    extended: bool,
) -> Query:
    """One column: the `<row>` elements of the months (UTC) `first` to `last`, newest first.

    Their cells are in the order of EXPORT_COLUMNS, and of EXTENDED_COLUMNS if `extended`; dates are
    those of `zone`. `date_style` is the index of the workbook's cell format for dates.
    """
    texts = _TEXTS | _EXTENDED_TEXTS if extended else _TEXTS
    where = compile_where(scope, rights, Purpose.LIST)
    return _rows(
        f"""
            select *
            from {visible_actions(rights, Purpose.LIST)} as actions
            where {where.sql} and occurred_month between $first and $last
        """,
        f"""
            {_names(rights)}
            left join dim_action_types as action_types
                on action_types.action_code = actions.action_code
            left join dim_issue_types as issue_types
                on issue_types.site_id = actions.site_id
                and issue_types.issue_type_id
                = coalesce(actions.issue_type_id, issues.issue_type_id)
            left join dim_request_types as request_types
                on request_types.site_id = actions.site_id
                and request_types.request_type_id = actions.request_type_id
        """,
        texts,
        where.params | {"first": first, "last": last},
        _local(zone, first, last),
        date_style,
        f"Rows of {first:%Y-%m} to {last:%Y-%m}: {scope.description}",
    )


def compile_view_months(scope: Scope, rights: Rights, more: Sequence[Condition]) -> Query:
    """Do as compile_export_months for the counted views of issues that also meet `more`."""
    where = compile_where(scope, rights, Purpose.LIST, *more)
    return Query(
        f"""
        select date_trunc('month', actions.occurred_at)::date as month, count(*)
        from {visible_views(rights)} as actions
        where {where.sql}
        group by month
        order by month desc
        """,
        where.params,
        f"Number of views in each month: {scope.description}",
    )


def compile_view_rows(
    scope: Scope,
    rights: Rights,
    more: Sequence[Condition],
    zone: ZoneInfo,
    first: date,
    last: date,
    date_style: int,
) -> Query:
    """Do as compile_export_rows for views of issues, in the order of VIEW_EXPORT_COLUMNS."""
    where = compile_where(scope, rights, Purpose.LIST, *more)
    return _rows(
        f"""
            select *
            from {visible_views(rights)} as actions
            where {where.sql}
                and date_trunc('month', actions.occurred_at)::date between $first and $last
        """,
        _names(rights),
        _VIEW_TEXTS,
        where.params | {"first": first, "last": last},
        _local(zone, first, last),
        date_style,
        f"Views of {first:%Y-%m} to {last:%Y-%m}: {scope.description}",
    )


def compile_activity_size(scope: Scope, view: AggregatedView, rights: Rights) -> Query:
    """One row: the number of rows of the whole answer, and the codes that occur in it, sorted."""
    activity = _activity(scope, view, rights)
    return Query(
        f"""
        select coalesce(max(row_count), 0)::bigint, coalesce(list_sort(list(distinct code)), [])
        from (select row_count, unnest(map_keys(counts)) as code from ({activity.sql}))
        """,
        activity.params,
        f"Size of: {activity.description}",
    )


def compile_activity_rows(
    scope: Scope, view: AggregatedView, rights: Rights, codes: Sequence[str]
) -> Query:
    """One column: the `<row>` elements of the whole answer, in the order of `view`.

    Their cells: the author, the group of each breakdown, the count of each of `codes`, the total.
    What did not occur is a 0 if `view` asks for zeros, else an empty cell.
    """
    activity = _activity(scope, view, rights)
    groups = {f"group_{index}": index + 1 for index in range(len(view.breakdowns))}
    columns = {f"code_{index}": code for index, code in enumerate(codes)}
    labels = "".join(f", labels[{place}] as {name}" for name, place in groups.items())
    cells = [
        *(_text_cell(name) for name in ("author", *groups)),
        *(
            f"coalesce('<c><v>' || map_extract_value(counts, ${name}) || '</v></c>', $no_count)"
            for name in columns
        ),
        "'<c><v>' || total || '</v></c>'",
    ]
    # One relation after the other, without a join: DuckDB keeps the order of the innermost.
    return Query(
        f"""
        select concat('<row>', {", ".join(cells)}, '</row>')
        from (
            select
                coalesce(author_name, actor_account_id, $unknown_author) as author, counts, total
                {labels}
            from ({activity.sql})
        )
        """,
        {
            **activity.params,
            **_CELL_PARAMS,
            **columns,
            **({"no_count": "<c><v>0</v></c>" if view.zeros else "<c/>"} if columns else {}),
            "unknown_author": UNKNOWN_AUTHOR,
        },
        activity.description,
    )


def _activity(scope: Scope, view: AggregatedView, rights: Rights) -> Query:
    compile_all = compile_breakdown if view.breakdowns else compile_author_counts
    return compile_all(scope, view, rights)


def _names(rights: Rights) -> str:
    return f"""
        left join dim_users as users
            on users.site_id = actions.site_id and users.account_id = actions.actor_account_id
        left join dim_projects as projects
            on projects.site_id = actions.site_id and projects.project_id = actions.project_id
        left join {visible_issues(rights)} as issues
            on issues.site_id = actions.site_id and issues.issue_id = actions.issue_id
    """


def _rows(
    actions: str,
    joins: str,
    texts: Mapping[str, str],
    params: Mapping[str, object],
    local: Condition,
    date_style: int,
    description: str,
) -> Query:
    # Each step names its texts, so that the next one can use them often and say them once.
    labelled = ", ".join(f"{text} as {name}" for name, text in texts.items())
    bounded = ", ".join(f"{_bounded(name)} as {name}" for name in texts)
    cells = " || ".join(_text_cell(name) for name in texts)
    words = {"unknown_author": UNKNOWN_AUTHOR, "not_applicable": NOT_APPLICABLE}
    return Query(
        sql=f"""
            with actions as ({actions}),
            labelled as (
                select actions.occurred_at, actions.action_id, {labelled}
                from actions
                {joins}
            ),
            bounded as (
                select occurred_at, action_id, {bounded}
                from labelled
            )
            select
                $row_start || (epoch_us({local.sql}) / 86400000000 + 25569)::varchar
                || '</v></c>' || {cells} || '</row>'
            from bounded
            order by occurred_at desc, action_id desc
        """,
        params={
            **params,
            **local.params,
            **words,
            **_CELL_PARAMS,
            "row_start": f'<row><c s="{date_style}"><v>',
        },
        description=description,
    )


def _local(zone: ZoneInfo, first: date, last: date) -> Condition:
    """Return the SQL of `occurred_at` in `zone`, for times in the months `first` to `last` (UTC).

    The offsets are bound, so that they are those of every other answer, not DuckDB's own.
    """
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    (_, offset), *changes = utc_offsets(start, _next_month(last), zone)
    shift, params = "$offset", dict[str, object](offset=offset)
    for number, (at, following) in enumerate(changes):
        shift = f"case when occurred_at < $changed_{number} then {shift} else $offset_{number} end"
        params |= {f"changed_{number}": naive(at), f"offset_{number}": following}
    return Condition(f"occurred_at + {shift}", params)


def _next_month(month: date) -> datetime:
    return (datetime(month.year, month.month, 1, tzinfo=UTC) + timedelta(days=31)).replace(day=1)


def _text_cell(text: str) -> str:
    """Return the SQL of the cell that holds an SQL expression's text; null is an empty cell."""
    return (
        'coalesce(\'<c t="inlineStr"><is><t xml:space="preserve">\' || '
        f"{_escaped(_bounded(text))} || '</t></is></c>', '<c/>')"
    )


def _bounded(text: str) -> str:
    """Cut a text that Excel would refuse, and say in the cell how much is missing."""
    return (
        f"case when length({text}) <= {_ALWAYS_FITS} then {text} "
        f"when length({text}) + length(regexp_replace({text}, "
        f"'[^\\x{{10000}}-\\x{{10FFFF}}]', '', 'g')) <= {CELL_LIMIT} then {text} "
        f"when regexp_matches({text}, '[\\x{{10000}}-\\x{{10FFFF}}]') "
        f"then left({text}, {_KEPT // 2}) || {_mark(text, _KEPT // 2)} "
        f"else left({text}, {_KEPT}) || {_mark(text, _KEPT)} end"
    )


def _mark(text: str, kept: int) -> str:
    return f"' [… ' || (length({text}) - {kept}) || ' more characters; the API gives them all]'"


def _escaped(text: str) -> str:
    """Escape for XML and for SpreadsheetML, where `_x0041_` in a text would be read as `A`."""
    lines = f"replace(replace({text}, chr(13) || chr(10), chr(10)), chr(13), chr(10))"
    literal = f"regexp_replace({lines}, '_(x[0-9A-Fa-f]{{4}}_)', '_x005F_\\1', 'g')"
    visible = f"translate({literal}, $controls, $pictures)"
    escaped = f"replace(replace(replace({visible}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
    return f"case when regexp_matches({text}, $needs_care) then {escaped} else {text} end"
