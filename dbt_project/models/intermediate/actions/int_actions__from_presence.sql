with deletions as (
    select * from {{ ref('int_issues__deletions') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'issue' and condition = 'absent'
),

final as (
    select
        deletions.site_id,
        {{ believed_channel('deletions.is_polled') }} as source,
        deletions.issue_id as source_event_id,
        deletions.issue_id as event_key,
        '' as item_key,
        mappings.action_code,
        deletions.deleted_at as occurred_at,
        deletions.recorded_at,
        deletions.observed_from_at,
        deletions.observed_to_at,
        deletions.actor_account_id,
        deletions.issue_id as target_id,
        cast(null as varchar) as target_label,
        deletions.issue_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        cast(null as varchar) as old_value,
        cast(null as varchar) as new_value,
        0 as change_count,
        {{ channels('deletions.is_polled', 'deletions.is_pushed') }} as sources
    from deletions
    cross join mappings
)

select * from final
