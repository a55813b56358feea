with objects as (
    select * from {{ ref('int_assets__listed') }}
),

schemas as (
    select * from {{ ref('int_asset_schemas__listed') }}
),

types as (
    select * from {{ ref('int_asset_types__listed') }}
),

final as (
    select
        objects.object_id,
        objects.object_key,
        objects.object_label,
        objects.object_schema_id,
        schemas.object_schema_name,
        objects.object_type_id,
        coalesce(types.object_type_name, objects.object_type_name) as object_type_name,
        objects.created_at,
        objects.updated_at,
        objects.is_deleted,
        objects.site_id
    from objects
    left join schemas
        on objects.site_id = schemas.site_id and objects.object_schema_id = schemas.object_schema_id
    left join types
        on objects.site_id = types.site_id and objects.object_type_id = types.object_type_id
)

select * from final
