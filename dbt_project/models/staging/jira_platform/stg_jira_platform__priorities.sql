{{ config(unique_key=['site_id', 'priority_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'priorities') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
        }) }} as priority
    from raw
),

final as (
    select
        site_id,
        object_id as priority_id,
        version,
        priority.name as priority_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
