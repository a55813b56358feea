with project_roles as (
    select * from {{ ref('stg_jira_platform__project_roles') }}
),

listed as (
    {{ listing_changes('project_roles', ref('stg_jira_platform__sweeps'), ['role_id'], "'project_roles'") }}
),

final as (
    select
        *,
        case change
            when 'created' then 'created'
            when 'vanished' then 'deleted'
            else 'edited'
        end as condition,
        case
            when change in ('changed', 'returned') then {{ field_changes([
                {'id': 'name', 'name': 'Name', 'text': 'role_name'},
                {'id': 'description', 'name': 'Description', 'text': 'role_description'},
            ]) }}
            else {{ no_changes() }}
        end as changes
    from listed
    where change not in ('baseline', 'withdrawn')
)

select * from final
where condition != 'edited' or len(changes) > 0
