with schemes as (
    select * from {{ ref('stg_jira_platform__issue_security_schemes') }}
),

final as (
    {{ latest_listed('schemes', 'scheme_id') }}
)

select * from final
