"""A plain HTTP client for tests of the sandbox: one call, no retry, nothing hidden."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from tests.sandbox.running import RunningSandbox


class Answer(Struct):
    """A response: status, headers (lower case), and the body as it came and decoded."""

    status: int
    headers: dict[str, str]
    raw: bytes
    body: Any


class Client:
    """Calls `/rest/api/3/…` of a running sandbox with its credentials."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self._sandbox = sandbox
        environment = sandbox.environment
        account = f"{environment['ATLASSIAN_EMAIL']}:{environment['ATLASSIAN_API_TOKEN']}"
        self._authorization = "Basic " + base64.b64encode(account.encode()).decode()

    def get(self, path: str, *, accept: str = "identity", **query: object) -> Answer:
        """GET with query parameters; a list repeats its name."""
        return self._call("GET", f"{path}?{urlencode(query, doseq=True)}", None, accept)

    def post(self, path: str, **body: object) -> Answer:
        """POST a JSON object."""
        return self._call("POST", path, msgspec.json.encode(body), "identity")

    def search(self, jql: str, **body: object) -> Answer:
        """POST /search/jql."""
        return self.post("search/jql", jql=jql, **body)

    def _call(self, method: str, path: str, body: bytes | None, accept: str) -> Answer:
        headers = {"Authorization": self._authorization, "Accept-Encoding": accept}
        return self.raw(method, path, body, headers)

    def raw(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send exactly these headers. Raises what http.client raises when the answer is cut."""
        connection = http.client.HTTPConnection("127.0.0.1", self._sandbox.port, timeout=300)
        with contextlib.closing(connection):
            connection.request(method, f"/rest/api/3/{path}", body, dict(headers))
            response = connection.getresponse()
            raw = response.read()
        names = {name.lower(): value for name, value in response.getheaders()}
        data = gzip.decompress(raw) if names.get("content-encoding") == "gzip" else raw
        is_json = names.get("content-type", "").startswith("application/json")
        return Answer(response.status, names, raw, msgspec.json.decode(data) if is_json else None)
