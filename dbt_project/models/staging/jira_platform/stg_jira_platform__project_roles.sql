{{ config(unique_key=['site_id', 'role_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'project_roles') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'description': 'varchar',
        }) }} as project_role
    from raw
),

final as (
    select
        site_id,
        object_id as role_id,
        version,
        project_role.name as role_name,
        nullif(project_role.description, '') as role_description,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
