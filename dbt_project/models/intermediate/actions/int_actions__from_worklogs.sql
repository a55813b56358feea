with worklogs as (
    select * from {{ ref('int_worklogs__versions') }}
),

-- A deleted worklog whose issue is not known yet belongs to no affected issue.
deletions as (
    select * from {{ ref('int_worklogs__deleted') }}
    where issue_id is null or {{ of_affected_issues() }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'worklog'
),

versions as (
    select
        *,
        lag(time_spent) over (
            partition by site_id, worklog_id order by updated_at, fetched_at, version
        ) as previous_time_spent
    from worklogs
),

first_versions as (
    select
        site_id,
        worklog_id,
        min(issue_id) as issue_id,
        min(created_at) as created_at,
        min(fetched_at) as first_fetched_at,
        min_by(author.account_id, updated_at) filter (where author is not null) as author_account_id,
        min_by(time_spent, fetched_at) filter (where updated_at = created_at) as first_time_spent,
        max_by(time_spent, updated_at) as last_time_spent,
        bool_or(is_polled) as is_polled,
        bool_or(is_pushed) as is_pushed
    from versions
    group by site_id, worklog_id
),

events as (
    select
        site_id,
        worklog_id,
        issue_id,
        'seen' as condition,
        '' as item_key,
        created_at as occurred_at,
        first_fetched_at as recorded_at,
        author_account_id as actor_account_id,
        is_polled,
        is_pushed,
        cast(null as varchar) as old_value,
        first_time_spent as new_value
    from first_versions
    union all
    select
        site_id,
        worklog_id,
        issue_id,
        'edited' as condition,
        version as item_key,
        updated_at as occurred_at,
        fetched_at as recorded_at,
        update_author.account_id as actor_account_id,
        is_polled,
        is_pushed,
        previous_time_spent as old_value,
        time_spent as new_value
    from versions
    where updated_at > created_at
    union all
    select
        deletions.site_id,
        deletions.worklog_id,
        deletions.issue_id,
        'absent' as condition,
        '' as item_key,
        deletions.deleted_at as occurred_at,
        deletions.fetched_at as recorded_at,
        deletions.actor_account_id,
        deletions.is_polled,
        deletions.is_pushed,
        first_versions.last_time_spent as old_value,
        cast(null as varchar) as new_value
    from deletions
    left join first_versions
        on deletions.site_id = first_versions.site_id and deletions.worklog_id = first_versions.worklog_id
)

{{ issue_actions('events inner join mappings on events.condition = mappings.condition', {
    'source_event_id': 'worklog_id',
    'event_key': 'worklog_id',
    'item_key': 'item_key',
    'target_id': 'worklog_id',
    'old_value': 'old_value',
    'new_value': 'new_value',
}) }}
