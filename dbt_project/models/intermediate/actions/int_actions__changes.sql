with classified as (
    select
        *,
        list_max(
            list_transform(list_concat(promoted_items, remaining_items), lambda item: item.item_index)
        ) as last_index
    from {{ ref('int_changelogs__classified') }}
),

-- Of two entries of one moment the one with the lower id was first: their items are counted on, so that
-- who asks what a field held finds its changes in order.
changelogs as (
    select
        *,
        coalesce(
            sum(coalesce(last_index, -1) + 1) over (
                partition by site_id, issue_id, occurred_at
                order by {{ number_order('history_id') }}, history_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as items_before
    from classified
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'changelog' and condition = 'rest'
),

promoted as (
    select
        site_id,
        issue_id,
        history_id,
        occurred_at,
        items_before,
        {{ each('promoted_items') }} as item
    from changelogs
),

matched as (
    select
        action_id,
        site_id,
        action_code,
        occurred_at,
        project_id,
        {{ each('changes') }} as item
    from {{ ref('int_actions__matched') }}
),

remaining as (
    select
        site_id,
        issue_id,
        history_id,
        occurred_at,
        items_before,
        {{ each('remaining_items') }} as item
    from changelogs
),

items as (
    select
        *,
        item.promoted_code as action_code,
        cast(item.item_index as varchar) as item_key
    from promoted
    where
        not (starts_with(item.promoted_code, 'ISSUELINK_') or starts_with(item.promoted_code, 'ATTACHMENT_'))
    union all
    select
        remaining.*,
        mappings.action_code,
        'rest' as item_key
    from remaining
    cross join mappings
),

final as (
    select
        {{ surrogate_key(['site_id', 'history_id', 'action_code', 'item_key']) }} as action_id,
        site_id,
        issue_id,
        cast(null as varchar) as project_id,
        action_code,
        occurred_at,
        item.field_id,
        item.field_name,
        cast(items_before + item.item_index as integer) as item_index,
        item.old_id as old_value_id,
        item.old_text as old_value,
        item.new_id as new_value_id,
        item.new_text as new_value
    from items
    union all
    select
        action_id,
        site_id,
        cast(null as varchar) as issue_id,
        project_id,
        action_code,
        occurred_at,
        item.field_id,
        item.field_name,
        item.item_index,
        item.old_id as old_value_id,
        item.old_text as old_value,
        item.new_id as new_value_id,
        item.new_text as new_value
    from matched
)

select * from final
