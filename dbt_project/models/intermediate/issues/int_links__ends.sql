with link_items as (
    {{ structural_items(['link']) }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'changelog.link'
),

final as (
    select
        link_items.site_id,
        link_items.issue_id,
        link_items.history_id,
        link_items.item_index,
        mappings.action_code,
        coalesce(link_items.new_id, link_items.old_id) as other_key,
        -- 'This issue blocks ABC-1' without the key: it ends with the phrase of the link type.
        trim(
            replace(
                coalesce(link_items.new_text, link_items.old_text),
                coalesce(link_items.new_id, link_items.old_id),
                ''
            )
        ) as phrase,
        link_items.old_text as old_value,
        link_items.new_text as new_value,
        link_items.actor_account_id,
        link_items.occurred_at,
        link_items.fetched_at,
        link_items.is_polled,
        link_items.is_pushed,
        link_items.build_id
    from link_items
    inner join mappings on link_items.change_kind = mappings.condition
)

select * from final
