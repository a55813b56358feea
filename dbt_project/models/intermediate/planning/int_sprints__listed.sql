with sprints as (
    select * from {{ ref('stg_jira_software__sprints') }}
),

final as (
    {{ latest_listed('sprints', 'sprint_id') }}
)

select * from final
