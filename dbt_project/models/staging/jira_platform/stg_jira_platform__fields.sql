{{ config(unique_key=['site_id', 'field_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'fields') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'custom': 'boolean',
            'schema': {'type': 'varchar'},
        }) }} as field
    from raw
),

final as (
    select
        site_id,
        object_id as field_id,
        version,
        field.name as field_name,
        coalesce(field.custom, false) as is_custom,
        field.schema.type as field_type,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
