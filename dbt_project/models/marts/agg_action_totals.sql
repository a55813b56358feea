with actions as (
    select * from {{ ref('fct_actions') }}
),

final as (
    select
        action_code,
        object_schema_id,
        sources,
        cast(count(*) as bigint) as action_count,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        site_id
    from actions
    group by site_id, action_code, object_schema_id, sources
)

select * from final
