with permission_schemes as (
    select * from {{ ref('stg_jira_platform__permission_schemes') }}
),

final as (
    {{ latest_listed('permission_schemes', 'scheme_id') }}
)

select * from final
