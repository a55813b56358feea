with issue_types as (
    select * from {{ ref('stg_jira_platform__issue_types') }}
),

final as (
    {{ latest_listed('issue_types', 'issue_type_id') }}
)

select * from final
