{#- Three ways in which a project differs from how it was listed before: what people edit, its category, and
    its state. Jira tells when and by whom it was archived or put into the trash, of a restore nothing. -#}
{%- set edited = [
    {'id': 'name', 'name': 'Name', 'text': 'project_name'},
    {'id': 'key', 'name': 'Key', 'text': 'project_key'},
    {'id': 'project_lead', 'name': 'Project Lead', 'text': 'lead_name', 'value': 'lead_account_id'},
    {'id': 'description', 'name': 'Description', 'text': 'project_description'},
    {'id': 'type', 'name': 'Type', 'text': 'project_type'},
] -%}

with projects as (
    select
        *,
        project_lead.account_id as lead_account_id,
        project_lead.display_name as lead_name,
        case when is_trashed then 'Trashed' when is_archived then 'Archived' else 'Live' end as project_state
    from {{ ref('stg_jira_platform__projects') }}
),

listed as (
    {{ listing_changes('projects', ref('stg_jira_platform__sweeps'), ['project_id'], "'projects'") }}
),

without_rights as (
    select * from {{ ref('int_account__without_rights') }}
),

compared as (
    select
        *,
        coalesce({{ is_newest('project_id') }}, true) as is_newest,
        {{ field_changes(edited) }} as edits,
        coalesce(project_category_id, '') != coalesce(previous.project_category_id, '') as is_recategorised,
        project_state != coalesce(previous.project_state, project_state) as is_moved,
        -- What is in the same state as before, but since another time, was live in between.
        coalesce(nullif(previous.project_state, project_state), 'Live') as state_before
    from listed
),

final as (
    select
        *,
        'created' as condition,
        '' as item_key,
        {{ no_changes() }} as changes,
        false as is_dated
    from compared
    -- One with a lower id than others came into sight: it is not new.
    where change = 'created' and is_newest
    union all
    select
        *,
        'edited' as condition,
        'edited' as item_key,
        edits as changes,
        false as is_dated
    from compared
    where change in ('changed', 'returned') and len(edits) > 0
    union all
    select
        *,
        'recategorised' as condition,
        'category' as item_key,
        {{ one_change(
            "'category'", "'Category'", 'previous.project_category_id', 'previous.project_category',
            'project_category_id', 'project_category'
        ) }} as changes,
        false as is_dated
    from compared
    where change in ('changed', 'returned') and is_recategorised
    union all
    select
        *,
        'moved' as condition,
        'state' as item_key,
        {{ one_change("'state'", "'State'", 'null', 'state_before', 'null', 'project_state') }} as changes,
        state_changed_at is not null as is_dated
    from compared
    where
        is_present
        and (
            (change in ('changed', 'returned') and is_moved)
            or (state_changed_at is not null and state_changed_at is distinct from previous.state_changed_at)
        )
    union all
    -- A project that is not listed any more may have become invisible; in the trash, which administrators see
    -- as a whole, it was deleted for good.
    select
        *,
        'purged' as condition,
        '' as item_key,
        {{ no_changes() }} as changes,
        false as is_dated
    from compared
    where
        change = 'vanished'
        and previous.is_trashed
        and not exists (
            select 1 from without_rights
            where {{ overlaps('compared', 'without_rights') }}
        )
)

select * from final
