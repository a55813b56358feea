{{ config(unique_key=['site_id', 'issue_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'comment_listings') }}
),

final as (
    select
        site_id,
        object_id as issue_id,
        version,
        {{ json_texts('payload') }} as comment_ids,
        coalesce(source_at, fetched_at) as listed_at,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
    where is_present
)

select * from final
