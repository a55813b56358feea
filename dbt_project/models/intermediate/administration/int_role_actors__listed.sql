with role_actors as (
    select
        *,
        list_sort(list_transform(role_users, lambda actor: actor.account_id)) as user_ids,
        list_sort(list_transform(role_groups, lambda actor: actor.group_id)) as group_ids,
        nullif(
            array_to_string(list_sort(list_transform(role_users, lambda actor: actor.display_name)), ', '), ''
        ) as user_names,
        nullif(
            array_to_string(list_sort(list_transform(role_groups, lambda actor: actor.group_name)), ', '), ''
        ) as group_names
    from {{ ref('stg_jira_platform__project_role_actors') }}
),

final as (
    {{ listing_changes(
        'role_actors', ref('stg_jira_platform__sweeps'), ['project_id', 'role_id'],
        "'project_role_actors:' || project_id"
    ) }}
)

select * from final
