"""The SQL of a dbt model without dbt, for marts of worlds that dbt has not built.

It is the model's own file, so what it decides is decided once. Enough for models that read nothing
but relations which are there: no sources, no state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2

_PROJECT = Path(__file__).parents[2] / "dbt_project"
_MACROS = ("cross_database/arrays", "cross_database/issue_names", "materialization/rollups")


def sql_of(model: str, relations: Mapping[str, str]) -> str:
    """Return the SQL of a full build of `model`; `relations` stand for others than marts."""
    environment = jinja2.Environment(  # noqa: S701 - SQL, not HTML
        undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"]
    )
    names: dict[str, object] = environment.globals
    names |= {
        "config": lambda **_: "",
        "ref": lambda name: relations.get(name, name),
        "is_incremental": lambda: False,
        "return": lambda value: value,
        "adapter": _Adapter(names),
    }
    for group in _MACROS:
        text = (_PROJECT / "macros" / f"{group}.sql").read_text()
        names |= vars(environment.from_string(text).module)
    (path,) = (_PROJECT / "models").rglob(f"{model}.sql")
    return environment.from_string(path.read_text()).render()


class _Adapter:
    """Stands for dbt's adapter: of every macro there is the default variant."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self.names = names

    def dispatch(self, macro: str, _package: str) -> Callable[..., str]:
        """Return what dbt would call."""
        found = self.names[f"default__{macro}"]
        if not callable(found):
            msg = f"is no macro: {macro}"
            raise TypeError(msg)
        return found
