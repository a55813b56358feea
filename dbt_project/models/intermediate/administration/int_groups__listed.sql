with listed_groups as (
    select * from {{ ref('stg_jira_platform__groups') }}
),

final as (
    {{ latest_listed('listed_groups', 'group_id') }}
)

select * from final
