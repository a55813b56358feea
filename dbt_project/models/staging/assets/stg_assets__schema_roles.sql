{{ config(unique_key=['site_id', 'role_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_assets', 'schema_roles') }}
),

final as (
    {{ asset_role_versions('raw', 'object_schema_id') }}
)

select * from final
