{{ config(unique_key=['site_id', 'object_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'quarantine') }}
),

final as (
    select
        site_id,
        object_id,
        version,
        {{ json_text('payload', 'resource') }} as resource,
        {{ json_text('payload', 'reason') }} as reason,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
    where is_present
)

select * from final
