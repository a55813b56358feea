{{ config(unique_key=['site_id', 'organization_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'organizations') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
        }) }} as organization
    from raw
),

final as (
    select
        site_id,
        object_id as organization_id,
        version,
        organization.name as organization_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
