-- The value of such a custom field is another issue. Other fields that hold issues are known by their name.
with fields as (
    select * from {{ ref('stg_jira_platform__fields') }}
    where
        custom_type in (
            'com.pyxis.greenhopper.jira:gh-epic-link',
            'com.atlassian.jpo:jpo-custom-field-parent'
        )
),

final as (
    select
        site_id,
        field_id,
        min(build_id) as build_id
    from fields
    group by site_id, field_id
)

select * from final
