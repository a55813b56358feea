with deletions as (
    select * from {{ ref('stg_jira_issues__worklog_deletions') }}
),

worklogs as (
    select distinct
        site_id,
        worklog_id,
        issue_id
    from {{ ref('stg_jira_issues__worklogs') }}
),

-- Only the issue's history tells who deleted a worklog.
removals as (
    select
        site_id,
        issue_id,
        history_id,
        occurred_at,
        actor_account_id,
        old_id as worklog_id
    from {{ ref('int_changelog_items__structural') }}
    where field_id = 'worklogid' and change_kind = 'cleared'
),

first_told as (
    select *
    from deletions
    qualify row_number() over (partition by site_id, worklog_id order by deleted_at, fetched_at, version) = 1
),

nearest as (
    select
        first_told.site_id,
        first_told.worklog_id,
        first_told.deleted_at,
        first_told.fetched_at,
        first_told.build_id,
        removals.issue_id,
        case
            when abs(epoch_ms(removals.occurred_at) - epoch_ms(first_told.deleted_at)) <= 5000
                then removals.actor_account_id
        end as actor_account_id
    from first_told
    left join removals
        on first_told.site_id = removals.site_id and first_told.worklog_id = removals.worklog_id
    qualify row_number() over (
        partition by first_told.site_id, first_told.worklog_id
        order by
            abs(epoch_ms(removals.occurred_at) - epoch_ms(first_told.deleted_at)) nulls last,
            removals.history_id
    ) = 1
),

final as (
    select
        nearest.site_id,
        nearest.worklog_id,
        coalesce(worklogs.issue_id, nearest.issue_id) as issue_id,
        nearest.actor_account_id,
        nearest.deleted_at,
        nearest.fetched_at,
        nearest.build_id
    from nearest
    left join worklogs on nearest.site_id = worklogs.site_id and nearest.worklog_id = worklogs.worklog_id
)

select * from final
