with changelogs as (
    select * from {{ ref('int_changelogs__classified') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'changelog' and condition = 'rest'
),

-- Links and attachments are told by more than the history; they have models of their own.
promoted as (
    select
        site_id,
        issue_id,
        history_id,
        actor_account_id,
        occurred_at,
        fetched_at,
        is_polled,
        is_pushed,
        {{ each('promoted_items') }} as item
    from changelogs
),

final as (
    select
        site_id,
        {{ believed_channel('is_polled') }} as source,
        history_id as source_event_id,
        history_id as event_key,
        cast(item.item_index as varchar) as item_key,
        item.promoted_code as action_code,
        occurred_at,
        fetched_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        actor_account_id,
        case when item.promoted_code = 'STATUS_CHANGED' then item.new_id else issue_id end as target_id,
        case when item.promoted_code = 'STATUS_CHANGED' then item.new_text end as target_label,
        issue_id,
        case when item.promoted_code = 'STATUS_CHANGED' then item.old_id end as from_status_id,
        case when item.promoted_code = 'STATUS_CHANGED' then item.new_id end as to_status_id,
        case when item.promoted_code = 'ISSUE_RESOLVED' then item.new_id end as resolution_id,
        coalesce(item.old_text, item.old_id) as old_value,
        coalesce(item.new_text, item.new_id) as new_value,
        1 as change_count,
        {{ channels('is_polled', 'is_pushed') }} as sources
    from promoted
    where
        not (starts_with(item.promoted_code, 'ISSUELINK_') or starts_with(item.promoted_code, 'ATTACHMENT_'))
    union all
    select
        changelogs.site_id,
        {{ believed_channel('changelogs.is_polled') }} as source,
        changelogs.history_id as source_event_id,
        changelogs.history_id as event_key,
        'rest' as item_key,
        mappings.action_code,
        changelogs.occurred_at,
        changelogs.fetched_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        changelogs.actor_account_id,
        changelogs.issue_id as target_id,
        cast(null as varchar) as target_label,
        changelogs.issue_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        {{ changes_as_text('changelogs.remaining_items', 'old') }} as old_value,
        {{ changes_as_text('changelogs.remaining_items', 'new') }} as new_value,
        cast(len(changelogs.remaining_items) as integer) as change_count,
        {{ channels('changelogs.is_polled', 'changelogs.is_pushed') }} as sources
    from changelogs
    cross join mappings
    where len(changelogs.remaining_items) > 0
)

select * from final
