"""What the generated site has from the start: its catalogue, people, projects and sprints."""

from __future__ import annotations

import random

from tests.sandbox.clock import DAY, from_ms
from tests.sandbox.fields import IMPACT, POINTS, RANK, REQUEST_TYPE, REVIEWERS, SPRINT, TEAM
from tests.sandbox.objects import JsonObject, Person, Project
from tests.sandbox.world import PROJECT_SCHEME, World

ADMIN_EMAIL = "admin@example.com"

_FIRST, _LAST, WORDS = (
    text.split()
    for text in (
        """Ada Bram Chiara Dario Elif Farid Greta Hana Ivo Jana Kofi Lena Mateo Nadia Oskar
Priya Quentin Rosa Sven Tala Umut Vera Wim Ximena Yusuf Zoë Ángel Łukasz Øyvind
Мария 太郎 محمد""",
        """Adler Brandt Conti Dubois Eriksen Ferrari Gruber Haddad Ivanova Jansen Keller Lopes
Moreau Novak Okafor Petit Quispe Rossi Schmid Tanaka Uzun Vogel Weber Xu Yildiz
Zürcher O'Neill""",
        """login page export report invoice payment search index cache retry timeout webhook
sync user group role permission board sprint backlog customer portal mobile desktop
release build deploy database migration backup restore label filter column chart
widget banner theme font dialog form field validation message mail queue worker
thread memory leak crash slow fast broken missing wrong double empty large small
broken new old first last every never sometimes after before while under load with
without through into of the for when on in and""",
    )
)


def furnish(world: World, rng: random.Random, start: int, time_zone: str) -> None:
    """Fill an empty world; `time_zone` is that of the API user, the first of its people."""
    _add_catalogue(world)
    _add_people(world, rng, time_zone)
    _add_projects(world, rng, start)


def _option(world: World, path: str, option_id: str, name: str, **more: object) -> JsonObject:
    return {
        "self": f"{world.site}/rest/api/3/{path}/{option_id}",
        "id": option_id,
        "name": name,
        "description": "",
        **more,
    }


def _add_catalogue(world: World) -> None:
    """Statuses, resolutions, priorities, types, link types, levels, sprints and fields."""
    categories: dict[str, JsonObject] = {
        "new": {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
        "indeterminate": {
            "id": 4,
            "key": "indeterminate",
            "colorName": "yellow",
            "name": "In Progress",
        },
        "done": {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
    }
    for category in categories.values():
        category["self"] = f"{world.site}/rest/api/3/statuscategory/{category['id']}"
    for status_id, name, category_key in (
        ("10000", "To Do", "new"),
        ("10001", "In Progress", "indeterminate"),
        ("10002", "In Review", "indeterminate"),
        ("10003", "Done", "done"),
        ("10004", "Geschlossen", "done"),
        ("10005", "等待中", "indeterminate"),
    ):
        world.statuses[status_id] = _option(
            world,
            "status",
            status_id,
            name,
            iconUrl=f"{world.site}/",
            statusCategory=categories[category_key],
        )
    for resolution_id, name in (
        ("10100", "Done"),
        ("10101", "Won't Do"),
        ("10102", "Duplicate"),
        ("10103", "Cannot Reproduce"),
    ):
        world.resolutions[resolution_id] = _option(world, "resolution", resolution_id, name)
    for number, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), start=1):
        icon = f"{world.site}/images/icons/priorities/{name.lower()}.svg"
        world.priorities[str(number)] = _option(
            world, "priority", str(number), name, iconUrl=icon, statusColor="#FFAB00"
        )
    for type_id, name, level in (
        ("10200", "Epic", 1),
        ("10201", "Story", 0),
        ("10202", "Bug", 0),
        ("10203", "Task", 0),
        ("10204", "[System] Incident", 0),
        ("10205", "Sub-task", -1),
    ):
        world.issue_types[type_id] = _option(
            world,
            "issuetype",
            type_id,
            name,
            iconUrl=f"{world.site}/rest/api/2/universal_avatar/view/type/issuetype/avatar/10318",
            avatarId=10318,
            subtask=level < 0,
            hierarchyLevel=level,
        )
    for type_id, name, inward, outward in (
        ("10300", "Blocks", "is blocked by", "blocks"),
        ("10301", "Relates", "relates to", "relates to"),
        ("10302", "Duplicate", "is duplicated by", "duplicates"),
        ("10303", "Cloners", "is cloned by", "clones"),
    ):
        world.link_types[type_id] = {
            "id": type_id,
            "name": name,
            "inward": inward,
            "outward": outward,
            "self": f"{world.site}/rest/api/3/issueLinkType/{type_id}",
        }
    for level_id, name in (("10400", "Management only"), ("10401", "Legal")):
        world.security_levels[level_id] = _option(
            world,
            "securitylevel",
            level_id,
            name,
            isDefault=False,
            issueSecuritySchemeId=PROJECT_SCHEME,
        )
    for type_id, name in (
        ("10700", "Get IT help"),
        ("10701", "Request new hardware"),
        ("10702", "Störung melden"),
    ):
        world.request_types[type_id] = {
            "id": type_id,
            "name": name,
            "description": "",
            "serviceDeskId": "1",
            "portalId": "1",
        }
    world.teams = {"10500": "Team Rot", "10501": "Team Blau", "10502": "Équipe verte"}
    world.fields = [*system_fields(), *_custom_fields()]


_SYSTEM_FIELDS = (
    ("summary", "Summary", "string", None),
    ("description", "Description", "string", None),
    ("issuetype", "Issue Type", "issuetype", None),
    ("project", "Project", "project", None),
    ("status", "Status", "status", None),
    ("resolution", "Resolution", "resolution", None),
    ("resolutiondate", "Resolved", "datetime", None),
    ("parent", "Parent", "issuelink", None),
    ("subtasks", "Sub-tasks", "array", "issuelinks"),
    ("versions", "Affects versions", "array", "version"),
    ("environment", "Environment", "string", None),
    ("votes", "Votes", "votes", None),
    ("watches", "Watchers", "watches", None),
    ("workratio", "Work Ratio", "number", None),
    ("lastViewed", "Last Viewed", "datetime", None),
    ("priority", "Priority", "priority", None),
    ("assignee", "Assignee", "user", None),
    ("reporter", "Reporter", "user", None),
    ("creator", "Creator", "user", None),
    ("created", "Created", "datetime", None),
    ("updated", "Updated", "datetime", None),
    ("duedate", "Due date", "date", None),
    ("labels", "Labels", "array", "string"),
    ("fixVersions", "Fix versions", "array", "version"),
    ("components", "Components", "array", "component"),
    ("security", "Security Level", "securitylevel", None),
    ("issuelinks", "Linked Issues", "array", "issuelinks"),
    ("attachment", "Attachment", "array", "attachment"),
    ("comment", "Comment", "comments-page", None),
    ("worklog", "Log Work", "array", "worklog"),
    ("timespent", "Time Spent", "number", None),
    ("timeestimate", "Remaining Estimate", "number", None),
    ("timeoriginalestimate", "Original estimate", "number", None),
)
"""Id, name, type, and the type of the items of a list."""

_CLAUSE_NAMES = {
    "issuetype": ["issuetype", "type"],
    "resolutiondate": ["resolutiondate", "resolved"],
    "versions": ["affectedVersion"],
    "fixVersions": ["fixVersion"],
    "components": ["component"],
    "watches": ["watchers"],
    "created": ["created", "createdDate"],
    "updated": ["updated", "updatedDate"],
    "duedate": ["due", "duedate"],
    "security": ["level"],
    "issuelinks": ["issueLink"],
    "attachment": ["attachments"],
    "worklog": [],
    "timeestimate": ["remainingEstimate", "timeestimate"],
    "timeoriginalestimate": ["originalEstimate", "timeoriginalestimate"],
}
"""Names by which JQL knows system fields, where not by their ids alone."""


def system_fields() -> list[JsonObject]:
    """Give the fields that every site has."""
    return [
        _field(
            field_id,
            name,
            {"type": kind, "system": field_id} | ({} if items is None else {"items": items}),
            is_custom=False,
        )
        for field_id, name, kind, items in _SYSTEM_FIELDS
    ]


def _custom_fields() -> list[JsonObject]:
    fields: list[JsonObject] = []
    prefix = "com.atlassian.jira.plugin.system.customfieldtypes"
    for field_id, name, kind, custom, items in (
        (POINTS, "Story Points", "number", f"{prefix}:float", None),
        (SPRINT, "Sprint", "array", "com.pyxis.greenhopper.jira:gh-sprint", "json"),
        (RANK, "Rank", "any", "com.pyxis.greenhopper.jira:gh-lexo-rank", None),
        (TEAM, "Team", "option", f"{prefix}:select", None),
        (
            REQUEST_TYPE,
            "Request Type",
            "sd-customerrequesttype",
            "com.atlassian.servicedesk:vp-origin",
            None,
        ),
        (IMPACT, "Customer impact", "string", f"{prefix}:textarea", None),
        (REVIEWERS, "Reviewers", "array", f"{prefix}:multiuserpicker", "user"),
    ):
        schema = {"type": kind, "custom": custom, "customId": int(field_id.rpartition("_")[2])}
        if items is not None:
            schema["items"] = items
        fields.append(_field(field_id, name, schema, is_custom=True))
    return fields


def _field(field_id: str, name: str, schema: JsonObject, *, is_custom: bool) -> JsonObject:
    clause = (
        [f"cf[{schema['customId']}]", name]
        if is_custom
        else _CLAUSE_NAMES.get(field_id, [field_id])
    )
    return {
        "id": field_id,
        "key": field_id,
        "name": name,
        "custom": is_custom,
        "orderable": True,
        "navigable": field_id not in ("comment", "attachment"),
        "searchable": True,
        "clauseNames": clause,
        "schema": schema,
    }


def _add_people(world: World, rng: random.Random, time_zone: str) -> None:
    """80 people and the automation app; the API user is the first, an administrator."""
    names = [f"{first} {last}" for first in _FIRST for last in _LAST]
    for number, name in enumerate(rng.sample(names, 80)):
        account_id = (
            f"{rng.getrandbits(48):012x}{number:012x}"
            if number % 3
            else (f"712020:{rng.getrandbits(32):08x}-0000-4000-8000-{number:012d}")
        )
        shows_email = number % 4 != 1
        world.people[account_id] = Person(
            account_id,
            name,
            email=f"person{number}@example.com" if shows_email else None,
            active=number % 23 != 22,
            time_zone=rng.choice(("Europe/Zurich", "America/New_York", "Asia/Kolkata")),
        )
    world.me = next(iter(world.people))
    me = world.people[world.me]
    me.email, me.time_zone = ADMIN_EMAIL, time_zone
    app = "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077"
    world.people[app] = Person(app, "Automation for Jira", account_type="app")


def _add_projects(world: World, rng: random.Random, start: int) -> None:
    people = [p.account_id for p in world.people.values() if p.active]
    category = {
        "self": f"{world.site}/rest/api/3/projectCategory/10600",
        "id": "10600",
        "name": "Products",
        "description": "What customers pay for",
    }
    for number, (key, name, kind) in enumerate(
        (
            ("APP", "Mobile App", "software"),
            ("WEB", "Web Shop", "software"),
            ("OPS", "Operations", "software"),
            ("HELP", "Help Desk", "service_desk"),
            ("FIN", "Finance & Controlling", "business"),
            ("HR", "People “HR”", "business"),
            ("DATA", "Data Platform", "software"),
            ("OLD", "Legacy (do not use)", "software"),
        )
    ):
        project = Project(
            id=str(11_000 + number),
            key=key,
            name=name,
            kind=kind,
            lead=rng.choice(people),
            category=category if number < 3 else None,
        )
        for member in range(3):
            component_id, version_id = (
                str(12_000 + number * 10 + member),
                str(13_000 + number * 10 + member),
            )
            project.components.append(
                {
                    "self": f"{world.site}/rest/api/3/component/{component_id}",
                    "id": component_id,
                    "name": ("API", "Oberfläche", "Docs, etc.")[member],
                }
            )
            project.versions.append(
                {
                    "self": f"{world.site}/rest/api/3/version/{version_id}",
                    "id": version_id,
                    "name": f"{key} {member + 1}.0",
                    "archived": False,
                    "released": member == 0,
                }
            )
        world.projects[project.id] = project
    for number in range(30):
        sprint_id = str(500 + number)
        begin = from_ms(start + number * 14 * DAY)
        world.sprints[sprint_id] = {
            "id": int(sprint_id),
            "name": f"Sprint {number + 1}",
            "state": "active",
            "boardId": 7,
            "goal": "",
            "startDate": f"{begin:%Y-%m-%dT%H:%M:%S}.000Z",
        }
