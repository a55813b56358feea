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
                'holder': holder_shape(),
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
                holder_id := {{ holder_id('granted.holder') }},
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
