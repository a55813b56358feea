{{ config(unique_key=['site_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'permissions') }}
),

final as (
    select
        site_id,
        version,
        {{ json_named_members('payload') }} as permissions,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
)

select * from final
