with issues as (
    select * from {{ ref('int_issues__versions') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'issue' and condition = 'seen'
),

created as (
    select
        site_id,
        issue_id,
        min(created_at) as created_at,
        min(fetched_at) as first_fetched_at,
        bool_or(is_polled) as is_polled,
        bool_or(is_pushed) as is_pushed,
        -- An erased account leaves later versions without their creator.
        min_by(creator.account_id, updated_at) filter (where creator is not null) as creator_account_id
    from issues
    where created_at is not null
    group by site_id, issue_id
)

{{ issue_actions('created cross join mappings', {
    'source_event_id': 'issue_id',
    'event_key': 'issue_id',
    'occurred_at': 'created_at',
    'recorded_at': 'first_fetched_at',
    'actor_account_id': 'creator_account_id',
    'target_id': 'issue_id',
}) }}
