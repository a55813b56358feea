with versions as (
    select * from {{ ref('stg_jira_platform__versions') }}
),

final as (
    {{ latest_listed('versions', 'version_id') }}
)

select * from final
