{{ config(unique_key=['site_id', 'object_schema_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_assets', 'object_schemas') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {'name': 'varchar', 'objectSchemaKey': 'varchar'}) }} as object_schema
    from raw
),

final as (
    select
        site_id,
        object_id as object_schema_id,
        version,
        object_schema.name as object_schema_name,
        object_schema.objectschemakey as object_schema_key,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
