with members as (
    select * from {{ ref('stg_jira_platform__issue_security_level_members') }}
),

final as (
    {{ latest_listed('members', 'member_id') }}
)

select * from final
