"""Searches of the dimensions by what people type, without regard to case and accents."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from serve.query.compiler import Query

LookupKind = Literal[
    "users",
    "groups",
    "projects",
    "organizations",
    "statuses",
    "resolutions",
    "fields",
    "issue_types",
]
LOOKUP_KINDS: tuple[LookupKind, ...] = get_args(LookupKind)
MOST = 50


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where a kind of thing is found: SQL expressions over its dimension.

    `detail` tells namesakes apart, `searched` are further texts whose words are looked through,
    `addressed` is one that counts whole only if an address is typed, and else up to its @: a word
    of a domain would find everybody. `state` is null for a thing in use, else a word for what
    became of it. Those with the newest `recent` come first.
    """

    table: str
    key: str
    label: str
    detail: str = "null::varchar"
    searched: tuple[str, ...] = ()
    addressed: str = "null::varchar"
    state: str = "case when is_deleted then 'deleted' end"
    recent: str = "null::timestamp"


LOOKUPS: dict[LookupKind, Lookup] = {
    "users": Lookup(
        "(dim_users left join agg_user_last_active using (site_id, account_id))",
        "account_id",
        "display_name",
        detail="email_address",
        addressed="email_address",
        state="case when is_deleted then 'deleted' when not is_active then 'inactive' end",
        recent="last_active_at",
    ),
    "groups": Lookup("dim_groups", "group_id", "group_name"),
    "organizations": Lookup("dim_organizations", "organization_id", "organization_name"),
    "projects": Lookup(
        "dim_projects",
        "project_id",
        "project_name",
        detail="project_key",
        searched=("project_key",),
        state="case when lifecycle_state != 'live' then lifecycle_state end",
    ),
    "statuses": Lookup("dim_statuses", "status_id", "status_name", detail="status_category"),
    "resolutions": Lookup("dim_resolutions", "resolution_id", "resolution_name"),
    "fields": Lookup(
        "dim_fields", "field_id", "field_name", detail="field_id", searched=("field_id",)
    ),
    "issue_types": Lookup("dim_issue_types", "issue_type_id", "issue_type_name"),
}

_SEPARATORS = "-_.,;:/\\()[]{}<>@'\"+&|"
# Letters that are not another one with an accent, and what people type in their place.
_LETTERS = dict(zip("łøđðħŧıς", "loddhti\N{GREEK SMALL LETTER SIGMA}", strict=True))
_DIGRAPHS = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
_TYPED = {ord(letter): typed for letter, typed in (_LETTERS | _DIGRAPHS).items()}


def compile_search(kind: LookupKind, text: str) -> Query:
    """Return at most `MOST` + 1 rows (id, label, detail, state) that hold every word of `text`.

    A word is found where a word of the thing begins with it; an id only as a whole, because parts
    of ids look like words. Things in use come first, then people by their last activity, then
    things whose name begins with the text, then by name. Every thing appears once, whatever the
    site.
    """
    lookup = LOOKUPS[kind]
    words = _plain(text).split()
    address = lookup.addressed if "@" in text else f"split_part({lookup.addressed}, '@', 1)"
    searched = ", ' ', ".join(
        f"coalesce({one}, '')" for one in (lookup.label, *lookup.searched, address)
    )
    conditions = [f"contains(words, ' ' || $word_{index})" for index in range(len(words))]
    return Query(
        f"""
        with things as (
            select
                {lookup.key} as id,
                coalesce({lookup.label}, {lookup.key}) as label,
                {lookup.detail} as detail,
                {lookup.state} as state,
                {lookup.recent} as recent,
                ' ' || translate({_folded(f"concat({searched})")}, $separators, $blanks) as words
            from {lookup.table}
        )
        select id, min(label), min(detail), min(state)
        from things
        where {" and ".join(conditions) or "true"} or lower(id) = lower($typed)
        group by id
        order by
            min(state) is not null, max(recent) desc nulls last,
            not starts_with({_folded("min(label)")}, $text), {_folded("min(label)")}, id
        limit {MOST + 1}
        """,
        {f"word_{index}": word for index, word in enumerate(words)}
        | {
            "separators": _SEPARATORS,
            "blanks": " " * len(_SEPARATORS),
            "text": unaccented(text).strip(),
            "typed": text.strip(),
        },
        f"{kind} that match what was typed",
    )


def compile_labels(kind: LookupKind, ids: Sequence[str]) -> Query:
    """Return (id, label, detail, state) of the things with these ids."""
    lookup = LOOKUPS[kind]
    return Query(
        f"""
        select
            {lookup.key}, min(coalesce({lookup.label}, {lookup.key})), min({lookup.detail}),
            min({lookup.state})
        from {lookup.table}
        where {lookup.key} in (select unnest($ids))
        group by {lookup.key}
        """,
        {"ids": list(ids)},
        f"Names of {len(ids)} {kind}",
    )


def unaccented(text: str) -> str:
    """Return `text` in small letters without accents, vowel signs and other marks, as `_folded`."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    letters = "".join(one for one in decomposed if not unicodedata.category(one).startswith("M"))
    return unicodedata.normalize("NFC", letters).translate(_TYPED)


def _folded(text: str) -> str:
    """Return SQL of `unaccented(text)`."""
    folded = f"strip_accents(lower({text}))"
    for letter, letters in _DIGRAPHS.items():
        folded = f"replace({folded}, '{letter}', '{letters}')"
    return f"translate({folded}, '{''.join(_LETTERS)}', '{''.join(_LETTERS.values())}')"


def _plain(text: str) -> str:
    return unaccented(text).translate(dict.fromkeys(map(ord, _SEPARATORS), " "))
