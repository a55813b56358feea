with orders as (
    select * from {{ ref('stg_jira_platform__version_orders') }}
),

final as (
    {{ latest_listed('orders', 'project_id') }}
)

select * from final
