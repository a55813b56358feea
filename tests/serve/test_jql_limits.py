"""Queries that are small to write and would be dear to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import duckdb
import pytest
from fastapi.testclient import TestClient

from serve.query.jql.compiler import compile_query
from serve.query.jql.errors import JqlError
from serve.query.jql.moments import Clock
from serve.query.jql.names import Names, Thing, Vocabulary
from serve.query.jql.parser import parse
from serve.query.jql.syntax import Literal
from serve.query.jql.text import wanted_of
from serve.query.visibility import OPERATOR, Rights

CLOCK = Clock(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
PROJECTS = [Thing("site", str(number), f"Project {number}") for number in range(2_000)]
VERSIONS = [
    Thing("site", f"{project.id}-{rank}", f"{rank}.0", project_id=project.id, rank=rank)
    for project in PROJECTS
    for rank in range(5)
]


def many_names(asked: list[Sequence[str]]) -> Names:
    """2,000 projects with five versions each, and every issue but one; `asked` takes questions."""
    vocabularies = {"project": Vocabulary(PROJECTS), "version": Vocabulary(VERSIONS)}

    def issues(texts: Sequence[str]) -> Mapping[str, tuple[Thing, ...]]:
        asked.append(texts)
        return {text: (Thing("site", text, text),) for text in texts if text != "NO-1"}

    return cast(
        "Names",
        SimpleNamespace(
            vocabulary=vocabularies.__getitem__,
            link_types=lambda: Vocabulary([Thing(None, "blocks", "blocks")]),
            custom_fields=tuple,
            issues=issues,
        ),
    )


def compiled(text: str, asked: list[Sequence[str]] | None = None) -> dict[str, object]:
    """Compile a query and return its parameters."""
    names = many_names([] if asked is None else asked)
    return compile_query(parse(text), names, Rights(OPERATOR), CLOCK).params


def test_all_issues_that_a_query_names_are_one_question() -> None:
    asked: list[Sequence[str]] = []
    keys = [f"DEMO-{number}" for number in range(900)]
    params = compiled(
        f"key in ({', '.join(keys)}, demo-1) or parent changed from PAR-1 to (PAR-2, PAR-1) "
        "or issue in linkedIssues(LINK-1, blocks) or parent = PAR-3 and not key = DEMO-5",
        asked,
    )
    assert [len(texts) for texts in asked] == [904]
    assert keys in params.values()
    with pytest.raises(JqlError, match="no issue NO-1"):
        compiled("key in (DEMO-1, NO-1)")


def test_versions_of_one_name_in_many_projects_are_compared_within_their_project() -> None:
    # comparing each with each would take minutes
    [ids] = [ids for ids in compiled("fixVersion < 2.0").values() if isinstance(ids, list)]
    assert sorted(ids) == sorted(one.id for one in VERSIONS if one.rank in (0, 1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" + "?" * 11, "wildcards"),
        (" ".join(["a*"] * 11), "wildcards"),
        ("x" * 256, "more than 255 letters"),
        ('\\"' + "x" * 300 + '\\"', "more than 255 letters"),
    ],
)
def test_patterns_are_bounded(client: TestClient, text: str, reason: str) -> None:
    answer = client.get("/api/v1/actions", params={"jql": f'summary ~ "{text}"'})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "jql"
    assert reason in error["message"]


def test_the_longest_patterns_are_answered(client: TestClient) -> None:
    for text in ("é" * 255, "zq" + "?*" * 5, " ".join(["zq"] * 50)):
        answer = client.get("/api/v1/actions", params={"jql": f'text ~ "{text}"'})
        assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize(
    "word", ["हिन्दी", "ภาษาไทย", "e\u0301te\u0301", "שָׁלוֹם", "x²", "snake_case", "Straße", "中文"]
)
def test_words_of_any_script_are_found_whole(word: str) -> None:
    def is_found(wanted: str, text: str) -> bool:
        with duckdb.connect() as connection:
            return all(
                connection.execute("select regexp_matches($1, $2, 'i')", [text, one]).fetchone()
                == (True,)
                for one in wanted_of(Literal(wanted)).patterns
            )

    assert is_found(word, f"before, {word}: after")
    assert not is_found(word, f"before {word}x after")
    assert not is_found(word[:-1], f"before {word} after")
    assert is_found(f"{word[:1]}*", f"before {word} after")
