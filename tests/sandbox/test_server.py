"""The server: authentication, paging, JQL, index lag, the served log, controls, restarts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.sandbox.client import Client
from tests.sandbox.clock import parse_iso
from tests.sandbox.domains import attach
from tests.sandbox.generator import build_world
from tests.sandbox.ledger import encode_line
from tests.sandbox.objects import Issue
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.world import World

EVERYTHING = 'updated >= "1970-01-01 00:00" ORDER BY created ASC'


@pytest.fixture(scope="module")
def busy() -> Iterator[RunningSandbox]:
    """Start a month of a generated site; tests must not change it."""
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def quiet() -> Iterator[RunningSandbox]:
    """Start an empty site where nothing happens by itself; the lag is two minutes at most."""
    with running_sandbox(days=0, actions_per_year=1, max_lag_minutes=2) as sandbox:
        yield sandbox


def make_issue(world: World, now: int, project: str = "11000") -> Issue:
    return world.create_issue(
        now, world.me, project, issuetype="10203", status="10000", summary="Made by a test"
    )


def listed(client: Client, jql: str = EVERYTHING) -> list[str]:
    answer = client.search(jql, maxResults=5000)
    assert answer.status == 200, answer.body
    return [issue["id"] for issue in answer.body["issues"]]


# -- authentication and errors -----------------------------------------------------------------


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic d3Jvbmc6d3Jvbmc="}, {"Authorization": "Bearer x"}]
)
def test_without_the_credentials_everything_is_401(
    busy: RunningSandbox, headers: dict[str, str]
) -> None:
    for path in ("myself", "serverInfo", "search/jql?jql=id=1", "nowhere"):
        answer = Client(busy).raw("GET", path, None, headers)
        assert answer.status == 401
        assert set(answer.body) == {"errorMessages", "errors"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("issue/999999999", 404),
        ("issue/NOPE-1/comment", 404),
        ("issue/10001'--/changelog", 404),
        ("nowhere", 404),
        ("project/search?startAt=-1", 400),
        ("project/search?maxResults=many", 400),
        ("project/search?status=gone", 400),
        ("mypermissions", 400),
    ],
)
def test_errors_have_atlassians_body(busy: RunningSandbox, path: str, status: int) -> None:
    answer = (
        Client(busy).get(path)
        if "?" not in path
        else Client(busy)._call("GET", path, None, "identity")
    )
    assert answer.status == status
    assert answer.body["errorMessages"]
    assert answer.body["errors"] == {}


def test_a_body_that_is_not_json_is_400(busy: RunningSandbox) -> None:
    for body in (b"{", b"[1]", b"\xff", b'{"issueIdsOrKeys": 7}'):
        assert Client(busy)._call("POST", "issue/bulkfetch", body, "identity").status == 400


# -- search ------------------------------------------------------------------------------------


def test_paging_shows_everything_once(busy: RunningSandbox) -> None:
    client = Client(busy)
    ids: list[str] = []
    token = None
    pages = 0
    while True:
        body: dict[str, object] = {"maxResults": 37, "fields": ["id"]}
        page = client.search(EVERYTHING, **body, **({"nextPageToken": token} if token else {})).body
        assert "total" not in page
        ids += [issue["id"] for issue in page["issues"]]
        pages += 1
        token = page.get("nextPageToken")
        assert page["isLast"] == (token is None)
        if token is None:
            break
    assert pages > 5
    assert len(ids) == len(set(ids))
    assert set(ids) == {str(issue_id) for issue_id in busy.site.world.index.entries}


def test_pages_can_be_kept_small() -> None:
    with running_sandbox(days=3, page_limit=10) as sandbox:
        client = Client(sandbox)
        page = client.search(EVERYTHING, maxResults=5000).body
        assert (len(page["issues"]), page["isLast"]) == (10, False)
        ids = [issue["id"] for issue in page["issues"]]
        logs = client.post("changelog/bulkfetch", issueIdsOrKeys=ids, maxResults=10_000).body
        assert sum(len(log["changeHistories"]) for log in logs["issueChangeLogs"]) == 10
        assert "nextPageToken" in logs


def test_a_token_belongs_to_its_query(busy: RunningSandbox) -> None:
    client = Client(busy)
    token = client.search(EVERYTHING, maxResults=5).body["nextPageToken"]
    assert client.search(EVERYTHING, maxResults=5, nextPageToken=token).status == 200
    for jql, wrong in (("id = 10004", token), (EVERYTHING, "x"), (EVERYTHING, token[:-3] + "AAA")):
        assert client.search(jql, nextPageToken=wrong).status == 400


def test_page_sizes_are_capped_by_what_is_asked(busy: RunningSandbox) -> None:
    client = Client(busy)
    total = len(listed(client))
    assert total > 100
    assert len(client.search(EVERYTHING, maxResults=5000, fields=["*all"]).body["issues"]) == 100
    few = client.search(EVERYTHING, maxResults=5000, fields=["updated", "key"]).body["issues"]
    assert len(few) == total
    assert set(few[0]["fields"]) == {"updated"}
    assert len(client.search(EVERYTHING).body["issues"]) == 50
    assert set(client.search(EVERYTHING).body["issues"][0]) == {"id"}


@pytest.mark.parametrize(
    "jql",
    [
        "",
        "ORDER BY updated ASC",
        "text ~ hello",
        'updated >= "yesterday"',
        'updated >= "2026-05-01 12:00:30"',
        'updated ~ "2026-05-01"',
        'updated >= "2026-05-01" OR id = 1',
        "project = NOPE",
        "key = NOPE-1",
        "project in (APP",
        "project in ()",
        "id = 10004 ORDER BY colour",
        'updated >= "2026-05-01" ORDER BY ' + ", ".join(["id"] * 8),
        'updated >= "2026-05-01" garbage',
        'updated >= "2026-05-01',
        "status CHANGED",
    ],
)
def test_what_jira_would_refuse_is_refused(busy: RunningSandbox, jql: str) -> None:
    answer = Client(busy).search(jql)
    assert answer.status == 400
    assert answer.body["errorMessages"]


def test_clauses_and_orders_are_understood(busy: RunningSandbox) -> None:
    client, world = Client(busy), busy.site.world
    app = {str(i.id) for i in world.issues.values() if world.projects[i.project].key == "APP"}
    assert set(listed(client, "project = app")) == app
    assert set(listed(client, "project is not EMPTY")) == set(listed(client))
    both = set(listed(client, 'PROJECT in ("Mobile App", WEB) and updated>="1970/01/01"'))
    assert app < both
    some = sorted(app)[:3]
    keys = [world.issues[int(issue_id)].key for issue_id in some]
    assert listed(client, f"id in ({', '.join(some)}) ORDER BY id DESC") == some[::-1]
    assert set(listed(client, f"key in ({', '.join(keys)})")) == set(some)
    updated = [world.issues[int(i)].updated for i in listed(client, "project=APP ORDER BY updated")]
    assert updated == sorted(updated)
    newest = listed(client, "project = APP ORDER BY created DESC, key ASC")
    assert newest == sorted(app, key=lambda i: -world.issues[int(i)].created)
    answer = client.get("search/jql", jql="project = APP", fields="summary,status", maxResults=3)
    assert set(answer.body["issues"][0]["fields"]) == {"summary", "status"}


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("Europe/Zurich", "2026-06-01 14:00"),
        ("Pacific/Kiritimati", "2026-06-02 02:00"),
        ("America/New_York", "2026-06-01 08:00"),
    ],
)
def test_dates_are_minutes_of_the_api_users_time_zone(zone: str, local: str) -> None:
    with running_sandbox(
        days=0, actions_per_year=1, max_lag_minutes=0, time_zone=zone, now="2026-06-01T12:00:30"
    ) as sandbox:
        client = Client(sandbox)
        assert client.get("myself").body["timeZone"] == zone
        issue = str(sandbox.do(make_issue).id)
        sandbox.advance(1)
        later = local[:-2] + "01"
        assert listed(client, f'updated >= "{local}"') == [issue]
        assert listed(client, f'updated > "{local}"') == [issue]
        assert listed(client, f'updated = "{local.replace("-", "/")}"') == [issue]
        assert listed(client, f'updated <= "{later}"') == [issue]
        assert listed(client, f'updated >= "{later}"') == []
        assert listed(client, f'updated < "{local}"') == []
        stamp = client.get(f"issue/{issue}").body["fields"]["updated"]
        assert stamp.startswith(f"{local.replace(' ', 'T')}:30.000")
        assert datetime.fromisoformat(stamp) == datetime.fromisoformat("2026-06-01T12:00:30Z")


def test_the_index_lags_behind_each_change(quiet: RunningSandbox) -> None:
    client = Client(quiet)
    issues = [quiet.do(make_issue) for _ in range(30)]
    seen = [len(listed(client))]
    for _ in range(8):
        quiet.advance(0.25)
        seen.append(len(listed(client)))
    assert seen[0] < 10
    assert seen[-1] == 30
    assert seen == sorted(seen)
    assert len(set(seen)) > 4
    # A change keeps the old entry until its lag has passed, then has only the new one.
    recent = 'updated >= "2026-06-01 14:10" ORDER BY updated ASC'
    quiet.advance(8)

    def comment_all(world: World, now: int) -> None:
        for issue in issues:
            world.comment(now, world.me, issue, "x")

    quiet.do(comment_all)
    found = len(listed(client, recent))
    assert found < 10
    assert len(listed(client)) == 30
    assert client.get(f"issue/{issues[0].id}/comment").body["total"] == 1
    quiet.advance(2)
    assert len(listed(client, recent)) == 30
    # A deleted issue is still listed for a while, but cannot be fetched.

    def delete_all(world: World, now: int) -> None:
        for issue in issues:
            world.delete_issue(now, world.me, issue)

    quiet.do(delete_all)
    stale = listed(client)
    assert stale
    answer = client.post("issue/bulkfetch", issueIdsOrKeys=stale).body
    assert answer == {"issues": [], "issueErrors": []}
    quiet.advance(2)
    assert listed(client) == []


def test_late_changes_are_found_hours_later() -> None:
    with running_sandbox(days=0, actions_per_year=1, late_share=0.3) as sandbox:
        client = Client(sandbox)
        for _ in range(40):
            sandbox.do(make_issue)
        seen = []
        for _ in range(4):
            seen.append(len(listed(client)))
            sandbox.advance(10 * 60)
        assert seen == sorted(seen)
        assert 15 < seen[1] < 40
        assert seen[1] < seen[2] < 40
        assert len(listed(client)) == 40


# -- changelogs, comments, worklogs ------------------------------------------------------------


def test_both_changelogs_tell_the_same(busy: RunningSandbox) -> None:
    client, world = Client(busy), busy.site.world
    ids = [str(i) for i, issue in world.issues.items() if 3 < len(issue.histories) <= 100][:50]
    bulk: dict[str, list[dict[str, object]]] = {i: [] for i in ids}
    order: list[tuple[int, int]] = []
    token = None
    pages = 0
    while True:
        body: dict[str, object] = {"issueIdsOrKeys": ids, "maxResults": 40}
        page = client.post(
            "changelog/bulkfetch", **body, **({"nextPageToken": token} if token else {})
        ).body
        assert sum(len(log["changeHistories"]) for log in page["issueChangeLogs"]) <= 40
        for log in page["issueChangeLogs"]:
            bulk[log["issueId"]] += log["changeHistories"]
            order += [
                (history["created"], int(log["issueId"])) for history in log["changeHistories"]
            ]
        pages += 1
        token = page.get("nextPageToken")
        if token is None:
            break
    assert pages > 3
    for issue_id in ids:
        single = client.get(f"issue/{issue_id}/changelog").body["values"]
        assert all(isinstance(history["created"], int) for history in bulk[issue_id])
        normal = [
            history
            | {"created": round(datetime.fromisoformat(history["created"]).timestamp() * 1e3)}
            for history in single
        ]
        assert sorted(normal, key=lambda h: h["id"]) == sorted(
            bulk[issue_id], key=lambda h: str(h["id"])
        )


def test_long_lists_are_paged_and_inline_ones_cut(quiet: RunningSandbox) -> None:
    client = Client(quiet)
    issue = quiet.do(make_issue)

    def busy_day(world: World, now: int) -> None:
        for number in range(250):
            world.edit(now + number, world.me, issue, {"summary": f"Version {number}"})
        for number in range(45):
            world.comment(now + 300 + number, world.me, issue, f"Comment {number}")

    quiet.do(busy_day)
    changelog = client.get(f"issue/{issue.id}/changelog", maxResults=500).body
    assert (changelog["total"], len(changelog["values"]), changelog["isLast"]) == (250, 100, False)
    inline = client.get(f"issue/{issue.key}").body["fields"]["comment"]
    assert (inline["total"], len(inline["comments"])) == (45, 20)
    assert not [row for row in quiet.served() if row["key"].startswith("comments_of")]
    first = client.get(f"issue/{issue.id}/comment", maxResults=30, orderBy="created").body
    assert not [row for row in quiet.served() if row["key"].startswith("comments_of")]
    second = client.get(f"issue/{issue.id}/comment", maxResults=30, startAt=30).body
    texts = [c["body"]["content"][0]["content"][0]["text"] for c in first["comments"]]
    texts += [c["body"]["content"][0]["content"][0]["text"] for c in second["comments"]]
    assert texts == [f"Comment {number}" for number in range(45)]
    complete = [row for row in quiet.served() if row["key"] == f"comments_of:{issue.id}"]
    assert [row["ids"] for row in complete] == [45]
    assert client.get(f"issue/{issue.id}/comment", orderBy="author").status == 400


def test_worklog_feeds_leave_out_the_last_minute(quiet: RunningSandbox) -> None:
    client = Client(quiet)
    issue = quiet.do(make_issue)
    worklog = quiet.do(lambda world, now: world.log_work(now, world.me, issue, 600, "w"))
    assert client.get("worklog/updated", since=0).body["values"] == []
    quiet.advance(1)
    feed = client.get("worklog/updated", since=0).body
    assert feed["values"] == [
        {"worklogId": worklog.id, "updatedTime": worklog.updated, "properties": []}
    ]
    assert (feed["until"], feed["lastPage"]) == (worklog.updated, True)
    assert client.get("worklog/updated", since=feed["until"]).body["values"] == []
    (full,) = client.post("worklog/list", ids=[worklog.id, 1]).body
    assert (full["id"], full["issueId"]) == (str(worklog.id), str(issue.id))
    quiet.do(lambda world, now: world.delete_worklog(now, world.me, worklog))
    quiet.advance(1)
    assert client.get("worklog/updated", since=0).body["values"] == []
    (gone,) = client.get("worklog/deleted", since=0).body["values"]
    assert gone["worklogId"] == worklog.id
    assert client.post("worklog/list", ids=[worklog.id]).body == []
    last = client.get(f"issue/{issue.id}/changelog").body["values"][-1]
    item = next(item for item in last["items"] if item["field"] == "WorklogId")
    assert (item["from"], item["to"]) == (str(worklog.id), None)
    assert "fieldId" not in item
    keys = {row["key"] for row in quiet.served()}
    assert {f"worklog:{worklog.id}:{worklog.updated}", f"worklog_deleted:{worklog.id}"} <= keys


# -- served log --------------------------------------------------------------------------------


def test_the_served_log_tells_what_was_shown(quiet: RunningSandbox) -> None:
    client = Client(quiet)
    issue = quiet.do(make_issue)
    comment = quiet.do(lambda world, now: world.comment(now, world.me, issue, "first"))
    quiet.do(lambda world, now: world.attach(now, world.me, issue, [("a.txt", 1, "text/plain")]))
    assert quiet.served() == []
    quiet.advance(2)
    (listed_id,) = listed(client)
    sweep = quiet.served()[-1]
    assert quiet.served()[0]["key"] == f"listed:{listed_id}"
    assert (sweep["key"], sweep["count"], sweep["absent"]) == ("sweep", 1, [])
    client.post("issue/bulkfetch", issueIdsOrKeys=[listed_id], fields=["summary"])
    assert len(quiet.served()) == 2
    client.post("issue/bulkfetch", issueIdsOrKeys=[listed_id], fields=["*all"])
    client.post("changelog/bulkfetch", issueIdsOrKeys=[listed_id])
    (attachment,) = issue.attachments
    keys = [row["key"] for row in quiet.served()]
    assert keys[2:] == [
        f"issue:{issue.id}",
        f"attachment:{attachment}",
        f"comment:{comment.id}:{comment.updated}",
        f"comments_of:{issue.id}",
        f"history:{issue.histories[0].id}",
    ]
    quiet.do(lambda world, now: world.delete_comment(now, world.me, issue, comment))
    client.post("issue/bulkfetch", issueIdsOrKeys=[listed_id], fields=["*all"])
    assert quiet.served()[-1]["without"] == [str(comment.id)]
    quiet.do(lambda world, now: world.delete_issue(now, world.me, issue))
    quiet.advance(2)
    assert listed(client) == []
    assert quiet.served()[-1]["absent"] == [str(issue.id)]
    assert listed(client) == []
    assert quiet.served()[-1]["absent"] == []


def test_a_restricted_listing_is_no_sweep(busy: RunningSandbox) -> None:
    before = sum(row["key"] == "sweep" for row in busy.served())
    listed(Client(busy), "project = APP")
    assert sum(row["key"] == "sweep" for row in busy.served()) == before
    listed(Client(busy))
    assert sum(row["key"] == "sweep" for row in busy.served()) == before + 1


# -- controls, time, restarts ------------------------------------------------------------------


def test_a_hidden_project_vanishes_and_comes_back() -> None:
    with running_sandbox(days=3) as sandbox:
        client, world = Client(sandbox), sandbox.site.world
        before = listed(client)
        issue = next(i for i in world.issues.values() if world.projects[i.project].key == "APP")
        sandbox.hide_project("APP")
        assert str(issue.id) not in listed(client)
        assert client.get(f"issue/{issue.id}").status == 404
        assert client.post("changelog/bulkfetch", issueIdsOrKeys=[str(issue.id)]).body == {
            "issueChangeLogs": []
        }
        # an administrator is shown the project, but not among those that he may browse
        browsable = client.get("project/search", action="browse").body["values"]
        assert "APP" not in {p["key"] for p in browsable}
        assert "APP" in {p["key"] for p in client.get("project/search").body["values"]}
        assert sandbox.served()[-1]["unsearchable"] == [issue.project]
        sandbox.unhide_project("APP")
        assert listed(client) == before
        facts = [line["code"] for line in sandbox.ledger() if line["code"].startswith("_PROJECT")]
        assert facts == ["_PROJECT_HIDDEN", "_PROJECT_UNHIDDEN"]
        with pytest.raises(ValueError, match="NOPE"):
            sandbox.hide_project("NOPE")


def test_an_archived_project_leaves_the_search_only(quiet: RunningSandbox) -> None:
    client = Client(quiet)
    issue = quiet.do(lambda world, now: make_issue(world, now, "11007"))
    quiet.advance(3)
    assert listed(client) == [str(issue.id)]
    quiet.do(lambda world, now: world.archive(now, world.me, "11007"))
    assert listed(client) == []
    assert client.get(f"issue/{issue.id}").status == 200
    assert "OLD" not in {p["key"] for p in client.get("project/search").body["values"]}
    answer = client.get("project/search", status=["live", "archived"]).body
    (old,) = (p for p in answer["values"] if p["key"] == "OLD")
    assert old["archived"] is True
    assert old["archivedBy"]["accountId"] == quiet.site.world.me


def test_permissions_and_the_token_can_be_taken(quiet: RunningSandbox) -> None:
    client = Client(quiet)
    quiet.permission("ADMINISTER", granted=False)
    assert client.get("issuesecurityschemes/level").status == 403
    held = client.get("mypermissions", permissions="ADMINISTER,BROWSE_PROJECTS").body["permissions"]
    assert [held[name]["havePermission"] for name in held] == [False, True]
    quiet.revoke_token()
    assert client.get("serverInfo").status == 401
    quiet.revoke_token(revoked=False)
    assert client.get("serverInfo").status == 200


def test_time_is_virtual_and_moves_only_when_told(quiet: RunningSandbox) -> None:
    client = Client(quiet)
    for moment in ("2026-06-01T12:00:00+00:00", "2026-06-01T12:30:00+00:00"):
        answer = client.get("serverInfo")
        assert datetime.fromisoformat(answer.body["serverTime"]) == datetime.fromisoformat(moment)
        date = parsedate_to_datetime(answer.headers["date"])
        assert date == datetime.fromisoformat(moment)
        quiet.advance(30)
    with pytest.raises(ValueError, match="forward"):
        quiet.advance(-1)
    with (
        running_sandbox(now="live", days=0, actions_per_year=1) as live,
        pytest.raises(ValueError, match="frozen"),
    ):
        live.advance(1)


def test_answers_are_compressed_when_asked(busy: RunningSandbox) -> None:
    plain = Client(busy).get("users/search")
    packed = Client(busy).get("users/search", accept="gzip, deflate")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.body == plain.body
    assert len(packed.raw) < len(plain.raw) / 2


def test_a_restart_continues_the_same_world(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running_sandbox(state=state, days=5) as sandbox:
        listed(Client(sandbox))
        sandbox.hide_project("WEB")
        sandbox.advance(600)
        first = (state / "ledger.jsonl").read_bytes()
        served = (state / "served.jsonl").read_bytes()
        requests = sandbox.state()["requests"]
    # A kill can leave a torn line behind.
    with (state / "ledger.jsonl").open("ab") as file:
        file.write(b'{"n":')
    with running_sandbox(state=state, days=5) as sandbox:
        assert sandbox.state()["now"] == "2026-06-01T22:00:00.000Z"
        assert sandbox.state()["requests"] == requests
        assert (state / "ledger.jsonl").read_bytes() == first
        assert (state / "served.jsonl").read_bytes() == served
        browsable = Client(sandbox).get("project/search", action="browse").body["values"]
        assert "WEB" not in {p["key"] for p in browsable}
        sandbox.advance(24 * 60)
        assert (state / "ledger.jsonl").read_bytes().startswith(first)
        assert len((state / "ledger.jsonl").read_bytes()) > len(first)


def test_a_state_directory_belongs_to_one_world(tmp_path: Path) -> None:
    with running_sandbox(state=tmp_path, days=1):
        pass
    with (
        pytest.raises(Exception, match="seed 7, not 8"),
        running_sandbox(state=tmp_path, days=1, seed=8),
    ):
        pass
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"ISSUE_CREATED", b"ISSUE_INVENTED", 1))
    with pytest.raises(Exception, match="another world"), running_sandbox(state=tmp_path, days=1):
        pass


# -- command line ------------------------------------------------------------------------------


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.sandbox", "serve", *arguments]


def test_the_command_serves_and_ends_on_sigterm(tmp_path: Path) -> None:
    arguments = ("--seed", "5", "--state", str(tmp_path), "--now", "2026-03-01", "--start")
    with subprocess.Popen(
        command(*arguments, "2026-02-20"),
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "4", "TZ": "Asia/Tokyo"},
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        assert "listening on http://127.0.0.1:" in lines[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 0
    # The same bytes as in this process: nothing depends on hash seeds or the machine's zone.
    told: list[bytes] = []
    start, now = parse_iso("2026-02-20"), parse_iso("2026-03-01")
    world = build_world(seed=5, start=start, sink=lambda line: told.append(encode_line(line)))
    attach(world, start)
    world.advance(now)
    assert (tmp_path / "ledger.jsonl").read_bytes() == b"".join(told)
    assert len(told) > 500


def test_wrong_arguments_are_one_line_and_exit_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("--port", str(port)), capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == f"port {port}: Address already in use; give another --port\n"
    plan = tmp_path / "plan.toml"
    plan.write_text('[[fault]]\npath = "*"\nkind = "earthquake"\ntimes = 1\n')
    done = subprocess.run(
        command("--plan", str(plan), "--state", str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "earthquake" in done.stderr
    assert done.stderr.count("\n") == 1
