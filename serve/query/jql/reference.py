"""What of JQL is answered, for people: made from the registries, so that it cannot go stale."""

from __future__ import annotations

from serve.query.jql.compiler import MAX_COMPARISONS, MAX_HISTORY
from serve.query.jql.fields import SYSTEM_FIELDS, FieldType, JqlField
from serve.query.jql.functions import ALL_FUNCTIONS
from serve.query.jql.moments import CALENDAR_NAMES
from serve.query.jql.parser import MAX_DEPTH, MAX_LENGTH
from serve.query.jql.syntax import Operator

DIFFERENCES = r"""
- All issues are found, however many; deleted ones if the query names the field `deleted`, as in
  `deleted = true` or `deleted in (true, false)`. Issues that you may not list are not found.
- The history (WAS, CHANGED) can be asked of every field whose changes have values, not only of
  those that Jira keeps an index of. FROM and TO take lists. A bare date in AFTER, BEFORE, ON and
  DURING is the whole day; elsewhere it is its midnight. CHANGED ON startOfDay() or -1d means the
  day that holds it.
- `~` looks for words as they are written, in any case: no stems, no similar words. `*` and `?`
  stand for letters within a word; a phrase goes into quotes: `summary ~ "\"two words\""`. AND, OR
  and NOT belong between clauses, not into the text. Comments and worklogs for some people only are
  not searched.
- Weeks begin on Monday. A day of an estimate has eight hours, a week five days.
- `issueLinkType = blocks` means links that read so, also where the type of link is called so, which
  for Jira stands for both directions. `updatedBy()` takes hours and minutes as they are.
- Several custom fields of one name are asked together; fields of different types are told apart
  by `cf[10016]`, or by a type behind the name, as in `"Story points[Number]"`.
- ORDER BY is read, and changes nothing: a filter has no order.
- What this log cannot know is refused with its reason, and never guessed: saved filters, who
  watches or voted, approvals, service level agreements, entity properties, ranks, permissions.
"""


def reference() -> str:
    """Return what is answered, in Markdown: fields, functions, limits, differences to Jira."""
    fields = [_field(one) for one in SYSTEM_FIELDS if one.refusal is None]
    functions = [f"`{name}()`" for one in ALL_FUNCTIONS for name in (one.name, *one.aliases)]
    functions += [f"`{name}()`" for name in ("now", *CALENDAR_NAMES)]
    listed = "\n".join(f"- {one}" for one in fields)
    return f"""
**Fields**, with their other names and what they can be compared with; custom fields by name or as
`cf[10016]`:

{listed}

**Functions**: {", ".join(functions)}.

**Limits**: {MAX_LENGTH:,} characters, {MAX_DEPTH} nested brackets, {MAX_COMPARISONS} comparisons,
{MAX_HISTORY} of them with the history.

**Different from Jira Cloud**:
{DIFFERENCES}"""


def _field(field: JqlField) -> str:
    names = ", ".join(f"`{name}`" for name in (field.name, *field.aliases))
    return f"{names} ({_TYPES[field.type]}): {_operators(field)}"


def _operators(field: JqlField) -> str:
    words = [operator.value.upper() for operator in Operator if operator in field.operators]
    return ", ".join(words)


_TYPES = {
    FieldType.CHOICE: "a choice",
    FieldType.ORDERED: "a choice with an order",
    FieldType.PERSON: "a person",
    FieldType.ISSUE: "an issue",
    FieldType.WORD: "a whole text",
    FieldType.TEXT: "a text to search",
    FieldType.NUMBER: "a number",
    FieldType.DURATION: "a duration such as 2d 4h",
    FieldType.TIME: "a time",
    FieldType.DATE: "a day",
    FieldType.DAY_OF_TIME: "a day",
    FieldType.FLAG: "true or false",
    FieldType.PRESENCE: "there or not",
}
