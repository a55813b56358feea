{{ config(materialized='table') }}

{#- What each list of the administration shows by comparison: its name, the model of its changes, and the
    expressions of what the change was done to. -#}
{%- set lists = [
    {'event': 'project', 'model': 'int_projects__changed', 'match': 'project_id', 'target': 'project_id',
     'label': 'coalesce(project_name, previous.project_name)', 'project': 'project_id',
     'exact_at': 'case when is_dated then state_changed_at end',
     'actor': 'case when is_dated then state_changed_by.account_id end'},
    {'event': 'user', 'model': 'int_users__changed', 'match': 'account_id', 'target': 'account_id',
     'label': 'coalesce(previous.display_name, display_name)'},
    {'event': 'project role', 'model': 'int_project_roles__changed', 'match': 'role_id', 'target': 'role_id',
     'label': 'coalesce(role_name, previous.role_name)', 'item_key': "''"},
    {'event': 'role actors', 'model': 'int_role_actors__changed', 'match': "project_id || ':' || role_id",
     'target': 'role_id', 'label': 'role_name', 'project': 'project_id', 'condition': "'changed'",
     'item_key': "project_id"},
    {'event': 'permission scheme', 'model': 'int_permission_schemes__changed', 'match': 'scheme_id',
     'target': 'scheme_id', 'label': 'coalesce(scheme_name, previous.scheme_name)', 'item_key': "''"},
    {'event': 'permission', 'model': 'int_grants__changed', 'match': "scheme_id || ':' || grant_key",
     'target': 'scheme_id', 'label': 'scheme_name', 'item_key': 'identity'},
    {'event': 'scheme of project', 'model': 'int_project_schemes__changed',
     'match': "project_id || ':' || scheme_id", 'target': 'scheme_id', 'label': 'scheme_name',
     'project': 'project_id', 'condition': "'changed'", 'item_key': "'project'"},
] -%}

with mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'jira_platform'
),

listed_groups as (
    select * from {{ ref('int_groups__listed') }}
),

members as (
    select
        listed.*,
        listed_groups.group_name,
        case when listed.change = 'created' then 'added' else 'removed' end as condition,
        coalesce(listed.display_name, listed.previous.display_name) as member_name
    from {{ ref('int_group_members__listed') }} as listed
    left join listed_groups
        on listed.site_id = listed_groups.site_id and listed.group_id = listed_groups.group_id
    where listed.change in ('created', 'vanished')
),

changed as (
    {% for list in lists %}
        select
            site_id,
            '{{ list.event }}' as raw_event,
            {{ list.condition or 'condition' }} as condition,
            {{ list.target }} || '@' || version as source_event_id,
            {{ list.item_key or 'item_key' }} as item_key,
            {{ list.match }} as match_key,
            {{ list.target }} as target_id,
            {{ list.label }} as target_label,
            {{ list.project or 'null' }} as project_id,
            fetched_at as recorded_at,
            observed_from_at,
            observed_to_at,
            {{ list.exact_at or 'cast(null as timestamp)' }} as exact_at,
            {{ list.actor or 'null' }} as actor_account_id,
            changes
        from {{ ref(list.model) }}
        union all
    {% endfor %}
    select
        site_id,
        'group member' as raw_event,
        condition,
        group_id || '@' || version as source_event_id,
        account_id as item_key,
        group_id || ':' || account_id as match_key,
        group_id as target_id,
        group_name as target_label,
        null as project_id,
        fetched_at as recorded_at,
        observed_from_at,
        observed_to_at,
        null as exact_at,
        null as actor_account_id,
        case
            when condition = 'added'
                then {{ one_change("'member'", "'Member'", new_id='account_id', new_text='member_name') }}
            else {{ one_change("'member'", "'Member'", old_id='account_id', old_text='member_name') }}
        end as changes
    from members
),

mapped as (
    select
        changed.*,
        mappings.action_code
    from changed
    inner join mappings on changed.raw_event = mappings.raw_event and changed.condition = mappings.condition
    where
        mappings.action_code is not null
        -- An edit of a scheme that only granted or took permissions is not also an edit.
        and (changed.condition != 'edited' or len(changed.changes) > 0)
),

final as (
    {{ evidence('mapped', {
        'source': "'jira_platform'",
        'occurred_at': 'coalesce(exact_at, observed_to_at)',
        'observed_from_at': 'case when exact_at is null then observed_from_at end',
        'observed_to_at': 'case when exact_at is null then observed_to_at end',
        'actor_certainty': "case when actor_account_id is null then 'unknown' else 'known' end",
        'issue_id': 'null',
    }) }}
)

select * from final
