with priorities as (
    select * from {{ ref('stg_jira_platform__priorities') }}
),

priority_orders as (
    select * from {{ ref('stg_jira_platform__priority_orders') }}
),

listed as (
    {{ latest_listed('priorities', 'priority_id') }}
),

newest_orders as (
    select
        site_id,
        max_by(priority_ids, (fetched_at, version)) as priority_ids
    from priority_orders
    group by site_id
),

final as (
    select
        listed.*,
        cast(nullif(list_position(newest_orders.priority_ids, listed.priority_id), 0) as integer)
            as priority_order
    from listed
    left join newest_orders on listed.site_id = newest_orders.site_id
)

select * from final
