"""A lake of synthetic issues, written straight into the raw layer's shape.

For benchmarks of the transformation: what dbt reads does not depend on how it got there. The rows
come from `hash()` of their number, so the same arguments give the same lake.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

SITE_ID = "bench.atlassian.net"
ITEMS_PER_HISTORY = 2
RAW_COLUMNS = """
    $site as site_id, object_id, parent_id, version, source_at,
    timestamptz '2026-06-01 00:00:00+00' as fetched_at, true as is_present, payload
"""


@dataclass(frozen=True)
class Lake:
    """Issues numbered from 0, each with `histories` entries of two items: a status, a field."""

    home: Path
    issues: int
    histories: int

    def write(self) -> None:
        """Write every issue and its histories as the first load."""
        numbers = "select range as issue, range * 2 as minute from range($issues)"
        self._load("1780272000.000001", numbers, {"issues": self.issues}, 0, self.histories)

    def append(self, share: float) -> int:
        """Give `share` of the issues one more history entry, as a second load; returns how many.

        The issues are spread over all there are; the entries are of the day after all others, as
        what happened since the last sync is.
        """
        touched = max(1, int(self.issues * share))
        numbers = """
            select range * $step as issue, $issues * 2 + range % 1440 as minute from range($touched)
        """
        chosen = {"step": self.issues // touched, "issues": self.issues, "touched": touched}
        self._load("1780358400.000002", numbers, chosen, self.histories, self.histories + 1)
        return touched

    def _load(
        self, load_id: str, numbers: str, chosen: dict[str, int], first: int, last: int
    ) -> None:
        """Write entries `first` to before `last` of the issues that `numbers` chooses.

        `numbers` returns `issue`, and `minute`: how many minutes after 2024 its first hour begins.
        """
        with duckdb.connect() as database:
            database.execute("set timezone = 'UTC'")
            database.execute(f"create table issue_numbers as {numbers}", chosen)
            self._copy(database, load_id, "issues", self._issues_sql(), (0, last))
            self._copy(database, load_id, "changelogs", self._changelogs_sql(), (first, last))
        loads = self.home / "raw" / "jira_issues" / "_dlt_loads"
        loads.mkdir(parents=True, exist_ok=True)
        record = {
            "load_id": load_id,
            "schema_name": "jira_issues",
            "status": 0,
            "inserted_at": "2026-06-01T00:00:00Z",
            "schema_version_hash": "bench",
        }
        (loads / f"jira_issues__{load_id}.jsonl").write_text(json.dumps(record) + "\n")

    def _copy(
        self,
        database: duckdb.DuckDBPyConnection,
        load_id: str,
        resource: str,
        sql: str,
        entries: tuple[int, int],
    ) -> None:
        folder = self.home / "raw" / "jira_issues" / resource
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {"site": SITE_ID, "first": entries[0], "last": entries[1]}
        parameters = {name: value for name, value in wanted.items() if f"${name}" in sql}
        database.execute(f"create or replace table raw_rows as {sql}", parameters)
        database.table("raw_rows").write_parquet(
            str(folder / f"{load_id}.bench.parquet"), compression="zstd"
        )

    @staticmethod
    def _issues_sql() -> str:
        return f"""
        with rows as (
            select
                (100000 + issue)::varchar as object_id,
                null::varchar as parent_id,
                timestamptz '2024-01-01 00:00:00+00' + to_minutes(minute)
                    + to_hours($last::bigint) as source_at,
                strftime(source_at, '%Y-%m-%dT%H:%M:%S.000Z') as version,
                json_object(
                    'id', (100000 + issue)::varchar,
                    'key', 'P' || (issue % 20) || '-' || issue,
                    'fields', json_object(
                        'summary', 'Summary of issue ' || issue,
                        'created', strftime(
                            timestamptz '2024-01-01 00:00:00+00' + to_minutes(issue * 2),
                            '%Y-%m-%dT%H:%M:%S.000+0000'
                        ),
                        'updated', strftime(source_at, '%Y-%m-%dT%H:%M:%S.000+0000'),
                        'creator', json_object('accountId', 'account-' || (hash(issue) % 900)),
                        'project', json_object(
                            'id', (10000 + issue % 20)::varchar, 'key', 'P' || (issue % 20)
                        ),
                        'issuetype', json_object('id', '10001', 'name', 'Task'),
                        'status', json_object('id', (1 + $last::bigint % 5)::varchar)
                    )
                )::varchar as payload
            from issue_numbers
        )
        select {RAW_COLUMNS} from rows order by object_id
        """

    @staticmethod
    def _changelogs_sql() -> str:
        return f"""
        with entries as (
            select issue, minute, unnest(range($first::bigint, $last::bigint)) as entry
            from issue_numbers
        ),
        rows as (
            select
                (1000000 + issue * 1000 + entry)::varchar as object_id,
                (100000 + issue)::varchar as parent_id,
                object_id as version,
                timestamptz '2024-01-01 00:00:00+00' + to_minutes(minute)
                    + to_hours(entry + 1) as source_at,
                json_object(
                    'id', object_id,
                    'author', json_object('accountId', 'account-' || (hash(issue, entry) % 900)),
                    'created', epoch_ms(source_at),
                    'items', json_array(
                        json_object(
                            'field', 'status', 'fieldId', 'status', 'fieldtype', 'jira',
                            'from', (1 + entry % 5)::varchar, 'fromString', 'To Do',
                            'to', (1 + (entry + 1) % 5)::varchar, 'toString', 'In Progress'
                        ),
                        json_object(
                            'field', 'summary', 'fieldId', 'summary', 'fieldtype', 'jira',
                            'from', null, 'fromString', 'Before ' || entry,
                            'to', null, 'toString', 'After ' || entry
                        )
                    )
                )::varchar as payload
            from entries
        )
        select {RAW_COLUMNS} from rows order by parent_id, object_id
        """
