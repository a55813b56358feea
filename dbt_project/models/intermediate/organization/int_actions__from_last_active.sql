with newest as (
    select * from {{ ref('int_user_activity__newest') }}
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'org_events' and raw_event = 'last active' and condition = 'newest'
),

told as (
    select
        newest.*,
        mappings.action_code
    from newest
    cross join mappings
),

final as (
    {{ evidence('told', {
        'source_event_id': 'account_id',
        'item_key': "''",
        'match_key': 'account_id',
        'occurred_at': 'last_active_at',
        'observed_from_at': 'null',
        'observed_to_at': 'null',
        'actor_account_id': 'account_id',
        'actor_certainty': "'known'",
        'target_id': 'account_id',
        'target_label': 'null',
        'project_id': 'null',
        'issue_id': 'null',
        'changes': no_changes(),
    }) }}
)

select * from final
