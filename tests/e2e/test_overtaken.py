"""Comments that come and go while answers about their issues are on their way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.transformation import MARTS, WAREHOUSE
from pipelines.registry import SOURCES
from tests.e2e.product import WEBHOOK_SECRET, Product, assert_exact, marts
from tests.sandbox.objects import Comment, Issue
from tests.sandbox.render import INLINE_LIMIT
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

ISSUE = "/rest/api/3/issue/bulkfetch"
COMMENTS = "/rest/api/3/issue/*/comment"


class Talk:
    """Two issues, one with more comments than an answer about it holds, and what is said there."""

    def __init__(self, product: Product, patch: pytest.MonkeyPatch) -> None:
        self.product = product
        self._sandbox = product.sandbox
        self._patch = patch
        self._sandbox.do(self._begin)

    def _begin(self, world: World, now: int) -> None:
        live = [i for i in world.issues.values() if world.projects[i.project].state == "live"]
        self._short, self._long = live[:2]
        for number in range(INLINE_LIMIT + 1):
            world.comment(now, world.me, self._long, f"comment {number}")

    def meanwhile(self, path: str, act: Callable[[World, int, Issue], object]) -> None:
        """Sync while `act` happens to both issues, after the answer on `path`, before its Date."""
        site = self._sandbox.site
        self._sandbox.do(self._touch)
        advance = site.advance

        def overtake(minutes: float) -> None:
            advance(minutes / 2)
            for issue in (self._short, self._long):
                act(site.world, site.clock.now(), issue)
            advance(minutes / 2)

        with self._patch.context() as patch:
            patch.setattr(site, "advance", overtake)
            self._sandbox.fault(path, "overtaken", times=1, minutes=2)
            self.sync()
        assert [fault["path"] for fault in self._sandbox.faults()][-1].endswith(path[-7:])

    def _touch(self, world: World, now: int) -> None:
        for issue in (self._short, self._long):
            world.edit(now, world.me, issue, {"summary": f"Touched at {now}"})

    def sync(self) -> None:
        """Sync the issues, then what webhooks told, and hold the marts against the ledger."""
        self.product.sync(without=SOURCES.keys() - {"jira_issues"})
        self._sandbox.settle()
        self.product.sync(without=SOURCES.keys() - {"inbox"})
        self.product.build()
        assert_exact(self.product.check_marts())

    def texts_of_deleted(self) -> list[str]:
        """Texts of the comments that are deleted, in order."""
        rows = marts(self.product.home / MARTS)["fct_actions"]
        return sorted(
            text
            for row in rows
            if "COMMENT_DELETED" in row
            for text in row
            if isinstance(text, str) and text.startswith("said")
        )


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Run a quiet site that does nothing by itself."""
    with running_sandbox(days=1, actions_per_year=20_000, max_lag_minutes=0, domains=()) as running:
        yield running


@pytest.fixture
def talk(
    sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Talk]:
    product = Product(tmp_path, sandbox)
    with product.receiving() as url:
        sandbox.webhooks(f"{url}/ingest/jira", WEBHOOK_SECRET)
        one = Talk(product, monkeypatch)
        product.sync(without=SOURCES.keys() - {"jira_issues", "jira_platform"})
        sandbox.advance(60)
        yield one


def test_a_comment_that_overtakes_its_issue_is_not_deleted(talk: Talk) -> None:
    said: list[tuple[Issue, Comment]] = []

    def say(world: World, now: int, issue: Issue) -> None:
        said.append((issue, world.comment(now, world.me, issue, f"said {len(said)}")))

    def take_back(world: World, now: int) -> None:
        for issue, comment in said:
            world.delete_comment(now, world.me, issue, comment)

    for path in (ISSUE, COMMENTS):
        talk.meanwhile(path, say)
        assert talk.texts_of_deleted() == []
        talk.product.sandbox.advance(30)
    talk.product.sandbox.do(take_back)
    talk.sync()
    assert talk.texts_of_deleted() == ["said 0", "said 1", "said 2", "said 3"]
    _assert_rebuilt_alike(talk.product)


def test_a_comment_deleted_behind_an_answer_was_there_until_then(talk: Talk) -> None:
    """No webhook tells of the deletion, so its time is the window between two listings."""
    said: list[Comment] = []

    def say(world: World, now: int) -> None:
        for issue in world.issues.values():
            said.append(world.comment(now, world.me, issue, f"said {len(said)}"))

    def take_back(world: World, now: int, issue: Issue) -> None:
        (own,) = (one for one in issue.comments.values() if one in said)
        world.delete_comment(now, world.me, issue, own)
        said.remove(own)

    sandbox = talk.product.sandbox
    sandbox.do(say)
    sandbox.webhooks("http://127.0.0.1:9/nobody", WEBHOOK_SECRET, drop=1)
    talk.meanwhile(ISSUE, take_back)
    # The many comments of the one issue are asked for behind the answer about both.
    assert len(talk.texts_of_deleted()) == 1
    sandbox.advance(30)
    sandbox.do(say)
    talk.meanwhile(COMMENTS, take_back)
    assert len(talk.texts_of_deleted()) == 2
    sandbox.advance(30)
    talk.sync()
    assert len(talk.texts_of_deleted()) == 4
    _assert_rebuilt_alike(talk.product)


def _assert_rebuilt_alike(product: Product) -> None:
    before = marts(product.home / MARTS)
    for name in (WAREHOUSE, MARTS):
        (product.home / name).unlink()
    product.build()
    assert marts(product.home / MARTS) == before
