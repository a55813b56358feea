{%- set options = [
    ('voting', 'votingEnabled', 'Voting'),
    ('watching', 'watchingEnabled', 'Watching'),
    ('unassigned_issues', 'unassignedIssuesAllowed', 'Unassigned issues'),
    ('subtasks', 'subTasksEnabled', 'Subtasks'),
    ('issue_links', 'issueLinkingEnabled', 'Issue links'),
] -%}
{%- set time_tracking = [
    {'id': 'timeTrackingEnabled', 'name': 'Time tracking', 'text': 'time_tracking'},
    {'id': 'workingHoursPerDay', 'name': 'Working hours per day', 'text': 'working_hours_per_day'},
    {'id': 'workingDaysPerWeek', 'name': 'Working days per week', 'text': 'working_days_per_week'},
    {'id': 'timeFormat', 'name': 'Time format', 'text': 'time_format'},
    {'id': 'defaultUnit', 'name': 'Default unit', 'text': 'default_unit'},
] -%}

with listed as (
    {{ listing_changes(
        ref('stg_jira_platform__configuration'), ref('stg_jira_platform__sweeps'), ['object_id'], "'configuration'"
    ) }}
),

compared as (
    select
        *,
        {% for column, id, name in options -%}
            {{ field_changes([{'id': id, 'name': name, 'text': column}]) }} as {{ column }}_changes,
        {% endfor -%}
        {{ field_changes(time_tracking) }} as time_tracking_changes
    from listed
    where change in ('changed', 'returned')
),

events as (
    {% for column in options | map('first') | list + ['time_tracking'] -%}
        select
            *,
            '{{ column }}' as condition,
            {{ column }}_changes as changes
        from compared
        where len({{ column }}_changes) > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_platform' and raw_event = 'option'
),

mapped as (
    select
        events.*,
        mappings.source,
        mappings.action_code
    from events
    inner join mappings on events.condition = mappings.condition
),

final as (
    {{ evidence('mapped', {
        'source_event_id': "object_id || '@' || version",
        'item_key': 'condition',
        'match_key': "''",
        'occurred_at': 'observed_to_at',
        'recorded_at': 'fetched_at',
        'actor_account_id': 'null',
        'actor_certainty': "'unknown'",
        'target_id': 'null',
        'target_label': 'null',
        'project_id': 'null',
        'issue_id': 'null',
    }) }}
)

select * from final
