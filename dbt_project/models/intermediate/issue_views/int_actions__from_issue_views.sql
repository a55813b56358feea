with views as (
    select * from {{ ref('int_issue_views__counted') }}
),

final as (
    select
        site_id,
        source,
        source_event_id,
        event_key,
        '' as item_key,
        'ISSUE_VIEWED' as action_code,
        viewed_at as occurred_at,
        recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        account_id as actor_account_id,
        coalesce(issue_id, issue_key) as target_id,
        case when issue_id is null then issue_key end as target_label,
        issue_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        cast(null as varchar) as old_value,
        cast(null as varchar) as new_value,
        0 as change_count,
        sources
    from views
)

select * from final
