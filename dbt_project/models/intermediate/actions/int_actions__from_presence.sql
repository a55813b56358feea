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
        'jira_issues' as source,
        deletions.issue_id as source_event_id,
        deletions.issue_id as event_key,
        '' as item_key,
        mappings.action_code,
        deletions.observed_to_at as occurred_at,
        deletions.recorded_at,
        deletions.observed_from_at,
        deletions.observed_to_at,
        cast(null as varchar) as actor_account_id,
        deletions.issue_id as target_id,
        cast(null as varchar) as target_label,
        deletions.issue_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        cast(null as varchar) as old_value,
        cast(null as varchar) as new_value,
        0 as change_count,
        'jira_issues' as sources
    from deletions
    cross join mappings
)

select * from final
