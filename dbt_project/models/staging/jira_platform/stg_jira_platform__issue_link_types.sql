{{ config(unique_key=['site_id', 'link_type_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'issue_link_types') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'inward': 'varchar',
            'outward': 'varchar',
        }) }} as link_type
    from raw
),

final as (
    select
        site_id,
        object_id as link_type_id,
        version,
        link_type.name as link_type_name,
        link_type.inward as inward_phrase,
        link_type.outward as outward_phrase,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
