{{ config(unique_key=['site_id', 'category_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'project_categories') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
        }) }} as category
    from raw
),

final as (
    select
        site_id,
        object_id as category_id,
        version,
        category.name as category_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
