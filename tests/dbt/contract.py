"""The columns that serve reads, as text: `python -m tests.dbt.contract` writes them for it."""

from __future__ import annotations

import csv
import io
import re

import duckdb
from dbt.contracts.graph.manifest import Manifest

from serve.warehouse.contract import CONTRACT, Column
from tests.dbt.builds import parsed_manifest

_SOURCES = "".join(path.read_text(encoding="utf-8") for path in CONTRACT.parents[1].rglob("*.py"))
_WORDS = frozenset(re.findall(r"\w+", _SOURCES))
_BEGINNINGS = tuple(set(re.findall(r"\b([a-z]\w*_)\{", _SOURCES)))
"""Of names that serve composes, such as `f"value_{kind}"`."""


def is_named(name: str) -> bool:
    """Return whether serve names a mart or a column; what it does not name it does not read."""
    return name in _WORDS or name.startswith(_BEGINNINGS)


def promised(manifest: Manifest, exposure: str) -> list[Column]:
    """Return what serve names of the relations of an exposure, as their contracts promise it."""
    (exposed,) = (one for one in manifest.exposures.values() if one.name == exposure)
    nodes = sorted((manifest.nodes[one] for one in exposed.depends_on.nodes), key=lambda n: n.alias)
    with duckdb.connect() as connection:

        def spelt(data_type: str | None) -> str:
            found = connection.execute(f"select typeof(null::{data_type})").fetchone()
            return str(found and found[0])

        return [
            Column(node.alias, column.name, spelt(column.data_type))
            for node in nodes
            for column in node.columns.values()
            if is_named(column.name)
        ]


def describe(manifest: Manifest) -> str:
    """Write what serve's exposure promises as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([Column._fields, *promised(manifest, "rest_api")])
    return text.getvalue()


if __name__ == "__main__":
    CONTRACT.write_text(describe(parsed_manifest()), encoding="utf-8")
