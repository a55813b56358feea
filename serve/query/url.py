"""A question as the query string of a URL, and back.

Plain repeated parameters, `user=a&user=b&period=last_month`. There is one text for one question:
parameters in the order of the model, values in order and each once (the models see to that), what
is left to its default left out, times in their shortest form. So it can be compared, stored, and
used as a link; a relative time stays relative.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from serve.query.spec import WhoAndWhen

MAX_QUERY_LENGTH = 1_000_000
_SHOWN_CHARACTERS = 100

Question = TypeVar("Question", bound=WhoAndWhen)

# Where an answer goes on is no part of the question.
_PLACE = frozenset({"cursor", "limit"})


class QuestionError(ValueError):
    """The text is no query string of this kind of question: the parameter and what is wrong."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter} {message}")
        self.parameter = parameter[:_SHOWN_CHARACTERS]
        self.message = message


def to_query(question: WhoAndWhen) -> str:
    """Return the query string of `question`, without `?`; empty if all is left to its default."""
    return urlencode(list(_parameters(question)))


def from_query(kind: type[Question], text: str) -> Question:
    """Read a query string; QuestionError for a name that is unknown, or wrongly given twice.

    pydantic's ValidationError for values that are no values of their parameter.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise QuestionError("query", "is not UTF-8 behind its percent signs") from None
    names = _names(kind)
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name not in names:
            raise QuestionError(name, "is not a parameter of this question")
        if names[name]:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise QuestionError(name, "is given more than once and takes one value")
        else:
            values[name] = value
    return kind.model_validate(values)


def _names(kind: type[BaseModel]) -> dict[str, bool]:
    """Return the name of every parameter, and whether it takes several values."""
    return {
        field.alias or name: isinstance(field.default, tuple)
        for name, field in kind.model_fields.items()
        if name not in _PLACE
    }


def _parameters(question: WhoAndWhen) -> list[tuple[str, str]]:
    parameters = []
    for name, field in type(question).model_fields.items():
        value = getattr(question, name)
        if name in _PLACE or value == field.default:
            continue
        alias = field.alias or name
        values = value if isinstance(value, tuple) else (value,)
        parameters += [(alias, _text(one, question.time_zone)) for one in values]
    return parameters


def _text(value: object, time_zone: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return _moment(value, ZoneInfo(time_zone))
    return str(value)


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    """Return the date if its midnight in `zone` is meant, else the time in UTC."""
    day = moment.astimezone(zone).date()
    # in UTC: times that clocks show twice or never are equal to none of another zone
    if datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) == moment:
        return day.isoformat()
    return moment.isoformat().replace("+00:00", "Z")
