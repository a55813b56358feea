"""The archive arrives in the world whole: every issue, comment and attachment, once."""

import gzip
import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tests.sandbox.image import ImageError, load_image
from tests.sandbox.ledger import Line
from tests.sandbox.render import Renderer
from tests.shared_data import require


def test_every_object_of_the_archive_is_in_the_world() -> None:
    folder = require("titanium")
    lines: list[Line] = []
    world = load_image(folder, sink=lines.append)
    assert Counter(line.code for line in lines) == {
        "ISSUE_CREATED": 23_055,
        "ISSUE_COMMENTED": 86_373,
        "COMMENT_UPDATED": 7_972,
        "ATTACHMENT_CREATED": 9_987,
    }
    assert len(world.people) == 3_189 + 1
    with gzip.open(folder / "issues.jsonl.gz", "rt", encoding="utf-8") as archive:
        for text in archive:
            source = json.loads(text)
            issue = world.issues[int(source["id"])]
            fields = source["fields"]
            assert issue.key == source["key"]
            assert issue.extra["issuelinks"] == fields["issuelinks"]
            assert [str(one) for one in issue.attachments] == [
                one["id"] for one in fields["attachment"]
            ]
            assert [str(one) for one in issue.comments] == [
                one["id"] for one in fields["comment"]["comments"]
            ]
            assert world.projects[issue.project].key == fields["project"]["key"]


def test_what_has_no_author_is_served_without_one() -> None:
    world = load_image(require("titanium"))
    bodies = {"comment": 0, "attachment": 0}
    for issue in world.issues.values():
        authors = {one.author for one in issue.comments.values()}
        authors |= {one.author for one in issue.attachments.values()}
        if None in authors:
            answer = Renderer(world).issue(issue, frozenset({"*all"}))
            fields = json.loads(msgspec.json.encode(answer))["fields"]
            for name, parts in (
                ("comment", fields["comment"]["comments"]),
                ("attachment", fields["attachment"]),
            ):
                bodies[name] += sum("author" not in one for one in parts)
    # A 28th comment lies beyond those that an issue carries inline.
    assert bodies == {"comment": 27, "attachment": 9}


@pytest.mark.parametrize(
    "broken",
    [b"not gzip", gzip.compress(b"[1]\n", mtime=0), None],
    ids=["not gzip", "no object", "no file"],
)
def test_a_folder_that_is_no_image_is_named(tmp_path: Path, broken: bytes | None) -> None:
    if broken is not None:
        (tmp_path / "users.jsonl.gz").write_bytes(broken)
    with pytest.raises(ImageError, match=r"users\.jsonl\.gz cannot be read as part"):
        load_image(tmp_path)
