"""The catalogue as a page: `python -m tests.catalogue.table` writes `dbt_project/docs/actions.md`.

The page is generated from the seeds and a test compares it with them, so it cannot be stale.
"""

import csv
from pathlib import Path

DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"
PAGE = DBT_PROJECT / "docs" / "actions.md"


def read_seed(name: str) -> list[dict[str, str]]:
    """Return the rows of a seed, every value as text."""
    with (DBT_PROJECT / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def render() -> str:
    """Return the page: one row per action, and whether a connected source produces it."""
    connected = {row["action_code"] for row in read_seed("action_mappings")}
    lines = [
        "# The logged actions",
        "",
        "Generated from `seeds/action_types.csv` and `seeds/action_mappings.csv` by `make docs`.",
        "",
        "| no | action | code | product | done to | needs | logged now |",
        "|---:|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['action_number']} | {row['label']} | `{row['action_code']}` | {row['product']} "
        f"| {row['target_type']} | {row['connection_required']} "
        f"| {'yes' if row['action_code'] in connected else 'not yet'} |"
        for row in read_seed("action_types")
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
