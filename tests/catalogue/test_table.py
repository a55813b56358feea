"""The generated table of actions is what the seeds say."""

from tests.catalogue.table import PAGE, render


def test_the_table_for_people_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make docs`"
