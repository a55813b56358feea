{#- A role that is new in a project is nobody's: who has it after all was given it. -#}
with listed as (
    select
        * replace (array_to_string(user_ids, ',') as user_ids, array_to_string(group_ids, ',') as group_ids),
        coalesce(array_to_string(previous.user_ids, ','), '') as old_user_ids,
        coalesce(array_to_string(previous.group_ids, ','), '') as old_group_ids
    from {{ ref('int_role_actors__listed') }}
    where change in ('created', 'changed', 'returned')
),

compared as (
    select
        *,
        list_concat(
            case
                when user_ids != old_user_ids then {{ one_change(
                    "'users'", "'Users'", old_text='previous.user_names', new_text='user_names'
                ) }}
                else {{ no_changes() }}
            end,
            case
                when group_ids != old_group_ids then {{ one_change(
                    "'groups'", "'Groups'", old_text='previous.group_names', new_text='group_names', item_index=1
                ) }}
                else {{ no_changes() }}
            end
        ) as changes
    from listed
),

final as (
    select * from compared
    where len(changes) > 0
)

select * from final
