{{ config(unique_key=['site_id', 'project_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'projects') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'key': 'varchar',
            'name': 'varchar',
            'projectTypeKey': 'varchar',
            'projectCategory': {'name': 'varchar'},
            'lead': embedded_user_shape(),
            'archived': 'boolean',
            'deleted': 'boolean',
        }) }} as project
    from raw
),

final as (
    select
        site_id,
        object_id as project_id,
        version,
        project.key as project_key,
        project.name as project_name,
        project.projecttypekey as project_type,
        project.projectcategory.name as project_category,
        {{ embedded_user('project.lead') }} as project_lead,
        coalesce(project.archived, false) as is_archived,
        coalesce(project.deleted, false) as is_trashed,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
