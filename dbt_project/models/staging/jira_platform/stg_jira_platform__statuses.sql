{{ config(unique_key=['site_id', 'status_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'statuses') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'statusCategory': {'key': 'varchar'},
        }) }} as status
    from raw
),

final as (
    select
        site_id,
        object_id as status_id,
        version,
        status.name as status_name,
        status.statuscategory.key as status_category,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
