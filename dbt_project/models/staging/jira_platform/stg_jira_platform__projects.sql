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
            'description': 'varchar',
            'projectCategory': {'id': 'varchar', 'name': 'varchar'},
            'lead': embedded_user_shape(),
            'archived': 'boolean',
            'archivedDate': 'varchar',
            'archivedBy': embedded_user_shape(),
            'deleted': 'boolean',
            'deletedDate': 'varchar',
            'deletedBy': embedded_user_shape(),
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
        nullif(project.description, '') as project_description,
        project.projectcategory.id as project_category_id,
        project.projectcategory.name as project_category,
        {{ embedded_user('project.lead') }} as project_lead,
        coalesce(project.archived, false) as is_archived,
        coalesce(project.deleted, false) as is_trashed,
        case
            when project.deleted then {{ utc_timestamp('project.deleteddate') }}
            else {{ utc_timestamp('project.archiveddate') }}
        end as state_changed_at,
        case
            when project.deleted then {{ embedded_user('project.deletedby') }}
            else {{ embedded_user('project.archivedby') }}
        end as state_changed_by,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
