with schemas as (
    select * from {{ ref('stg_assets__object_schemas') }}
),

final as (
    {{ latest_listed('schemas', 'object_schema_id') }}
)

select * from final
