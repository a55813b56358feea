with boards as (
    select * from {{ ref('stg_jira_software__boards') }}
),

final as (
    {{ latest_listed('boards', 'board_id') }}
)

select * from final
