with issues as (
    select * from {{ ref('int_issues__versions') }}
),

latest as (
    select * from {{ ref('int_issues__latest') }}
),

issue_keys as (
    select * from {{ ref('int_issues__keys') }}
    where {{ of_affected_issues() }}
),

deletions as (
    select * from {{ ref('int_issues__deletions') }}
),

absences as (
    select * from {{ ref('int_issues__absences') }}
),

creations as (
    select
        site_id,
        issue_id,
        min(created_at) as created_at,
        min_by(creator.account_id, updated_at) filter (where creator is not null) as creator_account_id
    from issues
    group by site_id, issue_id
),

current_keys as (
    select * from issue_keys
    where is_current
),

former_keys as (
    select
        issue_keys.site_id,
        issue_keys.issue_id,
        list(distinct issue_keys.issue_key order by issue_keys.issue_key) as previous_keys
    from issue_keys
    inner join current_keys
        on
            issue_keys.site_id = current_keys.site_id
            and issue_keys.issue_id = current_keys.issue_id
            and issue_keys.issue_key != current_keys.issue_key
    group by issue_keys.site_id, issue_keys.issue_id
),

final as (
    select
        latest.issue_id,
        coalesce(current_keys.issue_key, latest.issue_key) as issue_key,
        coalesce(former_keys.previous_keys, []) as previous_keys,
        {{ composed('latest.summary') }} as summary,
        latest.project_id,
        latest.issue_type_id,
        latest.status_id,
        latest.resolution_id,
        latest.priority_id,
        latest.priority_name,
        latest.request_type_id,
        creations.creator_account_id,
        latest.reporter.account_id as reporter_account_id,
        latest.assignee.account_id as assignee_account_id,
        latest.parent_issue_id,
        creations.created_at,
        latest.updated_at,
        latest.security_level_id,
        latest.security_level_id is not null as is_secured,
        case
            when deletions.issue_id is not null then 'deleted'
            else coalesce(absences.absence_state, 'present')
        end as deletion_state,
        case
            when deletions.issue_id is not null then deletions.evidence
            else absences.evidence
        end as deletion_evidence,
        deletions.actor_certainty as deletion_actor_certainty,
        deletions.actor_account_id as deleted_by_account_id,
        case when deletions.is_pushed then deletions.deleted_at end as deleted_at,
        deletions.observed_from_at as deleted_observed_from_at,
        deletions.observed_to_at as deleted_observed_to_at,
        latest.site_id
    from latest
    inner join creations on latest.site_id = creations.site_id and latest.issue_id = creations.issue_id
    left join current_keys
        on
            latest.site_id = current_keys.site_id
            and latest.issue_id = current_keys.issue_id
    left join former_keys on latest.site_id = former_keys.site_id and latest.issue_id = former_keys.issue_id
    left join deletions on latest.site_id = deletions.site_id and latest.issue_id = deletions.issue_id
    left join absences on latest.site_id = absences.site_id and latest.issue_id = absences.issue_id
)

select * from final
