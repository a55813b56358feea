{{ config(unique_key=['site_id', 'issue_type_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'issue_types') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'description': 'varchar',
            'subtask': 'boolean',
            'hierarchyLevel': 'integer',
            'scope': {'project': {'id': 'varchar'}},
        }) }} as issue_type
    from raw
),

final as (
    select
        site_id,
        object_id as issue_type_id,
        version,
        issue_type.name as issue_type_name,
        nullif(issue_type.description, '') as description,
        coalesce(issue_type.subtask, false) as is_subtask,
        issue_type.hierarchylevel as hierarchy_level,
        issue_type.scope.project.id as project_id,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
