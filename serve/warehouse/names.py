"""Names for JQL, read from a snapshot once and kept as long as it is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serve.query.compiler import Query
from serve.query.dimensions import compile_former_projects
from serve.query.jql.names import (
    CUSTOM_FIELDS,
    VOCABULARIES,
    FieldFacts,
    Thing,
    Vocabulary,
    compile_former_values,
    compile_issues,
    compile_link_types,
    compile_values,
    compile_words,
)
from serve.query.visibility import Rights
from serve.warehouse.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SnapshotNames:
    """The names of a snapshot, as one viewer may know them; ProblemError if a query fails."""

    snapshot: Snapshot
    rights: Rights

    def vocabulary(self, kind: str) -> Vocabulary:
        """Return the things of a kind of `VOCABULARIES`."""
        return self.snapshot.kept(("vocabulary", kind), lambda: self._read(VOCABULARIES[kind]))

    def values(self, field_ids: Sequence[str]) -> Vocabulary:
        """Return the values that these fields have now."""
        return self._kept(compile_values(self.rights, field_ids))

    def former_values(self, field_ids: Sequence[str]) -> Vocabulary:
        """Return the values that changes of these fields name."""
        return self._kept(compile_former_values(self.rights, field_ids))

    def words(self, field_ids: Sequence[str]) -> Vocabulary:
        """Return the texts that these fields have now, the commonest."""
        return self._kept(compile_words(self.rights, field_ids))

    def link_types(self) -> Vocabulary:
        """Return the names and phrases of types of links."""
        return self._kept(compile_link_types(self.rights))

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
        ids = {
            one for (one,) in self.snapshot.run(compile_former_projects(key.upper(), self.rights))
        }
        return tuple(one for one in self.vocabulary("project").things if one.id in ids)

    def _kept(self, query: Query) -> Vocabulary:
        field_ids = query.params.get("field_ids", ())
        key = (self.rights.viewer, query.description, *field_ids)
        return self.snapshot.kept(key, lambda: self._read(query))

    def _read(self, query: Query) -> Vocabulary:
        return Vocabulary(_thing(row) for row in self.snapshot.run(query))


def _thing(row: tuple[Any, ...]) -> Thing:
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
