"""What this version reads of a snapshot: one of another version is refused when it is opened.

`contract.csv` holds every column that serve names of the marts of the dbt exposure `rest_api`,
with the type that its contract promises. `python -m tests.dbt.contract` writes it anew.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

CONTRACT = Path(__file__).with_name("contract.csv")

DESCRIBE = "show all tables"
"""Asks DuckDB what a database has, for `columns_of`."""

MOST_NAMED = 3


class Column(NamedTuple):
    """A column of a mart; `data_type` is spelt as DuckDB spells it."""

    mart: str
    name: str
    data_type: str


def read_contract() -> list[Column]:
    """Return the columns that this version reads."""
    with CONTRACT.open(encoding="utf-8", newline="") as file:
        return [Column(*row) for row in csv.reader(file)][1:]


def columns_of(described: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str], str]:
    """Return mart and column -> type, from the rows that `DESCRIBE` gives."""
    return {
        (mart, name): data_type
        for _database, _schema, mart, names, types, _temporary in described
        for name, data_type in zip(names, types, strict=True)
    }


def difference(described: Iterable[tuple[Any, ...]]) -> str | None:
    """Return what a snapshot that `DESCRIBE` describes lacks, in words; None: nothing.

    What it has besides is not read.
    """
    types = columns_of(described)
    marts = {mart for mart, _ in types}
    wrong = dict.fromkeys(
        f"{mart} is missing"
        if mart not in marts
        else f"{mart}.{name} is missing"
        if (mart, name) not in types
        else f"{mart}.{name} is {types[mart, name]} instead of {data_type}"
        for mart, name, data_type in read_contract()
        if types.get((mart, name)) != data_type
    )
    named = ", ".join([*wrong][:MOST_NAMED])
    more = len(wrong) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named or None
