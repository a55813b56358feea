with told as (
    select
        site_id,
        worklog_id,
        cast(null as varchar) as issue_id,
        cast(null as varchar) as actor_account_id,
        deleted_at,
        fetched_at,
        build_id,
        true as is_polled
    from {{ ref('stg_jira_issues__worklog_deletions') }}
    union all
    select
        site_id,
        object_id as worklog_id,
        issue_id,
        actor_account_id,
        deleted_at,
        fetched_at,
        build_id,
        false as is_polled
    from {{ ref('int_webhooks__deletions') }}
    where target_type = 'worklog'
),

worklogs as (
    select distinct
        site_id,
        worklog_id,
        issue_id
    from {{ ref('stg_jira_issues__worklogs') }}
),

-- The issue's history tells who deleted a worklog; the feed of deletions does not.
removals as (
    select
        site_id,
        issue_id,
        history_id,
        occurred_at,
        actor_account_id,
        old_id as worklog_id
    from (
        {{ structural_items(['worklogid']) }}
    ) as items
    where change_kind = 'cleared'
),

deletions as (
    select
        site_id,
        worklog_id,
        min(issue_id) as issue_id,
        min(actor_account_id) as actor_account_id,
        coalesce(min(deleted_at) filter (where is_polled), min(deleted_at)) as deleted_at,
        min(fetched_at) as fetched_at,
        max(build_id) as build_id,
        bool_or(is_polled) as is_polled,
        not bool_and(is_polled) as is_pushed
    from told
    group by site_id, worklog_id
),

nearest as (
    select
        deletions.* exclude (issue_id, actor_account_id),
        coalesce(removals.issue_id, deletions.issue_id) as issue_id,
        coalesce(
            case
                when abs(epoch_ms(removals.occurred_at) - epoch_ms(deletions.deleted_at)) <= 5000
                    then removals.actor_account_id
            end,
            deletions.actor_account_id
        ) as actor_account_id
    from deletions
    left join removals
        on deletions.site_id = removals.site_id and deletions.worklog_id = removals.worklog_id
    qualify row_number() over (
        partition by deletions.site_id, deletions.worklog_id
        order by
            abs(epoch_ms(removals.occurred_at) - epoch_ms(deletions.deleted_at)) nulls last,
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
        nearest.is_polled,
        nearest.is_pushed,
        nearest.build_id
    from nearest
    left join worklogs on nearest.site_id = worklogs.site_id and nearest.worklog_id = worklogs.worklog_id
)

select * from final
