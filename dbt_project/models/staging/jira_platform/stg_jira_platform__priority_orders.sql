{{ config(unique_key=['site_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'priority_orders') }}
),

final as (
    select
        site_id,
        version,
        {{ json_texts('payload') }} as priority_ids,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
)

select * from final
