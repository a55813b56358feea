{%- set edits = [
    {'id': 'name', 'name': 'Name', 'text': 'version_name'},
    {'id': 'description', 'name': 'Description', 'text': 'description'},
    {'id': 'startDate', 'name': 'Start date', 'text': 'start_date'},
    {'id': 'archived', 'name': 'Archived', 'text': 'is_archived'},
] -%}
{%- set release = [{'id': 'released', 'name': 'Released', 'text': 'is_released'}] -%}
{%- set release_date = [{'id': 'releaseDate', 'name': 'Release date', 'text': 'release_date'}] -%}

with listed as (
    {{ listing_changes(
        ref('stg_jira_platform__versions'), ref('stg_jira_platform__sweeps'), ['version_id'],
        "'versions:' || project_id"
    ) }}
),

compared as (
    select
        *,
        change in ('changed', 'returned') as is_changed,
        -- Releasing dates the version: that is no edit of its own.
        case
            when is_released = previous.is_released then {{ field_changes(edits + release_date) }}
            else {{ field_changes(edits) }}
        end as edits
    from listed
),

told as (
    select
        *,
        {{ each(listing_events([
            ('created', "change = 'created'", none),
            ('updated', 'is_changed and len(edits) > 0', 'edits'),
            ('released', 'is_changed and is_released and not previous.is_released', field_changes(release)),
            ('unreleased', 'is_changed and not is_released and previous.is_released', field_changes(release)),
            ('deleted', "change = 'vanished'", none),
        ])) }} as event
    from compared
),

moves as (
    select
        moved.*,
        known.version_name
    from {{ ref('int_version_orders__moves') }} as moved
    left join {{ ref('int_versions__listed') }} as known
        on moved.site_id = known.site_id and moved.version_id = known.version_id
),

events as (
    select
        site_id,
        project_id,
        version_id,
        version,
        coalesce(version_name, previous.version_name) as version_name,
        event.condition as condition,
        event.changes as changes,
        observed_from_at,
        observed_to_at,
        fetched_at
    from told
    union all
    select
        site_id,
        project_id,
        version_id,
        version,
        version_name,
        'moved' as condition,
        {{ one_change(
            "'sequence'", "'Position'", old_text='cast(old_position as varchar)',
            new_text='cast(new_position as varchar)'
        ) }} as changes,
        observed_from_at,
        observed_to_at,
        fetched_at
    from moves
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_platform' and raw_event = 'version'
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
        'source_event_id': "version_id || '@' || version",
        'item_key': 'condition',
        'match_key': 'version_id',
        'occurred_at': 'observed_to_at',
        'recorded_at': 'fetched_at',
        'actor_account_id': 'null',
        'actor_certainty': "'unknown'",
        'target_id': 'version_id',
        'target_label': 'version_name',
        'issue_id': 'null',
    }) }}
)

select * from final
