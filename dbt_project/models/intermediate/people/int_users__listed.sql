with users as (
    select * from {{ ref('stg_jira_platform__users') }}
),

final as (
    {{ latest_listed('users', 'account_id') }}
)

select * from final
