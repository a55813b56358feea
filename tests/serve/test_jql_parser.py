"""Reading and writing JQL: the grammar, its limits, its errors in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.query.jql.errors import JqlError
from serve.query.jql.parser import MAX_DEPTH, MAX_LENGTH, parse
from serve.query.jql.printer import render
from serve.query.jql.syntax import (
    And,
    Comparison,
    Empty,
    Field,
    Function,
    Literal,
    Not,
    Operator,
    Or,
    Predicate,
    PredicateName,
    Query,
    Sequence,
    Sorting,
)
from tests.serve.jql_trees import Trees


def equals(field: str, value: str) -> Comparison:
    return Comparison(Field(field), Operator.EQUALS, Literal(value))


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_what_is_written_reads_as_the_same_tree(count: int) -> None:
    trees = Trees(seed=20261123)
    for _ in range(count):
        tree = trees.query()
        text = render(tree)
        if len(text) > MAX_LENGTH:
            continue
        read = parse(text)
        assert read == tree, text
        assert render(read) == text


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Query()),
        ("  \n ", Query()),
        ("order by created", Query(None, (Sorting(Field("created")),))),
        ("x = 1", Query(equals("x", "1"))),
        ("x=1", Query(equals("x", "1"))),
        (
            "x = 1 OR y = 2 AND z = 3",
            Query(Or((equals("x", "1"), And((equals("y", "2"), equals("z", "3")))))),
        ),
        (
            "(x = 1 OR y = 2) AND NOT z = 3",
            Query(And((Or((equals("x", "1"), equals("y", "2"))), Not(equals("z", "3"))))),
        ),
        (
            "x=1||y=2&&!z=3",
            Query(Or((equals("x", "1"), And((equals("y", "2"), Not(equals("z", "3"))))))),
        ),
        (
            "x = 1 | y = 2 & z = 3",
            Query(Or((equals("x", "1"), And((equals("y", "2"), equals("z", "3")))))),
        ),
        ("NOT NOT x = 1", Query(Not(Not(equals("x", "1"))))),
        (
            "status Was Not In (Open, 'In Progress') BY currentUser() AFTER -1w",
            Query(
                Comparison(
                    Field("status"),
                    Operator.WAS_NOT_IN,
                    Sequence((Literal("Open"), Literal("In Progress"))),
                    (
                        Predicate(PredicateName.BY, Function("currentUser")),
                        Predicate(PredicateName.AFTER, Literal("-1w")),
                    ),
                )
            ),
        ),
        (
            "status changed FROM Open TO Done DURING ('2026/01/01', now())",
            Query(
                Comparison(
                    Field("status"),
                    Operator.CHANGED,
                    None,
                    (
                        Predicate(PredicateName.FROM, Literal("Open")),
                        Predicate(PredicateName.TO, Literal("Done")),
                        Predicate(
                            PredicateName.DURING,
                            Sequence((Literal("2026/01/01"), Function("now"))),
                        ),
                    ),
                )
            ),
        ),
        (
            'CF [ 10020 ] IS NOT null and "Story Points" >= 3.5',
            Query(
                And(
                    (
                        Comparison(Field("cf[10020]", 10020), Operator.IS_NOT, Empty()),
                        Comparison(Field("Story Points"), Operator.GREATER_EQUALS, Literal("3.5")),
                    )
                )
            ),
        ),
        ("notes = x", Query(equals("notes", "x"))),
        (
            "inventory != android",
            Query(Comparison(Field("inventory"), Operator.NOT_EQUALS, Literal("android"))),
        ),
        (
            'wasted in membersOf("a b")',
            Query(
                Comparison(Field("wasted"), Operator.IN, Function("membersOf", (Literal("a b"),)))
            ),
        ),
        ('x = "\\u0041\\n\\"\\\\"', Query(equals("x", 'A\n"\\'))),
        ("x = two\\ words", Query(equals("x", "two words"))),
        ('x = "\\ud83d\\ude00"', Query(equals("x", "😀"))),
        (
            "x = 1 ORDER BY y DESC, cf[1] ASC, z",
            Query(
                equals("x", "1"),
                (
                    Sorting(Field("y"), is_descending=True),
                    Sorting(Field("cf[1]", 1), is_descending=False),
                    Sorting(Field("z")),
                ),
            ),
        ),
    ],
)
def test_text_becomes_a_tree(text: str, tree: Query) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "start", "words"),
    [
        ("status = In Progress", 12, "quotes"),
        ("status = ", 9, "ends too early"),
        ("status", 6, "operator"),
        ("status = order", 9, "reserved word"),
        ("order = 1", 6, "BY"),
        ("x = a/b", 5, "reserved character"),
        ('x = "open', 4, "never closed"),
        ("x = 1 AND", 9, "ends too early"),
        ("x = 1 y = 2", 6, "AND, OR"),
        ("(x = 1", 6, "ends too early"),
        ("x = 1)", 5, "cannot stand here"),
        ("x in ()", 6, "name or value"),
        ("x in 1", 6, "("),
        ("x = \\", 4, "backslash"),
        ('x = "\\u12"', 5, "hexadecimal"),
        ('x = "\\u0000"', 5, "U+0000"),
        ("x = 1 BEFORE now()", 6, "cannot stand here"),
        ("status changed UNTIL now()", 15, "AFTER, BEFORE"),
        ("x = 1 ORDER BY a1,a2,a3,a4,a5,a6,a7,a8", 36, "at most 7"),
        ("f(x) = 1", 1, "operator"),
    ],
)
def test_an_error_names_place_and_remedy(text: str, start: int, words: str) -> None:
    with pytest.raises(JqlError) as caught:
        parse(text)
    assert caught.value.span.start == start
    assert words in str(caught.value)
    assert caught.value.remedy.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000 + "x = 1" + ")" * 4_995,
        "NOT " * 2_400 + "x = 1",
        "!" * 9_000 + "x = 1",
        "x = 1 AND (" * 900,
    ],
)
def test_nesting_is_bounded(text: str) -> None:
    with pytest.raises(JqlError, match=f"deeper than {MAX_DEPTH}"):
        parse(text)


def test_the_deepest_allowed_nesting_is_read() -> None:
    text = "(" * MAX_DEPTH + "x = 1" + ")" * MAX_DEPTH
    assert parse(text) == Query(equals("x", "1"))
    negated = parse("not " * MAX_DEPTH + "x = 1")
    assert parse(render(negated)) == negated


def test_length_is_bounded() -> None:
    with pytest.raises(JqlError, match="at most 10,000"):
        parse("x = " + "y" * MAX_LENGTH)
    longest = "x = " + "y" * (MAX_LENGTH - 4)
    assert render(parse(longest)) == longest


def test_a_long_flat_query_is_read() -> None:
    text = " OR ".join(f"x{number} = {number}" for number in range(700))
    tree = parse(text)
    assert isinstance(tree.where, Or)
    assert len(tree.where.clauses) == 700


FRAGMENTS = (
    *("(", ")", "[", "]", ",", "=", "!=", "~", "!~", "<", "<=", "&", "|", "!", "/", '"', "'", "\\"),
    *("in", "not", "is", "was", "changed", "and", "or", "order", "by", "asc", "empty", "during"),
    *("x", "status", "cf[1]", "now()", "-1d", "\\u0041", "\\ud800"),
    *("\x00", "\x85", "\u2028", "é", "中", "👩", "\ufffe"),
)


@settings(max_examples=400)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60))
def test_hostile_text_is_a_tree_or_an_error(words: list[str]) -> None:
    text = " ".join(words)
    outcome = _outcome(text)
    if isinstance(outcome, JqlError):
        assert 0 <= outcome.span.start <= outcome.span.end <= len(text)
    else:
        assert parse(render(outcome)) == outcome


def _outcome(text: str) -> Query | JqlError:
    try:
        return parse(text)
    except JqlError as error:
        return error
