{{ config(unique_key=['site_id', 'resolution_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'resolutions') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
        }) }} as resolution
    from raw
),

final as (
    select
        site_id,
        object_id as resolution_id,
        version,
        resolution.name as resolution_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
