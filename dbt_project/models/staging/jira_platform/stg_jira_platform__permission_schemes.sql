{{ config(unique_key=['site_id', 'scheme_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'permission_schemes') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'description': 'varchar',
            'permissions': [{
                'permission': 'varchar',
                'holder': {
                    'type': 'varchar',
                    'parameter': 'varchar',
                    'value': 'varchar',
                    'group': {'name': 'varchar'},
                    'projectRole': {'name': 'varchar'},
                    'user': {'displayName': 'varchar'},
                },
            }],
        }) }} as scheme
    from raw
),

final as (
    select
        site_id,
        object_id as scheme_id,
        version,
        scheme.name as scheme_name,
        nullif(scheme.description, '') as scheme_description,
        list_transform(
            coalesce(scheme.permissions, []),
            lambda granted: struct_pack(
                permission_key := granted.permission,
                holder_type := granted.holder.type,
                holder_id := coalesce(granted.holder.value, granted.holder.parameter),
                holder_name := coalesce(
                    granted.holder."group".name,
                    granted.holder.projectrole.name,
                    granted.holder.user.displayname,
                    granted.holder.parameter
                )
            )
        ) as grants,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
