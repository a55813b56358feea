{{ config(unique_key=['site_id', 'history_id']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'changelogs') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'author': embedded_user_shape(),
            'items': history_items_shape(),
        }) }} as history
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as history_id,
        parent_id as issue_id,
        {{ embedded_user('history.author') }} as author,
        {{ history_items('history.items') }} as items,
        source_at as occurred_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
