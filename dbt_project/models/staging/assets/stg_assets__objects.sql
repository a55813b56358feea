{{ config(unique_key=['site_id', 'object_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_assets', 'objects') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'label': 'varchar',
            'objectKey': 'varchar',
            'objectType': {'id': 'varchar', 'name': 'varchar'},
            'created': 'varchar',
        }) }} as asset
    from raw
),

final as (
    select
        site_id,
        object_id,
        version,
        parent_id as object_schema_id,
        asset.label as object_label,
        asset.objectkey as object_key,
        asset.objecttype.id as object_type_id,
        asset.objecttype.name as object_type_name,
        {{ utc_timestamp('asset.created') }} as created_at,
        source_at as updated_at,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
