"""JQL answered by the product against JQL answered by the sandbox's own world.

The product syncs the site twice (what was deleted in between is known as it was last seen), builds,
publishes and serves. Every query of the corpus must list the very issues that the evaluator, which
shares no code with the product, finds in the world. What cannot be answered must be refused at its
place in the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from serve.query.visibility import OPERATOR, Role, Viewer
from tests.e2e.jql_corpus import PEOPLE, Case, corpus
from tests.e2e.jql_evaluator import Ask, selected
from tests.e2e.jql_refused import REFUSED
from tests.e2e.jql_site import Truth, go_on, jql_site, seen
from tests.e2e.product import Product
from tests.sandbox.client import Client
from tests.sandbox.clock import SECOND, to_ms
from tests.serve.conftest import app_of, make_client

PAGE = 1_000
CASES = corpus()


@dataclass(frozen=True)
class Served:
    """The product's application, and the truth it is held against."""

    client: TestClient
    truth: Truth

    def issues(self, jql: str, zone: str, viewer: int | None) -> tuple[set[str], int]:
        """Ask for all pages; the keys of the issues, and the present of the answer (ms)."""
        keys: list[str] = []
        parameters: dict[str, Any] = {"period": "all", "time_zone": zone, "limit": PAGE}
        if jql:
            parameters["jql"] = jql
        self.ask_as(viewer)
        while True:
            response = self.client.get("/api/v1/issues", params=parameters)
            assert response.status_code == 200, response.text
            page = response.json()
            keys += [item["issue"]["key"] for item in page["items"]]
            if page["next_cursor"] is None:
                assert len(set(keys)) == len(keys) == page["issue_count"]
                return set(keys), to_ms(datetime.fromisoformat(page["to"]))
            parameters["cursor"] = page["next_cursor"]

    def ask_as(self, viewer: int | None) -> None:
        """Let one of `PEOPLE` ask from now on, or the operator (None)."""
        account_id = "" if viewer is None else PEOPLE[viewer].account_id
        app_of(self.client).state.viewer = (
            Viewer(account_id, Role.ADMINISTRATOR, account_id) if account_id else OPERATOR
        )

    def ask(self, case: Case, now: int) -> Ask:
        """Ask the world what a case asks the product."""
        viewer = None if case.viewer is None else PEOPLE[case.viewer].account_id
        return Ask(self.truth, now, ZoneInfo(case.zone), viewer)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("jql")
    with jql_site() as sandbox:
        product = Product(home, sandbox)
        product.sync()
        truth = go_on(sandbox, seen(sandbox))
        product.run()
        _assert_served_is_true(Client(sandbox), truth)
        with make_client(home) as client:
            yield Served(client, truth)


def _assert_served_is_true(client: Client, truth: Truth) -> None:
    """Compare what the site serves with the world of this process, issue by issue."""
    told: dict[str, Any] = {}
    token: dict[str, Any] = {}
    while True:
        body = client.search(
            'updated >= "2000-01-01"', fields=["status", "updated"], maxResults=100, **token
        ).body
        told |= {found["id"]: found for found in body["issues"]}
        if "nextPageToken" not in body:
            break
        token = {"nextPageToken": body["nextPageToken"]}
    present = {str(n): issue for n, issue in truth.issues.items() if n not in truth.gone}
    assert told.keys() == present.keys()
    for issue_id, found in told.items():
        issue = present[issue_id]
        updated = to_ms(datetime.fromisoformat(found["fields"]["updated"]))
        assert (found["key"], found["fields"]["status"]["id"], updated) == (
            issue.key,
            issue.status,
            issue.updated,
        )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.zone}: {case.jql[:120]}")
def test_the_product_lists_what_the_world_holds(served: Served, case: Case) -> None:
    jql = case.asked(served.truth)
    found, now = served.issues(jql, case.zone, case.viewer)
    assert abs(now - served.truth.now) <= 2 * SECOND, "the site's present is the product's"
    wanted = selected(case.clause, served.ask(case, now), with_gone=case.with_gone)
    assert found == wanted, (
        f"{jql}\n{len(found)} listed, {len(wanted)} expected; "
        f"too many: {sorted(found - wanted)[:10]}, missing: {sorted(wanted - found)[:10]}"
    )


def test_most_queries_have_an_answer_that_can_be_wrong(served: Served) -> None:
    now = served.truth.now
    everything, _ = served.issues("", "UTC", None)
    assert len(everything) > 400
    assert served.truth.gone
    sizes = [
        len(selected(case.clause, served.ask(case, now), with_gone=case.with_gone) & everything)
        for case in CASES
    ]
    telling = [size for size in sizes if 0 < size < len(everything)]
    assert len(telling) > len(CASES) * 2 // 3


@pytest.mark.parametrize("marked", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_answered_is_refused_at_its_place(served: Served, marked: str) -> None:
    jql = marked.replace("«", "").replace("»", "")
    start, end = marked.index("«"), marked.index("»") - 1
    served.ask_as(None)
    response = served.client.get("/api/v1/issues", params={"jql": jql, "period": "all"})
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    assert error["field"] == "jql"
    assert (error["start"], error["end"]) == (start, end), response.text
