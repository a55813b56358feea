{{ config(unique_key=['site_id', 'group_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'groups') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
        }) }} as listed_group
    from raw
),

final as (
    select
        site_id,
        object_id as group_id,
        version,
        listed_group.name as group_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
