with comments as (
    select * from {{ ref('int_comments__versions') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'comment'
),

versions as (
    select
        *,
        lag(body_text) over (
            partition by site_id, comment_id order by updated_at, fetched_at, version
        ) as previous_text
    from comments
),

first_versions as (
    select
        site_id,
        comment_id,
        min(issue_id) as issue_id,
        min(created_at) as created_at,
        min(fetched_at) as first_fetched_at,
        min_by(author.account_id, updated_at) filter (where author is not null) as author_account_id,
        min_by(body_text, fetched_at) filter (where updated_at = created_at) as first_text,
        max_by(body_text, updated_at) as last_text,
        bool_or(is_polled) as is_polled,
        bool_or(is_pushed) as is_pushed
    from versions
    group by site_id, comment_id
),

deleted as (
    select * from {{ ref('int_comments__deleted') }}
),

events as (
    select
        site_id,
        comment_id,
        issue_id,
        'seen' as condition,
        '' as item_key,
        created_at as occurred_at,
        first_fetched_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        author_account_id as actor_account_id,
        is_polled,
        is_pushed,
        cast(null as varchar) as old_value,
        first_text as new_value
    from first_versions
    union all
    select
        site_id,
        comment_id,
        issue_id,
        'edited' as condition,
        version as item_key,
        updated_at as occurred_at,
        fetched_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        update_author.account_id as actor_account_id,
        is_polled,
        is_pushed,
        previous_text as old_value,
        body_text as new_value
    from versions
    where updated_at > created_at
    union all
    select
        deleted.site_id,
        deleted.comment_id,
        deleted.issue_id,
        'absent' as condition,
        '' as item_key,
        deleted.occurred_at,
        deleted.recorded_at,
        deleted.observed_from_at,
        deleted.observed_to_at,
        deleted.actor_account_id,
        deleted.is_polled,
        deleted.is_pushed,
        first_versions.last_text as old_value,
        cast(null as varchar) as new_value
    from deleted
    left join first_versions
        on deleted.site_id = first_versions.site_id and deleted.comment_id = first_versions.comment_id
)

{{ issue_actions('events inner join mappings on events.condition = mappings.condition', {
    'source_event_id': 'comment_id',
    'event_key': 'comment_id',
    'item_key': 'item_key',
    'observed_from_at': 'observed_from_at',
    'observed_to_at': 'observed_to_at',
    'target_id': 'comment_id',
    'old_value': 'old_value',
    'new_value': 'new_value',
}) }}
