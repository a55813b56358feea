"""Which account a user key of the administration log belongs to: `GET /user/bulk/migration`.

The log names people by keys of old (`ug:…`, `qm:…:…`); everything else names accounts.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from pipelines.errors import PermissionDeniedError
from pipelines.rows import Row, record_reader
from pipelines.sync import Sync, chunks

MIGRATION = "/rest/api/3/user/bulk/migration"
KEYS_PER_REQUEST = 50
UNKNOWN = "unknown"
"""What Jira says of an account that was deleted; also our version of a key it does not know."""


class _Migrated(msgspec.Struct, rename="camel"):
    key: str
    account_id: str | None = None


_read_migrated = record_reader(_Migrated)


def _decode(body: bytes) -> list[msgspec.Raw]:
    return msgspec.json.decode(body, type=list[msgspec.Raw])


async def fetch_user_keys(sync: Sync, keys: Collection[str]) -> None:
    """Store the accounts of keys that the lake does not know yet, in a full run of all.

    A key that the site does not know is stored without an account, and not asked for again.
    """
    known = {} if sync.full else sync.last_versions("user_keys")
    buffer = sync.buffer("user_keys")
    for part in chunks(sorted(set(keys) - known.keys()), KEYS_PER_REQUEST):
        params = [("key", key) for key in part]
        params.append(("maxResults", str(KEYS_PER_REQUEST)))
        try:
            answer = await sync.client.get(MIGRATION, _decode, params=params)
        except PermissionDeniedError:
            sync.skip(
                "user_keys",
                "Browse users and groups",
                "people whom the administration log names by key stay unknown",
            )
            return
        unknown = set(part)

        def add(
            record: bytes, fetched_us: int = answer.fetched_us, unknown: set[str] = unknown
        ) -> None:
            found = _read_migrated(record)
            unknown.discard(found.key)
            buffer.add(Row(found.key, found.account_id or UNKNOWN, fetched_us, record))

        sync.read_records("user_keys", answer.content, answer, add)
        for key in sorted(unknown):
            content = msgspec.json.encode({"key": key})
            buffer.add(Row(key, UNKNOWN, answer.fetched_us, content))
        await sync.flush_full()
