"""HTTP endpoints that others push to. They answer 2xx only for what is on the disk."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request

from serve.dependencies import SettingsInUse
from serve.ingest import secrets, service
from serve.ingest.bodies import BodyReader
from serve.ingest.repository import InboxRepository
from serve.ingest.schemas import MAX_VIEWS, ForgeEvent, IssueView, Receipt, body_documentation
from serve.problems import problem_responses

router = APIRouter(tags=["ingest"])

_PROBLEMS = (
    "bad-request",
    "unauthorized",
    "body-timeout",
    "encoded-body",
    "not-receiving",
    "busy",
    "inbox-failing",
)

_WEBHOOK_EXAMPLE = {
    "timestamp": 1_767_601_800_000,
    "webhookEvent": "comment_deleted",
    "comment": {"id": "10100"},
    "issue": {"id": "10042", "key": "ABC-1"},
}
_VIEW_EXAMPLE = {
    "accountId": "5b10ac8d82e05b22cc7d4ef5",
    "issueKey": "ABC-1",
    "source": "customer_portal",
    "viewedAt": "2026-01-05T08:30:00Z",
}
_FORGE_EXAMPLE = {
    "eventType": "avi:jira:viewed:issue",
    "issue": {"id": "10042", "key": "ABC-1"},
    "atlassianId": "5b10ac8d82e05b22cc7d4ef5",
}


def _header(name: str, description: str, example: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


def _body(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    shown = {name: {"summary": name, "value": value} for name, value in examples.items()}
    content = {"application/json": {"schema": schema, "examples": shown}}
    return {"required": True, "content": content}


_WEBHOOK_DOCUMENTATION: dict[str, Any] = {
    "parameters": [
        _header(
            "X-Hub-Signature",
            "`sha256=` and the HMAC-SHA-256 of the raw body in hex; Jira sends it for a webhook "
            "that has a secret.",
            "sha256=" + "5f" * 32,
            required=True,
        ),
        _header(
            "X-Atlassian-Webhook-Identifier", "Names the delivery; kept, and not trusted.", "4e5f-1"
        ),
        _header(
            "X-Atlassian-Webhook-Flow",
            "Primary, or Secondary for consequences of something else.",
            "Primary",
        ),
        _header("X-Atlassian-Webhook-Retry", "How often it has been sent before.", "1"),
        {
            "name": "triggeredByUser",
            "in": "query",
            "required": False,
            "description": "Account id of who did it; Jira adds it where the body does not tell. "
            "The whole query string is kept.",
            "schema": {"type": "string"},
            "example": "5b10ac8d82e05b22cc7d4ef5",
        },
    ],
    "requestBody": _body(
        {
            "type": "object",
            "description": "The body of any Jira webhook; at most 2 MB.",
            "properties": {
                "webhookEvent": {"type": "string", "description": "Name of the event."},
                "timestamp": {"type": "integer", "description": "When, ms since 1970 UTC."},
            },
        },
        {"a deleted comment": _WEBHOOK_EXAMPLE},
    ),
}
_VIEW_SCHEMAS = [body_documentation(IssueView), body_documentation(ForgeEvent)]
_VIEWS_DOCUMENTATION: dict[str, Any] = {
    "parameters": [
        _header(
            "Authorization",
            "`Bearer` and the secret AUDIT_LOG_VIEWS_SECRET.",
            "Bearer 3c9a6f",
            required=True,
        )
    ],
    "requestBody": _body(
        {
            "oneOf": [
                *_VIEW_SCHEMAS,
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MAX_VIEWS,
                    "items": {"oneOf": _VIEW_SCHEMAS},
                },
            ]
        },
        {
            "a view of a customer": _VIEW_EXAMPLE,
            "an event of Forge": _FORGE_EXAMPLE,
            "several": [_VIEW_EXAMPLE, _FORGE_EXAMPLE],
        },
    ),
}


def _bodies(request: Request) -> BodyReader:
    return cast("BodyReader", request.app.state.bodies)


def _inbox(request: Request) -> InboxRepository:
    return cast("InboxRepository", request.app.state.inbox)


Bodies = Annotated[BodyReader, Depends(_bodies)]
Inbox = Annotated[InboxRepository, Depends(_inbox)]


@router.post(
    "/jira",
    summary="Receive a Jira webhook",
    responses=problem_responses(*_PROBLEMS),
    openapi_extra=_WEBHOOK_DOCUMENTATION,
)
async def post_jira(
    request: Request, settings: SettingsInUse, bodies: Bodies, inbox: Inbox
) -> Receipt:
    """Keep one webhook of any event. The same content again is answered alike and kept once."""
    secret = secrets.required(settings.webhook_secret, "AUDIT_LOG_WEBHOOK_SECRET")
    async with bodies.read(request) as body:
        secrets.check_signature(secret, request.headers, body)
        delivery = service.webhook(body, request.headers, request.url.query)
        stored = await asyncio.wrap_future(inbox.add([delivery]))
    return Receipt(stored=stored, known=1 - stored)


@router.post(
    "/issue-views",
    summary="Receive views of issues",
    responses=problem_responses(*_PROBLEMS, "invalid-body"),
    openapi_extra=_VIEWS_DOCUMENTATION,
)
async def post_issue_views(
    request: Request, settings: SettingsInUse, bodies: Bodies, inbox: Inbox
) -> Receipt:
    """Keep one view, an event of a Forge trigger, or a list of up to 500; all of it or nothing.

    A view that says when it was and is sent again is kept once.
    """
    secret = secrets.required(settings.views_secret, "AUDIT_LOG_VIEWS_SECRET")
    secrets.check_bearer(secret, request.headers)
    async with bodies.read(request) as body:
        views = service.views(body)
        stored = await asyncio.wrap_future(inbox.add(views))
    return Receipt(stored=stored, known=len(views) - stored)
