"""Random histories of small sites, as rows of the lake.

A world is a short story of a few issues: edits, moves, comments, worklogs, attachments, links seen
from both ends, deletions and their withdrawal. Rows are what a sync would have written at random
moments of that story, in order of fetching; how they reach the lake is the caller's affair.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from tests.dbt.lakes import (
    LINK_TYPES,
    Row,
    at,
    attachment,
    comment,
    history,
    issue,
    item,
    link_item,
    link_types,
    listed,
    listing,
    person,
    presence,
    status_item,
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
    "delete",
    "restore",
    "sync",
)


class _Issue:
    def __init__(self, issue_id: int, project: str, key: str, created: datetime) -> None:
        self.id = issue_id
        self.project = project
        self.key = key
        self.created = self.updated = created
        self.status = "1"
        self.issue_type = "1"
        self.security: str | None = None
        self.is_deleted = False
        self.comments: dict[int, tuple[str, datetime, datetime, str]] = {}
        self.worklogs: dict[int, tuple[str, datetime, datetime, str]] = {}
        self.attachments: dict[int, tuple[str, datetime]] = {}


class _Story:
    def __init__(self, random: Random, world: int) -> None:
        self.random = random
        self.world = world
        self.minute = 0.0
        self.rows: list[Row] = []
        self.histories: list[tuple[int, int, datetime, list[dict[str, object]]]] = []
        self.fetched_histories = 0
        self.deleted_worklogs: list[tuple[int, datetime]] = []
        self.links: list[tuple[_Issue, _Issue, str]] = []
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
        self.histories.append((self.number(), subject.id, moment, items))

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

    def comment(self, subject: _Issue) -> None:
        moment = subject.updated = self.now()
        number = self.number()
        subject.comments[number] = (f"text {number}", moment, moment, self.who())

    def edit_comment(self, subject: _Issue) -> None:
        if subject.comments:
            number = self.random.choice(list(subject.comments))
            _, created, _, author = subject.comments[number]
            moment = subject.updated = self.now()
            subject.comments[number] = (f"edited at {moment}", created, moment, author)

    def delete_comment(self, subject: _Issue) -> None:
        if subject.comments:
            subject.comments.pop(self.random.choice(list(subject.comments)))
            subject.updated = self.now()

    def log_work(self, subject: _Issue) -> None:
        number = self.number()
        moment = self.now()
        subject.worklogs[number] = ("1h", moment, moment, self.who())
        self.tell(subject, [item("timespent", (None, None), ("60", "60"), field_id="timespent")])

    def edit_worklog(self, subject: _Issue) -> None:
        if subject.worklogs:
            number = self.random.choice(list(subject.worklogs))
            _, created, _, author = subject.worklogs[number]
            moment = subject.updated = self.now()
            subject.worklogs[number] = (f"{self.random.randint(2, 9)}h", created, moment, author)

    def delete_worklog(self, subject: _Issue) -> None:
        if subject.worklogs:
            number = self.random.choice(list(subject.worklogs))
            subject.worklogs.pop(number)
            self.deleted_worklogs.append((number, self.now()))
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
        if self.random.random() < 0.7:
            side = (str(number), f"file{number}.txt")
            self.tell(subject, [item("Attachment", new=side, field_id="attachment")])

    def detach(self, subject: _Issue) -> None:
        if subject.attachments:
            number = self.random.choice(list(subject.attachments))
            name, _ = subject.attachments.pop(number)
            self.tell(subject, [item("Attachment", (str(number), name), field_id="attachment")])

    def link(self, subject: _Issue) -> None:
        other = self.random.choice(self.issues)
        if other is not subject and not other.is_deleted:
            type_id = self.random.choice([*LINK_TYPES, "unknown"])
            self.links.append((subject, other, type_id))
            self._tell_link(subject, other, type_id, created=True)

    def unlink(self, subject: _Issue) -> None:
        mine = [link for link in self.links if subject in link[:2]]
        if mine:
            link = self.random.choice(mine)
            self.links.remove(link)
            self._tell_link(*link, created=False)

    def _tell_link(self, source: _Issue, target: _Issue, type_id: str, *, created: bool) -> None:
        unknown = ("Tests", "is tested by", "tests")
        _, inward, outward = LINK_TYPES.get(type_id, unknown)
        if self.random.random() < 0.9:
            self.tell(source, [link_item(outward, target.key, created=created)])
        if self.random.random() < 0.9:
            self.tell(target, [link_item(inward, source.key, created=created)])

    def delete(self, subject: _Issue) -> None:
        subject.is_deleted = True
        self.now()

    def restore(self, subject: _Issue) -> None:
        if subject.is_deleted:
            subject.is_deleted = False
            subject.updated = self.now()

    # -- what a sync writes ---------------------------------------------------------------------

    def sync(self, _: _Issue) -> None:
        began = self.now()
        random = self.random
        for one in self.issues:
            if one.is_deleted or random.random() < 0.5:
                continue
            fetched = self.now()
            listed_files = [
                attachment(number, name, created, self.who())
                for number, (name, created) in one.attachments.items()
            ]
            self.rows.append(
                issue(
                    one.id,
                    one.key,
                    updated=one.updated,
                    fetched=fetched,
                    created=one.created,
                    project=one.project,
                    issue_type=one.issue_type,
                    security=one.security,
                    attachments=listed_files,
                    assignee=person(self.who(), f"Name at {fetched}"),
                )
            )
            for number, (text, created, updated, author) in one.comments.items():
                self.rows.append(
                    comment(
                        number,
                        one.id,
                        text,
                        created=created,
                        updated=updated,
                        fetched=fetched,
                        author=author,
                    )
                )
            self.rows.append(listing(one.id, one.comments, listed=fetched, fetched=self.now()))
            for number, (spent, created, updated, author) in one.worklogs.items():
                self.rows.append(
                    worklog(
                        number,
                        one.id,
                        spent,
                        created=created,
                        updated=updated,
                        fetched=fetched,
                        author=author,
                    )
                )
        first = max(0, self.fetched_histories - random.randint(0, 3))
        for number, issue_id, moment, items in self.histories[first:]:
            if random.random() < 0.95:
                self.rows.append(
                    history(
                        number,
                        issue_id,
                        items,
                        created=moment,
                        fetched=self.now(),
                        author=random.choice((*PEOPLE, None)) if first == 0 else "bob",
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


def story(random: Random, commands: int, world: int) -> list[Row]:
    """Return the rows that syncs wrote during a random story of so many commands.

    Stories of different worlds have different issue ids and keys.
    """
    told = _Story(random, world)
    for number in range(1, random.randint(3, ISSUES_PER_WORLD)):
        project = random.choice(list(PROJECTS))
        issue_id = world * ISSUES_PER_WORLD + number
        told.issues.append(_Issue(issue_id, project, told.key(project, number), told.now()))
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
    told.sync(told.issues[0])
    if random.random() < 0.5:
        tests = {"name": "Tests", "inward": "is tested by", "outward": "tests"}
        told.rows.append(listed("issue_link_types", "10003", tests, fetched=told.now()))
    return told.rows
