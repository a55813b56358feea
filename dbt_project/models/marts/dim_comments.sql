{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'comment_id'],
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with comments as (
    select * from {{ ref('int_comments__versions') }}
),

deletions as (
    select * from {{ ref('int_comments__deleted') }}
),

known as (
    select
        site_id,
        comment_id,
        min(issue_id) as issue_id,
        min_by(author.account_id, updated_at) filter (where author is not null) as author_account_id,
        max_by(body_text, (updated_at, fetched_at, version)) as body_text,
        min(created_at) as created_at,
        max(updated_at) as updated_at,
        max_by(is_restricted, (updated_at, fetched_at, version)) as is_restricted,
        bool_or(is_restricted) as was_restricted
    from comments
    group by site_id, comment_id
),

final as (
    select
        known.site_id,
        known.comment_id,
        known.issue_id,
        known.author_account_id,
        {{ composed('known.body_text') }} as body_text,
        known.created_at,
        known.updated_at,
        known.is_restricted,
        known.was_restricted,
        deletions.comment_id is not null as is_deleted
    from known
    left join deletions on known.site_id = deletions.site_id and known.comment_id = deletions.comment_id
)

select * from final
