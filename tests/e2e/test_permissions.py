"""A project the account may not see any more is neither deleted nor forgotten."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.product import Product, assert_exact
from tests.sandbox.running import running_sandbox


def test_a_hidden_project_is_not_deleted_and_is_caught_up_when_it_returns(tmp_path: Path) -> None:
    with running_sandbox(days=10) as sandbox:
        product = Product(tmp_path, sandbox)
        product.run()

        sandbox.hide_project("WEB")
        sandbox.advance(24 * 60)
        reports = product.sync()
        product.build()
        hidden = product.check_marts()
        assert_exact(hidden)
        assert any("WEB" in warning for report in reports for warning in report.warnings)

        sandbox.unhide_project("WEB")
        sandbox.advance(30)
        product.sync()
        product.build()
        assert_exact(product.check_marts())
