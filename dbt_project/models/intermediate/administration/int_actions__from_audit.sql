{{ config(materialized='table') }}

with records as (
    select
        *,
        {{ audit_item('items', 'PROJECT') }} as project,
        {{ audit_item('items', 'PROJECT_ROLE') }} as project_role,
        {{ audit_item('items', 'SCHEME') }} as scheme,
        {{ audit_item('items', 'GROUP') }} as concerned_group,
        {{ audit_item('items', 'USER') }} as concerned_user
    from {{ ref('int_audit_records__classified') }}
    where action_code is not null
),

action_types as (
    select * from {{ ref('action_types') }}
),

user_keys as (
    select * from {{ ref('int_user_keys__resolved') }}
),

people as (
    select * from {{ ref('int_users__listed') }}
),

named_groups as (
    select * from {{ ref('int_groups__named') }}
),

named_permissions as (
    select * from {{ ref('int_permissions__named') }}
),

resolved as (
    select
        records.*,
        action_types.target_type,
        coalesce(user_keys.account_id, records.concerned_user.item_id) as user_id,
        coalesce(people.display_name, records.concerned_user.item_name) as user_name,
        coalesce(named_groups.group_id, records.concerned_group.item_id, records.concerned_group.item_name)
            as group_id,
        {{ changed_text('records.changes', 'permission') }} is not null
        and records.scheme is not null as is_grant,
        coalesce(
            named_permissions.permission_key,
            upper(
                regexp_replace(
                    {{ changed_text('records.changes', 'permission') }}, '[^\p{L}\p{N}]+', '_', 'g'
                )
            )
        ) || ':' || coalesce(
            lower({{ changed_text('records.changes', 'type') }}[1])
            || replace({{ changed_text('records.changes', 'type') }}[2:], ' ', ''),
            ''
        ) || ':' || coalesce({{ changed_text('records.changes', 'value') }}, '') as grant_key
    from records
    inner join action_types on records.action_code = action_types.action_code
    left join user_keys
        on records.site_id = user_keys.site_id and records.concerned_user.item_id = user_keys.user_key
    left join people
        on records.site_id = people.site_id and user_keys.account_id = people.account_id
    left join named_groups
        on
            records.site_id = named_groups.site_id
            and records.concerned_group.item_name = named_groups.group_name
    left join named_permissions
        on
            records.site_id = named_permissions.site_id
            and {{ changed_text('records.changes', 'permission') }} = named_permissions.permission_name
),

events as (
    select
        site_id,
        source,
        source_event_id,
        item_key,
        action_code,
        case
            when target_type = 'group' then group_id || ':' || coalesce(user_id, '')
            when is_grant then scheme.item_id || ':' || grant_key
            when
                target_type = 'permission scheme' and project is not null
                then project.item_id || ':' || scheme.item_id
            when
                target_type = 'project role' and project is not null
                then project.item_id || ':' || project_role.item_id
            when target_type = 'user' then user_id
        end as joint_key,
        occurred_at,
        recorded_at,
        actor_account_id,
        case
            when target_type = 'group' then group_id
            when target_type = 'user' then user_id
            when target_type = 'project role' then project_role.item_id
            when target_type = 'permission scheme' then scheme.item_id
        end as known_target_id,
        case
            when target_type = 'group' then concerned_group.item_name
            when target_type = 'user' then user_name
            when target_type = 'project role' then project_role.item_name
            when target_type = 'permission scheme' then scheme.item_name
            else items[1].item_name
        end as target_label,
        coalesce(items[1].item_id, items[1].item_name, source_event_id) as first_item_id,
        project.item_id as project_id,
        case
            when target_type = 'group' and action_code like '%REMOVED%' then {{ one_change(
                "'member'", "'Member'", old_id='user_id', old_text='user_name'
            ) }}
            when target_type = 'group' then {{ one_change(
                "'member'", "'Member'", new_id='user_id', new_text='user_name'
            ) }}
            when is_grant
                then
                    cast(
                        list_transform(
                            changes,
                            lambda change: struct_pack(
                                item_index := change.item_index,
                                field_id := change.field_id,
                                field_name := change.field_name,
                                old_id := case
                                    when
                                        change.field_id = 'permission' and change.old_text is not null
                                        then grant_key
                                end,
                                old_text := change.old_text,
                                new_id := case
                                    when
                                        change.field_id = 'permission' and change.new_text is not null
                                        then grant_key
                                end,
                                new_text := change.new_text
                            )
                        ) as {{ changes_type() }}
                    )
            else changes
        end as changes
    from resolved
),

final as (
    {{ evidence('events', {
        'match_key': 'coalesce(joint_key, known_target_id, first_item_id)',
        'target_id': 'coalesce(known_target_id, first_item_id)',
        'observed_from_at': 'null',
        'observed_to_at': 'null',
        'actor_certainty': "case when actor_account_id is null then 'unknown' else 'known' end",
        'issue_id': 'null',
    }) }}
)

select * from final
