"""Random histories of small sites, as rows of the lake.

A world is a short story of a few issues: edits, moves, comments, worklogs, attachments, links seen
from both ends, deletions and their withdrawal, releases of versions and accounts switched off. Rows
are what a sync would have written at random moments of that story, and what webhooks told in
between, in order of fetching; how they reach the lake is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.dbt.lakes import (
    LINK_TYPES,
    Row,
    at,
    attachment,
    body_of,
    comment,
    document,
    history,
    issue,
    issue_view,
    item,
    link_item,
    link_types,
    listed,
    listing,
    org_event,
    person,
    presence,
    status_item,
    webhook,
    worklog,
    worklog_deletion,
)

PEOPLE = ("ann", "bob", "cid", "dan")
PROJECTS = {"10": "AB", "11": "CD"}
ISSUES_PER_WORLD = 10
COMMANDS = (
    "edit",
    "move",
    "retype",
    "comment",
    "edit comment",
    "delete comment",
    "log work",
    "edit worklog",
    "delete worklog",
    "attach",
    "detach",
    "link",
    "unlink",
    "secure",
    "fill",
    "ask",
    "delete",
    "restore",
    "change version",
    "change account",
    "view",
    "join",
    "sync",
)
REQUEST_TYPE = "customfield_3"
UNKNOWN_LINK_TYPE = ("Tests", "is tested by", "tests")
VALUES: dict[str, list[object]] = {
    "labels": [["x"], ["x", "y"], ["y", "x", "z"], []],
    "duedate": ["2026-02-01", "2026-03-01"],
    "description": ["plain", document("rich\ntext"), document("")],
    "fixVersions": [[{"id": "1", "name": "1.0"}], [{"id": "1", "name": "one"}, {"id": "2"}]],
    "customfield_4": [3, 2.5, "three"],
    "customfield_5": [{"id": "1", "value": "up", "child": {"id": "2", "value": "down"}}, {}],
    "customfield_6": [person("ann"), [person("bob"), person("cid")]],
}
"""What fields may hold; not always of one kind."""
VERSION_EVENTS = ("created", "updated", "released", "unreleased", "deleted")


class _Issue:
    def __init__(self, issue_id: int, project: str, key: str, created: datetime) -> None:
        self.id = issue_id
        self.project = project
        self.key = key
        self.created = self.updated = created
        self.status = "1"
        self.issue_type = "1"
        self.security: str | None = None
        self.request_type: str | None = None
        self.values: dict[str, Any] = {}
        self.is_deleted = False
        self.comments: dict[int, tuple[str, datetime, datetime, str]] = {}
        self.worklogs: dict[int, tuple[str, datetime, datetime, str]] = {}
        self.attachments: dict[int, tuple[str, datetime]] = {}


class _Story:
    def __init__(self, random: Random, world: int, pushed: float) -> None:
        self.random = random
        self.pushed = pushed
        self.world = world
        self.minute = 0.0
        self.rows: list[Row] = []
        self.histories: list[tuple[int, int, datetime, list[dict[str, object]], str]] = []
        self.fetched_histories = 0
        self.deleted_worklogs: list[tuple[int, datetime]] = []
        self.links: list[tuple[_Issue, _Issue, str, int]] = []
        self.numbers = 0
        self.sweeps = 0
        self.known_absent: set[int] = set()
        self.issues: list[_Issue] = []

    def now(self) -> datetime:
        """Let some time pass; often less than a second."""
        self.minute += self.random.choice((0.002, 0.5, 30))
        return at(self.minute)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def key(self, project: str, number: int) -> str:
        return f"{PROJECTS[project]}{self.world}-{number}"

    def who(self) -> str:
        return self.random.choice(PEOPLE)

    def tell(self, subject: _Issue, items: list[dict[str, object]]) -> None:
        moment = self.now()
        subject.updated = moment
        number, author = self.number(), self.who()
        self.histories.append((number, subject.id, moment, items, author))
        changelog = {"id": str(number), "items": items}
        self.push("jira:issue_updated", subject, moment, user=person(author), changelog=changelog)

    def push(
        self,
        event: str,
        subject: _Issue | None,
        moment: datetime,
        *,
        user: Mapping[str, object] | None = None,
        actor: str | None = None,
        flow: str = "Primary",
        **parts: object,
    ) -> None:
        """Let a webhook arrive, now and then late, or never."""
        if self.random.random() >= self.pushed:
            return
        body = dict(parts)
        if user:
            body["user"] = user
        if subject:
            body["issue"] = body_of(self.issue_row(subject, moment))
        late = self.random.choice((0.01, 0.01, 45))
        received = moment + timedelta(minutes=late)
        self.rows.append(
            webhook(event, body, sent=moment, received=received, actor=actor, flow=flow)
        )

    def issue_row(self, one: _Issue, fetched: datetime) -> Row:
        return issue(
            one.id,
            one.key,
            updated=one.updated,
            fetched=fetched,
            created=one.created,
            project=one.project,
            issue_type=one.issue_type,
            security=one.security,
            attachments=[
                attachment(number, name, created, "ann")
                for number, (name, created) in one.attachments.items()
            ],
            assignee=person(self.who(), f"Name at {fetched}"),
            issuelinks=[
                self.listed_link(link, is_source=link[0] is one)
                for link in self.links
                if one in link[:2]
            ],
            **self.requested(one),
            **one.values,
        )

    def requested(self, one: _Issue) -> dict[str, Any]:
        kind = {"id": one.request_type, "name": f"Request {one.request_type}"}
        return {REQUEST_TYPE: {"requestType": kind} if one.request_type else None}

    def listed_link(
        self, link: tuple[_Issue, _Issue, str, int], *, is_source: bool
    ) -> dict[str, object]:
        source, target, type_id, number = link
        name, inward, outward = LINK_TYPES.get(type_id, UNKNOWN_LINK_TYPE)
        return {
            "id": str(number),
            "type": {"id": type_id, "name": name, "inward": inward, "outward": outward},
            "outwardIssue" if is_source else "inwardIssue": {
                "id": str((target if is_source else source).id)
            },
        }

    def comment_row(self, one: _Issue, number: int, fetched: datetime) -> Row:
        text, created, updated, author = one.comments[number]
        return comment(
            number,
            one.id,
            text,
            created=created,
            updated=updated,
            fetched=fetched,
            author=author,
            restricted_to="Administrators" if text.endswith("1") else None,
        )

    def worklog_row(self, one: _Issue, number: int, fetched: datetime) -> Row:
        spent, created, updated, author = one.worklogs[number]
        return worklog(
            number, one.id, spent, created=created, updated=updated, fetched=fetched, author=author
        )

    def push_comment(self, what: str, subject: _Issue, number: int, moment: datetime) -> None:
        body = body_of(self.comment_row(subject, number, moment))
        brief = {"id": str(subject.id), "key": subject.key}
        actor = self.who()
        self.push(f"comment_{what}", None, moment, actor=actor, comment=body, issue=brief)
        kind = {"created": "issue_commented", "updated": "issue_comment_edited"}.get(
            what, "issue_comment_deleted"
        )
        self.push(
            "jira:issue_updated",
            subject,
            moment,
            user=person(actor),
            comment=body,
            issue_event_type_name=kind,
        )

    def push_worklog(self, what: str, subject: _Issue, number: int, moment: datetime) -> None:
        body = body_of(self.worklog_row(subject, number, moment))
        self.push(f"worklog_{what}", None, moment, actor=self.who(), worklog=body)

    # -- commands -------------------------------------------------------------------------------

    def edit(self, subject: _Issue) -> None:
        items: list[dict[str, object]] = []
        if self.random.random() < 0.5:
            new = self.random.choice(("1", "2", "3"))
            items.append(status_item(subject.status, new))
            subject.status = new
        if self.random.random() < 0.3:
            sides = [(None, None), ("5", "Done"), ("6", "Won't do")]
            old, new_side = self.random.sample(sides, 2)
            items.append(item("resolution", old, new_side, field_id="resolution"))
        if self.random.random() < 0.5:
            items.append(item("summary", (None, "old"), (None, "new"), field_id="summary"))
        if self.random.random() < 0.3:
            items.append(item("labels", ("", ""), ("", "x y"), field_id="labels"))
        self.tell(subject, items)

    def move(self, subject: _Issue) -> None:
        project = "11" if subject.project == "10" else "10"
        key = self.key(project, self.random.randint(1, 6))
        items = [
            item("project", (subject.project, ""), (project, ""), field_id="project"),
            item("Key", (None, subject.key), (None, key)),
        ]
        subject.project, subject.key = project, key
        self.tell(subject, items)

    def retype(self, subject: _Issue) -> None:
        new = "2" if subject.issue_type == "1" else "1"
        self.tell(
            subject, [item("issuetype", (subject.issue_type, ""), (new, ""), field_id="issuetype")]
        )
        subject.issue_type = new

    def secure(self, subject: _Issue) -> None:
        subject.security = None if subject.security else "9"
        subject.updated = self.now()

    def fill(self, subject: _Issue) -> None:
        """Change some fields, now and then to nothing."""
        for field in self.random.sample(list(VALUES), 2):
            subject.values[field] = self.random.choice([*VALUES[field], None])
        self.tell(subject, [item("Some", new=(None, "thing"), field_id="customfield_9")])

    def ask(self, subject: _Issue) -> None:
        old, subject.request_type = subject.request_type, self.random.choice(("6", "7", None))
        sides = [
            (kind, f"Request {kind}" if kind else None) for kind in (old, subject.request_type)
        ]
        self.tell(subject, [item("Request Type", *sides, field_id=REQUEST_TYPE)])

    def comment(self, subject: _Issue) -> None:
        moment = subject.updated = self.now()
        number = self.number()
        subject.comments[number] = (f"text {number}", moment, moment, self.who())
        self.push_comment("created", subject, number, moment)

    def edit_comment(self, subject: _Issue) -> None:
        if subject.comments:
            number = self.random.choice(list(subject.comments))
            _, created, _, author = subject.comments[number]
            moment = subject.updated = self.now()
            subject.comments[number] = (f"edited at {moment}", created, moment, author)
            self.push_comment("updated", subject, number, moment)

    def delete_comment(self, subject: _Issue) -> None:
        if subject.comments:
            number = self.random.choice(list(subject.comments))
            moment = subject.updated = self.now()
            self.push_comment("deleted", subject, number, moment)
            subject.comments.pop(number)

    def log_work(self, subject: _Issue) -> None:
        number = self.number()
        moment = self.now()
        subject.worklogs[number] = ("1h", moment, moment, self.who())
        self.push_worklog("created", subject, number, moment)
        self.tell(subject, [item("timespent", (None, None), ("60", "60"), field_id="timespent")])

    def edit_worklog(self, subject: _Issue) -> None:
        if subject.worklogs:
            number = self.random.choice(list(subject.worklogs))
            _, created, _, author = subject.worklogs[number]
            moment = subject.updated = self.now()
            subject.worklogs[number] = (f"{self.random.randint(2, 9)}h", created, moment, author)
            self.push_worklog("updated", subject, number, moment)

    def delete_worklog(self, subject: _Issue) -> None:
        if subject.worklogs:
            number = self.random.choice(list(subject.worklogs))
            moment = self.now()
            self.push_worklog("deleted", subject, number, moment)
            subject.worklogs.pop(number)
            self.deleted_worklogs.append((number, moment))
            sides = ((str(number), str(number)), (None, None))
            effects = [
                item("timespent", ("60", "60"), ("0", "0"), field_id="timespent"),
                item("timeestimate", (None, None), ("60", "60"), field_id="timeestimate"),
                item("WorklogId", *sides),
            ]
            self.tell(subject, effects[self.random.randint(0, 1) :])

    def attach(self, subject: _Issue) -> None:
        number = self.number()
        moment = self.now()
        subject.attachments[number] = (f"file{number}.txt", moment)
        self.push_attachment("created", subject, number, moment)
        if self.random.random() < 0.7:
            side = (str(number), f"file{number}.txt")
            self.tell(subject, [item("Attachment", new=side, field_id="attachment")])

    def detach(self, subject: _Issue) -> None:
        if subject.attachments:
            number = self.random.choice(list(subject.attachments))
            self.push_attachment("deleted", subject, number, self.now())
            name, _ = subject.attachments.pop(number)
            self.tell(subject, [item("Attachment", (str(number), name), field_id="attachment")])

    def push_attachment(self, what: str, subject: _Issue, number: int, moment: datetime) -> None:
        name, created = subject.attachments[number]
        body = attachment(number, name, created)
        self.push(f"attachment_{what}", None, moment, actor=self.who(), attachment=body)

    def link(self, subject: _Issue) -> None:
        other = self.random.choice(self.issues)
        if other is not subject and not other.is_deleted:
            type_id = self.random.choice([*LINK_TYPES, "unknown"])
            link = (subject, other, type_id, self.number())
            self.links.append(link)
            self._tell_link(*link, created=True)

    def unlink(self, subject: _Issue) -> None:
        mine = [link for link in self.links if subject in link[:2]]
        if mine:
            link = self.random.choice(mine)
            self.links.remove(link)
            self._tell_link(*link, created=False)

    def _tell_link(
        self, source: _Issue, target: _Issue, type_id: str, number: int, *, created: bool
    ) -> None:
        name, inward, outward = LINK_TYPES.get(type_id, UNKNOWN_LINK_TYPE)
        link_type = {"id": type_id, "name": name, "inwardName": inward, "outwardName": outward}
        body = {
            "id": number,
            "sourceIssueId": source.id,
            "destinationIssueId": target.id,
            "issueLinkType": link_type,
            "systemLink": False,
        }
        event = "issuelink_created" if created else "issuelink_deleted"
        self.push(event, None, self.now(), actor=self.who(), issueLink=body)
        if self.random.random() < 0.9:
            self.tell(source, [link_item(outward, target.key, created=created)])
        if self.random.random() < 0.9:
            self.tell(target, [link_item(inward, source.key, created=created)])

    def delete(self, subject: _Issue) -> None:
        moment = self.now()
        self.push("jira:issue_deleted", subject, moment, user=person(self.who()))
        subject.is_deleted = True
        for number in subject.comments:
            body = body_of(self.comment_row(subject, number, moment))
            brief = {"id": str(subject.id)}
            self.push("comment_deleted", None, moment, flow="Secondary", comment=body, issue=brief)

    def restore(self, subject: _Issue) -> None:
        if subject.is_deleted:
            subject.is_deleted = False
            subject.updated = self.now()

    def change_version(self, _: _Issue) -> None:
        body = {"id": str(self.random.randint(1, 4)), "name": "1.0", "projectId": 10}
        for _step in range(self.random.randint(1, 3)):
            event = f"jira:version_{self.random.choice(VERSION_EVENTS)}"
            self.push(event, None, self.now(), actor=self.who(), version=body)

    def change_account(self, _: _Issue) -> None:
        body = person(self.who()) | {"active": self.random.random() < 0.5}
        self.push("user_updated", None, self.now(), actor=self.who(), user=body)

    def view(self, subject: _Issue) -> None:
        """Look at an issue again and again; the event log, a collector or both tell of it, late."""
        person_id, moment = self.who(), self.now()
        for _ in range(self.random.randint(1, 6)):
            by_id = self.random.random() < 0.3
            number = self.number()
            late = moment + timedelta(minutes=self.random.choice((0.1, 20, 300)))
            if self.random.random() < 0.6:
                name = str(subject.id) if by_id else subject.key
                self.rows.append(
                    org_event(
                        f"{self.world}-{number}",
                        "jira_issue_viewed",
                        occurred=moment,
                        fetched=late,
                        actor=person_id,
                        issue_key=name,
                    )
                )
            if self.random.random() < 0.6:
                self.rows.append(
                    issue_view(
                        f"{self.world}-{number}",
                        person_id,
                        viewed=moment,
                        fetched=moment + timedelta(minutes=self.random.choice((0.01, 60))),
                        portal=self.random.random() < 0.3,
                        issue_id=subject.id if by_id else None,
                        issue_key=None if by_id else subject.key,
                    )
                )
            moment += timedelta(milliseconds=self.random.choice((0, 1_000, 299_999, 300_000)))

    def join(self, _: _Issue) -> None:
        """Put somebody into a group, which only the organisation tells."""
        moment = self.now()
        self.rows.append(
            org_event(
                f"{self.world}-{self.number()}",
                "user_added_to_group",
                occurred=moment,
                fetched=self.now(),
                actor=self.who(),
                users=[self.who()],
                group=("g1", "Admins"),
            )
        )

    # -- what a sync writes ---------------------------------------------------------------------

    def sync(self, _: _Issue, *, completely: bool = False) -> None:
        began = self.now()
        random = self.random
        for one in self.issues:
            if one.is_deleted or (not completely and random.random() < 0.5):
                continue
            asked, fetched = self.now(), self.now()
            self.rows.append(self.issue_row(one, fetched))
            self.rows += [self.comment_row(one, number, fetched) for number in one.comments]
            self.rows += [self.worklog_row(one, number, fetched) for number in one.worklogs]
            listed, updated = list(one.comments), one.updated
            if random.random() < 0.1:  # while the answer is on its way
                random.choice((self.comment, self.edit_comment, self.delete_comment))(one)
            self.rows.append(
                listing(
                    one.id,
                    listed,
                    listed=self.now(),
                    fetched=self.now(),
                    issue_updated=updated,
                    asked=asked,
                )
            )
        first = max(0, self.fetched_histories - random.randint(0, 3))
        for number, issue_id, moment, items, author in self.histories[first:]:
            if completely or random.random() < 0.95:
                self.rows.append(
                    history(
                        number,
                        issue_id,
                        items,
                        created=moment,
                        fetched=self.now(),
                        # An account may be erased before a sync reads what it did.
                        author=None if random.random() < 0.05 else author,
                    )
                )
        self.fetched_histories = len(self.histories)
        for number, moment in self.deleted_worklogs:
            self.rows.append(worklog_deletion(number, deleted=moment, fetched=self.now()))
        if random.random() < 0.6:
            self._sweep(began)

    def _sweep(self, began: datetime) -> None:
        self.sweeps += 1
        for one in self.issues:
            if one.is_deleted != (one.id in self.known_absent):
                previous = at(self.minute - 60) if self.random.random() < 0.7 else None
                self.rows.append(
                    presence(
                        one.id,
                        f"sweep{self.sweeps:03}",
                        observed=self.now() if one.is_deleted else began,
                        fetched=self.now(),
                        is_present=not one.is_deleted,
                        previous=previous,
                    )
                )
                (self.known_absent.add if one.is_deleted else self.known_absent.discard)(one.id)


def story(random: Random, commands: int, world: int, *, completely: bool = False) -> list[Row]:
    """Return what syncs read and webhooks told during a random story of so many commands.

    Stories of different worlds have different issue ids and keys. `completely`: the last sync reads
    all that can still be read.
    """
    told = _Story(random, world, pushed=0.7 if completely else random.choice((0.0, 0.3, 0.9)))
    for number in range(1, random.randint(3, ISSUES_PER_WORLD)):
        project = random.choice(list(PROJECTS))
        issue_id = world * ISSUES_PER_WORLD + number
        one = _Issue(issue_id, project, told.key(project, number), told.now())
        told.issues.append(one)
        told.push("jira:issue_created", one, one.created, user=person("ann"))
    told.rows += link_types(told.now())
    for account in random.sample(PEOPLE, 2):
        body = {"displayName": f"Listed {account}", "active": True, "accountType": "atlassian"}
        told.rows.append(listed("users", account, body, fetched=told.now()))
        if random.random() < 0.3:
            told.rows.append(listed("users", account, None, fetched=told.now()))
    for _ in range(commands):
        command = random.choice(COMMANDS)
        subject = random.choice(told.issues)
        if command in {"restore", "sync"} or not subject.is_deleted:
            getattr(told, command.replace(" ", "_"))(subject)
    if random.random() < 0.7:
        field = {
            "name": "Request Type",
            "custom": True,
            "schema": {"custom": "com.atlassian.servicedesk:vp-origin"},
        }
        told.rows.append(listed("fields", REQUEST_TYPE, field, fetched=told.now()))
    if completely:
        told.fetched_histories = 0
    told.sync(told.issues[0], completely=completely)
    if random.random() < 0.5:
        tests = {"name": "Tests", "inward": "is tested by", "outward": "tests"}
        told.rows.append(listed("issue_link_types", "10003", tests, fetched=told.now()))
    return sorted(told.rows, key=lambda row: row.fetched_at)
