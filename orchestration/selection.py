"""Which models a build must run: those that files new to the lake can change.

The marts that a successful build left are the marts of the files it had seen. A later build of the
same project over the same databases has to run the models that read a source with new files, and
all models below them. Everything else would compute what is already there.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

EVERY_BUILD = "every_build"
"""Tag of models that describe the build itself: they run whenever anything does."""
_FILES_OF_THE_LAKE = "raw_files"
"""What a source of the lake reads, chosen from the manifest; other sources always count as new."""


class Built(msgspec.Struct, frozen=True):
    """What the last successful build was made of: the project and the files of the lake."""

    fingerprint: str
    files: list[str]


def take_last_built(home: Path) -> Built | None:
    """Return what the last successful build was made of, and forget it until the next succeeds."""
    path = _record(home)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Built)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    finally:
        path.unlink(missing_ok=True)


def remember_built(home: Path, built: Built) -> None:
    """Keep what a build that has just succeeded was made of."""
    _record(home).write_bytes(msgspec.json.encode(built))


def models_to_run(manifest: Manifest, built: Built, last: Built | None) -> set[str] | None:
    """Return the unique ids of the models that must run; None: every node of the project.

    `built` is what the marts are to be made of, `last` what they were made of.
    """
    if last is None or last.fingerprint != built.fingerprint:
        return None
    resources = {tuple(file.split("/")[:2]) for file in set(last.files) ^ set(built.files)}
    sources = {
        source.unique_id
        for source in manifest.sources.values()
        if (source.source_name.removeprefix("raw_"), source.name) in resources
        or _FILES_OF_THE_LAKE not in str(source.meta.get("external_location"))
    }
    chosen = _below(manifest, sources)
    if chosen:
        chosen |= {
            node.unique_id
            for node in manifest.nodes.values()
            if str(node.resource_type) == "model" and EVERY_BUILD in node.tags
        }
    return chosen


def nodes_to_run(manifest: Manifest, models: Collection[str] | None) -> list[str]:
    """Return the unique ids of what dbt must run for `models` (None: every node of the project).

    Seeds run only when everything does. Views are left out of a selection, their tests are not: the
    build that the selection rests on has made all of them, and their text is the same in each.
    """
    return sorted(
        node.unique_id
        for node in manifest.nodes.values()
        if str(node.resource_type) in {"model", "seed", "test"}
        and not node.is_ephemeral_model
        and (
            models is None
            or (node.unique_id in models and node.config.materialized != "view")
            or (
                str(node.resource_type) == "test"
                and any(parent in models for parent in node.depends_on_nodes)
            )
        )
    )


def _below(manifest: Manifest, roots: set[str]) -> set[str]:
    """Return the models that depend on one of `roots`, and those that read nothing we know of."""
    children: dict[str, list[str]] = {}
    reached: list[str] = []
    for node in manifest.nodes.values():
        if str(node.resource_type) != "model":
            continue
        for parent in node.depends_on_nodes:
            children.setdefault(parent, []).append(node.unique_id)
        if not node.depends_on_nodes and EVERY_BUILD not in node.tags:
            reached.append(node.unique_id)
    reached += [child for root in roots for child in children.get(root, [])]
    found: set[str] = set()
    while reached:
        node_id = reached.pop()
        if node_id not in found:
            found.add(node_id)
            reached += children.get(node_id, [])
    return found


def _record(home: Path) -> Path:
    return home / "dbt" / "built.json"
