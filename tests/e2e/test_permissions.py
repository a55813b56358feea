"""A project the account may not see any more is neither deleted nor forgotten."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.product import Product, assert_exact
from tests.sandbox.running import running_sandbox


def test_a_hidden_project_is_not_deleted_and_is_caught_up_when_it_returns(tmp_path: Path) -> None:
    with running_sandbox(days=10, domains=()) as sandbox:
        product = Product(tmp_path, sandbox)
        product.sync()

        sandbox.hide_project("WEB")
        sandbox.advance(24 * 60)
        reports = product.sync()
        product.build()
        hidden = product.check_marts()
        assert_exact(hidden)
        warnings = [warning for report in reports for warning in report.warnings]
        assert any("Browse projects" in warning for warning in warnings)

        sandbox.unhide_project("WEB")
        for _ in range(2):  # the first sync sees the project again, the second reads all of it
            sandbox.advance(30)
            product.sync()
        product.build()
        assert_exact(product.check_marts())
