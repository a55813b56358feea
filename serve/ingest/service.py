"""From a body that was let in to deliveries: what it is, and what makes it the same as another."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from serve.errors import FieldError, ProblemError
from serve.ingest.repository import Delivery
from serve.ingest.schemas import MAX_VIEWS, ForgeEvent, IssueView
from serve.json_body import parse_json

KEPT_HEADERS = (
    "x-atlassian-webhook-identifier",
    "x-atlassian-webhook-flow",
    "x-atlassian-webhook-retry",
)
MAX_HEADER_CHARACTERS = 200
MAX_QUERY_CHARACTERS = 4_000
_SHOWN_ERRORS = 20


def webhook(body: bytes, headers: Mapping[str, str], query: str) -> Delivery:
    """Return the delivery of a signed webhook body. ProblemError (400) if it is no JSON object.

    Its identity is its content: the signature covers neither the identifier nor the query string,
    so neither can make a replayed body look new.
    """
    document = parse_json(body)
    if not isinstance(document, dict):
        raise ProblemError(
            "bad-request",
            "the body is JSON, but not an object",
            "send the body of a Jira webhook as it is",
        )
    if len(query) > MAX_QUERY_CHARACTERS:
        raise ProblemError(
            "bad-request",
            f"the query string has more than {MAX_QUERY_CHARACTERS} characters",
            "give the webhook in Jira a URL without long parameters",
        )
    kept = {name: headers[name][:MAX_HEADER_CHARACTERS] for name in KEPT_HEADERS if name in headers}
    return Delivery("jira", kept, query, body, _digest(document))


def views(body: bytes) -> list[Delivery]:
    """Return a delivery for every view in a body: one view, a Forge event, or a list of views.

    ProblemError: 400 if it is no JSON, 422 naming the members that are wrong.
    """
    document = parse_json(body)
    items = document if isinstance(document, list) else [document]
    if not 1 <= len(items) <= MAX_VIEWS:
        raise _invalid(
            [
                FieldError(
                    field="body",
                    message=f"holds {len(items)} views",
                    remedy=f"send 1 to {MAX_VIEWS} of them in a request",
                )
            ]
        )
    errors: list[FieldError] = []
    found: list[Delivery] = []
    for number, item in enumerate(items):
        prefix = f"[{number}]." if isinstance(document, list) else ""
        is_forge = isinstance(item, dict) and "eventType" in item
        try:
            if is_forge:
                view = ForgeEvent.model_validate(item).as_view()
            else:
                view = IssueView.model_validate(item)
        except ValidationError as error:
            errors.extend(_field_errors(error, prefix))
        else:
            found.append(_view(view, "forge" if is_forge else "collector"))
    if errors:
        raise _invalid(errors)
    return found


def _view(view: IssueView, sender: str) -> Delivery:
    content = view.model_dump(mode="json", by_alias=True)
    # Two looks at an issue are two views. Only a time tells a repeated request from a second look.
    identity: object = content if view.viewed_at is not None else uuid.uuid4().hex
    return Delivery(
        "issue_view", {}, "", _canonical({**content, "sender": sender}), _digest(identity)
    )


def _digest(content: object) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _invalid(errors: list[FieldError]) -> ProblemError:
    shown = "; ".join(f"{error.field} {error.message}" for error in errors[:3])
    return ProblemError(
        "invalid-body",
        shown,
        "correct the members named in errors; nothing was stored",
        tuple(errors[:_SHOWN_ERRORS]),
    )


def _field_errors(error: ValidationError, prefix: str) -> list[FieldError]:
    return [
        FieldError(
            field=(prefix + ".".join(map(str, details["loc"])) or "body").rstrip(".")[:100],
            message=_message(details),
            remedy="see the description of the body in /api/docs",
        )
        for details in error.errors(include_input=False, include_url=False)
    ]


def _message(details: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    if details["type"] == "extra_forbidden":
        return "is not a member of a view"
    if details["type"] == "missing":
        return "is missing"
    message = str(details["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]
