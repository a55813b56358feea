with deletions as (
    select * from {{ ref('int_issues__deletions') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'issue' and condition = 'absent'
)

{{ issue_actions('deletions cross join mappings', {
    'source_event_id': 'issue_id',
    'event_key': 'issue_id',
    'occurred_at': 'deleted_at',
    'observed_from_at': 'observed_from_at',
    'observed_to_at': 'observed_to_at',
    'target_id': 'issue_id',
}) }}
