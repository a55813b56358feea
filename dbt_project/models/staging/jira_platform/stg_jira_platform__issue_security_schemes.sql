{{ config(unique_key=['site_id', 'scheme_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'issue_security_schemes') }}
),

final as (
    select
        site_id,
        object_id as scheme_id,
        version,
        {{ json_text('payload', 'name') }} as scheme_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
)

select * from final
