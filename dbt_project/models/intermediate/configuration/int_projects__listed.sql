with projects as (
    select * from {{ ref('stg_jira_platform__projects') }}
),

final as (
    {{ latest_listed('projects', 'project_id') }}
)

select * from final
