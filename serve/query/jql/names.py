"""What names stand for, in one snapshot: how they are looked up, and the port that does it.

The things that a query names are looked up by their names, whatever else there is. Whole
vocabularies are read for editors only, and where they are small by nature.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from serve.query.compiler import Query
from serve.query.jql.syntax import Operator
from serve.query.jql.text import composed, spellings
from serve.query.visibility import (
    Purpose,
    Rights,
    of_listed_issues,
    visible_changes,
    visible_details,
    visible_issues,
)

_FEW = 50
"""Names that resemble a misspelt one at first sight, to be compared with it closely."""

MOST_WORDS = 10_000
"""Texts of a field that are kept in memory to be suggested."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be named. `site_id` None: the id is the same on every site.

    `others` are further texts that stand for it, `project_id` is what it belongs to, `rank` its
    place among its like, `is_gone` whether only the history knows it.
    """

    site_id: str | None
    id: str
    label: str | None
    others: tuple[str, ...] = ()
    project_id: str | None = None
    rank: float | None = None
    is_gone: bool = False


class Vocabulary:
    """The things of one kind, found by name (any case), else by id."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self.things = tuple(things)
        names: defaultdict[str, list[Thing]] = defaultdict(list)
        ids: defaultdict[str, list[Thing]] = defaultdict(list)
        for thing in self.things:
            for name in {fold(one) for one in (thing.label, *thing.others) if one is not None}:
                names[name].append(thing)
            ids[thing.id.lower()].append(thing)
        self._names = {name: tuple(same) for name, same in names.items()}
        self._ids = {thing_id: tuple(same) for thing_id, same in ids.items()}

    def find(self, text: str) -> tuple[Thing, ...]:
        """Return all things of that name; without any, those with that id."""
        return self._names.get(fold(text), ()) or self._ids.get(text.strip().lower(), ())

    def near(self, text: str) -> str | None:
        """Return the name of a thing in use that resembles `text` most; None if none does."""
        return nearest(text, (one.label for one in self.things if one.label and not one.is_gone))


def fold(text: str) -> str:
    """Return a name as names are compared: without regard to case and outer blanks.

    Accents are one with their letters, in whichever form somebody writes them.
    """
    return composed(text.strip().casefold())


def nearest(text: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that resembles `text` most; None if none does."""
    known = {fold(name): name for name in names}
    found = difflib.get_close_matches(fold(text), known, n=1, cutoff=0.7)
    return known[found[0]] if found else None


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """A field of a site, as its metadata describe it."""

    site_id: str
    id: str
    name: str
    is_custom: bool
    type: str | None
    item_type: str | None
    custom_type: str | None
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that can be named: one of `VOCABULARIES`, or the values of some fields.

    Of fields `name` is one of `VALUES`, `FIRST_OPTIONS`, `SECOND_OPTIONS`, `FORMER_VALUES` and
    `WORDS`.
    """

    name: str
    field_ids: tuple[str, ...] = ()


VALUES, FORMER_VALUES, WORDS, LINK_TYPES = "value", "former value", "word", "link_type"
FIRST_OPTIONS, SECOND_OPTIONS = "first option", "second option"
"""Values of fields of options in two levels."""


class Names(Protocol):
    """Where the compiler gets names from; raises what its maker raises when a query fails."""

    @property
    def has_one_site(self) -> bool:
        """Whether all projects are of one site, so that ids mean the same wherever they stand."""

    def find(self, kind: Kind, texts: Sequence[str]) -> Mapping[str, tuple[Thing, ...]]:
        """Return by text all things of that name, in any case; without any, those of that id.

        Texts that stand for nothing are left out.
        """

    def near(self, kind: Kind, text: str) -> str | None:
        """Return the name of a thing in use that resembles `text` most; None if none does."""

    def vocabulary(self, kind: Kind) -> Vocabulary:
        """Return all things of a kind: for editors, and for types of links."""

    def custom_fields(self) -> Sequence[FieldFacts]:
        """Return the custom fields of all sites."""

    def issues(self, texts: Sequence[str]) -> Mapping[str, tuple[Thing, ...]]:
        """Return the issues that keys (former ones too) or ids stand for, by text in upper case.

        Only issues that the viewer may list; their `label` is the key, `project_id` the project.
        """

    def former_projects(self, key: str) -> tuple[Thing, ...]:
        """Return the projects whose issues once bore `key`."""


CATEGORIES = {
    "undefined": ("1", "No Category"),
    "new": ("2", "To Do"),
    "done": ("3", "Done"),
    "indeterminate": ("4", "In Progress"),
}
"""Key of a status category, as the marts hold it -> Jira's id and name; every site has the same."""

# Columns: site_id, id, label, others, project_id, rank, is_gone.
VOCABULARIES: Mapping[str, str] = {
    "project": """
        select
            site_id, project_id, project_name, [project_key], project_id, null,
            lifecycle_state = 'not_visible'
        from dim_projects
        """,
    # An account is the same person on every site.
    "user": """
        select
            null, account_id, max(display_name), list(distinct email_address), null, null,
            bool_and(is_deleted)
        from dim_users
        group by account_id
        """,
    "group": "select site_id, group_id, group_name, [], null, null, is_deleted from dim_groups",
    "organization": """
        select site_id, organization_id, organization_name, [], null, null, is_deleted
        from dim_organizations
        """,
    "role": "select site_id, role_id, role_name, [], null, null, is_deleted from dim_project_roles",
    "status": """
        select site_id, status_id, status_name, [], null, null, is_deleted
        from dim_statuses
        """,
    "resolution": """
        select site_id, resolution_id, resolution_name, [], null, null, is_deleted
        from dim_resolutions
        """,
    "priority": """
        select site_id, priority_id, priority_name, [], null, priority_order, is_deleted
        from dim_priorities
        """,
    "issue_type": """
        select site_id, issue_type_id, issue_type_name, [], null, hierarchy_level, is_deleted
        from dim_issue_types
        """,
    "security_level": """
        select site_id, level_id, level_name, [], null, null, is_deleted
        from dim_security_levels
        """,
    "request_type": """
        select site_id, request_type_id, request_type_name, [], null, null, false
        from dim_request_types
        """,
    "version": """
        select site_id, version_id, version_name, [], project_id, version_order, is_deleted
        from dim_versions
        """,
    "sprint": """
        select site_id, sprint_id, sprint_name, [], project_id, null, is_deleted
        from dim_sprints
        """,
    "project_category": """
        select distinct null, lower(project_category), project_category, [], null, null, false
        from dim_projects where project_category is not null
        """,
    "project_type": """
        select distinct null, lower(project_type), project_type, [], null, null, false
        from dim_projects where project_type is not null
        """,
}

CUSTOM_FIELDS = Query(
    """
    select
        site_id, field_id, field_name, is_custom, field_type, item_type, custom_type, is_deleted
    from dim_fields
    where is_custom and field_name is not null
    """
)


def compile_vocabulary(kind: Kind, rights: Rights) -> Query:
    """Return all things of a kind, with the columns of `VOCABULARIES`."""
    return Query(_things(kind, rights), _params(kind), f"Names: {kind.name}")


def _things(kind: Kind, rights: Rights, *, is_narrowed: bool = False) -> str:
    """Return SQL of the things of a kind; narrowed: of none but `$spellings` may stand for."""
    match kind.name:
        case "value" | "first option" | "second option":
            called = _is_called("value_text", "value_id") if is_narrowed else "true"
            return _values(rights, f"({called}) and {_OF_LEVEL[kind.name]}")
        case "former value":
            # some histories write ids in brackets
            sides = (
                _is_called(f"{side}_value", f"trim({side}_value_id, '[] ')")
                for side in ("old", "new")
            )
            return _former_values(rights, " or ".join(sides) if is_narrowed else "true")
        case "word":
            return _words(rights)
        case "link_type":
            return _link_types(rights)
        case _:
            return VOCABULARIES[kind.name]


# An option of two levels is followed by the one below it.
_OF_LEVEL = {
    VALUES: "true",
    FIRST_OPTIONS: "value_index = 0",
    SECOND_OPTIONS: "value_index = 1",
}


def _params(kind: Kind) -> dict[str, object]:
    return {"field_ids": list(kind.field_ids)} if kind.field_ids else {}


def _spellings(kind: Kind, texts: Sequence[str]) -> dict[str, object]:
    """Return what only the narrowed kinds ask for."""
    if kind.name in {VALUES, FIRST_OPTIONS, SECOND_OPTIONS, FORMER_VALUES}:
        return {"spellings": [one for text in texts for one in spellings(text)]}
    return {}


def _folded(name: str) -> str:
    """Return SQL of a name as names are compared."""
    return f"lower(nfc_normalize(trim({name})))"


def _is_called(*columns: str) -> str:
    """Return SQL of whether a column is a wanted name, in any of its spellings."""
    called = "(select lower(trim(unnest($spellings::varchar[]))))"
    return " or ".join(f"lower(trim({column})) in {called}" for column in columns)


def compile_find(kind: Kind, rights: Rights, texts: Sequence[str]) -> Query:
    """Return rows (text, is by name, and the columns of `VOCABULARIES`) of things by name or id."""
    return Query(
        f"""
        with
        wanted as (
            select text, {_folded("text")} as called
            from (select distinct unnest($texts::varchar[]) as text)
        ),
        things (site_id, id, label, others, project_id, rank, is_gone) as (
            {_things(kind, rights, is_narrowed=True)}
        ),
        names as (
            select
                *,
                unnest(list_distinct(list_transform(
                    list_append(others, label), lambda one: {_folded("one")}
                ))) as name
            from things
        )
        select wanted.text, true as is_by_name, names.* exclude (name)
        from names
        join wanted on wanted.called = names.name
        union all
        select wanted.text, false as is_by_name, things.*
        from things
        join wanted on wanted.called = lower(things.id)
        """,
        {"texts": list(texts)} | _params(kind) | _spellings(kind, texts),
        f"Names: {kind.name}",
    )


def compile_near(kind: Kind, rights: Rights, text: str) -> Query:
    """Return the names of things in use that resemble `text` at first sight, the nearest first."""
    return Query(
        f"""
        select distinct label, jaro_winkler_similarity(lower(label), lower($text)) as likeness
        from ({_things(kind, rights)}) as things
            (site_id, id, label, others, project_id, rank, is_gone)
        where label is not null and not is_gone
        order by likeness desc, label
        limit {_FEW}
        """,
        {"text": text} | _params(kind),
        f"Names: {kind.name}",
    )


def compile_beyond(
    kind: str, operator: Operator, limits: Sequence[Thing], bind: Callable[[object], str]
) -> str:
    """Return the relation (site_id, id) of things on one side of a limit, in the order it is in.

    The first priority is the highest; each project has an order of its versions.
    """
    is_less = operator in {Operator.LESS, Operator.LESS_EQUALS}
    is_itself = operator in {Operator.LESS_EQUALS, Operator.GREATER_EQUALS}
    comparing = "<" if is_less != (kind == "priority") else ">"
    within = " and things.project_id = limits.project_id" if kind == "version" else ""
    columns = {
        "site_id": bind([one.site_id for one in limits]) + "::varchar[]",
        "project_id": bind([one.project_id for one in limits]) + "::varchar[]",
        "id": bind([one.id for one in limits]) + "::varchar[]",
        "rank": bind([one.rank for one in limits]) + "::double[]",
    }
    rows = ", ".join(f"unnest({values}) as {name}" for name, values in columns.items())
    return f"""
        select things.site_id, things.id
        from ({VOCABULARIES[kind]}) as things
            (site_id, id, label, others, project_id, rank, is_gone)
        join (select {rows}) as limits on limits.site_id = things.site_id{within}
        where
            if(things.id = limits.id, {is_itself}, things.rank {comparing} limits.rank)
    """


def _values(rights: Rights, where: str) -> str:
    """Return the values that fields of choices have now; a name is one that an issue has it by."""
    return f"""
        select
            site_id, value_id, label, list_filter(names, lambda one: one != label), null, null,
            false
        from (
            select site_id, value_id, max(value_text) as label, list(distinct value_text) as names
            from {visible_details(rights, "field_values")} as held
            where
                field_id in (select unnest($field_ids::varchar[])) and value_id is not null
                and ({where})
            group by site_id, value_id
        )
    """


def _words(rights: Rights) -> str:
    """Return the texts that fields have now; the commonest only."""
    return f"""
        select null, lower(value_text), any_value(value_text), [], null, null, false
        from {visible_details(rights, "field_values")} as held
        where field_id in (select unnest($field_ids::varchar[])) and value_text is not null
        group by lower(value_text)
        order by count(*) desc, lower(value_text)
        limit {MOST_WORDS}
    """


def _former_values(rights: Rights, where: str) -> str:
    """Return the values that the changes of fields name.

    A name is one that the value had at some time. Values are known from changes of one at a time.
    """
    return f"""
        with told as (
            select
                site_id, unnest([old_value_id, new_value_id]) as value_id,
                unnest([old_value, new_value]) as label
            from {visible_changes(rights, Purpose.LIST)} as changes
            where field_id in (select unnest($field_ids::varchar[])) and ({where})
        )
        select
            site_id, trim(value_id, '[] ') as id, max(label), list(distinct label), null, null, true
        from told
        where trim(value_id, '[] ') != '' and not contains(value_id, ',')
        group by site_id, id
    """


def _link_types(rights: Rights) -> str:
    """Return the phrases of links.

    The name of a type stands for both its phrases, unless a phrase is called so.
    """
    return f"""
        with links as (
            select distinct lower(direction_name) as phrase, direction_name, link_type_name
            from {visible_details(rights, "links")} as links
            where direction_name is not null
        )
        select
            null, links.phrase, any_value(direction_name),
            coalesce(list(distinct link_type_name) filter (same.phrase is null), []),
            null, null, false
        from links
        left join (select distinct phrase from links) as same
            on same.phrase = lower(link_type_name)
        group by links.phrase
    """


def compile_issues(rights: Rights, texts: Sequence[str]) -> Query:
    """Return (text, site_id, issue_id, issue_key, project_id) of the issues that texts stand for.

    A text, in upper case, is a key, a former key or an id.
    """
    issues = visible_issues(rights)
    return Query(
        f"""
        with
        wanted as (
            select unnest($texts::varchar[]) as text
        ),
        meant as (
            select wanted.text, keys.site_id, keys.issue_id
            from {of_listed_issues(rights, "keys")} as keys
            join wanted on wanted.text = keys.issue_key
            union
            select wanted.text, issues.site_id, issues.issue_id
            from {issues} as issues
            join wanted on wanted.text = issues.issue_key
            union
            select wanted.text, issues.site_id, issues.issue_id
            from {issues} as issues
            join wanted on wanted.text = issues.issue_id
        )
        select meant.text, meant.site_id, meant.issue_id, issues.issue_key, issues.project_id
        from meant
        join {issues} as issues using (site_id, issue_id)
        """,
        {"texts": list(texts)},
        "Issues by key or id",
    )
