"""The action catalogue as the snapshot holds it (`dim_action_types`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActionType:
    """One kind of action: `code` is the key everywhere, `label` is what people read."""

    number: int
    code: str
    label: str
    product: str
    target_type: str
    is_default_column: bool
    is_issue_action: bool
    has_changes: bool
    connection: str
    max_delay_minutes: int | None
    description: str


class Catalogue:
    """Action types by code, in the order of their numbers."""

    def __init__(self, action_types: Iterable[ActionType]) -> None:
        ordered = sorted(action_types, key=lambda action_type: action_type.number)
        self._by_code = {action_type.code: action_type for action_type in ordered}

    def __contains__(self, code: str) -> bool:
        return code in self._by_code

    @property
    def action_types(self) -> tuple[ActionType, ...]:
        """All types in order."""
        return tuple(self._by_code.values())

    def has_changes(self, code: str) -> bool:
        """Return whether actions of `code` have old and new values to show; unknown ones may."""
        known = self._by_code.get(code)
        return known is None or known.has_changes

    def label(self, code: str) -> str:
        """Return the label of `code`; a code that only the facts know is its own label."""
        known = self._by_code.get(code)
        return known.label if known else code
