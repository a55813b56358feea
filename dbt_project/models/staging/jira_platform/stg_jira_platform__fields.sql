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
            'searchable': 'boolean',
            'clauseNames': ['varchar'],
            'schema': {'type': 'varchar', 'items': 'varchar', 'custom': 'varchar'},
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
        field.schema.items as item_type,
        field.schema.custom as custom_type,
        coalesce(field.clausenames, []) as clause_names,
        coalesce(field.searchable, false) as is_searchable,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
