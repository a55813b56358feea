with types as (
    select * from {{ ref('stg_assets__object_types') }}
),

final as (
    {{ latest_listed('types', 'object_type_id') }}
)

select * from final
