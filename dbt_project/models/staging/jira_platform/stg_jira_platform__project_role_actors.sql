{{ config(unique_key=['site_id', 'project_id', 'role_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'project_role_actors') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'actors': [{
                'displayName': 'varchar',
                'actorUser': {'accountId': 'varchar'},
                'actorGroup': {'groupId': 'varchar', 'name': 'varchar'},
            }],
        }) }} as project_role
    from raw
),

final as (
    select
        site_id,
        parent_id as project_id,
        object_id as role_id,
        version,
        project_role.name as role_name,
        list_transform(
            list_filter(
                coalesce(project_role.actors, []), lambda actor: actor.actoruser.accountid is not null
            ),
            lambda actor: struct_pack(
                account_id := actor.actoruser.accountid, display_name := actor.displayname
            )
        ) as role_users,
        list_transform(
            list_filter(
                coalesce(project_role.actors, []), lambda actor: actor.actorgroup.groupid is not null
            ),
            lambda actor: struct_pack(
                group_id := actor.actorgroup.groupid, group_name := actor.actorgroup.name
            )
        ) as role_groups,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
