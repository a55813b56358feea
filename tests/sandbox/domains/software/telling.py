"""How the domain tells of what happened: the webhook, the audit record beside it, the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.sandbox.domain import Carrier, LineItem, World
from tests.sandbox.domains.admin import Admin
from tests.sandbox.objects import JsonObject


class Teller:
    """Tells of one world's changes. Without an administration there is no audit log."""

    def __init__(self, world: World) -> None:
        self.world = world

    def webhook(
        self, event: str, at: int, actor: str, body: Callable[[], JsonObject]
    ) -> list[Carrier]:
        """Send a webhook whose actor is in the query string."""
        return [Carrier(self.world.emit(event, at, actor, body))]

    def audit(
        self,
        summary: str,
        category: str,
        at: int,
        actor: str,
        item: JsonObject,
        changed: Sequence[LineItem] = (),
        associated: Sequence[JsonObject] = (),
    ) -> list[Carrier]:
        """Write an audit record, if the site has an audit log. Every ninth names no author."""
        admin = self.world.domains.get(Admin.name)
        if not isinstance(admin, Admin):
            return []
        author = actor if len(admin.log.records) % 9 else None
        changes = [(change.field, change.old, change.new) for change in changed]
        number = admin.log.add(
            at, author, summary, category, item, changes=changes, associated=associated
        )
        key = f"audit:{number}"
        return [Carrier(key, tells_actor=author is not None, tells_items=bool(changes))]


def change(field: str, field_id: str, old: object, new: object) -> LineItem:
    """Give the item of a changed value as people read it: booleans as true and false."""
    return LineItem(field, field_id, None, text_of(old), None, text_of(new))


def text_of(value: object) -> str | None:
    """Give a value as the log shows it."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
