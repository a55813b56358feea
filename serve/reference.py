"""The two plain pages: the landing page, and the API reference made from the OpenAPI document.

They need no script and nothing from elsewhere, so they work on a closed network and under the CSP.
"""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from serve.errors import DOCUMENTATION_PATH, PROBLEMS

TITLE = "User Activity Audit Log"

# Questions that the log answers, as links that can be followed.
EXAMPLES = {
    "Who did how much in the last 30 days": "/api/v1/activity",
    "Who changed the most statuses": "/api/v1/activity?sort=-STATUS_CHANGED",
    "The newest ten actions, with every changed field": "/api/v1/actions?limit=10&expand=changes",
    "Deleted issues": "/api/v1/actions?action_code=ISSUE_DELETED",
    "The last 30 days as a workbook": "/api/v1/actions.xlsx",
    "How fresh the log is": "/api/v1/freshness",
}

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
async def landing() -> str:
    """Say what this is and where to go."""
    links = "".join(
        f'<li>{escape(question)}: <a href="{escape(path)}"><code>{escape(path)}</code></a></li>'
        for question, path in EXAMPLES.items()
    )
    return _page(
        TITLE,
        f"<p>Who did what, when, in your Atlassian site.</p><ul>{links}</ul>"
        f'<p><a href="{DOCUMENTATION_PATH}">API reference</a>, '
        '<a href="/openapi.json">OpenAPI document</a>, <a href="/healthz">health</a></p>',
    )


@router.get(DOCUMENTATION_PATH)
async def reference(request: Request) -> str:
    """Show every endpoint, parameter and problem."""
    app: FastAPI = request.app
    document = app.openapi()
    operations = "".join(
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    problems = "".join(
        f'<dt id="{kind}">{problem.status} {escape(problem.title)}</dt>'
        f"<dd>{escape(problem.meaning)}</dd>"
        for kind, problem in PROBLEMS.items()
    )
    return _page(
        f"{TITLE}: API reference",
        f'<p>{escape(app.description)}</p><p><a href="/openapi.json">OpenAPI document</a></p>'
        f"{operations}<h2>Problems</h2><dl>{problems}</dl>",
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(parameter['name'])}</code></td>"
        f"<td>{escape(parameter.get('description', ''))}</td></tr>"
        for parameter in operation.get("parameters", [])
    )
    answers = "".join(
        f"<li>{escape(status)}: {escape(response['description'])}</li>"
        for status, response in operation["responses"].items()
    )
    table = f"<table><tbody>{parameters}</tbody></table>" if parameters else ""
    return (
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p>{escape(operation['description'])}</p>{table}<ul>{answers}</ul>"
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )
