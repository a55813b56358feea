{{ config(unique_key=['site_id', 'role_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_assets', 'object_type_roles') }}
),

final as (
    {{ asset_role_versions('raw', 'object_type_id') }}
)

select * from final
