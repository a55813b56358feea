{{ config(unique_key=['site_id', 'comment_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'comments') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', comment_shape()) }} as comment_version
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as comment_id,
        parent_id as issue_id,
        version,
        {{ comment_columns('comment_version') }},
        coalesce(source_at, {{ utc_timestamp('comment_version.updated') }}) as updated_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
