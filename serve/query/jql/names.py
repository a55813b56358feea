"""What names stand for: the vocabularies of one snapshot, and the port that hands them out.

A vocabulary is a kind of thing that a query can name: small enough to be kept in memory, read once
a snapshot. What is large (issues) is looked up by the names of one comparison at a time.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from serve.query.compiler import Query
from serve.query.visibility import (
    Purpose,
    Rights,
    of_listed_issues,
    visible_changes,
    visible_details,
    visible_issues,
)

# Beyond so many names, likely misspellings are searched among those with the same first letter.
_FEW = 2_000

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
        wanted = fold(text)
        known = {fold(one.label): one.label for one in self.things if one.label and not one.is_gone}
        names: Iterable[str] = known
        if len(known) > _FEW:
            names = [name for name in known if name[:1] == wanted[:1]][:_FEW]
        found = difflib.get_close_matches(wanted, names, n=1, cutoff=0.7)
        return known[found[0]] if found else None


def fold(text: str) -> str:
    """Return a name as names are compared: without regard to case and outer blanks."""
    return text.strip().casefold()


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


class Names(Protocol):
    """Where the compiler gets names from; raises what its maker raises when a query fails."""

    def vocabulary(self, kind: str) -> Vocabulary:
        """Return the things of a kind of `VOCABULARIES`."""

    def values(self, field_ids: Sequence[str]) -> Vocabulary:
        """Return the values that these fields have now; for fields of choices."""

    def former_values(self, field_ids: Sequence[str]) -> Vocabulary:
        """Return the values that changes of these fields name, by the names of then."""

    def words(self, field_ids: Sequence[str]) -> Vocabulary:
        """Return the texts that these fields have now; for fields of words such as labels."""

    def link_types(self) -> Vocabulary:
        """Return the names and the phrases of types of links; the id is the text in lower case."""

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
VOCABULARIES: Mapping[str, Query] = {
    "project": Query(
        """
        select
            site_id, project_id, project_name, [project_key], project_id, null,
            lifecycle_state = 'not_visible'
        from dim_projects
        """
    ),
    # An account is the same person on every site.
    "user": Query(
        """
        select
            null, account_id, max(display_name), list(distinct email_address), null, null,
            bool_and(is_deleted)
        from dim_users
        group by account_id
        """
    ),
    "group": Query(
        "select site_id, group_id, group_name, [], null, null, is_deleted from dim_groups"
    ),
    "role": Query(
        "select site_id, role_id, role_name, [], null, null, is_deleted from dim_project_roles"
    ),
    "status": Query(
        "select site_id, status_id, status_name, [], null, null, is_deleted from dim_statuses"
    ),
    "resolution": Query(
        """
        select site_id, resolution_id, resolution_name, [], null, null, is_deleted
        from dim_resolutions
        """
    ),
    "priority": Query(
        """
        select site_id, priority_id, priority_name, [], null, priority_order, is_deleted
        from dim_priorities
        """
    ),
    "issue_type": Query(
        """
        select site_id, issue_type_id, issue_type_name, [], null, hierarchy_level, is_deleted
        from dim_issue_types
        """
    ),
    "security_level": Query(
        "select site_id, level_id, level_name, [], null, null, is_deleted from dim_security_levels"
    ),
    "request_type": Query(
        """
        select site_id, request_type_id, request_type_name, [], null, null, false
        from dim_request_types
        """
    ),
    "version": Query(
        """
        select site_id, version_id, version_name, [], project_id, version_order, is_deleted
        from dim_versions
        """
    ),
    "sprint": Query(
        "select site_id, sprint_id, sprint_name, [], project_id, null, is_deleted from dim_sprints"
    ),
    "project_category": Query(
        """
        select distinct null, lower(project_category), project_category, [], null, null, false
        from dim_projects where project_category is not null
        """
    ),
    "project_type": Query(
        """
        select distinct null, lower(project_type), project_type, [], null, null, false
        from dim_projects where project_type is not null
        """
    ),
}

CUSTOM_FIELDS = Query(
    """
    select
        site_id, field_id, field_name, is_custom, field_type, item_type, custom_type, is_deleted
    from dim_fields
    where is_custom and field_name is not null
    """
)


def compile_values(rights: Rights, field_ids: Sequence[str]) -> Query:
    """Return the values that fields of choices have now, with the columns of `VOCABULARIES`."""
    return Query(
        f"""
        select site_id, value_id, max(value_text), [], null, null, false
        from {visible_details(rights, "field_values")} as held
        where field_id in (select unnest($field_ids)) and value_id is not null
        group by site_id, value_id
        """,
        {"field_ids": list(field_ids)},
        "Values of fields",
    )


def compile_words(rights: Rights, field_ids: Sequence[str]) -> Query:
    """Return the texts that fields have now, with those columns too; the commonest only."""
    return Query(
        f"""
        select null, lower(value_text), any_value(value_text), [], null, null, false
        from {visible_details(rights, "field_values")} as held
        where field_id in (select unnest($field_ids)) and value_text is not null
        group by lower(value_text)
        order by count(*) desc, lower(value_text)
        limit {MOST_WORDS}
        """,
        {"field_ids": list(field_ids)},
        "Texts of fields",
    )


def compile_former_values(rights: Rights, field_ids: Sequence[str]) -> Query:
    """Return the values that the changes of fields name, with the columns of `VOCABULARIES`.

    A name is one that the value had at some time. Values are known from changes of one at a time.
    """
    return Query(
        f"""
        with told as (
            select
                site_id, unnest([old_value_id, new_value_id]) as value_id,
                unnest([old_value, new_value]) as label
            from {visible_changes(rights, Purpose.LIST)} as changes
            where field_id in (select unnest($field_ids))
        )
        select site_id, trim(value_id, '[] '), max(label), list(distinct label), null, null, true
        from told
        where trim(value_id, '[] ') != '' and not contains(value_id, ',')
        group by all
        """,
        {"field_ids": list(field_ids)},
        "Values that fields had",
    )


def compile_link_types(rights: Rights) -> Query:
    """Return the phrases of links, with those columns too.

    The name of a type stands for both its phrases, unless a phrase is called so.
    """
    return Query(
        f"""
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
        """,
        description="Names of types of links",
    )


def compile_issues(rights: Rights, texts: Sequence[str]) -> Query:
    """Return (text, site_id, issue_id, issue_key, project_id) of the issues that texts stand for.

    A text, in upper case, is a key, a former key or an id.
    """
    return Query(
        f"""
        with issues as (select * from {visible_issues(rights)} as listed)
        select distinct keys.issue_key, site_id, issue_id, issues.issue_key, issues.project_id
        from {of_listed_issues(rights, "keys")} as keys
        join issues using (site_id, issue_id)
        where keys.issue_key in (select unnest($texts))
        union
        select issue_id, site_id, issue_id, issue_key, project_id
        from issues
        where issue_id in (select unnest($texts))
        union
        select issue_key, site_id, issue_id, issue_key, project_id
        from issues
        where issue_key in (select unnest($texts))
        """,
        {"texts": list(texts)},
        "Issues by key or id",
    )
