"""The only door to activity: who may see which actions, and which issues they may know of.

Nothing else in `serve` names the fact tables, nor the tables of issues and what they hold. Rulings
of the reference guide: an action on an issue with a security level is counted, but listed only for
whom the level lists (Q9); views of issues are listed only with Browse Projects (Q10); actions in
Assets are counted and listed only for people of the schema and for Jira administrators (F104). A
text that names an issue which may not be listed is withheld.

A relation is SQL text without parameters. What is particular to a viewer lies in tables of the
snapshot's memory, made once by `serve.query.rights`, under a generated name that `Rights` carries:
nothing has to be passed along, so nothing can be forgotten, and no value is ever part of a text.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal


class Role(StrEnum):
    """Roles of this application."""

    ADMINISTRATOR = "administrator"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person or token that asks: their role here, and their account in Jira if it is known.

    The operator of the machine has no account: nothing is known of their rights in Jira. They count
    as Jira administrator, browse every project, and no security level lists them.
    """

    name: str
    role: Role | None = None
    account_id: str | None = None
    is_operator: bool = False


OPERATOR = Viewer("operator", Role.ADMINISTRATOR, is_operator=True)


_CODE = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)


class Extent(StrEnum):
    """How much of something may be seen."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a viewer may see in one snapshot; made by `Snapshot.rights`.

    `memory` is the generated name of the schema with the tables of this viewer; it is read where an
    extent is SOME, or something is withheld. The codes are those of the actions that a rule of the
    catalogue is about.
    """

    viewer: Viewer
    is_admitted: bool = True
    secured_issues: Extent = Extent.NONE
    browses: Extent = Extent.ALL
    views: Extent = Extent.ALL
    assets: Extent = Extent.ALL
    withholds: bool = False
    memory: str = ""
    views_codes: tuple[str, ...] = ()
    assets_codes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse codes that could be anything but codes: they become part of SQL."""
        for code in (*self.views_codes, *self.assets_codes):
            if not _CODE.fullmatch(code):
                msg = f"is no action code: {code}"
                raise ValueError(msg)

    @property
    def lists_issues_like(self) -> str:
        """What all viewers who may list the same issues have in common."""
        # A plain text: whoever keeps it does not keep the tables.
        return str(self.memory) if self.secured_issues is Extent.SOME else self.secured_issues

    @property
    def counts_everything(self) -> bool:
        """Whether every action there is may be counted."""
        return self.assets is Extent.ALL


# What serve itself reads to know its own bounds; never for an answer.
MACHINE = Rights(Viewer("serve"), secured_issues=Extent.ALL)

# What stands in place of a text that names an issue which may not be listed.
WITHHELD = "(withheld)"


class Purpose(StrEnum):
    """Why the actions are read."""

    COUNT = "count"
    LIST = "list"


def visible_actions(rights: Rights, purpose: Purpose, *, texts: bool = True) -> str:
    """Return the relation of the actions that may be counted or listed.

    Without `texts` nothing is withheld: for queries that read no value and no target, and for pages
    (see `withheld_texts`).
    """
    joins, rules = _door(rights, purpose)
    columns = "actions.*"
    if purpose is Purpose.LIST and texts and rights.withholds:
        hidden = ", ".join(
            f"case when withheld.hides_{part} and actions.{column} is not null "
            f"then '{WITHHELD}' else actions.{column} end as {column}"
            for column, part in _TEXTS.items()
        )
        columns = f"actions.* replace ({hidden})"
        joins.append(
            f"left join {rights.memory}.withheld as withheld "
            "on withheld.action_id = actions.action_id"
        )
    if not joins and not rules:
        return "fct_actions"
    return _relation(columns, "fct_actions as actions", joins, rules)


def visible_rows(rights: Rights, purpose: Purpose) -> tuple[str, str]:
    """Return FROM and WHERE of `visible_actions` without texts, for a statement that adds to both.

    The facts are `actions`; what is joined has other names. DuckDB plans it in half the time that
    it needs for a subquery with all columns, which is a tenth of a page.
    """
    joins, rules = _door(rights, purpose)
    return " ".join(["fct_actions as actions", *joins]), " and ".join(rules) or "true"


def withheld_texts(rights: Rights) -> str:
    """Return the relation of the actions with texts that are withheld, where `withholds` is true.

    Columns: action_id, occurred_at, and hides_<part> for each of WITHHELD_PARTS. It is for pages,
    which have few rows: they are read without texts being withheld, and then pass `withhold`.
    """
    return f"{rights.memory}.withheld"


def withhold(row: dict[str, Any], hidden: Container[str]) -> None:
    """Replace the texts of an action whose parts, of WITHHELD_PARTS, are among the hidden ones."""
    for column, part in _TEXTS.items():
        if part in hidden and row[column] is not None:
            row[column] = WITHHELD


# Column of an action -> the part of it that is withheld.
_TEXTS = {
    "old_value": "old",
    "new_value": "new",
    "target_id": "target",
    "target_label": "target",
}
WITHHELD_PARTS = ("old", "new", "target")


Rollup = Literal["days", "months", "issue_days"]


def visible_rollup(rights: Rights, purpose: Purpose, rollup: Rollup) -> str:
    """Return the relation of what a rollup counts of the actions that may be counted or listed.

    `days` and `months` hold the actions of an actor as a map `code_counts`; they leave out those
    whose issue decides who may list them. `issue_days` has just these, a row for each code: all
    visible actions of a time are those of days or months and those of `issue_days` together. Where
    `is_decided_by_issues` is false it has none.
    """
    joins: list[str] = []
    rules: list[str] = []
    apart = _decided_by_issues(rights, purpose)
    if rollup == "issue_days":
        _add(joins, rules, _assets(rights))
        _add(joins, rules, _secured(rights, "actions"))
        _add(joins, rules, _views(rights))
        rules.append(f"({' or '.join(these for these, _ in apart) or 'false'})")
    else:
        others = "actions.visibility_rule is distinct from 'assets_role'"
        _add(joins, rules, _assets(rights, others))
        rules += [but_these for _, but_these in apart]
    if not rules:
        return f"agg_actor_{rollup}"
    return _relation("actions.*", f"agg_actor_{rollup} as actions", joins, rules)


def is_decided_by_issues(rights: Rights, purpose: Purpose) -> bool:
    """Return whether the viewer may see some actions because of their issue."""
    return bool(_decided_by_issues(rights, purpose)) and (
        rights.secured_issues is Extent.SOME or _views(rights) is not None
    )


def _decided_by_issues(rights: Rights, purpose: Purpose) -> list[tuple[str, str]]:
    """Return what tells the actions whose issue decides whether they may be listed.

    Each time two predicates: these, by action code, and all but these, in a rollup without codes.
    """
    if purpose is Purpose.COUNT:
        return []
    told = []
    if rights.secured_issues is not Extent.ALL:
        told.append(("actions.is_secured", "not actions.is_secured"))
    if _views(rights) is not None:
        told.append(
            (
                f"actions.action_code in {_codes(rights.views_codes)}",
                "actions.visibility_rule is distinct from 'browse_project'",
            )
        )
    return told


def days_of_people() -> str:
    """Return the rollup of the days on which people acted: where to look, never an answer."""
    return "agg_actor_months"


def days_of_issues() -> str:
    """Return the rollup of the days with actions on issues: where to look for them.

    It counts whatever was done: an answer only where everything may be counted, together with
    `unlisted_of_issues` if it is about what may be listed.
    """
    return "agg_issue_months"


def unlisted_of_issues(rights: Rights) -> str:
    """Return the relation of what `agg_actor_issue_days` counts and may not be listed.

    Of the actions on issues that may be counted these are all: only their issue decides.
    """
    joins: list[str] = []
    rules: list[str] = []
    _add(joins, rules, _secured(rights, "actions"))
    _add(joins, rules, _views(rights))
    hidden = f"not ({' and '.join(rules) or 'true'})"
    return _relation("actions.*", "agg_actor_issue_days as actions", joins, [hidden])


def visible_changes(rights: Rights, purpose: Purpose) -> str:
    """Return the relation of the field changes of the actions that may be counted or listed."""
    listed = visible_actions(rights, purpose, texts=False)
    columns, joins = "changes.*", []
    if listed != "fct_actions":
        joins.append(f"semi join {listed} as listed using (action_id, occurred_at)")
    if purpose is Purpose.LIST and rights.withholds:
        joins.append(
            f"left join {rights.memory}.withheld_changes as withheld "
            "on withheld.change_id = changes.change_id"
        )
        hidden = ", ".join(
            f"case when withheld.hides_{side} and changes.{column} is not null "
            f"then '{WITHHELD}' else changes.{column} end as {column}"
            for side in ("old", "new")
            for column in (f"{side}_value_id", f"{side}_value")
        )
        columns = f"changes.* replace ({hidden})"
    if not joins:
        return "fct_action_changes"
    return _relation(columns, "fct_action_changes as changes", joins, [])


def is_nameless(rights: Rights, actions: str) -> str:
    """Return the predicate of actions that may be counted but whose issue has no name then."""
    return f"({is_of_hidden_issue(rights, actions)} or {is_hidden_view(rights, actions)})"


def is_of_hidden_issue(rights: Rights, actions: str) -> str:
    """Return the predicate of actions on issues that may not be listed."""
    if rights.secured_issues is Extent.ALL:
        return "false"
    secured = f"coalesce({actions}.is_secured, false)"
    if rights.secured_issues is Extent.NONE:
        return secured
    return (
        f"({secured} and ({actions}.site_id, {actions}.issue_id) "
        f"not in (select (site_id, issue_id) from {rights.memory}.listed_issues))"
    )


def is_hidden_view(rights: Rights, actions: str) -> str:
    """Return the predicate of views of issues that may not be browsed.

    With the issue's name a count would say who looked at it; with a short interval, when.
    """
    if rights.views is Extent.ALL or not rights.views_codes:
        return "false"
    issue = f"({actions}.site_id, {actions}.issue_id)"
    projects = f"(select (site_id, project_id) from {rights.memory}.browsed_projects)"
    issues = f"(select (site_id, issue_id) from {rights.memory}.browsed_issues where"
    return (
        f"({actions}.action_code in {_codes(rights.views_codes)} "
        f"and {actions}.issue_id is not null and {issue} not in {issues} is_browsed) "
        f"and (coalesce(({actions}.site_id, {actions}.project_id) not in {projects}, true) "
        f"or {issue} in {issues} not is_browsed)))"
    )


def visible_views(rights: Rights) -> str:
    """Return the relation of the counted issue views that may be listed, named as actions."""
    joins: list[str] = []
    rules: list[str] = []
    _add(joins, rules, _secured(rights, "views"))
    if rights.views is Extent.SOME:
        _add(joins, rules, _browse(rights, "views"))
    return _relation(
        "views.view_id as action_id, views.site_id, views.viewed_at as occurred_at, "
        "views.recorded_at, views.account_id as actor_account_id, views.project_id, "
        "views.issue_id, views.view_source, views.raw_view_count",
        "fct_issue_views as views",
        joins,
        rules,
    )


def visible_issues(rights: Rights) -> str:
    """Return the relation of the issues that may be listed: whose key and texts may be known."""
    if rights.secured_issues is Extent.ALL:
        return "dim_issues"
    joins: list[str] = []
    rules: list[str] = []
    _add(joins, rules, _secured(rights, "issues"))
    return _relation("issues.*", "dim_issues as issues", joins, rules)


def visible_names(rights: Rights, columns: Sequence[str], among: str) -> str:
    """Return the SELECT of (site_id, issue_id, names) of the issues of some ids.

    `names` is a list of the `columns`, which are texts; null for an issue that may not be listed:
    DuckDB uses the index on the ids only where nothing else is asked of a row. `among` are SQL
    terms with commas between, or a SELECT.
    """
    joins, rule = _secured(rights, "issues") or ([], "true")
    shown = ", ".join(f"issues.{name}" for name in columns)
    source = " ".join(["dim_issues as issues", *joins])
    return (
        f"select issues.site_id, issues.issue_id, case when {rule} then [{shown}] end as names "
        f"from {source} where issues.issue_id in ({among})"
    )


def browsable_issues(rights: Rights) -> str:
    """Return `visible_issues` with `is_browsable`: whether Jira shows them to the viewer.

    The project decides, whatever the rule for views of issues is here.
    """
    if rights.browses is Extent.ALL:
        return f"(select *, true as is_browsable from {visible_issues(rights)})"
    joins, rule = _browse(rights, "issues")
    source = f"{visible_issues(rights)} as issues"
    return _relation(f"issues.*, {rule} as is_browsable", source, joins, [])


IssueDetail = Literal["field_values", "links", "comments", "worklogs", "attachments", "keys"]
_DETAILS: dict[IssueDetail, str] = {
    "field_values": "bridge_issue_field_values",
    "links": "bridge_issue_links",
    "comments": "dim_comments",
    "worklogs": "dim_worklogs",
    "attachments": "bridge_issue_attachments",
    "keys": "bridge_issue_keys",
}


def visible_details(rights: Rights, detail: IssueDetail) -> str:
    """Return the relation of what the issues that may be listed hold; a link needs both ends.

    Comments and worklogs for some people only are left out: nothing says who they are.
    """
    return _relation(
        "details.*",
        f"{of_listed_issues(rights, detail)} as details",
        [f"semi join {visible_issues(rights)} as owners using (site_id, issue_id)"],
        [],
    )


def former_project_keys() -> str:
    """Return the relation (issue_key, project_id) of keys, and projects the issues were in then.

    Of secured issues too, and the same for all: which project bore a key is no secret, and whoever
    reads this relation reads no more of the keys than the part that is the project's.
    """
    return """
        (
            select issue_key, project_id
            from bridge_issue_keys
            where project_id is not null
        )
    """


def visible_totals(rights: Rights) -> str:
    """Return the relation of `agg_action_totals`, of the actions that may be counted."""
    joins: list[str] = []
    rules: list[str] = []
    _add(joins, rules, _assets(rights))
    return _relation("actions.*", "agg_action_totals as actions", joins, rules)


def visible_action_coverage(rights: Rights) -> str:
    """Return the relation of `agg_action_coverage`, of the actions that may be counted."""
    if rights.counts_everything:
        return "agg_action_coverage"
    concerned = f"coverage.action_code in {_codes(rights.assets_codes)}"
    told = _told(rights, "action_code")
    return _recounted("agg_action_coverage", told, "action_code", concerned)


def visible_source_coverage(rights: Rights) -> str:
    """Return the relation of `agg_source_coverage`, of the actions that may be counted."""
    if rights.counts_everything:
        return "agg_source_coverage"
    concerned = (
        "coverage.resource is null and coverage.source in (select source from agg_action_coverage "
        f"where action_code in {_codes(rights.assets_codes)})"
    )
    return _recounted("agg_source_coverage", _told(rights, None), None, concerned)


def visible_freshness(rights: Rights) -> str:
    """Return the relation of `agg_source_freshness`.

    What a source has stored, and how new it is, tells how much was done: of a source of actions
    that may not all be counted these are null.
    """
    if rights.counts_everything:
        return "agg_source_freshness"
    hidden = ", ".join(
        f"case when sources.source is null then freshness.{name} end as {name}"
        for name in ("newest_source_at", "lag_seconds", "row_count", "request_count")
    )
    return f"""
        (
            select freshness.* replace ({hidden})
            from agg_source_freshness as freshness
            left join (
                select distinct source from agg_action_coverage
                where action_code in {_codes(rights.assets_codes)}
            ) as sources using (source)
        )
    """


def _told(rights: Rights, key: str | None) -> str:
    keys = "source" if key is None else f"source, {key}"
    return f"""
        select
            {keys}, sum(action_count)::bigint as action_count,
            min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at
        from (
            select *, unnest(string_split(sources, ',')) as source
            from {visible_totals(rights)} as totals
        )
        group by {keys}
    """


def _recounted(table: str, told: str, key: str | None, concerned: str) -> str:
    """Replace the numbers of the rows that are `concerned`; nothing is said of their delay."""
    keys = "source" if key is None else f"source, {key}"
    seen = ", ".join(
        f"case when {concerned} then told.{name} else coverage.{name} end as {name}"
        for name in ("first_seen_at", "last_seen_at")
    )
    lags = ", ".join(
        f"case when {concerned} then null else coverage.{name} end as {name}"
        for name in ("lag_p50_seconds", "lag_p99_seconds")
    )
    return f"""
        (
            select coverage.* replace (
                case when {concerned} then coalesce(told.action_count, 0)
                    else coverage.action_count end as action_count,
                {seen}, {lags}
            )
            from {table} as coverage
            left join ({told}) as told using ({keys})
        )
    """


def of_listed_issues(rights: Rights, what: IssueDetail | Literal["actions", "changes"]) -> str:
    """Return a relation to be read together with `visible_issues` only, never on its own.

    It leaves to that relation which issues there are, so it costs no join; of a link it makes sure
    that the other end is there and may be listed too.
    """
    match what:
        case "actions":
            return "fct_actions"
        case "changes":
            return "fct_action_changes"
        case "comments" | "worklogs":
            return f"(select * from {_DETAILS[what]} where is_restricted is not true)"
        case "links":
            return f"""
                (
                    select links.*
                    from bridge_issue_links as links
                    semi join {visible_issues(rights)} as linked
                        on linked.site_id = links.site_id
                        and linked.issue_id = links.linked_issue_id
                        and linked.deletion_state not in ('deleted', 'trashed')
                )
            """
        case _:
            return _DETAILS[what]


_Part = tuple[list[str], str]
"""Joins, and the rule that they serve."""


def _door(rights: Rights, purpose: Purpose) -> tuple[list[str], list[str]]:
    """Return the joins and the rules that keep the actions that may be counted or listed."""
    joins: list[str] = []
    rules: list[str] = []
    _add(joins, rules, _assets(rights))
    if purpose is Purpose.LIST:
        _add(joins, rules, _secured(rights, "actions"))
        _add(joins, rules, _views(rights))
    return joins, rules


def _add(joins: list[str], rules: list[str], part: _Part | None) -> None:
    if part is not None:
        joins += part[0]
        rules.append(part[1])


def _assets(rights: Rights, others: str = "") -> _Part | None:
    """Keep the actions in Assets that may be seen, and all others: their codes tell them."""
    if rights.assets is Extent.ALL:
        return None
    others = others or f"actions.action_code not in {_codes(rights.assets_codes)}"
    if rights.assets is Extent.NONE:
        return [], others
    return (
        [
            _join(rights, "schemas", "object_schema_id"),
            f"left join {rights.memory}.sites as sites on sites.site_id = actions.site_id",
        ],
        f"({others} or schemas.object_schema_id is not null or sites.is_jira_admin)",
    )


def _views(rights: Rights) -> _Part | None:
    """Keep the actions that are views of issues that may be browsed, and all others."""
    if rights.views is Extent.ALL or not rights.views_codes:
        return None
    joins, rule = _browse(rights, "actions")
    return joins, f"(actions.action_code not in {_codes(rights.views_codes)} or {rule})"


def _secured(rights: Rights, alias: str) -> _Part | None:
    """Keep the rows of issues that may be listed."""
    if rights.secured_issues is Extent.ALL:
        return None
    if rights.secured_issues is Extent.NONE:
        return [], f"{alias}.is_secured is not true"
    return (
        [_join(rights, "listed_issues", "issue_id", alias)],
        f"({alias}.is_secured is not true or listed_issues.issue_id is not null)",
    )


def _browse(rights: Rights, alias: str) -> _Part:
    """Keep the rows of issues that may be browsed.

    The project of a row decides, but for the issues whose own answer is another one.
    """
    return (
        [
            _join(rights, "browsed_issues", "issue_id", alias),
            _join(rights, "browsed_projects", "project_id", alias),
        ],
        "coalesce(browsed_issues.is_browsed, browsed_projects.project_id is not null)",
    )


def _join(rights: Rights, table: str, key: str, alias: str = "actions") -> str:
    """Join a table of the viewer; the tables have at most one row for a site and key."""
    return (
        f"left join {rights.memory}.{table} as {table} "
        f"on {table}.site_id = {alias}.site_id and {table}.{key} = {alias}.{key}"
    )


def _relation(columns: str, source: str, joins: Sequence[str], rules: Sequence[str]) -> str:
    where = f" where {' and '.join(rules)}" if rules else ""
    return f"(select {columns} from {' '.join([source, *joins])}{where})"


def _codes(codes: tuple[str, ...]) -> str:
    """Return codes of the catalogue, which `Rights` has checked, as an SQL list."""
    return f"({', '.join(repr(code) for code in codes)})"
