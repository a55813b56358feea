with resolutions as (
    select * from {{ ref('stg_jira_platform__resolutions') }}
),

final as (
    {{ latest_listed('resolutions', 'resolution_id') }}
)

select * from final
