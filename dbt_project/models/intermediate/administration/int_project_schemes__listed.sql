with project_schemes as (
    select * from {{ ref('stg_jira_platform__project_permission_schemes') }}
),

final as (
    {{ latest_listed('project_schemes', 'project_id') }}
)

select * from final
