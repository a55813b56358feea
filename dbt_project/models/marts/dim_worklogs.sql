{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'worklog_id'],
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with worklogs as (
    select * from {{ ref('int_worklogs__versions') }}
),

deletions as (
    select * from {{ ref('int_worklogs__deleted') }}
    where {{ of_affected_issues() }}
),

known as (
    select
        site_id,
        worklog_id,
        min(issue_id) as issue_id,
        min_by(author.account_id, updated_at) filter (where author is not null) as author_account_id,
        max_by(started_at, (updated_at, fetched_at, version)) as started_at,
        max_by(time_spent_seconds, (updated_at, fetched_at, version)) as time_spent_seconds,
        max_by(comment_text, (updated_at, fetched_at, version)) as comment_text,
        min(created_at) as created_at,
        max(updated_at) as updated_at,
        max_by(is_restricted, (updated_at, fetched_at, version)) as is_restricted,
        bool_or(is_restricted) as was_restricted
    from worklogs
    group by site_id, worklog_id
),

final as (
    select
        known.site_id,
        known.worklog_id,
        known.issue_id,
        known.author_account_id,
        known.started_at,
        known.time_spent_seconds,
        {{ composed('known.comment_text') }} as comment_text,
        known.created_at,
        known.updated_at,
        known.is_restricted,
        known.was_restricted,
        deletions.worklog_id is not null as is_deleted
    from known
    left join deletions on known.site_id = deletions.site_id and known.worklog_id = deletions.worklog_id
)

select * from final
