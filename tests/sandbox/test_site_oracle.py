"""The site's expected actions, in handmade lines, served logs and rows.

Each test has a product that is right and one that is broken: channels that are not matched,
windows ignored, tombstones of listings that were not complete, and more.
"""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from tests.sandbox.check_inputs import Action
from tests.sandbox.checker import Matcher
from tests.sandbox.oracle import Evidence, Item, Line, Served, microseconds
from tests.sandbox.verdicts import Report

LISTING = "list:versions:10"


def at(minute: float) -> str:
    seconds = int(minute * 60)
    return f"2026-03-02T{10 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000Z"


def us(minute: float) -> int:
    return microseconds(at(minute))


class Site:
    """A handmade site of versions, listed now and then, and the rows of a product."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.served: list[Served] = []
        self.rows: list[Action] = []
        self.changes: dict[str, list[Item]] = {}

    def happens(self, code: str, minute: float, *carriers: str, **more: object) -> None:
        """Write a line; `carriers` that begin with `-` do not tell who."""
        self.lines.append(
            msgspec.convert(
                {
                    "n": len(self.lines) + 1,
                    "code": code,
                    "at": at(minute),
                    "actor": "ann",
                    "target_id": "7",
                    "project_id": "10",
                    "carriers": [
                        {"key": key.lstrip("-"), "tells_actor": not key.startswith("-")}
                        for key in carriers
                    ],
                    "listing": [LISTING],
                }
                | more,
                Line,
            )
        )

    def serve(self, minute: float, *keys: str) -> None:
        """Serve exact channels."""
        self.served += [Served(len(self.served), at(minute), key) for key in keys]

    def list(self, minute: float, name: str = LISTING) -> None:
        """Serve a complete listing."""
        self.served.append(
            Served(
                len(self.served),
                at(minute),
                name,
                began=at(minute),
                ended=at(minute),
                lines=len(self.lines),
            )
        )

    def row(
        self,
        code: str,
        minute: float,
        since: float | None = None,
        *values: tuple[str, str],
        **more: object,
    ) -> None:
        """Let the product say an action: exact, or found in a window that begins at `since`."""
        action_id = str(len(self.rows))
        self.rows.append(
            msgspec.convert(
                {
                    "action_id": action_id,
                    "code": code,
                    "occurred_at": us(minute),
                    "observed_from": None if since is None else us(since),
                    "observed_to": None if since is None else us(minute),
                    "actor": "ann" if since is None else None,
                    "target_id": "7",
                    "issue_id": None,
                    "project_id": "10",
                    "issue_type_id": None,
                    "from_status_id": None,
                    "to_status_id": None,
                    "resolution_id": None,
                    "old_value": None,
                    "new_value": None,
                    "change_count": None,
                    "is_secured": False,
                    "source_event_id": None,
                    "actor_certainty": "known" if since is None else "unknown",
                    "sources": None,
                }
                | more,
                Action,
            )
        )
        self.changes[action_id] = [
            Item("Field", "field", None, old or None, None, new or None) for old, new in values
        ]

    def judge(self) -> Report:
        """Check the rows."""
        return Matcher(self.lines, Evidence(self.served)).judge(self.rows, self.changes)

    def verdicts(self) -> dict[str, int]:
        """Give the counts that are not 0."""
        report = self.judge()
        unobservable = Counter[str]()
        for tally in report.tallies.values():
            unobservable.update(tally.unobservable)
        names = ("found", "lost", "doubled", "invented", "wrong")
        counts = {name: report.total(name) for name in names} | {
            "unobservable": unobservable.total()
        }
        return {name: count for name, count in counts.items() if count}


def renamed(old: str, new: str) -> list[Item]:
    return [Item("name", "name", None, old, None, new)]


@pytest.fixture
def site() -> Site:
    """Make a version that is listed at minute 0."""
    site = Site()
    site.happens("VERSION_CREATED", -30)
    site.list(0)
    return site


def test_what_was_before_the_first_listing_is_not_demanded(site: Site) -> None:
    assert site.verdicts() == {"unobservable": 1}


@pytest.fixture
def renamed_site(site: Site) -> Site:
    """One renaming that audit log, webhook and a listing all tell."""
    site.happens("VERSION_UPDATED", 5, "confluence:1", "webhook:1", items=renamed("a", "b"))
    site.serve(6, "confluence:1", "webhook:1")
    site.list(10)
    return site


def test_all_channels_of_one_action_are_one_row(renamed_site: Site) -> None:
    renamed_site.row("VERSION_UPDATED", 5, sources="confluence,inbox")
    assert renamed_site.verdicts() == {"found": 1, "unobservable": 1}
    channels = renamed_site.judge().tallies["VERSION_UPDATED"].channels
    assert channels == {"confluence": 1, "webhook": 1}


def test_channels_that_are_not_matched_are_doubled(renamed_site: Site) -> None:
    renamed_site.row("VERSION_UPDATED", 5)
    renamed_site.row("VERSION_UPDATED", 5)
    assert renamed_site.verdicts()["doubled"] == 1


def test_a_window_beside_the_exact_action_is_doubled(renamed_site: Site) -> None:
    renamed_site.row("VERSION_UPDATED", 5)
    renamed_site.row("VERSION_UPDATED", 10, 0)
    assert renamed_site.verdicts()["doubled"] == 1


def test_a_source_that_is_not_named_is_wrong(renamed_site: Site) -> None:
    renamed_site.row("VERSION_UPDATED", 5, sources="inbox")
    assert renamed_site.verdicts()["wrong"] == 1


def test_a_window_where_the_time_was_told_is_wrong(renamed_site: Site) -> None:
    renamed_site.row("VERSION_UPDATED", 10, 0)
    assert renamed_site.verdicts()["wrong"] == 1


@pytest.mark.parametrize(
    ("more", "verdict"),
    [({"actor": None}, "wrong"), ({"project_id": "11"}, "wrong"), ({"target_id": "8"}, "invented")],
)
def test_a_wrong_field_is_told(renamed_site: Site, more: dict[str, object], verdict: str) -> None:
    renamed_site.row("VERSION_UPDATED", 5, None, **more)
    assert verdict in renamed_site.verdicts()


def test_a_log_that_shows_a_record_late_does_not_owe_it_before(site: Site) -> None:
    late = {"key": "confluence:1", "appears": us(60) // 1000}
    site.happens("VERSION_UPDATED", 5, listing=[], carriers=[late])
    for number, minute in enumerate((30, 80), start=2):
        site.happens("VERSION_UPDATED", minute, f"confluence:{number}", listing=[])
        site.serve(minute + 1, f"confluence:{number}")
        site.row("VERSION_UPDATED", minute)
        assert ("lost" in site.verdicts()) is (minute > 60)


def test_nobody_is_known_from_a_channel_that_names_nobody(site: Site) -> None:
    site.happens("VERSION_UPDATED", 5, "-confluence:1")
    site.serve(6, "confluence:1")
    site.row("VERSION_UPDATED", 5)
    assert site.verdicts()["wrong"] == 1
    site.rows[0].actor_certainty = "inferred"
    assert "wrong" not in site.verdicts()
    site.rows[0].actor = None
    assert "wrong" not in site.verdicts()


@pytest.mark.parametrize(
    ("listings", "teller"),
    [
        ({}, None),
        ({4: {"ann": "Ann"}}, "ann"),
        ({6: {"ann": "Ann"}}, None),
        ({4: {"bob": "Ann"}, 6: {"ann": "Ann"}}, None),
        ({4: {"ann": "Ann"}, 6: {"ann": "Ann B.", "bob": "Ann"}}, None),
        ({1: {"ann": "Ann"}, 4: {"ann": "Ann B."}, 6: {"ann": "Ann"}}, None),
    ],
)
def test_a_name_tells_who_if_it_was_listed_as_theirs_alone(
    site: Site, listings: dict[float, dict[str, str]], teller: str | None
) -> None:
    shown = {"key": "asset_name:1", "named": "Ann"}
    site.happens("ASSET_OBJECT_UPDATED", 5, carriers=[shown], listing=[])
    site.serve(7, "asset_name:1")
    for minute, names in listings.items():
        site.list(minute, "list:users")
        site.served[-1] = msgspec.structs.replace(site.served[-1], names=names)
    site.row("ASSET_OBJECT_UPDATED", 5, actor=teller)
    assert "wrong" not in site.verdicts()
    # Who bears the name by now is an invention, however it is called.
    site.rows[0].actor, site.rows[0].actor_certainty = "bob", "inferred"
    assert site.verdicts()["wrong"] == 1
    site.rows[0].actor = None
    assert ("wrong" in site.verdicts()) is (teller is not None)


def test_the_same_twice_is_two_actions(site: Site) -> None:
    """In one second as well: the k-th telling of each source belongs together."""
    for number, minute in enumerate((5, 5, 7), start=1):
        site.happens("VERSION_UPDATED", minute, f"confluence:{number}", f"webhook:{number}")
        site.serve(8, f"confluence:{number}", *((f"webhook:{number}",) if number != 1 else ()))
        site.row("VERSION_UPDATED", minute)
    assert site.verdicts() == {"found": 3, "unobservable": 1}
    del site.rows[0]
    assert site.verdicts()["lost"] == 1


def test_a_log_owes_what_lies_long_before_what_it_has_served(site: Site) -> None:
    site.happens("VERSION_UPDATED", 5, "confluence:1", listing=[])
    site.happens("VERSION_UPDATED", 12, "confluence:2", listing=[])
    site.serve(20, "confluence:2")
    site.row("VERSION_UPDATED", 12)
    assert site.verdicts() == {"found": 1, "unobservable": 2}
    site.happens("VERSION_UPDATED", 40, "confluence:3", listing=[])
    site.serve(60, "confluence:3")
    site.row("VERSION_UPDATED", 40)
    assert site.verdicts() == {"found": 2, "lost": 1, "unobservable": 1}


def test_a_log_does_not_owe_what_it_no_longer_kept(site: Site) -> None:
    site.happens("VERSION_UPDATED", 5, "audit:1", listing=[], at="2025-08-02T10:00:00.000Z")
    site.happens("VERSION_UPDATED", 40, "confluence:2", "audit:3", listing=[], actor=None)
    site.serve(60, "confluence:2", "audit:3")
    site.row("VERSION_UPDATED", 40, None, actor=None)
    assert site.verdicts() == {"found": 1, "unobservable": 2}


def test_a_board_that_no_list_has_shown_has_no_project(site: Site) -> None:
    for minute, code in ((5, "BOARD_CREATED"), (6, "BOARD_DELETED")):
        site.happens(code, minute, f"webhook:{minute}", listing=["list:boards"])
        site.row(code, minute, None, project_id=None)
    site.serve(9, "webhook:5", "webhook:6")
    site.list(10, "list:boards")
    site.list(20, "list:boards")
    assert site.verdicts() == {"found": 2, "unobservable": 1}
    site.lines.pop()
    site.rows.pop()
    site.lines[1].n = 1
    assert site.verdicts()["wrong"] == 1


def test_a_board_is_missed_while_its_project_is_in_sight(site: Site) -> None:
    def moves(minute: float, old: str, new: str) -> None:
        items = [Item("State", None, None, old, None, new)]
        site.happens("PROJECT_UPDATED", minute, target_id="10", items=items, listing=[])

    site.list(0, "list:boards")
    site.happens("BOARD_DELETED", 5, listing=["list:boards"])
    moves(7, "Live", "Trashed")
    site.list(10, "list:boards")
    site.row("BOARD_DELETED", 10, 0)
    assert site.verdicts() == {"invented": 1, "unobservable": 3}
    site.rows.clear()
    moves(15, "Trashed", "Live")
    site.list(20, "list:boards")
    moves(25, "Live", "Archived")
    site.list(30, "list:boards")
    assert site.verdicts() == {"lost": 1, "unobservable": 4}
    site.row("BOARD_DELETED", 20, 0)
    assert site.verdicts() == {"found": 1, "unobservable": 4}


# -- between two listings ----------------------------------------------------------------------


def test_a_listing_finds_what_no_channel_told_once(site: Site) -> None:
    site.happens("VERSION_UPDATED", 3, "webhook:1", items=renamed("a", "b"))
    site.happens("VERSION_UPDATED", 5, "webhook:2", items=renamed("b", "c"))
    site.list(10)
    assert site.verdicts() == {"lost": 1, "unobservable": 2}
    site.row("VERSION_UPDATED", 10, 0, ("a", "c"))
    assert site.verdicts() == {"found": 1, "unobservable": 2}
    assert site.judge().tallies["VERSION_UPDATED"].channels == {"listing": 1}
    site.row("VERSION_UPDATED", 10, 0, ("a", "c"))
    assert site.verdicts()["doubled"] == 1


@pytest.mark.parametrize(
    ("minute", "since"),
    [(10, None), (10, 6), (4, 0), (30, 0), (10, -20)],
    ids=["no window", "begins after it", "ends before it", "ends late", "begins early"],
)
def test_a_window_has_to_hold_and_to_be_narrow(
    site: Site, minute: float, since: float | None
) -> None:
    site.happens("VERSION_UPDATED", 5)
    site.list(10)
    site.row("VERSION_UPDATED", minute, since, actor=None)
    assert site.verdicts()["wrong"] == 1


def test_values_between_two_listings_are_first_old_and_last_new(site: Site) -> None:
    site.happens("VERSION_UPDATED", 3, items=renamed("a", "b"))
    site.happens("VERSION_UPDATED", 5, items=renamed("b", "c"))
    site.list(10)
    site.row("VERSION_UPDATED", 10, 0, ("b", "c"))
    assert site.verdicts()["wrong"] == 1


def test_what_was_undone_between_two_listings_is_no_action(site: Site) -> None:
    site.happens("VERSION_UPDATED", 3, items=renamed("a", "b"))
    site.happens("VERSION_UPDATED", 5, items=renamed("b", "a"))
    site.list(10)
    assert site.verdicts() == {"unobservable": 3}


def test_the_last_of_opposite_codes_stays(site: Site) -> None:
    def flag(old: str, new: str) -> list[Item]:
        return [Item("released", "released", None, old, None, new)]

    site.happens("VERSION_RELEASED", 3, items=flag("no", "yes"))
    site.happens("VERSION_UNRELEASED", 4, items=flag("yes", "no"))
    site.happens("VERSION_RELEASED", 5, items=flag("no", "yes"))
    site.list(10)
    site.row("VERSION_RELEASED", 10, 0, ("no", "yes"))
    assert site.verdicts() == {"found": 1, "unobservable": 3}


@pytest.mark.parametrize(
    ("codes", "seen"),
    [
        (("VERSION_CREATED", "VERSION_DELETED"), None),
        (("VERSION_CREATED", "VERSION_UPDATED"), "VERSION_CREATED"),
        (("VERSION_UPDATED", "VERSION_DELETED"), "VERSION_DELETED"),
    ],
)
def test_comings_and_goings_swallow_the_rest(
    site: Site, codes: tuple[str, str], seen: str | None
) -> None:
    for minute, code in enumerate(codes, start=3):
        site.happens(code, minute, target_id="8")
    site.list(10)
    if seen:
        site.row(seen, 10, 0, target_id="8")
    assert site.verdicts().get("found", 0) == bool(seen)
    assert not {"lost", "doubled", "invented", "wrong"} & set(site.verdicts())


def test_another_list_finds_nothing(site: Site) -> None:
    """A tombstone from a listing that was not complete, or of another parent, is invented."""
    site.happens("VERSION_DELETED", 5)
    site.list(10, "list:versions:11")
    assert site.verdicts() == {"unobservable": 2}
    site.row("VERSION_DELETED", 10, 0, target_id="9")
    assert site.verdicts()["invented"] == 1


def test_what_only_a_later_listing_shows_has_the_later_window(site: Site) -> None:
    site.list(10)
    site.happens("VERSION_UPDATED", 10)  # in the same instant, after the listing
    site.list(20)
    site.row("VERSION_UPDATED", 20, 10)
    assert site.verdicts() == {"found": 1, "unobservable": 1}


def test_members_are_told_apart(site: Site) -> None:
    for minute, member in ((3, "bob"), (4, "eve")):
        site.happens("USER_ADDED_TO_GROUP", minute, "confluence:" + member, member_id=member)
        site.serve(5, "confluence:" + member)
    site.row("USER_ADDED_TO_GROUP", 3)
    site.row("USER_ADDED_TO_GROUP", 4)
    site.changes["0"] = [Item("member", "member", None, None, "bob", "Bob")]
    site.changes["1"] = [Item("member", "member", None, None, "eve", "Eve")]
    assert site.verdicts() == {"found": 2, "unobservable": 1}
    site.changes["1"] = site.changes["0"]
    assert site.verdicts()["lost"] == 1


# -- derived by a rule -------------------------------------------------------------------------


def look(site: Site, seconds: int, key: str, *, is_served: bool = True) -> None:
    more = {"issue_id": "100", "target_id": "100", "target_label": "100", "listing": []}
    site.happens("ISSUE_VIEWED", seconds / 60, key, **more)
    if is_served:
        site.serve(60, key)


def seen(site: Site, *seconds: int) -> None:
    for second in seconds:
        site.row("ISSUE_VIEWED", second / 60, None, issue_id="100", target_id="100")


def test_views_count_again_after_exactly_five_minutes(site: Site) -> None:
    site.serve(0, "issue:100")
    for second in (0, 299, 300, 599, 600):
        look(site, second, f"view:{second}")
    seen(site, 0, 300, 600)
    assert site.verdicts() == {"found": 3, "unobservable": 1}
    seen(site, 299)
    assert site.verdicts()["invented"] == 1


def test_the_five_minutes_run_from_the_views_that_were_told(site: Site) -> None:
    site.serve(0, "issue:100")
    for second in (0, 200, 400):
        look(site, second, f"view:{second}", is_served=second > 0)
    seen(site, 200)
    assert site.verdicts() == {"found": 1, "unobservable": 2}


def test_a_view_of_an_unknown_issue_is_known_by_the_name_it_gave(site: Site) -> None:
    named = {"issue_id": "100", "target_id": "100", "target_label": "AB-1", "listing": []}
    site.happens("ISSUE_VIEWED", 1, "view:1", **named)
    site.serve(2, "view:1")
    site.row("ISSUE_VIEWED", 1, None, target_id="AB-1", project_id=None)
    assert site.verdicts() == {"found": 1, "unobservable": 1}
    site.serve(3, "issue:100")
    assert site.verdicts()["lost"] == 1


def test_one_role_in_two_projects_is_two_things(site: Site) -> None:
    for number, project in enumerate(("10", "11")):
        site.happens("PROJECT_ROLES_CHANGED", 5, f"confluence:{number}", project_id=project)
        site.serve(6, f"confluence:{number}")
        site.row("PROJECT_ROLES_CHANGED", 5, None, project_id=project)
    assert site.verdicts() == {"found": 2, "unobservable": 1}
    site.rows[1].project_id = "10"
    assert site.verdicts()["lost"] == 1


def test_a_person_was_last_active_when_the_newest_record_says(site: Site) -> None:
    site.happens("VERSION_UPDATED", 5, "audit:1", listing=[])
    site.happens("_USER_ACTIVE", 6, "last_active:ann:1", listing=[])
    site.happens("_USER_ACTIVE", 9, "last_active:ann:2", listing=[])
    site.serve(8, "audit:1", "last_active:ann:1")
    site.row("VERSION_UPDATED", 5)
    site.row("USER_LAST_ACTIVE", 6, target_id="ann", project_id=None)
    assert site.verdicts() == {"found": 2, "unobservable": 1}
    site.rows[1].occurred_at = us(5)
    assert site.verdicts()["wrong"] == 1


# -- issues and their webhooks -----------------------------------------------------------------


def test_a_webhook_tells_when_and_who_of_what_a_listing_only_misses() -> None:
    site = Site()
    issue = {
        "issue_id": "100",
        "target_id": "100",
        "issue_type_id": "1",
        "listing": None,
        "true_actor": "ann",
        "actor": None,
    }
    site.happens("ISSUE_CREATED", 1, "webhook:1", **issue)
    site.happens("ISSUE_DELETED", 2, "webhook:2", **issue)
    assert site.verdicts() == {"unobservable": 2}
    site.serve(3, "webhook:1", "webhook:2")
    assert site.verdicts() == {"lost": 2}
    for code, minute in (("ISSUE_CREATED", 1), ("ISSUE_DELETED", 2)):
        site.row(code, minute, issue_id="100", target_id="100", issue_type_id="1")
    assert site.verdicts() == {"found": 2}
    assert site.judge().tallies["ISSUE_DELETED"].channels == {"webhook": 1, "pull": 0}
    site.rows[1].actor = None
    assert site.verdicts()["wrong"] == 1


def test_an_edit_that_only_a_webhook_told_has_its_texts() -> None:
    site = Site()
    for number, (code, old, new) in enumerate(
        [
            ("ISSUE_COMMENTED", None, "one"),
            ("COMMENT_UPDATED", "one", "two"),
            ("COMMENT_UPDATED", "two", "three"),
        ],
        start=1,
    ):
        site.happens(
            code,
            number,
            f"webhook:{number}",
            true_actor="ann",
            issue_id="100",
            issue_type_id="1",
            target_id="300",
            listing=None,
            items=[Item("comment", "comment", None, old, None, new)],
        )
        site.row(
            code,
            number,
            issue_id="100",
            issue_type_id="1",
            target_id="300",
            new_value=new,
            old_value=old,
        )
    site.serve(9, "webhook:1", "webhook:2", "webhook:3")
    site.rows[0].old_value = None
    assert site.verdicts() == {"found": 3}
    site.rows[2].old_value = "one"
    assert site.verdicts()["wrong"] == 1
