with listed as (
    {{ listing_changes(
        ref('stg_jira_platform__issue_types'), ref('stg_jira_platform__sweeps'), ['issue_type_id'], "'issue_types'"
    ) }}
),

-- The types of one project alone go out of sight with it.
projects as (
    select * from {{ ref('int_projects__listed') }}
    where not (is_deleted or is_trashed or is_archived)
),

compared as (
    select
        *,
        change in ('changed', 'returned') as is_changed,
        previous.project_id is null or exists (
            select 1 from projects
            where projects.site_id = listed.site_id and projects.project_id = listed.previous.project_id
        ) as is_provable,
        {{ field_changes([
            {'id': 'name', 'name': 'Name', 'text': 'issue_type_name'},
            {'id': 'description', 'name': 'Description', 'text': 'description'},
            {'id': 'hierarchyLevel', 'name': 'Hierarchy level', 'text': 'hierarchy_level'},
        ]) }} as edits
    from listed
),

events as (
    select
        *,
        {{ each(listing_events([
            ('created', "change = 'created'", none),
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
