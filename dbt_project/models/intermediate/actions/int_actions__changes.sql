with changelogs as (
    select * from {{ ref('int_changelogs__classified') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'changelog' and condition = 'rest'
),

promoted as (
    select
        changelogs.site_id,
        changelogs.issue_id,
        changelogs.history_id,
        changelogs.occurred_at,
        item_rows.item.promoted_code as action_code,
        cast(item_rows.item.item_index as varchar) as item_key,
        item_rows.item
    from changelogs
    {{ unnested('changelogs.promoted_items', 'item_rows', 'item') }}
    where not (
        starts_with(item_rows.item.promoted_code, 'ISSUELINK_') or starts_with(item_rows.item.promoted_code, 'ATTACHMENT_')
    )
),

remaining as (
    select
        changelogs.site_id,
        changelogs.issue_id,
        changelogs.history_id,
        changelogs.occurred_at,
        mappings.action_code,
        'rest' as item_key,
        item_rows.item
    from changelogs
    {{ unnested('changelogs.remaining_items', 'item_rows', 'item') }}
    cross join mappings
),

items as (
    select * from promoted
    union all
    select * from remaining
),

final as (
    select
        {{ surrogate_key(['site_id', 'history_id', 'action_code', 'item_key']) }} as action_id,
        site_id,
        issue_id,
        action_code,
        occurred_at,
        item.field_id,
        item.field_name,
        item.item_index,
        item.old_id as old_value_id,
        item.old_text as old_value,
        item.new_id as new_value_id,
        item.new_text as new_value
    from items
)

select * from final
