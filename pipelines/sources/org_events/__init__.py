"""The organisation's event log (Atlassian Guard), its managed accounts, and when they were active.

Data flow:

    GET /admin/v1/orgs/{organization}/event-actions  -> event_actions (ids and display names)
    GET /admin/v1/orgs/{organization}/users          -> users (managed accounts)
    GET /admin/v1/orgs/{organization}/events-stream  -> events, from the stored cursor on
    GET /admin/v1/orgs/{organization}/directory/users/{account}/last-active-dates
                                                     -> last_active_dates

The stream is in the order of processing, so its cursor also finds events that were processed late.
A run reads at most `PAGES_PER_RUN` pages of it (50 a minute) and asks for the dates of at most
`ACCOUNTS_PER_RUN` accounts (200 a minute), those whose entry in `users` changed since they were
last asked for; what is left comes with the next runs. Event actions and users: a request per 100
accounts and one more, 10 a minute.
Run it: `python -m pipelines run org_events`.
"""

from __future__ import annotations

from pipelines.full_lists import FullList, probes_of, read_full_lists
from pipelines.sources.org_events.events import EVENTS, read_events
from pipelines.sources.org_events.last_active import read_last_active_dates
from pipelines.specs import BOOKKEEPING, Probe, ResourceSpec, SourceSpec
from pipelines.sync import Sync

ORGANIZATION = "/admin/v1/orgs/{organization}"
LISTS_PER_MINUTE = 10

LISTS = (
    FullList(
        "event_actions",
        "One row per kind of event and changed name of it.",
        f"{ORGANIZATION}/event-actions",
        "cursor",
        asks="organization",
        permission="Organisation admin (event actions)",
        loses="kinds of events whose ids are published nowhere are not recognised",
    ),
    FullList(
        "users",
        "One row per managed account and changed content.",
        f"{ORGANIZATION}/users",
        "cursor",
        key="account_id",
        asks="organization",
        permission="Organisation admin (managed accounts)",
        loses="dates of last activity are known only from logs",
    ),
)


async def traverse(sync: Sync) -> None:
    """Read the lists, the stream from where the last run ended, and the dates that are due.

    Raises AuthenticationError or PermissionDeniedError when the key may not read the events.
    """
    for entry in LISTS:
        sync.organization.pace(f"GET {entry.path}", per_minute=LISTS_PER_MINUTE)
    await read_events(sync)
    listings = await read_full_lists(sync, LISTS)
    users = listings["users"].get("")
    if users:
        await read_last_active_dates(sync, users)


SOURCE = SourceSpec(
    name="org_events",
    description="Events of the organisation and its managed accounts (Atlassian Guard).",
    resources=(
        ResourceSpec("events", "One row per event of the organisation's log."),
        ResourceSpec(
            "last_active_dates", "One row per managed account and time its dates were asked for."
        ),
        *(ResourceSpec(entry.resource, entry.description) for entry in LISTS),
        *BOOKKEEPING,
    ),
    connection="guard",
    schedule="*/30 * * * *",
    traverse=traverse,
    probes=(
        Probe(
            "Organisation admin (events)",
            EVENTS,
            "no event of the organisation is recorded",
            (("limit", "1"),),
        ),
        *probes_of(LISTS),
    ),
)
