with changelogs as (
    select * from {{ ref('int_changelogs__classified') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_issues' and raw_event = 'changelog' and condition = 'rest'
),

-- Links and attachments are told by more than the history; they have models of their own.
promoted as (
    select
        site_id,
        issue_id,
        history_id,
        actor_account_id,
        occurred_at,
        fetched_at,
        is_polled,
        is_pushed,
        {{ each('promoted_items') }} as item
    from changelogs
)

{{ issue_actions('promoted', {
    'source_event_id': 'history_id',
    'event_key': 'history_id',
    'item_key': 'item.item_index',
    'action_code': 'item.promoted_code',
    'recorded_at': 'fetched_at',
    'target_id': "case when item.promoted_code = 'STATUS_CHANGED' then item.new_id else issue_id end",
    'target_label': "case when item.promoted_code = 'STATUS_CHANGED' then item.new_text end",
    'from_status_id': "case when item.promoted_code = 'STATUS_CHANGED' then item.old_id end",
    'to_status_id': "case when item.promoted_code = 'STATUS_CHANGED' then item.new_id end",
    'resolution_id': "case when item.promoted_code = 'ISSUE_RESOLVED' then item.new_id end",
    'old_value': 'coalesce(item.old_text, item.old_id)',
    'new_value': 'coalesce(item.new_text, item.new_id)',
    'change_count': '1',
}) }}
where not (starts_with(item.promoted_code, 'ISSUELINK_') or starts_with(item.promoted_code, 'ATTACHMENT_'))
union all
{{ issue_actions('changelogs cross join mappings', {
    'source_event_id': 'history_id',
    'event_key': 'history_id',
    'item_key': "'rest'",
    'recorded_at': 'fetched_at',
    'target_id': 'issue_id',
    'old_value': changes_as_text('remaining_items', 'old'),
    'new_value': changes_as_text('remaining_items', 'new'),
    'change_count': 'len(remaining_items)',
}) }}
where len(remaining_items) > 0
