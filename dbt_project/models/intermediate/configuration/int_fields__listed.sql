with fields as (
    select * from {{ ref('stg_jira_platform__fields') }}
),

final as (
    {{ latest_listed('fields', 'field_id') }}
)

select * from final
