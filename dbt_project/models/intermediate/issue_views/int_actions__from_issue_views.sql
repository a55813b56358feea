with views as (
    select * from {{ ref('int_issue_views__counted') }}
)

{{ issue_actions('views', {
    'source': 'source',
    'action_code': "'ISSUE_VIEWED'",
    'occurred_at': 'viewed_at',
    'actor_account_id': 'account_id',
    'target_id': 'coalesce(issue_id, issue_key)',
    'target_label': 'case when issue_id is null then issue_key end',
    'sources': 'sources',
}) }}
