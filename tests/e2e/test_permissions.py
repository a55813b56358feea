"""A project the account may not see any more is neither deleted nor forgotten."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.transformation import MARTS
from tests.e2e.product import Product, assert_exact
from tests.sandbox.domains.admin import Admin
from tests.sandbox.domains.software import Software
from tests.sandbox.running import running_sandbox


def test_what_goes_out_of_sight_with_a_right_is_not_deleted_and_is_caught_up_when_it_returns(
    tmp_path: Path,
) -> None:
    """Boards and sprints hide with their project, types and the trash from all but admins."""
    rows = """
        select action_code, target_label from fct_actions
        where source in ('jira_platform', 'jira_software') and occurred_at > ? order by all
    """
    with running_sandbox(days=10, activity=0.001) as sandbox:
        trashed = sandbox.do(
            lambda world, now: world.domain(Admin).create_project(now, world.me, "BIN", "Bin")
        )
        sandbox.do(
            lambda world, now: world.domain(Admin).change_state(now, world.me, trashed, "deleted")
        )
        product = Product(tmp_path, sandbox)
        product.sync()
        begun = sandbox.state()["now"].removesuffix("Z")

        sandbox.hide_project("WEB")
        sandbox.advance(24 * 60)
        reports = product.sync()
        warnings = [warning for report in reports for warning in report.warnings]
        assert any("Browse projects" in warning for warning in warnings)
        # Who administers Jira is shown the project still, and its boards no longer.
        product.build()
        assert_exact(product.check_marts())
        sandbox.permission("ADMINISTER", granted=False)
        for _ in range(2):
            sandbox.advance(30)
            product.sync()
        product.build()
        assert_exact(product.check_marts())
        with duckdb.connect(str(tmp_path / MARTS), read_only=True) as marts:
            assert marts.execute(rows, [begun]).fetchall() == []
            assert marts.execute("select count(*) from dim_boards where is_deleted").fetchall() == [
                (0,)
            ]

        sandbox.permission("ADMINISTER", granted=True)
        sandbox.unhide_project("WEB")
        for _ in range(2):  # the first sync sees the project again, the second reads all of it
            sandbox.advance(30)
            product.sync()
        board = sandbox.do(lambda world, _: world.domain(Software).boards.all[7])
        assert board.place.key == "WEB"
        sandbox.do(lambda world, now: world.domain(Software).boards.delete(now, world.me, board))
        sandbox.advance(30)
        product.sync()
        for is_in_sight in (True, False):
            if not is_in_sight:
                sandbox.hide_project("WEB")
                sandbox.advance(30)
                product.sync()
            product.build()
            assert_exact(product.check_marts())
            with duckdb.connect(str(tmp_path / MARTS), read_only=True) as marts:
                assert marts.execute(rows, [begun]).fetchall() == [("BOARD_DELETED", board.name)]
