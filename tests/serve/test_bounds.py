"""Every request has bounds, and what goes over them is a problem that names the field.

The tests walk the OpenAPI document, so a new route or parameter is held to the rule by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from serve.app import create_app
from serve.config import ServeSettings

# Whoever pushes to us may add what they like; it is kept, and the body has a bound in bytes.
OPEN = "/ingest/"

Operation = tuple[str, str, dict[str, Any]]


def document() -> dict[str, Any]:
    return create_app(ServeSettings(home=Path("/nonexistent"))).openapi()


DOCUMENT = document()
OPERATIONS: list[Operation] = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if not path.startswith(OPEN)
]
NAMES = [f"{method} {path}" for method, path, _ in OPERATIONS]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the components of the document."""
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def unbounded(name: str, schema: dict[str, Any]) -> Iterator[str]:
    """Say of every part of a schema that takes any number of digits, characters or members."""
    schema = resolved(schema)
    if schema.get("enum") or "const" in schema:
        return
    for alternative in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
        yield from unbounded(name, alternative)
    kind = schema.get("type")
    assert kind in {*MISSING, "object", "boolean", "null"} or "anyOf" in schema, (name, schema)
    for what, is_there in MISSING.get(kind, {}).items():
        if not is_there(schema):
            yield f"{name}: {what}"
    for member, definition in schema.get("properties", {}).items():
        yield from unbounded(f"{name}.{member}", definition)
    if "items" in schema:
        yield from unbounded(f"{name}[]", schema["items"])


def is_bounded_text(schema: dict[str, Any]) -> bool:
    pattern = schema.get("pattern", "")
    return "maxLength" in schema or (
        pattern.startswith("^") and pattern.endswith("$") and not set(pattern) & set("*+")
    )


NUMBER: dict[str, Callable[[dict[str, Any]], bool]] = {
    "no minimum": lambda schema: bool({"minimum", "exclusiveMinimum"} & schema.keys()),
    "no maximum": lambda schema: bool({"maximum", "exclusiveMaximum"} & schema.keys()),
}
MISSING: dict[Any, dict[str, Callable[[dict[str, Any]], bool]]] = {
    "integer": NUMBER,
    "number": NUMBER,
    "string": {"no length": is_bounded_text},
    "array": {"no maxItems": lambda schema: "maxItems" in schema},
    "object": {
        "takes unknown members": lambda schema: schema.get("additionalProperties", True) is False
    },
}


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_everything_that_is_sent_has_bounds(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    del method
    found = [
        fault
        for parameter in operation.get("parameters", [])
        for fault in unbounded(f"{path} {parameter['name']}", parameter["schema"])
    ]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        found += unbounded(f"{path} body", content["schema"])
    assert found == []


def test_the_walk_finds_what_has_no_bounds() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "minimum": 0},
            "b": {"type": "string", "pattern": "^a*$"},
            "c": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "d": {"type": "string", "enum": ["x"]},
        },
    }
    assert list(unbounded("x", schema)) == [
        "x: takes unknown members",
        "x.a: no maximum",
        "x.b: no length",
        "x.c: no maxItems",
        "x.c[]: no length",
    ]


def address(path: str) -> str:
    return path.replace("{kind}", "users")


Params = Mapping[str, str | list[str]]


def ask(
    client: TestClient, method: str, path: str, params: Params | None = None, body: object = None
) -> Response:
    is_post = method == "post"
    return client.request(
        method, address(path), params=params, json=(body or {}) if is_post else None
    )


def assert_problem(response: Response, field: str) -> None:
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["remedy"]
    assert field in [error["field"] for error in problem["errors"]], problem
    assert all(error["message"] and error["remedy"] for error in problem["errors"])
    assert len(response.content) < 5_000


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_unknown_parameters_are_refused(
    client: TestClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    del operation
    for name in ("no_such", "Limit", "", "x" * 300):
        assert_problem(ask(client, method, path, params={name: "1"}), name[:100])


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_single_parameters_are_taken_once(
    client: TestClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and parameter["schema"].get("type") != "array":
            name = parameter["name"]
            assert_problem(ask(client, method, path, params={name: ["1", "1"]}), name)


def wrong_values(schema: dict[str, Any]) -> Iterator[str | list[str]]:
    """Give values just over the bounds of a parameter."""
    schema = resolved(schema)
    for alternative in schema.get("anyOf", []):
        yield from wrong_values(alternative)
    match schema.get("type"):
        case "integer":
            yield str(schema["minimum"] - 1)
            yield str(schema["maximum"] + 1)
            yield from ("9" * 400, "-" + "9" * 400, "1.5", "1e3000", "x", "")
        case "string" if "maxLength" in schema:
            yield "x" * (schema["maxLength"] + 1)
        case "string":
            yield "no such value"
        case "boolean":
            yield "maybe"
        case "array":
            most = schema["maxItems"]
            yield ["projects"] * (most + 1)
            yield from ([one] for one in wrong_values(schema["items"]) if isinstance(one, str))


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_values_over_the_bounds_name_the_parameter(
    client: TestClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        for value in wrong_values(parameter["schema"]):
            if parameter["in"] == "path":
                response = client.get(path.replace(f"{{{name}}}", "no such value"))
            elif len(str(value)) > 60_000:  # longer than the server takes an address
                continue
            else:
                response = ask(client, method, path, params={name: value})
            assert_problem(response, name)


OF_OTHER_TYPES: dict[str, tuple[object, ...]] = {
    "boolean": (0, 1, "true", "yes", None),
    "integer": (True, False, "1", 1.0, None),
    "string": (1, True, None),
}
"""What Python would take for a value of a type of JSON, and is none."""


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [one for one in OPERATIONS if one[0] == "post"],
    ids=[name for name in NAMES if name.startswith("post")],
)
def test_bodies_are_held_to_their_members(
    client: TestClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    (content,) = operation["requestBody"]["content"].values()
    schema = resolved(content["schema"])
    assert_problem(ask(client, method, path, body={"no_such": 1}), "no_such")
    for name in schema.get("required", []):
        assert_problem(ask(client, method, path, body={}), name)
    for name, definition in schema["properties"].items():
        assert_problem(ask(client, method, path, body={name: {"nested": []}}), name)
        for value in (*wrong_values(definition), *OF_OTHER_TYPES[resolved(definition)["type"]]):
            assert_problem(ask(client, method, path, body={name: value}), name)
    for body in (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"1" * 5_000):
        response = client.request(
            method, path, content=body, headers={"content-type": "application/json"}
        )
        assert response.status_code in {400, 422}, body
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["remedy"]
    deep = b"[" * 50_000
    assert client.request(method, path, content=deep).status_code in {400, 422}


@pytest.mark.parametrize(
    ("params", "message", "remedy"),
    [
        ({"limit": "0"}, "must be at least 1", "give a number of at least 1"),
        ({"limit": "1001"}, "must be at most 1000", "give a number of at most 1000"),
        ({"limit": "1.5"}, "is not a whole number", "give a whole number"),
        ({"count": "perhaps"}, "is neither true nor false", "give true or false"),
        ({"cursor": "!"}, "must match ^[A-Za-z0-9_-]+$", "see its description in /api/docs"),
        ({"user": "x" * 256}, "has more than 255 characters", "give at most 255 characters"),
        ({"user": ["x"] * 1_001}, "has more than 1000 values", "give at most 1000 values"),
        ({"sort": "size"}, "must be '-occurred_at', 'occurred_at'", "take one of these words"),
    ],
)
def test_what_is_wrong_is_said_in_words_of_the_api(
    client: TestClient, params: Params, message: str, remedy: str
) -> None:
    (error,) = client.get("/api/v1/actions", params=params).json()["errors"]
    assert error["message"].startswith(message)
    assert error["remedy"] == remedy


_NOT_JSON = "the body is not usable JSON"


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        (b'{"query": ', "bad-request", f"{_NOT_JSON}: Expecting value: line 1 column 11 (char 10)"),
        (b'{"query": "\xff"}', "bad-request", f"{_NOT_JSON}: 'utf-8' codec can't decode byte 0xff"),
        (b'{"query": "", "query": "x"}', "bad-request", "the body gives 'query' twice"),
        (b'{"x": {"\\ud800": 1, "\\ud800": 1}}', "bad-request", "the body gives '\\ud800' twice"),
        (b'{"query": "", "\\ud800": 1}', "invalid-body", "body is not made of whole characters"),
        (b'{"query": NaN}', "bad-request", f"{_NOT_JSON}: NaN is not a number of JSON"),
        (b"[]", "invalid-body", "body is not a JSON object"),
        (b'{"query": "", "x": 1}', "invalid-body", "x is not a member of this body"),
        (b"{}", "invalid-body", "query is missing"),
        (b'{"query": "\\ud800"}', "invalid-body", "query is not made of whole characters"),
        (b'{"query": "no_such=1"}', "invalid-parameters", "no_such is not a parameter"),
        (b'{"query": "limit=1"}', "invalid-parameters", "limit is not a parameter"),
    ],
)
def test_what_is_wrong_with_a_body_is_told_from_what_is_wrong_with_the_filter_in_it(
    client: TestClient, content: bytes, kind: str, detail: str
) -> None:
    response = client.post(
        "/api/v1/filters/describe", content=content, headers={"content-type": "application/json"}
    )
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"/api/docs#{kind}"
    assert problem["status"] == response.status_code == (400 if kind == "bad-request" else 422)
    assert problem["detail"].startswith(detail)


def test_a_body_that_does_not_say_that_it_is_json(client: TestClient) -> None:
    problem = client.post("/api/v1/jql/parse", content=b'{"jql": ""}').json()
    assert problem["detail"] == "body is not a JSON object"
    assert "Content-Type: application/json" in problem["errors"][0]["remedy"]
