"""Names for JQL, looked up in a snapshot; what is small is kept as long as it is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serve.query.dimensions import compile_former_projects
from serve.query.jql.names import (
    CUSTOM_FIELDS,
    VOCABULARIES,
    FieldFacts,
    Kind,
    Thing,
    Vocabulary,
    compile_find,
    compile_issues,
    compile_near,
    compile_vocabulary,
    nearest,
)
from serve.query.visibility import Rights
from serve.warehouse.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SnapshotNames:
    """The names of a snapshot, as one viewer may know them; ProblemError if a query fails."""

    snapshot: Snapshot
    rights: Rights

    @property
    def has_one_site(self) -> bool:
        """Whether all projects are of one site."""
        return self.snapshot.directory.has_one_site

    def find(self, kind: Kind, texts: Sequence[str]) -> Mapping[str, tuple[Thing, ...]]:
        """Return by text all things of that name, in any case; without any, those of that id."""
        named: dict[str, list[Thing]] = {}
        numbered: dict[str, list[Thing]] = {}
        for text, is_by_name, *thing in self.snapshot.run(compile_find(kind, self.rights, texts)):
            (named if is_by_name else numbered).setdefault(text, []).append(_thing(thing))
        return {text: tuple(things) for text, things in (numbered | named).items()}

    def near(self, kind: Kind, text: str) -> str | None:
        """Return the name of a thing in use that resembles `text` most; None if none does."""
        rows = self.snapshot.run(compile_near(kind, self.rights, text))
        return nearest(text, (name for name, _ in rows))

    def vocabulary(self, kind: Kind) -> Vocabulary:
        """Return all things of a kind; those of issues only as far as the viewer may list them."""
        key = (kind, None if kind.name in VOCABULARIES else self.rights.viewer)
        return self.snapshot.kept(
            key,
            lambda: Vocabulary(
                map(_thing, self.snapshot.run(compile_vocabulary(kind, self.rights)))
            ),
        )

    def custom_fields(self) -> Sequence[FieldFacts]:
        """Return the custom fields of all sites."""
        return self.snapshot.kept(
            ("custom fields",),
            lambda: tuple(FieldFacts(*row) for row in self.snapshot.run(CUSTOM_FIELDS)),
        )

    def issues(self, texts: Sequence[str]) -> Mapping[str, tuple[Thing, ...]]:
        """Return the issues that texts in upper case stand for, as far as they may be listed."""
        found: dict[str, tuple[Thing, ...]] = {}
        for text, site_id, issue_id, key, project_id in self.snapshot.run(
            compile_issues(self.rights, texts)
        ):
            issue = Thing(site_id, issue_id, key, project_id=project_id)
            found[text] = (*found.get(text, ()), issue)
        return found

    def former_projects(self, key: str) -> tuple[Thing, ...]:
        """Return the projects whose issues once bore `key`."""
        ids = former_projects(self.snapshot, key)
        projects = self.vocabulary(Kind("project")).things
        return tuple(one for one in projects if one.id in ids)


def former_projects(snapshot: Snapshot, key: str) -> tuple[str, ...]:
    """Return the ids of the projects whose issues once bore `key`, in any case, in order."""
    query = compile_former_projects(key.upper())
    return snapshot.kept(
        (query.sql, *query.params.items()),
        lambda: tuple(project_id for (project_id,) in snapshot.run(query)),
    )


def _thing(row: Sequence[Any]) -> Thing:
    site_id, thing_id, label, others, project_id, rank, is_gone = row
    return Thing(
        site_id,
        thing_id,
        label,
        tuple(other for other in others if other is not None),
        project_id,
        rank,
        bool(is_gone),
    )
