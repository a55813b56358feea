"""Golden cases: lists of security levels, permission schemes and roles in, who may see what out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.builds import build, query
from tests.dbt.lakes import Lake, Row, at
from tests.dbt.test_administration import MEMBER, Objects, lists, minutes, periods

HOLDERS: Mapping[str, Mapping[str, Any]] = {
    "1": {"type": "user", "parameter": "ann", "value": "ann"},
    "2": {"type": "group", "parameter": "devs", "value": "g1", "group": {"groupId": "g1"}},
    "3": {"type": "group", "parameter": "ops"},  # without an id, as Jira wrote it once
    "4": {"type": "group", "group": {"name": "devs", "groupId": "g1"}},
    "5": {"type": "projectRole", "parameter": "7", "value": "7"},
    "6": {"type": "projectLead"},
    "7": {"type": "reporter"},
    "8": {"type": "assignee"},
    "9": {"type": "userCustomField", "parameter": "customfield_1", "value": "customfield_1"},
    "10": {"type": "groupCustomField", "parameter": "customfield_2", "value": "customfield_2"},
    "11": {"type": "applicationRole"},
    "12": {"type": "applicationRole", "parameter": "jira-software", "value": "jira-software"},
    "13": {"type": "anyone"},
    "14": {"type": "sd.customer.portal.only"},
}


def level_member(level: str, holder: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a member of a security level."""
    return {"issueSecurityLevelId": level, "issueSecuritySchemeId": "100", "holder": holder}


def level(name: str, scheme: str = "100") -> dict[str, Any]:
    """Return a security level."""
    return {"name": name, "issueSecuritySchemeId": scheme}


def grants(*granted: tuple[str, str, str | None]) -> dict[str, Any]:
    """Return a permission scheme that grants (permission, type, value)."""
    return {
        "name": "Scheme",
        "permissions": [
            {
                "permission": key,
                "holder": {"type": kind} | ({} if value is None else {"value": value}),
            }
            for key, kind, value in granted
        ],
    }


def role(name: str, *actors: str) -> dict[str, Any]:
    """Return a role of Assets with people, and groups as `group:<name>`."""
    return {
        "name": name,
        "actors": [
            {
                "name": actor.removeprefix("group:"),
                "type": f"atlassian-{'group' if actor.startswith('group:') else 'user'}-role-actor",
            }
            for actor in actors
        ],
    }


def of_assets(rows: list[Row]) -> list[Row]:
    """Return rows of lists as those of Assets."""
    return [replace(row, source="assets") for row in rows]


def rows() -> list[Row]:
    """Return all cases; the fourth listing of each list never came."""
    groups: Objects = {"g1": {"name": "devs"}, "g2": {"name": "ops"}}
    every_type = {key: level_member("L1", holder) for key, holder in HOLDERS.items()}
    taken_out = {key: member for key, member in every_type.items() if key != "1"}
    leaving = {"20": level_member("L2", {"type": "user", "value": "bob"})}
    staying = {"21": level_member("L2", {"type": "reporter"})}
    broken = {"22": level_member("L3", None)}
    first = grants(("BROWSE_PROJECTS", "group", "g1"), ("EDIT_ISSUES", "projectRole", "7"))
    second = grants(
        ("BROWSE_PROJECTS", "user", "ann"), ("BROWSE_PROJECTS", "applicationRole", None)
    )
    less = grants(("BROWSE_PROJECTS", "user", "ann"))
    in_first, in_second = {"id": 1, "name": "First"}, {"id": 2, "name": "Second"}
    people = role("Object Schema Users", "ann", "group:devs", "group:nowhere")
    fewer = role("Object Schema Users", "ann", "bob")
    of_type = role("Object Type Users", "ann")
    return [
        *lists("groups", groups, groups, groups),
        *lists("group_members", {"eve": MEMBER}, {"eve": MEMBER, "dan": MEMBER}, parent="g1"),
        *lists("issue_security_schemes", {"100": {"name": "Secret"}}, {"100": {"name": "Hidden"}}),
        *lists(
            "issue_security_levels",
            {"L1": level("One"), "L2": level("Two"), "L3": level("Three", "101")},
            {"L1": level("First"), "L3": level("Three", "101")},
        ),
        # ann is taken out and let in again; bob is taken out for good.
        *lists(
            "issue_security_level_members",
            every_type | leaving | staying | broken,
            taken_out | staying | broken,
            every_type | staying | broken,
        ),
        # A listing that lost too much to be believed has no tombstones, and may have new rows.
        *_held_back(
            "issue_security_level_members", "30", level_member("L2", {"type": "projectLead"})
        ),
        *lists("permission_schemes", {"1": first, "2": second}, {"1": first, "2": less}),
        *lists("project_permission_schemes", {"10": in_first}, {"10": in_second}, parent="10"),
        *lists("project_permission_schemes", {"11": in_first}, parent="11"),
        *lists("project_permission_schemes", {"12": {"id": 9, "name": "Unknown"}}, parent="12"),
        *of_assets(
            lists("schema_roles", {"62": people}, {"62": people}, {"62": fewer}, parent="1")
        ),
        *of_assets(lists("schema_roles", {"63": people}, {}, parent="2")),
        *of_assets(lists("object_types", {"40": {"name": "Notebook"}}, parent="1")),
        *of_assets(lists("object_type_roles", {"71": of_type}, {"71": people}, parent="40")),
        *of_assets(lists("object_type_roles", {"72": of_type}, {"72": people}, parent="41")),
        replace(
            Row("assets", "objects", "62", "v", at(61), parent_id="3"),
            source_at=at(20),
            payload=json.dumps({"label": "Notebook", "created": at(10).isoformat()}),
        ),
    ]


def _held_back(resource: str, object_id: str, content: Mapping[str, Any]) -> list[Row]:
    listing = {"status": "held_back", "started_at": at(180).isoformat()}
    swept = Row("jira_platform", "sweeps", resource, "S3", at(181))
    seen = Row("jira_platform", resource, object_id, "h.S3", at(181))
    return [
        replace(
            swept,
            source_at=at(180),
            payload=json.dumps(listing | {"finished_at": at(181).isoformat()}),
        ),
        replace(seen, source_at=at(180), payload=json.dumps(content)),
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> Path:
    """Build all cases once, with every data test."""
    home = tmp_path_factory.mktemp("holders")
    Lake(home).load(rows())
    build(home, manifest, tests=True)
    return home


def holders(home: Path, level_id: str) -> set[tuple[Any, ...]]:
    """Return the holders of a level."""
    found = query(
        home,
        "select holder_type, holder_id from bridge_security_level_holders "
        f"where level_id = '{level_id}'",
    )
    assert len(found) == len(set(found))
    return set(found)


def test_holders_of_every_type_have_the_id_serve_compares(home: Path) -> None:
    assert holders(home, "L1") == {
        ("user", "ann"),
        ("group", "g1"),
        ("group", "g2"),
        ("projectRole", "7"),
        ("projectLead", None),
        ("reporter", None),
        ("assignee", None),
        ("userCustomField", "customfield_1"),
        ("groupCustomField", "customfield_2"),
        ("applicationRole", None),
        ("applicationRole", "jira-software"),
        ("anyone", None),
        ("sd.customer.portal.only", None),
    }


def test_whoever_is_taken_out_of_a_level_leaves_and_a_partial_listing_empties_none(
    home: Path,
) -> None:
    assert holders(home, "L2") == {("reporter", None), ("projectLead", None)}
    assert holders(home, "L3") == set()


def test_levels_have_their_last_names_and_deleted_ones_stay_known(home: Path) -> None:
    assert query(home, "select * exclude (site_id) from dim_security_levels order by 1") == [
        ("L1", "First", "100", "Hidden", False),
        ("L2", "Two", "100", "Hidden", True),
        ("L3", "Three", "101", None, False),
    ]


def test_permissions_follow_the_scheme_that_a_project_has_now(home: Path) -> None:
    found = query(home, "select * exclude (site_id) from bridge_permission_holders order by all")
    assert found == [
        ("10", "BROWSE_PROJECTS", "user", "ann"),
        ("11", "BROWSE_PROJECTS", "group", "g1"),
        ("11", "EDIT_ISSUES", "projectRole", "7"),
    ]


def test_people_of_a_schema_are_those_in_its_roles_and_those_of_their_groups(home: Path) -> None:
    columns = ("object_schema_id", "account_id", "role_name")
    users = "Object Schema Users"
    assert periods(home, "bridge_asset_schema_people", *columns) == {
        ("1", "ann", users, None, None),
        ("1", "eve", users, None, 121),
        ("1", "dan", users, 61, 121),
        ("1", "bob", users, 121, None),
        ("2", "ann", users, None, 61),
        ("2", "eve", users, None, 61),
    }


def test_actions_of_assets_belong_to_a_schema_whatever_they_are_done_to(home: Path) -> None:
    found = query(
        home,
        "select action_code, target_id, object_schema_id, occurred_at from fct_actions "
        "where sources = 'assets'",
    )
    assert {(*row[:3], minutes(row[3])) for row in found} == {
        ("ASSET_OBJECT_CREATED", "62", "3", 10),  # an object called like a role
        ("ASSETS_ROLES_UPDATED", "62", "1", 121),
        ("ASSETS_OBJECT_TYPE_ROLES_UPDATED", "71", "1", 61),
        ("ASSETS_OBJECT_TYPE_ROLES_UPDATED", "72", None, 61),  # of a type that no list shows
    }
