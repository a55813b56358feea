{{ config(unique_key=['site_id', 'project_id', 'version_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'versions') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'description': 'varchar',
            'released': 'boolean',
            'archived': 'boolean',
            'startDate': 'varchar',
            'releaseDate': 'varchar',
        }) }} as release
    from raw
),

final as (
    select
        site_id,
        parent_id as project_id,
        object_id as version_id,
        version,
        release.name as version_name,
        nullif(release.description, '') as description,
        coalesce(release.released, false) as is_released,
        coalesce(release.archived, false) as is_archived,
        release.startdate as start_date,
        release.releasedate as release_date,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
