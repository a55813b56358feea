"""Versions of projects: `Project.versions`, in the order of `orderBy=sequence`."""

from __future__ import annotations

from tests.sandbox.clock import from_ms
from tests.sandbox.domain import ApiError, LineItem, World
from tests.sandbox.domains.software.telling import Teller, change
from tests.sandbox.objects import JsonObject, Project

FIELDS = {
    "name": "Name",
    "description": "Description",
    "startDate": "Start date",
    "releaseDate": "Release date",
    "archived": "Archived",
}
_OPTIONAL = ("description", "startDate", "releaseDate")


class Versions:
    """Commands on versions. A version is the wire form that issues embed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._teller = Teller(world)
        self._last_id = 13_499

    def find(self, version_id: str) -> tuple[Project, JsonObject]:
        """Give a version and its project. KeyError when there is none."""
        for project in self._world.projects.values():
            for version in project.versions:
                if version["id"] == version_id:
                    return project, version
        raise KeyError(version_id)

    def project(self, id_or_key: str) -> Project:
        """Give a project that shows its versions. ApiError 404 for others."""
        for project in self._world.projects.values():
            if id_or_key in (project.id, project.key) and not project.is_hidden:
                if project.state == "deleted":
                    break
                return project
        raise ApiError(404, f"No project could be found with key '{id_or_key[:40]}'.")

    def render(self, project: Project, version: JsonObject) -> JsonObject:
        """Give a version as the version endpoints do."""
        today = f"{from_ms(self._world.now):%Y-%m-%d}"
        day = version.get("releaseDate")
        overdue = day is not None and not version["released"] and day < today
        return {
            **{name: value for name, value in version.items() if value is not None},
            "projectId": int(project.id),
            **({} if day is None else {"overdue": overdue}),
        }

    def create(
        self, at: int, actor: str, project_id: str, name: str, description: str | None = None
    ) -> str:
        """Add a version at the end of its project's order; return its id."""
        self._last_id += 1
        version_id = str(self._last_id)
        project = self._world.projects[project_id]
        version: JsonObject = {
            "self": f"{self._world.site}/rest/api/3/version/{version_id}",
            "id": version_id,
            "name": name,
            "archived": False,
            "released": False,
            "description": description,
        }
        project.versions.append(version)
        self._tell("CREATED", at, actor, project, version)
        return version_id

    def update(self, at: int, actor: str, version_id: str, **values: str | bool | None) -> None:
        """Set some of `FIELDS`."""
        project, version = self.find(version_id)
        items = [
            change(FIELDS[name], name, version.get(name), value)
            for name, value in values.items()
            if version.get(name) != value
        ]
        version.update(values)
        if items:
            self._tell("UPDATED", at, actor, project, version, items)

    def release(self, at: int, actor: str, version_id: str, *, released: bool = True) -> None:
        """Release a version, or take its release back."""
        project, version = self.find(version_id)
        item = change("Released", "released", version["released"], released)
        version["released"] = released
        self._tell("RELEASED" if released else "UNRELEASED", at, actor, project, version, [item])

    def move(self, at: int, actor: str, version_id: str, place: int) -> None:
        """Move a version to a place (from 0) in its project's order."""
        project, version = self.find(version_id)
        project.versions.remove(version)
        project.versions.insert(place, version)
        self._tell("MOVED", at, actor, project, version)

    def delete(self, at: int, actor: str, version_id: str, *, into: str | None = None) -> None:
        """Delete a version that no issue uses, or merge it into another one.

        ValueError when an issue uses it: the issue stream owns what issues say.
        """
        project, version = self.find(version_id)
        if any(version_id in issue.fix_versions for issue in self._world.issues.values()):
            raise ValueError(f"issues use version {version_id}")
        project.versions.remove(version)
        target = None if into is None else self.render(project, self.find(into)[1])
        self._tell("DELETED", at, actor, project, version, merged_to=target)

    def _tell(
        self,
        what: str,
        at: int,
        actor: str,
        project: Project,
        version: JsonObject,
        items: list[LineItem] | None = None,
        merged_to: JsonObject | None = None,
    ) -> None:
        teller = self._teller
        body: JsonObject = {"version": self.render(project, version)}
        if merged_to is not None:
            body["mergedTo"] = merged_to
        carriers = teller.webhook(f"jira:version_{what.lower()}", at, actor, lambda: body)
        if merged_to is not None:
            carriers += teller.webhook("jira:version_merged", at, actor, lambda: body)
        if what != "MOVED":  # the audit log knows nothing of orders
            item = {"id": version["id"], "name": version["name"], "typeName": "VERSION"}
            place = {"id": project.id, "name": project.name, "typeName": "PROJECT"}
            summary = f"Project version {what.lower()}"
            changed = items if what == "UPDATED" and items else ()
            carriers += teller.audit(summary, "projects", at, actor, item, changed, [place])
        self._world.record(
            f"VERSION_{what}",
            at,
            actor=actor,
            target_id=version["id"],
            target_label=version["name"],
            project=project.id,
            items=items or (),
            carriers=carriers,
            listing=f"list:versions:{project.id}",
        )
