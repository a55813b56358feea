with issues as (
    select * from {{ ref('int_issues__versions') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'issue' and condition = 'seen'
),

created as (
    select
        site_id,
        issue_id,
        min(created_at) as created_at,
        min(fetched_at) as first_fetched_at,
        bool_or(is_polled) as is_polled,
        bool_or(is_pushed) as is_pushed,
        -- An erased account leaves later versions without their creator.
        min_by(creator.account_id, updated_at) filter (where creator is not null) as creator_account_id
    from issues
    where created_at is not null
    group by site_id, issue_id
),

final as (
    select
        created.site_id,
        {{ believed_channel('created.is_polled') }} as source,
        created.issue_id as source_event_id,
        created.issue_id as event_key,
        '' as item_key,
        mappings.action_code,
        created.created_at as occurred_at,
        created.first_fetched_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        created.creator_account_id as actor_account_id,
        created.issue_id as target_id,
        cast(null as varchar) as target_label,
        created.issue_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        cast(null as varchar) as old_value,
        cast(null as varchar) as new_value,
        0 as change_count,
        {{ channels('created.is_polled', 'created.is_pushed') }} as sources
    from created
    cross join mappings
)

select * from final
