"""Every route of serve has a policy: it passes the door, or it is said why it need not.

A route without a row, or one that reads a snapshot past the door, fails here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute

from serve.app import create_app
from serve.config import ServeSettings
from serve.dependencies import OpenWarehouse, asking_viewer
from serve.query.visibility import Viewer
from tests.serve.conftest import BASE_URL, publish_copy

DOOR = "activity or names, through the door"
TAKES = "no activity: takes in, and answers with what was counted of it"
MACHINE = "no activity: whether the machine is alive"
DOCUMENT = "no activity: says how to ask"

POLICY = {
    "GET /api/v1/actions": DOOR,
    "GET /api/v1/actions.xlsx": DOOR,
    "GET /api/v1/activity": DOOR,
    "GET /api/v1/activity.xlsx": DOOR,
    "GET /api/v1/coverage": DOOR,
    "GET /api/v1/filters/describe": DOOR,
    "POST /api/v1/filters/describe": DOOR,
    "GET /api/v1/freshness": DOOR,
    "GET /api/v1/issue-views": DOOR,
    "GET /api/v1/issue-views.xlsx": DOOR,
    "GET /api/v1/issues": DOOR,
    "GET /api/v1/issues/links": DOOR,
    "POST /api/v1/jql/parse": DOOR,
    "POST /api/v1/jql/suggest": DOOR,
    "GET /api/v1/lookups/{kind}": DOOR,
    "GET /api/v1/lookups/{kind}/labels": DOOR,
    "GET /api/v1/meta": DOOR,
    "GET /healthz": MACHINE,
    "POST /ingest/issue-views": TAKES,
    "POST /ingest/jira": TAKES,
    "GET /": DOCUMENT,
    "GET /api/docs": DOCUMENT,
    "GET /openapi.json": DOCUMENT,
    "HEAD /openapi.json": DOCUMENT,
}

# What a route needs besides the time, to be asked something.
QUESTIONS = {
    "POST /api/v1/filters/describe": {"query": ""},
    "POST /api/v1/jql/parse": {"jql": "project = X", "check_names": True},
    "POST /api/v1/jql/suggest": {"jql": "", "position": 0},
}
PARAMETERS = {
    "GET /api/v1/lookups/{kind}": {"q": ""},
    "GET /api/v1/lookups/{kind}/labels": {"id": "1"},
}


def leaves(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """Yield the paths and routes of an app, those of the routers in it too."""
    for route in routes:
        if hasattr(route, "original_router"):
            inside = f"{prefix}{route.include_context.prefix}"
            yield from leaves(route.original_router.routes, inside)
        else:
            # Whatever else there is in an app has a path, or this test has to learn of it.
            yield f"{prefix}{route.path}", route


def routes_of(app: FastAPI) -> dict[str, BaseRoute]:
    """Return the routes by method and path."""
    return {
        f"{method} {path}": route
        for path, route in leaves(app.routes)
        for method in getattr(route, "methods", None) or ("ANY",)
    }


def depends_on_viewer(dependant: Dependant) -> bool:
    """Say whether the viewer is asked for, directly or by what is asked for."""
    return any(
        one.call is asking_viewer or depends_on_viewer(one) for one in dependant.dependencies
    )


def faults(app: FastAPI, policy: dict[str, str]) -> set[str]:
    """Return what is wrong with the routes of an app whose one viewer has no role."""
    routes = routes_of(app)
    found = {f"{name} has no policy" for name in routes.keys() - policy.keys()}
    found |= {f"{name} is no route" for name in policy.keys() - routes.keys()}
    app.state.viewer = Viewer("nobody")
    client = TestClient(app, base_url=BASE_URL)
    for name, route in routes.items():
        if policy.get(name) != DOOR:
            continue
        if not (isinstance(route, APIRoute) and depends_on_viewer(route.dependant)):
            found.add(f"{name} does not ask who the viewer is")
        method, path = name.split(" ")
        response = client.request(
            method,
            path.replace("{kind}", "projects"),
            params=PARAMETERS.get(name),
            json=QUESTIONS.get(name),
        )
        if response.status_code != 403:
            found.add(f"{name} answers {response.status_code} to a viewer without a role")
        elif response.json()["type"] != "/api/docs#forbidden":
            found.add(f"{name} is forbidden for another reason")
    return found


@pytest.fixture
def app(marts: Path, tmp_path: Path) -> Iterator[FastAPI]:
    publish_copy(tmp_path, marts)
    made = create_app(ServeSettings(home=tmp_path))
    yield made
    made.state.warehouse.close()


def test_every_route_has_a_policy_and_keeps_it(app: FastAPI) -> None:
    assert faults(app, POLICY) == set()


def test_a_route_past_the_door_is_found(app: FastAPI) -> None:
    @app.get("/api/v1/leak")
    def leak(warehouse: OpenWarehouse) -> int:
        with warehouse.lease() as snapshot:
            return snapshot.directory.action_count

    assert faults(app, POLICY) == {"GET /api/v1/leak has no policy"}
    assert faults(app, POLICY | {"GET /api/v1/leak": DOOR}) == {
        "GET /api/v1/leak does not ask who the viewer is",
        "GET /api/v1/leak answers 200 to a viewer without a role",
    }
