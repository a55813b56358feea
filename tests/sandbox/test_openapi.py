"""What the sandbox answers is what Atlassian's OpenAPI document describes.

Where real answers are known to differ from the document, the difference is listed in `ALLOWED`
with its reason; a listed difference that the sandbox does not need fails the test too.
"""

import base64
import contextlib
import gzip
import http.client
import json
import urllib.parse
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.sandbox import api
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.shared_data import require

Json = Any
NOTHING: dict[str, Json] = {}


class Allowed(NamedTuple):
    """A property of a schema that real answers send in another shape."""

    schema: str
    name: str
    shape: dict[str, Json]
    reason: str


ALLOWED = (
    Allowed(
        "Changelog",
        "created",
        {"type": ["string", "integer"]},
        "changelog/bulkfetch sends epoch milliseconds, as in the document's own example",
    ),
    *(
        Allowed("ChangeDetails", name, {"type": ["string", "null"]}, "an empty side is null")
        for name in ("from", "fromString", "to", "toString")
    ),
)


class Endpoint(NamedTuple):
    """A call of the sandbox; `template` is its path in the document."""

    method: str
    template: str
    query: dict[str, str] = NOTHING
    body: dict[str, Json] | None = None


JQL = 'updated >= "2020/01/01 00:00" ORDER BY updated ASC'
ENDPOINTS = (
    Endpoint("GET", "search/jql", {"jql": JQL, "maxResults": "5"}),
    Endpoint("GET", "search/jql", {"jql": JQL, "fields": "*all", "maxResults": "5"}),
    Endpoint("POST", "search/jql", body={"jql": JQL, "fields": ["updated"], "maxResults": 5}),
    Endpoint("POST", "issue/bulkfetch", body={"issueIdsOrKeys": "some", "fields": ["*all"]}),
    Endpoint("POST", "issue/bulkfetch", body={"issueIdsOrKeys": ["1"]}),
    Endpoint("POST", "changelog/bulkfetch", body={"issueIdsOrKeys": "some", "maxResults": 200}),
    Endpoint("GET", "issue/{issueIdOrKey}", {"fields": "*all"}),
    Endpoint("GET", "issue/{issueIdOrKey}/changelog"),
    Endpoint("GET", "issue/{issueIdOrKey}/comment"),
    Endpoint("GET", "issue/{issueIdOrKey}/worklog"),
    Endpoint("GET", "worklog/updated", {"since": "0"}),
    Endpoint("GET", "worklog/deleted", {"since": "0"}),
    Endpoint("POST", "worklog/list", body={"ids": "some"}),
    Endpoint("GET", "project/search", {"expand": "description,lead,issueTypes"}),
    Endpoint("GET", "project/search", {"status": "archived"}),
    Endpoint("GET", "users/search", {"maxResults": "1000"}),
    Endpoint("GET", "field"),
    Endpoint("GET", "status"),
    Endpoint("GET", "statuses/search"),
    Endpoint("GET", "resolution"),
    Endpoint("GET", "resolution/search"),
    Endpoint("GET", "issuetype"),
    Endpoint("GET", "issueLinkType"),
    Endpoint("GET", "priority"),
    Endpoint("GET", "priority/search"),
    Endpoint("GET", "myself"),
    Endpoint("GET", "mypermissions", {"permissions": "BROWSE_PROJECTS,ADMINISTER"}),
    Endpoint("GET", "serverInfo"),
)

# The document leaves an issue's fields open; these are objects it describes elsewhere.
FIELD_SCHEMAS = {
    "assignee": "UserDetails",
    "attachment": "Attachment",
    "comment": "PageOfComments",
    "components": "ProjectComponent",
    "creator": "UserDetails",
    "fixVersions": "Version",
    "issuetype": "IssueTypeDetails",
    "priority": "Priority",
    "project": "ProjectDetails",
    "reporter": "UserDetails",
    "resolution": "Resolution",
    "security": "SecurityLevel",
    "status": "StatusDetails",
    "worklog": "PageOfWorklogs",
}


ISSUE_PARTS = (
    "assignee",
    "attachments",
    "comments",
    "components",
    "fix_versions",
    "histories",
    "links",
    "reporter",
    "resolution",
    "worklogs",
)


class Document:
    """The OpenAPI document as JSON Schema, with the allowed differences but `without`."""

    def __init__(self, text: bytes, *, without: Allowed | None = None) -> None:
        document = json.loads(text)
        for allowed in ALLOWED:
            if allowed != without:
                properties = document["components"]["schemas"][allowed.schema]["properties"]
                properties[allowed.name] = allowed.shape
        self._document = _as_json_schema(document)
        resource = Resource.from_contents(self._document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource("urn:openapi", resource)

    def of_answer(self, endpoint: Endpoint) -> str:
        """Pointer of the schema of an endpoint's answer 200."""
        path = f"/rest/api/3/{endpoint.template}"
        method = endpoint.method.lower()
        content = self._document["paths"][path][method]["responses"]["200"]["content"]
        assert "application/json" in content
        escaped = path.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
        return f"/paths/{escaped}/{method}/responses/200/content/application~1json/schema"

    def faults(self, pointer: str, value: Json) -> list[str]:
        """Say what of the value the schema does not allow."""
        schema = {"$ref": f"urn:openapi#{pointer}"}
        validator = Draft202012Validator(schema, registry=self._registry)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def faults_of_answer(self, endpoint: Endpoint, answer: Json) -> list[str]:
        """Say what of an answer, and of the issues in it, the document does not allow."""
        faults = self.faults(self.of_answer(endpoint), answer)
        for issue in _issues(answer):
            for name, schema in FIELD_SCHEMAS.items():
                value = issue["fields"].get(name)
                for part in value if isinstance(value, list) else [value] if value else []:
                    found = self.faults(f"/components/schemas/{schema}", part)
                    faults += [f"{name}: {fault}" for fault in found]
        return faults


def _issues(answer: Json) -> Iterator[Json]:
    if isinstance(answer, dict):
        candidates = [answer, *answer.get("issues", ())]
        yield from (one for one in candidates if "fields" in one)


def _as_json_schema(part: Json) -> Json:
    """OpenAPI 3.0 writes `nullable` where JSON Schema has the type null."""
    if isinstance(part, list):
        return [_as_json_schema(one) for one in part]
    if not isinstance(part, dict):
        return part
    schema = {name: _as_json_schema(value) for name, value in part.items()}
    if schema.pop("nullable", None) is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


@pytest.fixture(scope="module")
def text() -> bytes:
    return gzip.decompress(require("openapi/jira-platform-v3.2026-03.json.gz").read_bytes())


@pytest.fixture(scope="module")
def document(text: bytes) -> Document:
    return Document(text)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(days=30) as running:
        yield running


def call(sandbox: RunningSandbox, endpoint: Endpoint, token: str | None = None) -> tuple[int, Json]:
    """Ask for an issue that has everything, or for a batch of such; give status and answer."""
    environment = sandbox.environment
    token = token or environment["ATLASSIAN_API_TOKEN"]
    credentials = f"{environment['ATLASSIAN_EMAIL']}:{token}"
    everything = sorted(
        sandbox.site.world.issues.values(),
        key=lambda issue: sum(bool(getattr(issue, name)) for name in ISSUE_PARTS),
    )
    secured = [issue for issue in everything if issue.security is not None]
    issues = [*secured[-3:], *everything[-37:]]
    path = endpoint.template.format(issueIdOrKey=issues[-1].id)
    body = dict(endpoint.body) if endpoint.body is not None else None
    if body and body.get("issueIdsOrKeys") == "some":
        body["issueIdsOrKeys"] = [str(issue.id) for issue in issues]
    if body and body.get("ids") == "some":
        body["ids"] = list(sandbox.site.world.worklogs)[:50]
    query = f"?{urllib.parse.urlencode(endpoint.query)}" if endpoint.query else ""
    connection = http.client.HTTPConnection(sandbox.base_url.removeprefix("http://"), timeout=300)
    with contextlib.closing(connection):
        connection.request(
            endpoint.method,
            f"/rest/api/3/{path}{query}",
            body=None if body is None else json.dumps(body),
            headers={"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"},
        )
        response = connection.getresponse()
        return response.status, json.load(response)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.template)
def test_answers_are_as_the_document_says(
    sandbox: RunningSandbox, document: Document, endpoint: Endpoint
) -> None:
    status, answer = call(sandbox, endpoint)
    assert (status, document.faults_of_answer(endpoint, answer)) == (200, [])


def test_every_endpoint_of_the_sandbox_is_compared() -> None:
    served = {(method, path.removeprefix("/rest/api/3/")) for method, path in api._EXACT}
    served |= {
        ("GET", "/".join(filter(None, ("issue/{issueIdOrKey}", part)))) for part in api._ISSUE_PARTS
    }
    assert {(endpoint.method, endpoint.template) for endpoint in ENDPOINTS} == served


def test_the_issues_compared_have_every_described_field(sandbox: RunningSandbox) -> None:
    endpoint = Endpoint(
        "POST", "issue/bulkfetch", body={"issueIdsOrKeys": "some", "fields": ["*all"]}
    )
    seen = {
        name
        for issue in _issues(call(sandbox, endpoint)[1])
        for name in FIELD_SCHEMAS
        if issue["fields"].get(name)
    }
    assert seen == set(FIELD_SCHEMAS)


@pytest.mark.parametrize("allowed", ALLOWED, ids=lambda one: f"{one.schema}.{one.name}")
def test_every_allowed_difference_is_needed(
    sandbox: RunningSandbox, text: bytes, allowed: Allowed
) -> None:
    endpoint = Endpoint("POST", "changelog/bulkfetch", body={"issueIdsOrKeys": "some"})
    _, answer = call(sandbox, endpoint)
    assert Document(text, without=allowed).faults_of_answer(endpoint, answer)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (Endpoint("GET", "search/jql", {"jql": "ORDER BY updated"}), 400),
        (Endpoint("POST", "changelog/bulkfetch", body={}), 400),
        (Endpoint("GET", "issue/NO-1"), 404),
    ],
)
def test_errors_have_atlassians_form(
    sandbox: RunningSandbox, document: Document, endpoint: Endpoint, expected: int
) -> None:
    status, body = call(sandbox, endpoint)
    assert status == expected
    assert document.faults("/components/schemas/ErrorCollection", body) == []
    assert body["errorMessages"]


def test_wrong_credentials_are_refused_in_atlassians_form(
    sandbox: RunningSandbox, document: Document
) -> None:
    status, body = call(sandbox, Endpoint("GET", "myself"), token="wrong")
    assert status == 401
    assert document.faults("/components/schemas/ErrorCollection", body) == []
