"""Queries that are small to write and would be dear to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import duckdb
import pytest
from fastapi.testclient import TestClient

from serve.query.jql.compiler import Selection, compile_query
from serve.query.jql.errors import JqlError
from serve.query.jql.moments import Clock
from serve.query.jql.names import Kind, Names, Thing, Vocabulary
from serve.query.jql.parser import parse
from serve.query.jql.syntax import Literal
from serve.query.jql.text import wanted_of
from serve.query.visibility import OPERATOR, Rights
from tests.serve.conftest import hurried, make_client, publish_endless

CLOCK = Clock(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
VERSIONS = [
    Thing("site", f"{project}-{rank}", f"{rank}.0", project_id=str(project), rank=rank)
    for project in range(2_000)
    for rank in range(5)
]


def many_names(asked: list[Sequence[str]]) -> Names:
    """Five versions in each of 2,000 projects, and every issue but one; `asked` takes questions."""
    versions = Vocabulary(VERSIONS)

    def find(kind: Kind, texts: Sequence[str]) -> Mapping[str, tuple[Thing, ...]]:
        asked.append(texts)
        if kind.name == "version":
            return {text: versions.find(text) for text in texts}
        return {text: (Thing("site", text, text),) for text in texts}

    def issues(texts: Sequence[str]) -> Mapping[str, tuple[Thing, ...]]:
        asked.append(texts)
        return {text: (Thing("site", text, text),) for text in texts if text != "NO-1"}

    return cast(
        "Names",
        SimpleNamespace(
            has_one_site=True,
            find=find,
            vocabulary=lambda _: Vocabulary([Thing(None, "blocks", "blocks")]),
            custom_fields=tuple,
            issues=issues,
        ),
    )


def compiled(text: str, asked: list[Sequence[str]] | None = None) -> Selection:
    """Compile a query."""
    names = many_names([] if asked is None else asked)
    return compile_query(parse(text), names, Rights(OPERATOR), CLOCK)


def test_all_things_of_a_kind_that_a_query_names_are_one_question() -> None:
    asked: list[Sequence[str]] = []
    keys = [f"DEMO-{number}" for number in range(900)]
    params = compiled(
        f"key in ({', '.join(keys)}, demo-1) or parent changed from PAR-1 to (PAR-2, PAR-1) "
        "or issue in linkedIssues(LINK-1, blocks) or parent = PAR-3 and not key = DEMO-5",
        asked,
    ).params
    assert [len(texts) for texts in asked] == [904]
    assert keys in params.values()
    asked.clear()
    people = [f"person {number}" for number in range(100)]
    compiled(
        f"assignee in ({', '.join(map(repr, people))}) or assignee was 'person 7' "
        "or reporter = ann or status changed by (bob, 'person 9') or status was in (one, two)",
        asked,
    )
    assert sorted(map(len, asked)) == [2, 102]
    with pytest.raises(JqlError, match="no issue NO-1"):
        compiled("key in (DEMO-1, NO-1)")


def test_versions_of_one_name_in_many_projects_are_compared_within_their_project() -> None:
    # comparing each with each would take minutes
    with duckdb.connect() as database:
        database.execute(
            """
            create table dim_versions as
            select
                'site' as site_id, project || '-' || version as version_id,
                version || '.0' as version_name, project::varchar as project_id,
                version as version_order, false as is_deleted
            from range(2_000) as projects (project), range(5) as versions (version);
            create table bridge_issue_field_values as
            select
                site_id, version_id as issue_id, 'fixVersions' as field_id, version_id as value_id
            from dim_versions;
            create table dim_issues as
            select site_id, issue_id, false as is_secured, 'present' as deletion_state
            from bridge_issue_field_values;
            """
        )
        for text, ranks in (
            ("< 2.0", {0, 1}),
            ("<= 2.0", {0, 1, 2}),
            ("> 3.0", {4}),
            (">= 3.0", {3, 4}),
        ):
            selection = compiled(f"fixVersion {text}")
            found = database.execute(selection.sql, selection.params).fetchall()
            assert sorted(found) == sorted(
                ("site", one.id) for one in VERSIONS if one.rank in ranks
            )


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


MANY = {
    "searches with wildcards": " or ".join(f'text ~ "*q{n}?z*"' for n in range(50)),
    "words": " and ".join(f'text ~ "wörd{n} *{n}*"' for n in range(50)),
    "comparisons": " or ".join(f"labels = label-{n} and votes > {n}" for n in range(100)),
    "histories": " or ".join(
        f"status was Done by account-{n} during (-{n + 1}w, now())" for n in range(20)
    )
    + "".join(f" and not assignee changed after -{n}d" for n in range(20)),
    "levels": "not (" * 24 + "status = Done" + ")" * 24 + " or text ~ z" * 150,
    "characters": f"labels in ({', '.join(f'label-{n:05}' for n in range(760))})",
}


@pytest.mark.parametrize("kind", MANY)
def test_large_queries_are_answered(client: TestClient, kind: str) -> None:
    answer = client.get("/api/v1/issues", params={"jql": MANY[kind], "period": "all"})
    assert answer.status_code == 200, answer.text


def test_a_search_that_takes_too_long_is_interrupted_and_says_so(
    marts: Path, tmp_path: Path
) -> None:
    publish_endless(tmp_path, marts, "dim_comments")
    with make_client(tmp_path) as client:
        for _ in range(2):
            with hurried(client, 1):
                answer = client.get(
                    "/api/v1/issues", params={"jql": 'comment ~ "*z?q*"', "period": "all"}
                )
            assert answer.status_code == 503, answer.text
            assert answer.json()["type"].endswith("#query-too-slow")
            other = client.get("/api/v1/issues", params={"jql": "votes >= 0", "period": "all"})
            assert other.status_code == 200, other.text


# No letter holds the accent of a q: it stays a mark, as vowel signs do.
@pytest.mark.parametrize(
    "word", ["हिन्दी", "ภาษาไทย", "q\u0301uq\u0301", "שָׁלוֹם", "x²", "snake_case", "Straße", "한국어"]
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
