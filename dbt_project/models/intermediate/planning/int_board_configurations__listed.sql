with board_configurations as (
    select * from {{ ref('stg_jira_software__board_configurations') }}
),

final as (
    {{ latest_listed('board_configurations', 'board_id') }}
)

select * from final
