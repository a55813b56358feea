{{ config(unique_key=['site_id', 'account_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'account') }}
),

final as (
    select
        site_id,
        object_id as account_id,
        version,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
)

select * from final
