"""Tiny lakes for tests: rows of the raw layer's one schema, written as the pipelines write them.

All times are aware UTC datetimes; ids and payloads are text. A lake is a list of loads; each load
becomes one Parquet file per resource, named so that files sort in load order.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.rows import version_at

SITE = "tiny.atlassian.net"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

COLUMNS: list[pa.Field[Any]] = [
    pa.field("site_id", pa.string(), nullable=False),
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("parent_id", pa.string()),
    pa.field("version", pa.string(), nullable=False),
    pa.field("source_at", pa.timestamp("us", tz="UTC")),
    pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("is_present", pa.bool_(), nullable=False),
    pa.field("payload", pa.string()),
]
SCHEMA = pa.schema(COLUMNS)


@dataclass(frozen=True)
class Row:
    """One row of the lake and the resource it belongs to."""

    source: str
    resource: str
    object_id: str
    version: str
    fetched_at: datetime
    parent_id: str | None = None
    source_at: datetime | None = None
    is_present: bool = True
    payload: str | None = None
    site_id: str = SITE

    def again(self, fetched_at: datetime) -> Row:
        """Return the same version of the same object, fetched at another time."""
        return replace(self, fetched_at=fetched_at)


def at(minutes: float) -> datetime:
    """Return the time so many minutes after the tiny lakes' beginning."""
    return START + timedelta(minutes=minutes)


def stamp(moment: datetime) -> str:
    """Jira's timestamp, `2025-11-12T16:28:36.943+0000`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def person(account_id: str, name: str | None = None) -> dict[str, Any]:
    """Return an embedded user."""
    return {
        "accountId": account_id,
        "displayName": name or account_id.title(),
        "active": True,
        "accountType": "atlassian",
        "avatarUrls": {"48x48": f"https://avatars.example.com/{account_id}"},
    }


def issue(
    issue_id: int | str,
    key: str,
    *,
    updated: datetime,
    fetched: datetime,
    created: datetime = START,
    creator: str | None = "ann",
    project: str = "10",
    issue_type: str = "1",
    security: str | None = None,
    attachments: Sequence[Mapping[str, Any]] = (),
    **fields: object,
) -> Row:
    """Return one version of an issue."""
    payload = {
        "id": str(issue_id),
        "key": key,
        "fields": {
            "summary": f"Summary of {key}",
            "created": stamp(created),
            "updated": stamp(updated),
            "creator": person(creator) if creator else None,
            "reporter": person(creator) if creator else None,
            "assignee": None,
            "project": {"id": project, "key": key.partition("-")[0], "name": f"Project {project}"},
            "issuetype": {"id": issue_type, "name": f"Type {issue_type}", "subtask": False},
            "status": {"id": "1", "name": "To Do", "statusCategory": {"key": "new"}},
            "resolution": None,
            "priority": {"id": "3", "name": "Medium"},
            "security": {"id": security, "name": "Secret"} if security else None,
            "attachment": list(attachments),
            **fields,
        },
    }
    return Row(
        "jira_issues",
        "issues",
        str(issue_id),
        version_at(updated),
        fetched,
        source_at=updated,
        payload=json.dumps(payload),
    )


def attachment(
    attachment_id: int | str, name: str, created: datetime, author: str | None = "ann"
) -> dict[str, Any]:
    """Return an attachment as issues list it."""
    listed: dict[str, Any] = {
        "id": str(attachment_id),
        "filename": name,
        "created": stamp(created),
        "size": 10,
    }
    return listed | ({"author": person(author)} if author else {})


def item(
    field: str,
    old: tuple[str | None, str | None] = (None, None),
    new: tuple[str | None, str | None] = (None, None),
    *,
    field_id: str | None = None,
) -> dict[str, Any]:
    """Return a changelog item; `old` and `new` are (id, text)."""
    named = {"fieldId": field_id} if field_id else {}
    return {
        "field": field,
        "fieldtype": "jira",
        "from": old[0],
        "fromString": old[1],
        "to": new[0],
        "toString": new[1],
        **named,
    }


def status_item(old: str, new: str) -> dict[str, Any]:
    """Return the item of a status change."""
    return item("status", (old, f"Status {old}"), (new, f"Status {new}"), field_id="status")


def history(
    history_id: int | str,
    issue_id: int | str,
    items: Sequence[Mapping[str, Any]],
    *,
    created: datetime,
    fetched: datetime,
    author: str | None = "bob",
) -> Row:
    """Return one history entry of an issue, in the form of changelog/bulkfetch."""
    payload: dict[str, Any] = {
        "id": str(history_id),
        "created": int(created.timestamp() * 1000),
        "items": list(items),
    }
    if author:
        payload["author"] = person(author)
    return Row(
        "jira_issues",
        "changelogs",
        str(history_id),
        str(history_id),
        fetched,
        parent_id=str(issue_id),
        source_at=created,
        payload=json.dumps(payload),
    )


def document(text: str) -> dict[str, Any]:
    """Return a text in the Atlassian Document Format, a paragraph per line."""
    return {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
            for line in text.split("\n")
        ],
    }


def comment(
    comment_id: int | str,
    issue_id: int | str,
    body: object,
    *,
    created: datetime,
    fetched: datetime,
    updated: datetime | None = None,
    author: str | None = "cid",
    update_author: str | None = None,
    restricted_to: str | None = None,
) -> Row:
    """Return one version of a comment; `restricted_to` is the role that may read it."""
    updated = updated or created
    payload: dict[str, Any] = {
        "id": str(comment_id),
        "body": document(body) if isinstance(body, str) else body,
        "created": stamp(created),
        "updated": stamp(updated),
    }
    if author:
        payload |= {"author": person(author), "updateAuthor": person(update_author or author)}
    if restricted_to:
        payload["visibility"] = {"type": "role", "value": restricted_to}
    return Row(
        "jira_issues",
        "comments",
        str(comment_id),
        version_at(updated),
        fetched,
        parent_id=str(issue_id),
        source_at=updated,
        payload=json.dumps(payload),
    )


def listing(
    issue_id: int | str,
    comment_ids: Iterable[int | str],
    *,
    listed: datetime,
    fetched: datetime,
    issue_updated: datetime | None = None,
    asked: datetime | None = None,
) -> Row:
    """Return one complete listing of an issue's comments; without `asked`, as it was kept once."""
    ids = sorted(map(str, comment_ids))
    payload: object = ids
    if asked and issue_updated:
        payload = {
            "asked_at": asked.isoformat(),
            "issue_updated_at": issue_updated.isoformat(),
            "comment_ids": ids,
        }
    return Row(
        "jira_issues",
        "comment_listings",
        str(issue_id),
        f"{'-'.join(ids)}.{listed.isoformat()}",
        fetched,
        parent_id=str(issue_id),
        source_at=listed,
        payload=json.dumps(payload),
    )


def worklog(
    worklog_id: int | str,
    issue_id: int | str,
    spent: str,
    *,
    created: datetime,
    fetched: datetime,
    updated: datetime | None = None,
    author: str = "dan",
    update_author: str | None = None,
    text: str | None = None,
    restricted_to: str | None = None,
) -> Row:
    """Return one version of a worklog: `spent` hours such as `2h`, begun an hour before.

    `restricted_to` is the group that may read it.
    """
    updated = updated or created
    payload: dict[str, Any] = {
        "id": str(worklog_id),
        "issueId": str(issue_id),
        "author": person(author),
        "updateAuthor": person(update_author or author),
        "created": stamp(created),
        "updated": stamp(updated),
        "started": stamp(created - timedelta(hours=1)),
        "timeSpent": spent,
        "timeSpentSeconds": int(spent.removesuffix("h")) * 3600,
    }
    if text is not None:
        payload["comment"] = document(text)
    if restricted_to:
        payload["visibility"] = {"type": "group", "value": restricted_to}
    return Row(
        "jira_issues",
        "worklogs",
        str(worklog_id),
        version_at(updated),
        fetched,
        parent_id=str(issue_id),
        source_at=updated,
        payload=json.dumps(payload),
    )


def worklog_deletion(worklog_id: int | str, *, deleted: datetime, fetched: datetime) -> Row:
    """Return one entry of the feed of deleted worklogs."""
    milliseconds = int(deleted.timestamp() * 1000)
    return Row(
        "jira_issues",
        "worklog_deletions",
        str(worklog_id),
        str(milliseconds),
        fetched,
        source_at=deleted,
        payload=json.dumps({"worklogId": int(worklog_id), "updatedTime": milliseconds}),
    )


def presence(
    issue_id: int | str,
    sweep: str,
    *,
    observed: datetime,
    fetched: datetime,
    is_present: bool,
    previous: datetime | None = None,
) -> Row:
    """Return a change of an issue's presence in complete listings."""
    payload = {
        "sweep_id": sweep,
        "previous_sweep_at": previous.isoformat() if previous else None,
        "project_visible": True,
    }
    return Row(
        "jira_issues",
        "issue_presence",
        str(issue_id),
        sweep,
        fetched,
        source_at=observed,
        is_present=is_present,
        payload=json.dumps(payload),
    )


def listed(
    resource: str,
    object_id: str,
    body: Mapping[str, Any] | None,
    *,
    fetched: datetime,
) -> Row:
    """Return a row of a resource of jira_platform that is listed in full; None: a tombstone."""
    text = None if body is None else json.dumps({"id": object_id, **body})
    return Row(
        "jira_platform",
        resource,
        object_id,
        f"{hash(text)}.{fetched.isoformat()}",
        fetched,
        is_present=body is not None,
        payload=text,
    )


def webhook(
    event: str,
    body: Mapping[str, Any],
    *,
    sent: datetime,
    received: datetime | None = None,
    actor: str | None = None,
    flow: str = "Primary",
) -> Row:
    """Return a webhook as the inbox stores it; `actor` is named in the address it was sent to."""
    content = {"timestamp": int(sent.timestamp() * 1000), "webhookEvent": event, **body}
    name = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    delivery = {
        "event": event,
        "flow": flow,
        "identifier": name[:8],
        "retry": None,
        "triggered_by": actor,
        "query": {"triggeredByUser": actor} if actor else {},
        "body": content,
    }
    return Row(
        "inbox",
        "deliveries",
        name,
        name,
        received or sent,
        source_at=sent,
        payload=json.dumps(delivery),
    )


def body_of(row: Row) -> dict[str, Any]:
    """Return the object a row holds, as a webhook has it: texts are plain."""
    body: dict[str, Any] = json.loads(row.payload or "{}")
    if isinstance(body.get("body"), dict):
        lines = [
            "".join(node.get("text", "") for node in block.get("content", []))
            for block in body["body"]["content"]
        ]
        body["body"] = "\n".join(lines)
    return {"id": row.object_id, **body}


def org_event(
    event_id: int | str,
    action: str,
    *,
    occurred: datetime,
    fetched: datetime,
    actor: str | None = "ann",
    users: Sequence[str] = (),
    group: tuple[str, str] | None = None,
    issue_key: str | None = None,
) -> Row:
    """Return an event of the organisation; `group` is (id, name), `issue_key` an id or a key."""
    context: list[dict[str, Any]] = [
        {"id": user, "type": "users", "attributes": {"name": user.title()}} for user in users
    ]
    if group:
        context.append({"id": group[0], "type": "groups", "attributes": {"name": group[1]}})
    place = {"issueKeyOrId": issue_key} if issue_key else {}
    attributes: dict[str, Any] = {
        "time": occurred.isoformat(timespec="milliseconds"),
        "action": action,
        "context": context,
        "container": [{"id": "site", "type": "sites", "attributes": place}],
    }
    if actor:
        attributes["actor"] = {"id": actor, "name": actor.title()}
    return Row(
        "org_events",
        "events",
        str(event_id),
        str(event_id),
        fetched,
        source_at=occurred,
        payload=json.dumps({"id": str(event_id), "type": "events", "attributes": attributes}),
    )


def event_action(action: str, display_name: str, *, fetched: datetime) -> Row:
    """Return an entry of the organisation's list of event actions."""
    return Row(
        "org_events",
        "event_actions",
        action,
        f"1.{fetched.isoformat()}",
        fetched,
        payload=json.dumps({"id": action, "attributes": {"displayName": display_name}}),
    )


def issue_view(
    view_id: int | str,
    account: str,
    *,
    viewed: datetime,
    fetched: datetime,
    issue_id: int | None = None,
    issue_key: str | None = None,
    portal: bool = False,
) -> Row:
    """Return a view of an issue that a collector told of, as the inbox stores it."""
    payload = {
        "accountId": account,
        "issueId": None if issue_id is None else str(issue_id),
        "issueKey": issue_key,
        "source": "customer_portal" if portal else "issue_view",
        "viewedAt": viewed.isoformat(timespec="milliseconds"),
        "sender": "collector",
    }
    return Row(
        "inbox",
        "issue_views",
        str(view_id),
        str(view_id),
        fetched,
        source_at=viewed,
        payload=json.dumps(payload),
    )


LINK_TYPES = {
    "10000": ("Blocks", "is blocked by", "blocks"),
    "10001": ("Relates", "relates to", "relates to"),
    "10002": ("Cloners", "is cloned by", "clones"),
}


def link_types(fetched: datetime) -> list[Row]:
    """Return three link types, one of them without direction."""
    return [
        listed(
            "issue_link_types",
            type_id,
            {"name": name, "inward": inward, "outward": outward},
            fetched=fetched,
        )
        for type_id, (name, inward, outward) in LINK_TYPES.items()
    ]


def link_item(phrase: str, key: str, *, created: bool) -> dict[str, Any]:
    """Return the item one end of a link writes when the link is made or removed."""
    side = (key, f"This issue {phrase} {key}")
    return item("Link", new=side) if created else item("Link", old=side)


class Lake:
    """A lake below `home`, growing load by load."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._entries: list[dict[str, Any]] = []
        self._loads = 0
        (home / "raw").mkdir(parents=True, exist_ok=True)
        self._write_manifest()

    def copied_to(self, home: Path) -> Lake:
        """Go on in `home`, with the files of this lake and what was built of them."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        lake = copy.copy(self)
        lake.home = home
        lake._entries = list(self._entries)
        return lake

    def load(self, rows: Iterable[Row]) -> None:
        """Add one load: a file per resource, rows in the order given."""
        self._loads += 1
        load_id = f"{1_780_000_000 + self._loads}.0"
        resources: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            resources[row.source, row.resource].append(row)
        for (source, resource), members in resources.items():
            self._write(source, resource, load_id, members, [])
        self._write_manifest()

    def compact(self, source: str, resource: str) -> None:
        """Replace all files of a resource by one that holds their rows."""
        parts = [
            entry
            for entry in self._entries
            if (entry["source"], entry["resource"]) == (source, resource)
        ]
        tables = [pq.read_table(self.home / "raw" / entry["file"]) for entry in parts]
        self._entries = [entry for entry in self._entries if entry not in parts]
        name = f"{source}/{resource}/compacted-2026-01.{self._loads}.parquet"
        pq.write_table(pa.concat_tables(tables), self.home / "raw" / name)
        self._entries.append(
            {
                "source": source,
                "resource": resource,
                "file": name,
                "load_id": "compacted-2026-01",
                "rows": sum(entry["rows"] for entry in parts),
                "replaces": [entry["file"] for entry in parts],
            }
        )
        self._write_manifest()

    def _write(
        self, source: str, resource: str, load_id: str, rows: Sequence[Row], replaces: list[str]
    ) -> None:
        name = f"{source}/{resource}/{load_id}.parquet"
        path = self.home / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {field.name: [getattr(row, field.name) for row in rows] for field in SCHEMA}
        pq.write_table(pa.table(columns, schema=SCHEMA), path, compression="zstd")
        self._entries.append(
            {
                "source": source,
                "resource": resource,
                "file": name,
                "load_id": load_id,
                "rows": len(rows),
                "replaces": replaces,
            }
        )

    def _write_manifest(self) -> None:
        entries = sorted(self._entries, key=lambda entry: entry["file"])
        (self.home / "raw" / "manifest.json").write_text(json.dumps(entries))
