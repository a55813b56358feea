"""Versions, options, filters, issue types, boards and sprints of the sandbox."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.sandbox import domains
from tests.sandbox.clock import DAY, parse_iso
from tests.sandbox.domains.software import Software
from tests.sandbox.domains.software.boards import Column
from tests.sandbox.generator import build_world
from tests.sandbox.ledger import Line
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.test_openapi import Document, _as_json_schema
from tests.sandbox.world import Webhook, World
from tests.shared_data import require

START = parse_iso("2025-06-01T00:00:00")
Json = Any

CODES = {
    *(f"VERSION_{w}" for w in ("CREATED", "UPDATED", "RELEASED", "UNRELEASED", "MOVED", "DELETED")),
    *(f"FILTER_{w}" for w in ("CREATED", "UPDATED", "DELETED")),
    *(f"ISSUE_TYPE_{w}" for w in ("CREATED", "UPDATED", "DELETED")),
    *(f"BOARD_{w}" for w in ("CREATED", "UPDATED", "DELETED", "CONFIGURATION_CHANGED")),
    *(f"SPRINT_{w}" for w in ("CREATED", "UPDATED", "STARTED", "CLOSED", "DELETED")),
    *(
        f"OPTION_{w}_CHANGED"
        for w in (
            *("VOTING", "WATCHING", "UNASSIGNED_ISSUES"),
            *("SUBTASKS", "ISSUELINKS", "TIMETRACKING"),
        )
    ),
}


def year(seed: int) -> tuple[World, list[Line], list[Webhook]]:
    """Let a usual year pass on a site whose only domain this is."""
    lines: list[Line] = []
    hooks: list[Webhook] = []
    world = build_world(seed=seed, start=START, sink=lines.append)
    world.stream = None
    world.receiver = hooks.append
    domains.attach(world, START, ("software",))
    world.advance(START + 365 * DAY)
    return world, lines, hooks


@pytest.mark.parametrize("seed", [7, 8])
def test_a_year_has_every_action_with_its_webhook(seed: int) -> None:
    _, lines, hooks = year(seed)
    counts = Counter(line.code for line in lines)
    assert set(counts) == CODES
    assert 2_500 < counts.total() < 3_500
    told = {f"webhook:{hook.number}" for hook in hooks}
    assert all(told & {carrier.key for carrier in line.carriers or ()} for line in lines)
    assert all(hook.actor for hook in hooks)
    silent = Counter(hook.event for hook in hooks) - Counter(
        hook.event
        for hook in hooks
        for line in lines
        if f"webhook:{hook.number}" in {carrier.key for carrier in line.carriers or ()}
    )
    # A start is told as an update too; the catalogue knows neither attachments nor Discovery.
    assert set(silent) == {"sprint_updated", "option_attachments_changed", "board_updated"}
    assert silent["sprint_updated"] == counts["SPRINT_STARTED"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(days=60, domains=("software",), actions_per_year=20_000) as running:
        yield running


def ask(sandbox: RunningSandbox, path: str) -> tuple[int, Json]:
    """GET a path with the site's token."""
    environment = sandbox.environment
    token = f"{environment['ATLASSIAN_EMAIL']}:{environment['ATLASSIAN_API_TOKEN']}"
    headers = {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", sandbox.port)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, json.load(response)


@pytest.fixture(scope="module")
def platform() -> Callable[[str, Json], list[str]]:
    text = gzip.decompress(require("openapi/jira-platform-v3.2026-03.json.gz").read_bytes())
    document = Document(text)

    def faults(template: str, answer: Json) -> list[str]:
        return document.faults(_answer_of(f"/rest/api/3/{template}"), answer)

    return faults


@pytest.fixture(scope="module")
def agile() -> Json:
    text = gzip.decompress(require("openapi/jira-software-agile.2022-07.json.gz").read_bytes())
    return _as_json_schema(json.loads(text))


def _answer_of(path: str) -> str:
    escaped = path.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    return f"/paths/{escaped}/get/responses/200/content/application~1json/schema"


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("project/{projectIdOrKey}/version", "project/APP/version?orderBy=sequence"),
        ("project/{projectIdOrKey}/versions", "project/11000/versions"),
        ("configuration", "configuration"),
        ("filter/search", "filter/search?overrideSharePermissions=true&expand=owner,jql"),
        ("filter/search", "filter/search"),
        ("issuetype", "issuetype"),
    ],
)
def test_platform_answers_are_as_the_document_says(
    sandbox: RunningSandbox,
    platform: Callable[[str, Json], list[str]],
    template: str,
    path: str,
) -> None:
    status, answer = ask(sandbox, f"/rest/api/3/{path}")
    assert (status, platform(template, answer)) == (200, [])
    assert answer.get("values", True) if isinstance(answer, dict) else answer


@pytest.mark.parametrize(
    ("template", "path"),
    [("board", "board"), ("board/{boardId}/configuration", "board/7/configuration")],
)
def test_agile_answers_are_as_the_document_says(
    sandbox: RunningSandbox, agile: Json, template: str, path: str
) -> None:
    registry = Registry().with_resource(
        "urn:agile", Resource.from_contents(agile, default_specification=DRAFT202012)
    )
    pointer = _answer_of(f"/rest/agile/1.0/{template}")
    validator = Draft202012Validator({"$ref": f"urn:agile#{pointer}"}, registry=registry)
    status, answer = ask(sandbox, f"/rest/agile/1.0/{path}")
    assert (status, [error.message for error in validator.iter_errors(answer)]) == (200, [])


@pytest.mark.parametrize(
    ("template", "path"),
    [("board/{boardId}/sprint", "board/8/sprint"), ("sprint/{sprintId}", "sprint/500")],
)
def test_sprints_have_the_members_of_the_documents_examples(
    sandbox: RunningSandbox, agile: Json, template: str, path: str
) -> None:
    """The document has no schema of a sprint, only examples; `createdDate` is newer than it."""
    content = agile["paths"][f"/rest/agile/1.0/{template}"]["get"]["responses"]["200"]["content"]
    example = content["application/json"]["example"]
    example = json.loads(example) if isinstance(example, str) else example
    status, answer = ask(sandbox, f"/rest/agile/1.0/{path}")
    assert status == 200
    described, shown = ([body] if "id" in body else body["values"] for body in (example, answer))
    members = {name for one in described for name in one} | {"createdDate"}
    assert {name for one in shown for name in one} <= members
    assert {"id", "self", "state", "name"} <= set(shown[0])


def test_boards_without_sprints_refuse_to_list_them(sandbox: RunningSandbox) -> None:
    assert ask(sandbox, "/rest/agile/1.0/board/10/sprint")[0] == 400
    assert ask(sandbox, "/rest/agile/1.0/board/11/sprint")[0] == 400
    assert ask(sandbox, "/rest/agile/1.0/board/99/sprint")[0] == 404
    assert ask(sandbox, "/rest/agile/1.0/sprint/1")[0] == 404


def test_a_sprint_is_shown_on_two_boards_and_told_by_its_dates() -> None:
    with running_sandbox(days=0, actions_per_year=1, domains=("software",)) as sandbox:

        def plan(world: World, now: int) -> int:
            software = world.domain(Software)
            board = software.boards.all[7]
            sprint = software.sprints.create(now, world.me, board, "Shared")
            software.sprints.start(now, world.me, sprint)
            software.sprints.close(now, world.me, sprint)
            return sprint.id

        while (sprint_id := sandbox.do(plan)) % 4 == 0:
            pass
        for board in (7, 9):
            shown = ask(sandbox, f"/rest/agile/1.0/board/{board}/sprint")[1]["values"]
            assert sprint_id in {sprint["id"] for sprint in shown}
        keys = {entry["key"] for entry in sandbox.served()}
        assert f"sprint_dates:{sprint_id}:SPRINT_CREATED" in keys
        assert f"sprint_dates:{sprint_id}:SPRINT_CLOSED" in keys
        assert {"list:sprints:7", "list:sprints:9"} <= keys


def test_private_filters_of_others_are_invisible() -> None:
    with running_sandbox(days=0, actions_per_year=1, domains=("software",)) as sandbox:

        def make(world: World, now: int) -> list[str]:
            filters = world.domain(Software).filters
            other = next(p.account_id for p in world.people.values() if p.account_id != world.me)
            return [
                filters.create(now, other, "shared", "a = 1").id,
                filters.create(now, other, "private", "a = 1", shared=False).id,
                filters.create(now, world.me, "mine", "a = 1", shared=False).id,
            ]

        shared, private, mine = sandbox.do(make)
        path = "/rest/api/3/filter/search?overrideSharePermissions=true"
        shown = {one["id"] for one in ask(sandbox, path)[1]["values"]}
        assert {shared, mine} <= shown
        assert private not in shown
        lines = {line["target_id"]: line["listing"] for line in sandbox.ledger()}
        assert lines == {shared: ["list:filters"], private: [], mine: ["list:filters"]}
        sandbox.permission("ADMINISTER", granted=False)
        assert ask(sandbox, path)[0] == 403


def test_what_is_moved_merged_and_configured() -> None:
    hooks: list[Webhook] = []
    with running_sandbox(days=0, actions_per_year=1, domains=("software",)) as sandbox:

        def change(world: World, now: int) -> None:
            world.receiver = hooks.append
            software = world.domain(Software)
            gone = software.versions.create(now, world.me, "11000", "App 4.0")
            software.versions.move(now, world.me, gone, 0)
            software.versions.delete(now, world.me, gone, into="13000")
            kanban = software.boards.all[10]
            columns = [Column("Open", ("10000",), 5), *kanban.columns[1:]]
            software.boards.configure(now, world.me, kanban, columns=columns, sub_query="a = 1")
            software.boards.relocate(now, world.me, kanban, "11001")
            software.options.set(now, world.me, "timeTrackingEnabled", value=False)
            world.create_issue(
                now,
                world.me,
                "11000",
                issuetype="10201",
                status="10000",
                summary="s",
                values={"fix_versions": ("13001",)},
            )
            with pytest.raises(ValueError, match="issues use version 13001"):
                software.versions.delete(now, world.me, "13001")

        sandbox.do(change)
        assert [hook.event for hook in hooks] == [
            "jira:version_created",
            "jira:version_moved",
            "jira:version_deleted",
            "jira:version_merged",
            "board_configuration_changed",
            "board_updated",
            "option_timetracking_changed",
            "jira:issue_created",
        ]
        items = {line["code"]: line["items"] for line in sandbox.ledger()}
        assert [item["field"] for item in items["BOARD_CONFIGURATION_CHANGED"]] == [
            "Columns",
            "Sub-filter",
        ]
        assert items["BOARD_CONFIGURATION_CHANGED"][0]["new"].startswith("Open [10000] max 5; ")
        assert [(item["field_id"], item["new"]) for item in items["OPTION_TIMETRACKING_CHANGED"]][
            :2
        ] == [("timeTrackingEnabled", "false"), ("workingHoursPerDay", None)]
        answer = ask(sandbox, "/rest/api/3/configuration")[1]
        assert "timeTrackingConfiguration" not in answer
