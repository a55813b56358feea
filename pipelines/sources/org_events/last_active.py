"""When managed accounts were last active, one request an account, for those that were active."""

from __future__ import annotations

import random

import msgspec

from pipelines.errors import NotFoundError, PermissionDeniedError
from pipelines.full_lists import Listing
from pipelines.paging import for_each
from pipelines.rows import Row, content_hash
from pipelines.sync import Sync

LAST_ACTIVE = "/admin/v1/orgs/{organization}/directory/users/{account}/last-active-dates"
ACCOUNTS_PER_MINUTE = 200
ACCOUNTS_PER_RUN = 400


class _Dates(msgspec.Struct):
    data: msgspec.Raw


async def read_last_active_dates(sync: Sync, users: Listing) -> None:
    """Ask for the dates of accounts whose entry in `users` is not the one they were asked for.

    A row's version is the digest of that entry and the run. When more than `ACCOUNTS_PER_RUN` are
    due, some of them are chosen by lot, so that nobody waits for ever.
    """
    sync.organization.pace(f"GET {LAST_ACTIVE}", per_minute=ACCOUNTS_PER_MINUTE)
    asked = sync.last_versions("last_active_dates")
    entries = {account: content_hash(record) for account, (record, _) in users.objects.items()}
    due = [
        account
        for account, digest in entries.items()
        if account not in asked or asked[account].version.partition(".")[0] != digest
    ]
    chosen = random.sample(due, min(len(due), ACCOUNTS_PER_RUN))
    done = 0

    async def read(account: str) -> None:
        nonlocal done
        try:
            answer = await sync.organization.get(
                LAST_ACTIVE,
                lambda body: msgspec.json.decode(body, type=_Dates),
                path={"organization": sync.settings.org_id or "", "account": account},
            )
        except NotFoundError:
            return  # the account left between the two requests
        version = f"{entries[account]}.{sync.run_id}"
        sync.buffer("last_active_dates").add(
            Row(account, version, answer.fetched_us, bytes(answer.content.data))
        )
        await sync.flush_full()
        done += 1
        sync.report("last_active_dates", done, len(chosen))

    try:
        await for_each(chosen, read, workers=sync.settings.concurrency)
    except PermissionDeniedError:
        sync.skip(
            "last_active_dates",
            "Organisation admin (dates of last activity)",
            "people's last activity is known only from logs",
        )
