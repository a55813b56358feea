-- As many actions as things that were seen: nothing is lost or doubled on the way to the marts.
with issues as (
    select * from {{ ref('int_issues__versions') }}
),

comments as (
    select * from {{ ref('int_comments__versions') }}
),

worklogs as (
    select * from {{ ref('int_worklogs__versions') }}
),

changelogs as (
    select * from {{ ref('int_changelogs__versions') }}
),

actions as (
    select
        action_code,
        count(*) as action_count
    from {{ ref('fct_actions') }}
    where {{ of_affected_issues() }}
    group by action_code
),

expected as (
    select
        'ISSUE_CREATED' as action_code,
        count(distinct site_id || '/' || issue_id) as action_count
    from issues
    where created_at is not null
    union all
    select
        'ISSUE_COMMENTED' as action_code,
        count(distinct site_id || '/' || comment_id) as action_count
    from comments
    where created_at is not null
    union all
    select
        'COMMENT_UPDATED' as action_code,
        count(*) as action_count
    from comments
    where updated_at > created_at
    union all
    select
        'WORKLOG_CREATED' as action_code,
        count(distinct site_id || '/' || worklog_id) as action_count
    from worklogs
    where created_at is not null
    union all
    select
        'STATUS_CHANGED' as action_code,
        coalesce(sum(len({{ items_of('items', ['status']) }})), 0) as action_count
    from changelogs
)

select
    expected.action_code,
    expected.action_count as expected_count,
    coalesce(actions.action_count, 0) as found_count
from expected
left join actions on expected.action_code = actions.action_code
where expected.action_count != coalesce(actions.action_count, 0)
