{{ config(unique_key=['site_id', 'worklog_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'worklogs') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', worklog_shape()) }} as worklog
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as worklog_id,
        coalesce(parent_id, worklog.issueid) as issue_id,
        version,
        {{ worklog_columns('worklog') }},
        coalesce(source_at, {{ utc_timestamp('worklog.updated') }}) as updated_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
