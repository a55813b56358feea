{{ config(unique_key=['site_id', 'comment_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_issues', 'comments') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'author': embedded_user_shape(),
            'updateAuthor': embedded_user_shape(),
            'created': 'varchar',
            'updated': 'varchar',
            'body': 'json',
        }) }} as comment_version
    from raw
    where is_present
),

final as (
    select
        site_id,
        object_id as comment_id,
        parent_id as issue_id,
        version,
        {{ embedded_user('comment_version.author') }} as author,
        {{ embedded_user('comment_version.updateauthor') }} as update_author,
        {{ rich_text('comment_version.body') }} as body_text,
        {{ utc_timestamp('comment_version.created') }} as created_at,
        coalesce(source_at, {{ utc_timestamp('comment_version.updated') }}) as updated_at,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
