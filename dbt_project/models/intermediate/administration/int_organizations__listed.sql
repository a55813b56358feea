with organizations as (
    select * from {{ ref('stg_jira_platform__organizations') }}
),

final as (
    {{ latest_listed('organizations', 'organization_id') }}
)

select * from final
