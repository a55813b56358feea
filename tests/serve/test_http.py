"""The process and its edges: where it listens, what it refuses, what it documents."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from serve.config import ServeSettings, load_settings
from serve.errors import PROBLEMS, ServeError
from serve.middleware import MAX_BODY_BYTES, Guard
from serve.reference import EXAMPLES
from tests.serve.conftest import BASE_URL, app_of, make_client, publish_copy

ROOT = Path(__file__).parents[2]


def start(home: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    """Start `python -m serve` (or another `command`) in `home`, away from any .env."""
    clean = {k: v for k, v in os.environ.items() if k != "PORT" and not k.startswith("AUDIT_LOG_")}
    return subprocess.Popen(
        [sys.executable, *(command or ("-m", "serve"))],
        cwd=home,
        env=clean | {"AUDIT_LOG_HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(home: Path, *command: str, **environment: str) -> Iterator[tuple[str, int]]:
    """Run a real server on a free port; yields its host and port."""
    process = start(home, *command, PORT="0", **environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.match(r"Serving on http://(.+):(\d+) ", line)
        assert match, (line, process.stderr.read() if process.stderr and not line else "")
        yield match[1].strip("[]"), int(match[2])
    finally:
        process.terminate()
        assert process.wait(timeout=300) in {0, -15}
        assert process.stderr is not None
        errors = process.stderr.read()
        process.stdout.close()  # type: ignore[union-attr]  # opened with a pipe
        process.stderr.close()
        # Nothing of our own goes wrong; that a client sends nonsense may be said.
        assert set(errors.splitlines()) <= {"WARNING:  Invalid HTTP request received."}


def exchange(address: tuple[str, int], request: bytes) -> tuple[int, bytes]:
    """Send raw bytes and return the status code and the whole answer; its length must be told."""
    with socket.create_connection(address, timeout=300) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as stream:
            head = b""
            while (line := stream.readline()).strip():
                head += line
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            body = stream.read(int(length))
    assert len(body) == int(length)
    return int(head.split(b" ", 2)[1]), head + b"\r\n" + body


def test_real_server_over_sockets(tmp_path: Path, marts: Path) -> None:
    snapshot_id = publish_copy(tmp_path, marts)
    with running(tmp_path) as address:
        close = b"Host: localhost\r\nConnection: close\r\n\r\n"
        status, body = exchange(address, b"GET /healthz HTTP/1.1\r\n" + close)
        assert status == 200
        assert snapshot_id.encode() in body
        assert exchange(address, b"GET /api/v1/actions?limit=2 HTTP/1.1\r\n" + close)[0] == 200
        # The page of another site whose name resolves to 127.0.0.1 must not read the log.
        for host in (b"evil.example", b"127.0.0.1.evil.example", b"", b"0.0.0.0", b"[::1].evil"):
            request = b"GET /api/v1/actions HTTP/1.1\r\nHost: " + host
            status, body = exchange(address, request + b"\r\nConnection: close\r\n\r\n")
            assert status == 421
            assert b"account" not in body
        big = b"POST /api/v1/actions HTTP/1.1\r\nContent-Length: 10000000\r\n" + close
        assert exchange(address, big)[0] == 413
        assert (
            exchange(address, b"GET /api/v1/actions?user=%00%ff%fe HTTP/1.1\r\n" + close)[0] == 422
        )
        assert exchange(address, b"\x16\x03\x01 nonsense\r\n\r\n")[0] == 400
        assert exchange(address, b"GET /healthz HTTP/1.1\r\n" + close)[0] == 200


def test_ipv6_loopback_is_loopback(tmp_path: Path) -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").read_text():
        pytest.skip("this machine has no IPv6")
    with running(tmp_path, AUDIT_LOG_HOST="::1") as address:
        request = b"GET /healthz HTTP/1.1\r\nHost: [::1]:%d\r\nConnection: close\r\n\r\n"
        assert exchange(address, request % address[1])[0] == 200


def test_other_bind_address_is_refused_with_the_reason(tmp_path: Path) -> None:
    process = start(tmp_path, AUDIT_LOG_HOST="0.0.0.0", PORT="0")  # noqa: S104 - must be refused
    output, errors = process.communicate(timeout=300)
    assert (process.returncode, output) == (2, "")
    assert len(errors.splitlines()) == 1
    for words in ("AUDIT_LOG_HOST", "0.0.0.0", "no user accounts yet", "127.0.0.1"):  # noqa: S104 - addresses that must be refused
        assert words in errors


def test_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(tmp_path, PORT=str(port))
        output, errors = process.communicate(timeout=300)
    assert (process.returncode, output) == (2, "")
    assert len(errors.splitlines()) == 1
    assert f"port {port} is already in use" in errors
    assert "set PORT" in errors


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.168.1.5", "example.com", "127.0.0.1.nip.io", "", "2130706433", "*"],  # noqa: S104 - addresses that must be refused
)
def test_only_loopback_addresses_are_settings(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_LOG_HOST", host)
    with pytest.raises(ServeError, match=r"AUDIT_LOG_HOST: .*not a loopback address"):
        load_settings()


def test_settings_come_from_the_environment_and_dotenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("AUDIT_LOG_HOME", raising=False)
    (tmp_path / ".env").write_text(
        "PORT=8123\nATLASSIAN_EMAIL=a@example.com\nAUDIT_LOG_HOST=localhost\n"
    )
    monkeypatch.setenv("AUDIT_LOG_QUERY_SECONDS", "5")
    settings = load_settings()
    assert (settings.port, settings.host, settings.query_seconds) == (8123, "127.0.0.1", 5)
    assert ServeSettings(port=5).port == 5
    monkeypatch.setenv("PORT", "70000")
    with pytest.raises(ServeError, match="PORT: "):
        load_settings()


@pytest.mark.parametrize(
    "path", ["/", "/api/docs", "/openapi.json", "/api/v1/actions", "/nope", "/api/v1/actions?x=1"]
)
def test_every_response_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/api/docs"])
def test_pages_need_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script|<style|style=|https?://|\bon\w+=", page.text)


def test_example_questions_can_be_followed(client: TestClient) -> None:
    landing = client.get("/").text
    for path in EXAMPLES.values():
        assert path.replace("&", "&amp;") in landing
        assert client.get(path).status_code == 200


def test_missing_page_and_wrong_method_are_problems(client: TestClient) -> None:
    for response, status in (
        (client.get("/api/v1/nothing"), 404),
        (client.get("/api/v1/actions/"), 404),
        (client.delete("/api/v1/actions"), 405),
    ):
        assert response.status_code == status == response.json()["status"]
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["remedy"]


def test_unexpected_error_shows_no_traceback(
    tmp_path: Path, marts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish_copy(tmp_path, marts)
    with make_client(tmp_path) as client:
        app_of(client).state.actions = None  # a broken app, on purpose
        response = client.get("/api/v1/actions")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "NoneType" not in response.text
    assert "GET /api/v1/actions failed" in caplog.text


def test_body_without_a_length_is_cut_off() -> None:
    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        await PlainTextResponse(str(len(body)))(scope, receive, send)

    client = TestClient(Guard(endpoint), base_url=BASE_URL)

    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * 65_536

    fitting = MAX_BODY_BYTES // 65_536
    assert client.post("/", content=chunks(fitting)).text == str(MAX_BODY_BYTES)
    refused = client.post("/", content=chunks(fitting + 1))
    assert refused.status_code == 413
    assert refused.json()["type"].endswith("#body-too-large")


def test_a_body_that_grows_too_large_is_refused_as_such(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"query": "'
        for _ in range(MAX_BODY_BYTES // 1_000 + 2):
            yield b"x" * 1_000
        yield b'"}'

    response = client.post(
        "/api/v1/filters/describe",
        content=chunks(),
        headers={"content-type": "application/json"},
    )
    assert response.status_code == 413
    assert response.json()["type"] == "/api/docs#body-too-large"
    assert response.headers["connection"] == "close"


def test_health_answers_while_every_query_place_is_taken(tmp_path: Path, marts: Path) -> None:
    publish_copy(tmp_path, marts)
    with running(tmp_path, AUDIT_LOG_QUERIES_AT_ONCE="1") as address:

        async def fetch(path: bytes) -> None:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(
                b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            assert b" 200 " in (await reader.read()).splitlines()[0]
            writer.close()

        async def storm() -> None:
            heavy = [
                asyncio.create_task(fetch(b"/api/v1/actions?from=2025-01-01&limit=%d" % limit))
                for limit in range(977, 1_001)
            ]
            await asyncio.sleep(0.05)
            await fetch(b"/healthz")
            assert not all(task.done() for task in heavy)
            await asyncio.gather(*heavy)

        asyncio.run(storm())


def test_freshness_tells_what_is_stale(tmp_path: Path, marts: Path) -> None:
    publish_copy(tmp_path, marts)
    with make_client(tmp_path, stale_minutes=1) as client:
        (source,) = client.get("/api/v1/freshness").json()["sources"]
    assert source["source"] == "jira_issues"
    assert source["last_success_at"] == "2026-01-01T00:00:00Z"
    assert source["lag_seconds"] == 90
    assert (source["row_count"], source["request_count"]) == (3_000, 123)
    assert source["is_stale"] is True
    with make_client(tmp_path, stale_minutes=525_600) as client:
        (source,) = client.get("/api/v1/freshness").json()["sources"]
    assert source["is_stale"] is (source["age_seconds"] > 525_600 * 60)


def test_openapi_document_is_complete(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/healthz",
        "/api/v1/actions",
        "/api/v1/actions.xlsx",
        "/api/v1/activity",
        "/api/v1/activity.xlsx",
        "/api/v1/coverage",
        "/api/v1/filters/describe",
        "/api/v1/freshness",
        "/api/v1/issue-views",
        "/api/v1/issue-views.xlsx",
        "/api/v1/issues",
        "/api/v1/issues/links",
        "/api/v1/jql/parse",
        "/api/v1/jql/suggest",
        "/api/v1/lookups/{kind}",
        "/api/v1/lookups/{kind}/labels",
        "/api/v1/meta",
        "/ingest/jira",
        "/ingest/issue-views",
    }
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            assert len(operation["description"]) > 40, path
            for parameter in operation.get("parameters", []):
                assert len(parameter["description"]) > 20, (path, parameter["name"])
                assert has_example(parameter), (path, parameter["name"])
            assert_problems_documented(path, operation)
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    for name, schema in schemas.items():
        assert schema["description"], name
        for field, definition in schema.get("properties", {}).items():
            if '"$ref"' not in json.dumps(definition):  # else the other schema has them
                assert definition.get("description"), (name, field)
                assert has_example(definition), (name, field)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= set(schemas)


def has_example(definition: dict[str, Any]) -> bool:
    schema = definition.get("schema", {})
    return any(key in place for key in ("example", "examples") for place in (definition, schema))


def assert_problems_documented(path: str, operation: dict[str, Any]) -> None:
    """Every error of an operation is a problem, with an example of every kind it can be."""
    errors = {code: r for code, r in operation["responses"].items() if int(code) >= 400}
    wanted = {"413", "421", "500"}
    is_ingest = path.startswith("/ingest/")
    if path not in {"/healthz", "/api/v1/jql/parse"}:
        wanted |= {"503"}
    if not is_ingest:
        wanted |= {"422"}
    assert wanted <= set(errors), path
    for code, response in errors.items():
        content = response["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        for kind, example in content["examples"].items():
            assert PROBLEMS[kind].status == int(code) == example["value"]["status"]
    if "503" in errors:
        examples = errors["503"]["content"]["application/problem+json"]["examples"]
        of_ingest = {"busy", "not-receiving", "inbox-failing"}
        all_kinds = {kind for kind, p in PROBLEMS.items() if p.status == 503}
        assert set(examples) == (of_ingest if is_ingest else all_kinds - of_ingest | {"busy"})


def test_reference_page_shows_every_parameter_and_problem(client: TestClient) -> None:
    page = client.get("/api/docs").text
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page
            for parameter in operation.get("parameters", []):
                assert f"<code>{parameter['name']}</code>" in page
    for kind in PROBLEMS:
        assert f'id="{kind}"' in page


def test_settings_refuse_what_is_out_of_bounds() -> None:
    for wrong in (
        {"queries_at_once": 0},
        {"query_memory": "lots"},
        {"query_seconds": float("inf")},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ServeSettings.model_validate(wrong)
