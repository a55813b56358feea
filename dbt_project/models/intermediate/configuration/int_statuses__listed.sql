with statuses as (
    select * from {{ ref('stg_jira_platform__statuses') }}
),

final as (
    {{ latest_listed('statuses', 'status_id') }}
)

select * from final
