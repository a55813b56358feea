-- Which custom field holds the request type differs from site to site.
with fields as (
    select * from {{ ref('stg_jira_platform__fields') }}
    where custom_type = 'com.atlassian.servicedesk:vp-origin'
),

final as (
    select
        site_id,
        field_id,
        max(build_id) as build_id
    from fields
    group by site_id, field_id
)

select * from final
