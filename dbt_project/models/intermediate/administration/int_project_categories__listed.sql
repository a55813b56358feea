with project_categories as (
    select * from {{ ref('stg_jira_platform__project_categories') }}
),

final as (
    {{ latest_listed('project_categories', 'category_id') }}
)

select * from final
