with filters as (
    select * from {{ ref('stg_jira_platform__filters') }}
),

final as (
    {{ latest_listed('filters', 'filter_id') }}
)

select * from final
