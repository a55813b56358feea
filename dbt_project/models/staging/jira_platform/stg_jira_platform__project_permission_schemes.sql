{{ config(unique_key=['site_id', 'project_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'project_permission_schemes') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'id': 'varchar',
            'name': 'varchar',
        }) }} as scheme
    from raw
),

final as (
    select
        site_id,
        object_id as project_id,
        version,
        scheme.id as scheme_id,
        scheme.name as scheme_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
