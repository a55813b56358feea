{{ config(unique_key=['site_id', 'worklog_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'worklog_deletions') }}
),

final as (
    select
        site_id,
        object_id as worklog_id,
        version,
        source_at as deleted_at,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
    where is_present
)

select * from final
