"""Administration in the sandbox: every action in a year, answers as Atlassian documents them."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.sandbox.clock import YEAR, parse_iso
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.admin.codes import CODES
from tests.sandbox.domains.admin.log import PAGE
from tests.sandbox.generator import build_world
from tests.sandbox.ledger import Line
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.test_openapi import Document, Endpoint, call
from tests.shared_data import require

START = parse_iso("2025-06-01T00:00:00")
UNDOCUMENTED = {
    "AuditRecordBean": {"authorAccountId": {"type": "string"}},
    "PermissionHolder": {"group": {}, "projectRole": {}},
}
"""Members that real answers have: the account of a record's author, and expanded holders."""


@pytest.fixture(scope="module")
def document() -> Document:
    text = gzip.decompress(require("openapi/jira-platform-v3.2026-03.json.gz").read_bytes())
    content: dict[str, Any] = json.loads(text)
    for schema, members in UNDOCUMENTED.items():
        content["components"]["schemas"][schema]["properties"] |= members
    return Document(json.dumps(content).encode())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(days=20, actions_per_year=20_000, domains=("admin",)) as running:
        yield running


def test_a_year_holds_every_action_of_an_administration() -> None:
    lines: list[Line] = []
    world = build_world(seed=7, start=START, actions_per_year=1, sink=lines.append)
    world.activity = 1.0
    world.domains[Admin.name] = Admin(world, random.Random("7:admin"), START)
    world.stream = None
    world.advance(START + YEAR)
    actions = [line for line in lines if not line.code.startswith("_")]
    counts = dict.fromkeys(CODES, 0) | Counter(line.code for line in actions)
    assert counts.keys() == CODES
    assert min(counts.values()) >= 10
    assert 2_500 < len(actions) < 3_800
    log = world.domain(Admin).log
    moments = [record.at for record in log.records]
    assert len(set(moments)) < len(moments), "several records in one millisecond"
    assert any(record.author is None for record in log.records)
    assert len(log.records) > len(actions), "records that are no action"
    # Each of them proves that somebody was active, so the ledger has to know whom it names.
    told = {
        carrier.key: line.actor if carrier.tells_actor else None
        for line in lines
        for carrier in line.carriers or ()
        if carrier.key.startswith("audit:")
    }
    assert told == {f"audit:{record.id}": record.author for record in log.records}


def test_people_come_and_go_in_security_levels_beside_everything_else() -> None:
    lines: list[Line] = []
    world = build_world(seed=7, start=START, actions_per_year=1, sink=lines.append)
    world.activity = 1.0
    admin = Admin(world, random.Random("7:admin"), START)
    assert admin.security is not None
    before = list(admin.security.members)
    listed = {(member.level, member.holder, member.value) for member in before}
    assert {member.level for member in before} < set(world.security_levels)
    written = len(lines)
    for _ in range(60):
        admin.security.step()
    after = {(member.level, member.holder, member.value) for member in admin.security.members}
    assert listed - after
    assert after - listed
    assert {holder for _, holder, _ in listed | after} == {
        "user",
        "group",
        "projectRole",
        "projectLead",
        "reporter",
        "assignee",
        "userCustomField",
        "applicationRole",
        "anyone",
    }
    assert len({member.id for member in admin.security.members}) == len(admin.security.members)
    assert START < admin.security.next_at < START + 3 * YEAR
    assert len(lines) == written


def test_secured_issues_have_a_level_that_administrators_see(sandbox: RunningSandbox) -> None:
    world = sandbox.site.world
    _, levels = call(sandbox, Endpoint("GET", "issuesecurityschemes/level"))
    known = {level["id"] for level in levels["values"]}
    secured = {issue.security for issue in world.issues.values() if issue.security is not None}
    assert secured
    assert secured <= known
    _, of_project = call(sandbox, Endpoint("GET", "project/APP/issuesecuritylevelscheme"))
    assert secured <= {level["id"] for level in of_project["levels"]} < known
    fields = {field["id"] for field in world.fields}
    _, members = call(sandbox, Endpoint("GET", "issuesecurityschemes/level/member"))
    held = {m["holder"]["type"]: m["holder"].get("value") for m in members["values"]}
    assert held["userCustomField"] in fields
    reviewed = next(issue for issue in world.issues.values() if issue.id % 10 == 0)
    _, shown = call(sandbox, Endpoint("GET", f"issue/{reviewed.id}", {"fields": "*all"}))
    reviewers = shown["fields"][held["userCustomField"]]
    assert [person["accountId"] for person in reviewers] == world.reviewers(reviewed)


PATHS: dict[str, tuple[str, dict[str, str]]] = {
    "auditing/record": ("auditing/record", {"limit": "50"}),
    "user/bulk/migration": ("user/bulk/migration", {"key": "{key}", "maxResults": "50"}),
    "group/bulk": ("group/bulk", {}),
    "group/member": ("group/member", {"groupId": "{group}", "includeInactiveUsers": "true"}),
    "role": ("role", {}),
    "project/{projectIdOrKey}/role": ("project/11000/role", {}),
    "project/{projectIdOrKey}/role/{id}": ("project/11000/role/{role}", {}),
    "projectCategory": ("projectCategory", {}),
    "permissions": ("permissions", {}),
    "permissionscheme": ("permissionscheme", {"expand": "all"}),
    "project/{projectKeyOrId}/permissionscheme": ("project/11000/permissionscheme", {}),
    "issuesecurityschemes": ("issuesecurityschemes", {}),
    "issuesecurityschemes/level": ("issuesecurityschemes/level", {}),
    "issuesecurityschemes/level/member": ("issuesecurityschemes/level/member", {"expand": "all"}),
}


@pytest.mark.parametrize("template", PATHS)
def test_answers_are_as_the_document_says(
    sandbox: RunningSandbox, document: Document, template: str
) -> None:
    admin = sandbox.site.world.domain(Admin)
    record = next(r for r in admin.log.records if r.target.get("typeName") == "USER")
    names = {
        "key": str(record.target["id"]),
        "group": next(iter(admin.groups)),
        "role": next(iter(admin.roles)),
    }
    path, query = PATHS[template]
    asked = {name: value.format_map(names) for name, value in query.items()}
    status, answer = call(sandbox, Endpoint("GET", path.format_map(names), asked))
    assert status == 200
    assert document.faults_of_answer(Endpoint("GET", template), answer) == []
    assert msgspec.json.encode(answer) not in (b"[]", b"{}")


def test_the_log_is_newest_first_and_never_more_than_a_page(sandbox: RunningSandbox) -> None:
    status, answer = call(sandbox, Endpoint("GET", "auditing/record", {"limit": "5000"}))
    assert status == 200
    assert answer["limit"] == PAGE
    created = [record["created"] for record in answer["records"]]
    assert created == sorted(created, reverse=True)
    inside = {"from": created[5], "to": created[3]}
    _, narrow = call(sandbox, Endpoint("GET", "auditing/record", inside))
    ids = [
        record["id"]
        for record in answer["records"]
        if created[5] <= record["created"] <= created[3]
    ]
    assert [record["id"] for record in narrow["records"]] == ids
    _, filtered = call(sandbox, Endpoint("GET", "auditing/record", {"filter": "user group"}))
    assert filtered["records"]
    assert all("group" in record["summary"] for record in filtered["records"])


@pytest.mark.parametrize(
    "path",
    [
        "auditing/record",
        "issuesecurityschemes",
        "issuesecurityschemes/level",
        "issuesecurityschemes/level/member",
    ],
)
def test_the_log_and_security_levels_are_for_administrators(
    sandbox: RunningSandbox, path: str
) -> None:
    sandbox.permission("ADMINISTER", granted=False)
    status, _ = call(sandbox, Endpoint("GET", path))
    sandbox.permission("ADMINISTER", granted=True)
    assert status == 403
