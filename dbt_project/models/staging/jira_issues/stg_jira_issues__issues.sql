{{ config(unique_key=['site_id', 'issue_id', 'version'], compressed={'payload': 'zstd'}) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'issues') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', issue_shape()) }} as issue,
        {{ request_type('payload') }} as request_type
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as issue_id,
        version,
        {{ issue_columns('issue', 'request_type', 'payload') }},
        coalesce(source_at, {{ utc_timestamp('issue.fields.updated') }}) as updated_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
