"""Questions are read as FastAPI documents them, and nothing a router asks for is passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from serve.answering import SnapshotRoute
from serve.api import include_routes
from serve.parameters import refuse_unknown_parameters
from serve.problems import install
from serve.questions import Asking


class Asked(BaseModel):
    """A number and some names."""

    number: int = Field(default=1, ge=1)
    names: list[str] = Field(default=[], alias="name")


class Told(BaseModel):
    """What was understood."""

    kind: int
    asked: Asked


def tell(kind: Annotated[int, Path(ge=0)], asked: Annotated[Asked, Query()]) -> Told:
    return Told(kind=kind, asked=asked)


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    install(app)
    app.add_api_route("/by-fastapi/{kind}", tell)
    app.add_route("/in-one-turn/{kind:path}", Asking.of(tell).answer)
    return TestClient(app)


@pytest.mark.parametrize(
    "question",
    [
        "7",
        "7?number=2&name=b&name=a",
        "7?name=%20&name=%C3%A9%2B+",
        "7?number=0&name=",
        "7?number=",
        "7?number=x",
        "x",
        "-1?number=2",
        "x?number=x",
        "-1?number=0",
    ],
)
def test_a_question_is_read_as_fastapi_would(client: TestClient, question: str) -> None:
    expected = client.get(f"/by-fastapi/{question}")
    found = client.get(f"/in-one-turn/{question}")
    assert (found.status_code, found.json()) == (expected.status_code, expected.json())


def asks_for_a_header(token: Annotated[str, Header()]) -> Told:
    return Told(kind=len(token), asked=Asked())


def asks_for_a_single_parameter(number: Annotated[int, Query()]) -> Told:
    return Told(kind=number, asked=Asked())


def asks_twice(one: Annotated[Asked, Query()], two: Annotated[Asked, Query()]) -> Told:
    return Told(kind=one.number, asked=two)


def asks_without_saying_where(number: int) -> Told:
    return Told(kind=number, asked=Asked())


async def _asks_further(number: Annotated[int, Query()]) -> int:
    return number


def _waits(request: Request) -> int:
    return len(request.headers)


def asks_by_a_dependency(number: Annotated[int, Depends(_asks_further)]) -> Told:
    return Told(kind=number, asked=Asked())


def asks_in_a_thread(number: Annotated[int, Depends(_waits)]) -> Told:
    return Told(kind=number, asked=Asked())


@pytest.mark.parametrize(
    "endpoint",
    [
        asks_for_a_header,
        asks_for_a_single_parameter,
        asks_twice,
        asks_without_saying_where,
        asks_by_a_dependency,
        asks_in_a_thread,
    ],
)
def test_what_is_no_part_of_a_question_is_refused_at_the_start(
    endpoint: Callable[..., Told],
) -> None:
    with pytest.raises(TypeError, match=f"{endpoint.__name__} asks for"):
        APIRouter(route_class=SnapshotRoute).add_api_route("/", endpoint)


def test_no_router_of_questions_asks_for_more_than_known_parameters() -> None:
    application = FastAPI()
    include_routes(application)
    included: list[Any] = [one for one in application.routes if hasattr(one, "original_router")]
    asked = [
        one
        for one in included
        if any(isinstance(route, SnapshotRoute) for route in one.original_router.routes)
    ]
    assert len(asked) == 6
    for one in asked:
        dependencies = [*one.include_context.dependencies, *one.original_router.dependencies]
        assert [of.dependency for of in dependencies] == [refuse_unknown_parameters]
        for route in one.original_router.routes:
            assert route.dependencies == one.original_router.dependencies
