"""The ledger: what happened on a site, in the terms of the action catalogue.

It is written at world level before any endpoint shows anything, and never derived from rendered
JSON. Conventions of a line:

* one line per expected action; lines whose code begins with `_` are facts that are no action;
* `actor` is what a pull API can tell: null for COMMENT_DELETED and ISSUE_DELETED and for histories
  without author; `true_actor` is who did it;
* `project_id`, `issue_key` and `issue_type_id` are those after the change (a move counts for the
  project moved to);
* `target_id` is the comment, worklog, attachment or link id, else the issue id;
* `event` is the history id where a changelog entry exists, else null;
* `items` are the changelog items of the action (a comment edit: one item `comment` with both
  texts); `field_id` falls back on the field's name where Jira sends no `fieldId`;
* `carriers` are the exact channels that can tell of the line (a key of the served log each) and
  what they tell; `listing` names the complete listings whose comparison reveals it without them;
  of lines with either, `actor` is who did it, known only if a served carrier tells it;
* `member_id` is the second half of what was changed (the account put into the group `target_id`);
* links: the line belongs to the canonical end (the source of the link, which reads the outward
  phrase; for a symmetric type the lower issue id); `link_histories` and `link_ats` are
  [canonical end, other end].
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType


class LineItem(Struct, frozen=True, gc=False):
    """One changed field of a ledger line."""

    field: str
    field_id: str
    old_id: str | None
    old: str | None
    new_id: str | None
    new: str | None


class Carrier(Struct, frozen=True, gc=False, omit_defaults=True):
    """A channel that tells of an action exactly, once `key` has been served.

    `key`: `audit:<record>`, `org_event:<id>`, `webhook:<n>`, ... `tells_items`: it names old and
    new values. `at`: the time it tells where that is not the line's own (ms since 1970 UTC).
    `named`: the display name by which alone it tells who. `appears`: when its log first shows it,
    if that is later than the time it tells (ms).
    """

    key: str
    tells_actor: bool = True
    tells_items: bool = False
    at: int | None = None
    named: str | None = None
    appears: int | None = None


class Line(Struct, frozen=True, gc=False):
    """One ledger line; see the module's text for the conventions."""

    n: int
    code: str
    at: str
    actor: str | None
    true_actor: str | None
    issue_id: str | None
    issue_key: str | None
    project_id: str | None
    issue_type_id: str | None
    target_id: str | None
    event: str | None
    items: list[LineItem]
    secured: bool
    security_level_id: str | None
    other_issue_id: str | UnsetType = UNSET
    link_type: str | UnsetType = UNSET
    link_histories: list[str] | UnsetType = UNSET
    link_ats: list[str] | UnsetType = UNSET
    target_label: str | UnsetType | None = UNSET
    member_id: str | UnsetType | None = UNSET
    carriers: list[Carrier] | UnsetType = UNSET
    listing: list[str] | UnsetType = UNSET
    listing_code: str | UnsetType | None = UNSET


def encode_line(line: Line) -> bytes:
    """One ledger line as JSON with its line end."""
    return msgspec.json.encode(line) + b"\n"
