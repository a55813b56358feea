"""A new action costs a line in each of two seeds and, where it needs logic, one model.

Both are added to a copy of the project, which is then built with all its tests.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.dbt.builds import PROJECT, dbt, messages, query
from tests.dbt.lakes import Lake, at, history, issue, item, listed

TYPES = (
    "9001,PRIORITY_CHANGED,Priority changed,jira,issue,jira_issues,jira,0,"
    "false,true,true,false,issue_security,Somebody changed the priority.\n"
    "9002,STATUS_CREATED,Status created,jira,status,jira_platform,jira,0,"
    "false,false,false,true,none,Somebody created a status.\n"
)
MAPPINGS = """\
jira_issues,changelog.priority,any,PRIORITY_CHANGED
jira_platform,status,created,STATUS_CREATED
"""
MODEL = """
with statuses as (
    select status_id, status_name, site_id, version, fetched_at
    from {{ ref('stg_jira_platform__statuses') }}
    where is_present
    qualify row_number() over (partition by site_id, status_id order by fetched_at, version) = 1
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_platform' and raw_event = 'status' and condition = 'created'
),

events as (
    select * from statuses
    cross join mappings
)

{{ evidence('events', {
    'source_event_id': "status_id || '@' || version",
    'item_key': "''",
    'match_key': 'status_id',
    'occurred_at': 'fetched_at',
    'recorded_at': 'fetched_at',
    'observed_from_at': 'null',
    'observed_to_at': 'null',
    'actor_account_id': 'null',
    'actor_certainty': "'unknown'",
    'target_id': 'status_id',
    'target_label': 'status_name',
    'project_id': 'null',
    'issue_id': 'null',
    'changes': no_changes(),
}) }}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a copy of the project with two more actions; return the home with its marts."""
    directory = tmp_path_factory.mktemp("new action")
    project, home = directory / "dbt_project", directory / "home"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    for seed, lines in (("action_types", TYPES), ("action_mappings", MAPPINGS)):
        with (project / "seeds" / f"{seed}.csv").open("a") as file:
            file.write(lines)
    actions = project / "models" / "intermediate" / "actions"
    (actions / "int_actions__from_statuses.sql").write_text(MODEL)
    evidence = actions / "int_actions__evidence.sql"
    text = evidence.read_text()
    evidence.write_text(
        text.replace("sources = [", "sources = [\n    'int_actions__from_statuses',")
    )
    change = item("priority", ("3", "Medium"), ("1", "Highest"), field_id="priority")
    Lake(home).load(
        [
            issue(100, "AB-1", updated=at(5), fetched=at(9)),
            history(1, 100, [change], created=at(5), fetched=at(9)),
            listed("statuses", "4", {"name": "Waiting"}, fetched=at(3)),
        ]
    )
    result = dbt(home, "build", "--exclude-resource-type=unit_test", project=project)
    assert result.success, messages(result)
    return home


def test_two_lines_make_a_changed_field_an_action(home: Path) -> None:
    [found] = query(
        home,
        """
        select types.label, actions.actor_account_id, actions.issue_id, actions.old_value,
            actions.new_value, changes.field_id
        from fct_actions as actions
        inner join dim_action_types as types using (action_code)
        inner join fct_action_changes as changes using (action_id)
        where actions.action_code = 'PRIORITY_CHANGED'
        """,
    )
    assert found == ("Priority changed", "bob", "100", "Medium", "Highest", "priority")
    assert query(home, "select 1 from fct_actions where action_code = 'ISSUE_UPDATED'") == []


def test_two_lines_and_a_model_make_new_evidence_an_action(home: Path) -> None:
    [found] = query(
        home,
        "select target_type, target_id, target_label, sources, actor_certainty from fct_actions "
        "where action_code = 'STATUS_CREATED'",
    )
    assert found == ("status", "4", "Waiting", "jira_platform", "unknown")
