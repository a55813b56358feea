with project_roles as (
    select * from {{ ref('stg_jira_platform__project_roles') }}
),

final as (
    {{ latest_listed('project_roles', 'role_id') }}
)

select * from final
