{{ config(unique_key=['site_id', 'object_type_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_assets', 'object_types') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {'name': 'varchar'}) }} as object_type
    from raw
),

final as (
    select
        site_id,
        object_id as object_type_id,
        version,
        parent_id as object_schema_id,
        object_type.name as object_type_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
