with absences as (
    select * from {{ ref('int_issues__absences') }}
    where absence_state = 'deleted'
),

told as (
    select * from {{ ref('int_webhooks__deletions') }}
    where target_type = 'issue' and {{ of_affected_issues() }}
),

read_last as (
    select
        site_id,
        issue_id,
        max(fetched_at) as fetched_at
    from {{ ref('stg_jira_issues__issues') }}
    where {{ of_affected_issues() }}
    group by site_id, issue_id
),

-- A webhook decides at once, unless the issue could be asked for after it arrived.
pushed as (
    select told.*
    from told
    left join read_last on told.site_id = read_last.site_id and told.object_id = read_last.issue_id
    where coalesce(read_last.fetched_at <= told.fetched_at + {{ longest_answer() }}, true)
),

final as (
    select
        coalesce(pushed.site_id, absences.site_id) as site_id,
        coalesce(pushed.object_id, absences.issue_id) as issue_id,
        coalesce(pushed.deleted_at, absences.observed_to_at) as deleted_at,
        case when pushed.object_id is null then absences.observed_from_at end as observed_from_at,
        case when pushed.object_id is null then absences.observed_to_at end as observed_to_at,
        least(pushed.fetched_at, absences.recorded_at) as recorded_at,
        pushed.actor_account_id,
        case when pushed.actor_account_id is null then 'unknown' else 'known' end as actor_certainty,
        case when pushed.object_id is null then absences.evidence else 'webhook' end as evidence,
        absences.issue_id is not null as is_polled,
        pushed.object_id is not null as is_pushed
    from absences
    full outer join pushed on absences.site_id = pushed.site_id and absences.issue_id = pushed.object_id
)

select * from final
