with changelogs as (
    select * from {{ ref('stg_jira_issues__changelogs') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'changelog.link'
),

link_items as (
    select
        site_id,
        issue_id,
        history_id,
        occurred_at,
        fetched_at,
        build_id,
        author.account_id as actor_account_id,
        {{ each(items_of('items', ['link'])) }} as item
    from changelogs
),

final as (
    select
        link_items.site_id,
        link_items.issue_id,
        link_items.history_id,
        link_items.item.item_index,
        mappings.action_code,
        coalesce(link_items.item.new_id, link_items.item.old_id) as other_key,
        -- 'This issue blocks ABC-1' without the key: it ends with the phrase of the link type.
        trim(
            replace(
                coalesce(link_items.item.new_text, link_items.item.old_text),
                coalesce(link_items.item.new_id, link_items.item.old_id),
                ''
            )
        ) as phrase,
        link_items.item.old_text as old_value,
        link_items.item.new_text as new_value,
        link_items.actor_account_id,
        link_items.occurred_at,
        link_items.fetched_at,
        link_items.build_id
    from link_items
    inner join mappings on {{ change_kind('link_items.item') }} = mappings.condition
)

select * from final
