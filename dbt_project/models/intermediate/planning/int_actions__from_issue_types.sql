with listed as (
    {{ listing_changes(
        ref('stg_jira_platform__issue_types'), ref('stg_jira_platform__sweeps'), ['issue_type_id'], "'issue_types'"
    ) }}
),

in_sight as (
    select * from {{ ref('int_projects__in_sight') }}
),

-- The types of one project alone go out of sight with it.
gone as (
    {{ proved_to_be_gone(
        'listed', 'issue_type_id', 'previous.project_id', 'in_sight', 'project_id',
        ref('stg_jira_platform__sweeps'), "'issue_types'"
    ) }}
),

without_rights as (
    select * from {{ ref('int_account__without_rights') }}
),

ranked as (
    select
        *,
        coalesce({{ is_newest('issue_type_id') }}, true) as is_newest
    from listed
),

-- Types of all projects are only shown to administrators; others see those of the projects they see.
compared as (
    select
        ranked.* replace (
            greatest(ranked.observed_to_at, gone.proved_at) as observed_to_at,
            greatest(ranked.fetched_at, gone.proved_fetched_at) as fetched_at
        ),
        ranked.change in ('changed', 'returned') as is_changed,
        gone.issue_type_id is not null
        and (
            ranked.previous.project_id is not null
            or not exists (
                select 1 from without_rights
                where {{ overlaps('ranked', 'without_rights') }}
            )
        ) as is_provable,
        {{ field_changes([
            {'id': 'name', 'name': 'Name', 'text': 'issue_type_name'},
            {'id': 'description', 'name': 'Description', 'text': 'description'},
            {'id': 'hierarchyLevel', 'name': 'Hierarchy level', 'text': 'hierarchy_level'},
        ]) }} as edits
    from ranked
    left join gone
        on
            ranked.site_id = gone.site_id
            and ranked.issue_type_id = gone.issue_type_id
            and ranked.version = gone.version
),

events as (
    select
        *,
        {{ each(listing_events([
            ('created', "change = 'created' and is_newest", none),
            ('updated', 'is_changed and len(edits) > 0', 'edits'),
            ('deleted', "change = 'vanished' and is_provable", none),
        ])) }} as event
    from compared
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_platform' and raw_event = 'issue type'
),

mapped as (
    select
        events.*,
        mappings.source,
        mappings.action_code
    from events
    inner join mappings on events.event.condition = mappings.condition
),

final as (
    {{ evidence('mapped', {
        'source_event_id': "issue_type_id || '@' || version",
        'item_key': 'event.condition',
        'match_key': 'issue_type_id',
        'occurred_at': 'observed_to_at',
        'recorded_at': 'fetched_at',
        'actor_account_id': 'null',
        'actor_certainty': "'unknown'",
        'target_id': 'issue_type_id',
        'target_label': 'coalesce(issue_type_name, previous.issue_type_name)',
        'project_id': 'coalesce(project_id, previous.project_id)',
        'issue_id': 'null',
        'changes': 'event.changes',
    }) }}
)

select * from final
