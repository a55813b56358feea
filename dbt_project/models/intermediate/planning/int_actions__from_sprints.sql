{%- set words = [
    {'id': 'name', 'name': 'Name', 'text': 'sprint_name'},
    {'id': 'goal', 'name': 'Goal', 'text': 'goal'},
] -%}
{%- set dates = [
    {'id': 'startDate', 'name': 'Start date', 'text': 'start_text'},
    {'id': 'endDate', 'name': 'End date', 'text': 'end_text'},
] -%}

with sprints as (
    select
        *,
        {{ iso_text('start_at') }} as start_text,
        {{ iso_text('end_at') }} as end_text
    from {{ ref('stg_jira_software__sprints') }}
),

listed as (
    {{ listing_changes('sprints', ref('stg_jira_software__sweeps'), ['sprint_id'], "'sprints'") }}
),

boards as (
    select * from {{ ref('int_boards__listed') }}
),

listed_boards as (
    {{ listing_changes(
        ref('stg_jira_software__boards'), ref('stg_jira_software__sweeps'), ['board_id'], "'boards'"
    ) }}
),

in_sight as (
    {{ containers_in_sight(
        'listed_boards', 'board_id', 'is_present', ref('stg_jira_software__sweeps'), "'boards'"
    ) }}
),

gone as (
    {{ proved_to_be_gone(
        'listed', 'sprint_id', 'previous.board_id', 'in_sight', 'board_id',
        ref('stg_jira_software__sweeps'), "'sprints'"
    ) }}
),

first_listed as (
    select
        boards.site_id,
        boards.board_id,
        min(sweeps.started_at) as began_at
    from {{ ref('stg_jira_software__boards') }} as boards
    inner join {{ ref('stg_jira_software__sweeps') }} as sweeps
        on boards.site_id = sweeps.site_id and split_part(boards.version, '.', -1) = sweeps.sweep_id
    group by boards.site_id, boards.board_id
),

placed as (
    select
        listed.* replace (
            greatest(listed.observed_to_at, gone.proved_at) as observed_to_at,
            greatest(listed.fetched_at, gone.proved_fetched_at) as fetched_at
        ),
        gone.sprint_id is not null as is_provable,
        boards.project_id,
        -- A board that comes into sight brings its sprints along: they need not be new.
        coalesce(first_listed.began_at <= listed.observed_from_at, false) as was_in_sight
    from listed
    left join boards
        on
            listed.site_id = boards.site_id
            and coalesce(listed.board_id, listed.previous.board_id) = boards.board_id
    left join first_listed
        on listed.site_id = first_listed.site_id and listed.board_id = first_listed.board_id
    left join gone
        on
            listed.site_id = gone.site_id
            and listed.sprint_id = gone.sprint_id
            and listed.version = gone.version
),

compared as (
    select
        *,
        change in ('changed', 'returned') as is_changed,
        sprint_state != 'future' and previous.sprint_state = 'future' as is_started,
        (completed_at is not null and completed_at is distinct from previous.completed_at) as is_completed,
        (sprint_state = 'closed' and previous.sprint_state is distinct from 'closed') as is_closed,
        -- Starting a sprint dates it: that is no edit of its own.
        case
            when sprint_state != 'future' and previous.sprint_state = 'future' then {{ field_changes(words) }}
            else {{ field_changes(words + dates) }}
        end as edits
    from placed
),

-- The API tells when a sprint was made, if it is not too old, and when it was completed. When it was
-- started it does not: its start date may be the planned one. It was not after its completion.
told as (
    select
        *,
        {{ each(listing_events([
            ('created', "created_at is not null and previous is null", none),
            ('created', "created_at is null and change = 'created' and was_in_sight", none),
            ('updated', 'is_changed and len(edits) > 0', 'edits'),
            ('started', "is_changed and is_started", none),
            ('started', "change = 'created' and was_in_sight and sprint_state != 'future'", none),
            ('closed', 'is_completed', none),
            ('closed', "completed_at is null and is_closed and is_changed", none),
            ('deleted', "change = 'vanished' and is_provable", none),
        ])) }} as event
    from compared
),

timed as (
    select
        * exclude (observed_from_at, observed_to_at),
        case event.condition when 'created' then created_at when 'closed' then completed_at end as exact_at,
        case
            when event.condition = 'started'
                then greatest(observed_from_at, created_at)
            else observed_from_at
        end as observed_from_at,
        case
            when event.condition = 'started' then least(observed_to_at, completed_at)
            else observed_to_at
        end as observed_to_at
    from told
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_software' and raw_event = 'sprint'
),

mapped as (
    select
        timed.* exclude (observed_from_at, observed_to_at),
        case when exact_at is null then observed_from_at end as observed_from_at,
        case when exact_at is null then observed_to_at end as observed_to_at,
        coalesce(exact_at, observed_to_at) as occurred_at,
        mappings.source,
        mappings.action_code
    from timed
    inner join mappings on timed.event.condition = mappings.condition
),

final as (
    {{ evidence('mapped', {
        'source_event_id': "sprint_id || '@' || version",
        'item_key': 'event.condition',
        'match_key': 'sprint_id',
        'recorded_at': 'fetched_at',
        'actor_account_id': 'null',
        'actor_certainty': "'unknown'",
        'target_id': 'sprint_id',
        'target_label': 'coalesce(sprint_name, previous.sprint_name)',
        'issue_id': 'null',
        'changes': 'event.changes',
    }) }}
)

select * from final
