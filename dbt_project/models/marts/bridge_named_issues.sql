{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['part', 'named_issue', 'text_id'],
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with actions as (
    select * from {{ ref('fct_actions') }}
    {% if is_incremental() %}
        where {{ of_affected_issues() }} or issue_id is null
    {% endif %}
),

changes as (
    select * from {{ ref('fct_action_changes') }}
    {% if is_incremental() %}
        where {{ of_affected_issues() }} or issue_id is null
    {% endif %}
),

custom_fields as (
    select * from {{ ref('int_fields__naming_issues') }}
),

-- What is open now may hold texts of when it was not.
restricted_targets as (
    select
        site_id,
        'comment' as target_type,
        comment_id as target_id
    from {{ ref('dim_comments') }}
    where was_restricted
    union all
    select
        site_id,
        'worklog' as target_type,
        worklog_id as target_id
    from {{ ref('dim_worklogs') }}
    where was_restricted
),

-- Fields whose value is another issue: by id, and by the name that an old history has.
naming_changes as (
    select changes.*
    from changes
    left join custom_fields
        on changes.site_id = custom_fields.site_id and changes.field_id = custom_fields.field_id
    where
        custom_fields.field_id is not null
        or lower(coalesce(changes.field_id, changes.field_name)) in (
            'issuelinks',
            'issueparentassociation',
            'link',
            'parent',
            'parent issue',
            'parent link',
            'sub-task',
            'sub-tasks',
            'subtask',
            'subtasks'
        )
        or lower(changes.field_name) in ('epic child', 'epic link', 'parent link')
),

restricted_actions as (
    select actions.*
    from actions
    inner join restricted_targets
        on
            actions.site_id = restricted_targets.site_id
            and actions.target_type = restricted_targets.target_type
            and actions.target_id = restricted_targets.target_id
),

restricted_texts as (
    select
        site_id,
        issue_id,
        action_id,
        occurred_at,
        action_id as text_id
    from restricted_actions
    union all
    select
        restricted_actions.site_id,
        restricted_actions.issue_id,
        restricted_actions.action_id,
        restricted_actions.occurred_at,
        changes.change_id as text_id
    from restricted_actions
    inner join changes on restricted_actions.action_id = changes.action_id
),

-- A text without names can be read by nobody.
texts as (
    {% for side in ['old', 'new'] %}
        select
            site_id,
            issue_id,
            action_id,
            occurred_at,
            change_id as text_id,
            '{{ side }}' as part,
            {{ issue_names(side ~ '_value_id', side ~ '_value') }} as names
        from naming_changes
        where coalesce({{ side }}_value_id, '') != '' or coalesce({{ side }}_value, '') != ''
        union all
        select
            site_id,
            issue_id,
            action_id,
            occurred_at,
            text_id,
            '{{ side }}' as part,
            {{ no_texts() }} as names
        from restricted_texts
        union all
    {% endfor %}
    select
        site_id,
        issue_id,
        action_id,
        occurred_at,
        action_id as text_id,
        'all' as part,
        {{ link_ends('target_id') }} as names
    from actions
    where target_type = 'issuelink'
    union all
    select
        site_id,
        issue_id,
        action_id,
        occurred_at,
        action_id as text_id,
        'all' as part,
        {{ no_texts() }} as names
    from actions
    where target_type = 'issue' and issue_id is null
),

named as (
    select
        site_id,
        issue_id,
        action_id,
        occurred_at,
        text_id,
        part,
        {{ each_or('names', "''") }} as named_issue
    from texts
),

final as (
    select distinct
        site_id,
        issue_id,
        action_id,
        occurred_at,
        text_id,
        part,
        upper(named_issue) as named_issue
    from named
    where named_issue is distinct from issue_id
)

select * from final
order by occurred_at, text_id, part, named_issue
