"""A site image: real issues of a public Jira archive, taken in as a world.

The folder holds `issues.jsonl.gz` (an issue a line in Jira's REST form, people by account id) and
`users.jsonl.gz`. Issues keep their own ids, keys, times, comments, attachments and links. What an
archive does not have stays absent: there are no changelogs and no worklogs. The catalogue
(projects, statuses, types, …) is gathered from the issues.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from tests.sandbox.clock import parse_iso
from tests.sandbox.furniture import ADMIN_EMAIL, system_fields
from tests.sandbox.ledger import Line
from tests.sandbox.objects import Attachment, Comment, Issue, JsonObject, Person, Project
from tests.sandbox.world import World

SITE = "https://titanium.atlassian.net"
API_USER = "712020:00000000-0000-4000-8000-000000000001"

# Fields that become attributes of an issue; all others are rendered as the archive has them,
# among them links and parents, whose other end is often outside the archive.
_TAKEN = frozenset(
    {
        "assignee",
        "attachment",
        "comment",
        "components",
        "created",
        "creator",
        "description",
        "fixVersions",
        "issuetype",
        "labels",
        "priority",
        "project",
        "reporter",
        "resolution",
        "resolutiondate",
        "status",
        "summary",
        "updated",
    }
)


class ImageError(Exception):
    """The folder is not a site image; the message names the file that is missing or wrong."""


def load_image(
    folder: Path,
    *,
    time_zone: str = "Europe/Zurich",
    email: str = ADMIN_EMAIL,
    sink: Callable[[Line], None] = lambda _: None,
) -> World:
    """Read an image folder into a world without a stream: nothing in it ever changes.

    `time_zone` and `email` are those of the API user, who is added to the archive's people.
    Raises ImageError.
    """
    world = World(site=SITE, sink=sink)
    world.me = API_USER
    world.people[API_USER] = Person(API_USER, "API User", email=email, time_zone=time_zone)
    for user in _read(folder / "users.jsonl.gz"):
        world.people[user["accountId"]] = Person(
            user["accountId"],
            user["displayName"],
            active=user["active"],
            account_type=user["accountType"],
            time_zone=user["timeZone"],
        )
    world.fields = system_fields()
    for record in _read(folder / "issues.jsonl.gz"):
        _gather(world, record["fields"])
        world.adopt(_issue(record))
        world.now = max(world.now, world.issues[int(record["id"])].updated)
    return world


def _read(path: Path) -> Iterator[JsonObject]:
    decoder = msgspec.json.Decoder(dict)
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                yield decoder.decode(line)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        message = f"{path} cannot be read as part of a site image: {error}"
        raise ImageError(message) from error


def _gather(world: World, fields: JsonObject) -> None:
    """Add the issue's project, status, type, … to the catalogue if they are new."""
    source = fields["project"]
    if source["id"] not in world.projects:
        world.projects[source["id"]] = Project(source["id"], source["key"], source["name"])
    project = world.projects[source["id"]]
    for catalogue, path, entry in (
        (world.statuses, "status", fields["status"]),
        (world.issue_types, "issuetype", fields["issuetype"]),
        (world.resolutions, "resolution", fields["resolution"]),
        (world.priorities, "priority", fields.get("priority")),
    ):
        if entry and entry["id"] not in catalogue:
            catalogue[entry["id"]] = _entry(world, path, entry)
    _add_members(world, project.components, "component", fields["components"])
    _add_members(world, project.versions, "version", fields.get("fixVersions", ()))
    for link in fields["issuelinks"]:
        kind = link["type"]
        if kind["id"] not in world.link_types:
            url = f"{world.site}/rest/api/3/issueLinkType/{kind['id']}"
            world.link_types[kind["id"]] = kind | {"self": url}


def _entry(world: World, path: str, source: JsonObject) -> JsonObject:
    """Give a catalogue entry the members every entry of a real site has."""
    entry = {
        "self": f"{world.site}/rest/api/3/{path}/{source['id']}",
        "description": "",
        "iconUrl": f"{world.site}/images/icons/{path}.svg",
        **source,
    }
    if "statusCategory" in source:
        category = source["statusCategory"]
        url = f"{world.site}/rest/api/3/statuscategory/{category['id']}"
        entry["statusCategory"] = {"self": url, "colorName": "blue-gray", **category}
    return entry


def _add_members(
    world: World, known: list[JsonObject], path: str, members: Iterable[JsonObject]
) -> None:
    """Add versions or components that the project does not have yet."""
    for member in members:
        if all(member["id"] != other["id"] for other in known):
            url = f"{world.site}/rest/api/3/{path}/{member['id']}"
            known.append({"self": url, **member})


def _issue(record: JsonObject) -> Issue:
    fields: JsonObject = record["fields"]
    resolution, priority = fields["resolution"], fields.get("priority")
    comments = (
        Comment(
            int(one["id"]),
            one["author"],
            parse_iso(one["created"]),
            parse_iso(one["updated"]),
            one["updateAuthor"],
            one["body"] or "",
        )
        for one in fields["comment"]["comments"]
    )
    attachments = (
        Attachment(
            int(one["id"]),
            one["filename"],
            one["author"],
            parse_iso(one["created"]),
            one["size"],
            one["mimeType"],
        )
        for one in fields["attachment"]
    )
    return Issue(
        id=int(record["id"]),
        key=record["key"],
        project=fields["project"]["id"],
        issuetype=fields["issuetype"]["id"],
        status=fields["status"]["id"],
        created=parse_iso(fields["created"]),
        updated=parse_iso(fields["updated"]),
        creator=fields["creator"],
        summary=fields["summary"],
        reporter=fields["reporter"],
        assignee=fields["assignee"],
        priority=priority["id"] if priority else None,
        resolution=resolution["id"] if resolution else None,
        resolved=parse_iso(fields["resolutiondate"]) if fields["resolutiondate"] else None,
        description=fields["description"],
        labels=tuple(fields["labels"]),
        fix_versions=tuple(version["id"] for version in fields.get("fixVersions", ())),
        components=tuple(component["id"] for component in fields["components"]),
        comments={comment.id: comment for comment in comments},
        attachments={attachment.id: attachment for attachment in attachments},
        extra={name: value for name, value in fields.items() if name not in _TAKEN},
    )
