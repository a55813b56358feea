with levels as (
    select * from {{ ref('stg_jira_platform__issue_security_levels') }}
),

final as (
    {{ latest_listed('levels', 'level_id') }}
)

select * from final
