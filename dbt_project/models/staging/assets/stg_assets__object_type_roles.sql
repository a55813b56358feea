{{ config(unique_key=['site_id', 'role_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_assets', 'object_type_roles') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'actors': [{'type': 'varchar', 'name': 'varchar', 'displayName': 'varchar'}],
        }) }} as listed_role
    from raw
),

final as (
    select
        site_id,
        object_id as role_id,
        version,
        parent_id as object_type_id,
        listed_role.name as role_name,
        {{ role_members('listed_role.actors') }} as members,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
